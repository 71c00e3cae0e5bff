"""Three short films for an empty library: made by ffmpeg from nothing, uploaded to a running server.

HOMEREEL_KEY=… python -m bench.seed [http://localhost:8470]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import aiohttp

SECONDS = 30
ENCODING = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-t", str(SECONDS))


@dataclass(frozen=True, slots=True)
class Film:
    fields: dict[str, str]  # of POST /media/upload
    file_name: str
    picture: str  # lavfi sources
    sound: str


FILMS = (
    Film({"title": "Test card"}, "Test card.mkv", "testsrc2=size=1920x1080:rate=25", "sine=frequency=440"),
    Film(
        {"title": "Life"},
        "Life.mp4",
        "life=size=640x360:mold=10:rate=24:life_color=gold:seed=1",
        "anoisesrc=amplitude=0.05",
    ),
    Film(
        {"kind": "episode", "series": "Skies", "season": "1", "episode": "1", "title": "Dusk"},
        "Skies S01E01.mp4",
        "gradients=size=1280x720:rate=25:seed=7:speed=0.02",
        "sine=frequency=220:beep_factor=4",
    ),
)


async def make(film: Film, folder: Path) -> Path:
    path = folder / film.file_name
    inputs = ("-f", "lavfi", "-i", film.picture, "-f", "lavfi", "-i", film.sound)
    process = await asyncio.create_subprocess_exec("ffmpeg", "-v", "error", "-nostdin", *inputs, *ENCODING, path)
    if await process.wait():
        sys.exit(f"ffmpeg could not make {film.file_name}")
    return path


async def upload(session: aiohttp.ClientSession, film: Film, path: Path) -> str:
    """The new media file's id. Fields go before the file: the server does not read ahead of what it stores."""
    form = aiohttp.FormData(film.fields)
    with path.open("rb") as body:
        form.add_field("file", body, filename=film.file_name)
        async with session.post("/media/upload", data=form) as response:
            answer = await response.json(content_type=None)
            if response.status != 200:
                sys.exit(f"{film.file_name}: {answer.get('detail', response.status)}")
            return str(answer["mediaFileId"])


async def seed(server: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(server, headers=headers) as session:
        with tempfile.TemporaryDirectory() as folder:
            for film in FILMS:
                path = await make(film, Path(folder))
                print(f"{film.file_name}: {await upload(session, film, path)}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.seed", description="Upload three short films.")
    parser.add_argument("server", nargs="?", default="http://localhost:8470")
    server = parser.parse_args().server
    if not (key := os.environ.get("HOMEREEL_KEY", "")):
        sys.exit("HOMEREEL_KEY is not set: .venv/bin/homereel key add seed")
    asyncio.run(seed(server, key))


if __name__ == "__main__":
    main()
