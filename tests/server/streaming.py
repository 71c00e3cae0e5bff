"""One film on a disk, half encoded, and the stream routes alone in front of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from uuid import UUID

from aiohttp import web

from server import streams, transport
from server.errors import answer_errors
from server.holes import HOLES, Holes
from server.keys import CONFIG, STORAGE, TOKENS
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
from vod.config import Config
from vod.hls.plan import AudioPlan, Plan, Rung, VideoPlan
from vod.queue import Bell
from vod.storage import Storage
from vod.tokens import Scope, TokenKeys

FILM = UUID("11111111-1111-4111-8111-111111111111")
FAR = 4_000_000_000  # an expiry beyond any test
SEGMENT_BYTES = 300_000
MASTER = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{digest}/720p.m3u8\n"


def make_plan(segments: int = 4) -> Plan:
    rung = Rung(name="720p", width=1280, height=720, profile="high", level="3.1", crf=23, peak_bps=1, buffer_bits=1)
    video = VideoPlan(
        stream_index=0,
        timescale=24,
        ticks_per_source_tick=1,
        origin_ticks=0,
        tolerance_ticks=0,
        cuts=tuple(range(0, 144 * (segments + 1), 144)),
        frames_end_ticks=144 * segments,
        frame_rate=Fraction(24),
        frame_count=144 * segments,
        longest_gop_seconds=Fraction(2),
        rotation=0,
        interlaced=False,
        transfer="sdr",
        colour=("", "", "", ""),
        rungs=(rung,),
    )
    audio: tuple[AudioPlan, ...] = ()
    return Plan(
        format_name="mp4",
        indexed=True,
        start_seconds=Fraction(0),
        duration_seconds=Fraction(6 * segments),
        segment_seconds=Fraction(6),
        preset="veryfast",
        video=video,
        audio=audio,
    )


@dataclass
class Film:
    """Two of four planned segments are there."""

    storage: Storage
    tokens: TokenKeys
    plan: Plan = field(default_factory=make_plan)
    bytes_of: dict[str, bytes] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return self.plan.digest

    def write(self) -> None:
        dice = random.Random(1)
        folder = self.storage.rendition(FILM, self.digest, "720p")
        folder.mkdir(parents=True)
        self.put(self.storage.plan(FILM, self.digest), self.plan.to_json().encode())
        self.put(self.storage.master(FILM), MASTER.format(digest=self.digest).encode())
        self.put(self.storage.media_playlist(FILM, self.digest, "720p"), b"#EXTM3U\n" + b"#EXTINF:6,\n" * 500)
        self.put(self.storage.init_section(FILM, self.digest, "720p"), dice.randbytes(700))
        for number in (0, 1):
            self.put(self.storage.segment(FILM, self.digest, "720p", number), dice.randbytes(SEGMENT_BYTES + number))
        self.put(self.storage.original(FILM, "mkv"), dice.randbytes(3 << 20))

    def put(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)
        self.bytes_of[str(path.relative_to(self.storage.root))] = data

    def token(self, scope: Scope = Scope.HLS) -> str:
        return self.tokens.sign(FILM, "u1", scope, FAR)

    def hls(self, name: str) -> str:
        return f"/stream/hls/{FILM}/{self.token()}/{name}"

    def segment(self, number: int = 0) -> str:
        return self.hls(f"{self.digest}/720p/{number:05d}.m4s")

    def segment_bytes(self, number: int = 0) -> bytes:
        return self.bytes_of[f"hls/{FILM}/{self.digest}/720p/{number:05d}.m4s"]

    def original(self, name: str = "film.mkv") -> str:
        return f"/stream/original/{FILM}/{self.token(Scope.ORIGINAL)}/{name}"

    @property
    def original_bytes(self) -> bytes:
        return self.bytes_of[f"originals/{FILM}.mkv"]


def make_film(root: Path) -> Film:
    storage = Storage(root)
    storage.prepare()
    film = Film(storage, TokenKeys.load(storage.secret("token-keys")))
    film.write()
    return film


async def _holes(app: web.Application) -> AsyncIterator[None]:
    """Nobody is at any film here: what is missing stays missing."""
    root = app[STORAGE].root
    database = Database(f"sqlite:///{root / 'homereel.db'}", threads=1)
    await asyncio.to_thread(database.open)
    await asyncio.to_thread(migrate, database)
    app[HOLES] = Holes(database, Bell(app[STORAGE].doorbells), asyncio.Event())
    yield
    await asyncio.to_thread(database.close)


def make_app(film: Film, config: Config | None = None) -> web.Application:
    app = web.Application(middlewares=[answer_errors])
    app[STORAGE], app[TOKENS], app[CONFIG] = film.storage, film.tokens, config or Config()
    app.cleanup_ctx.extend([_holes, streams.context, transport.context])
    app.add_routes((*transport.routes, *streams.routes))
    return app
