"""The only maker of paths, and the only way a file appears.

Layout below the media root (design.md section 4)::

    incoming/{upload}            bytes on their way in
    originals/{id}.{ext}         never changed once there
    hls/{id}/master.m3u8         what can be served now
    hls/{id}/{digest}/           plan.json, ladder.m3u8, manifest.mpd, media playlists, one folder a rendition
    artwork/{id}/                poster and stills
    subtitles/{id}/              subtitle files that people added, cleaned
    ballast                      room for the rows of a full disk
    run/                         doorbells of the workers of this host
    secrets/                     0600 files: token keys, set-up code

Names come from ids, digests and rendition names that this program made; a foreign string that does not
match the exact pattern is refused here, whatever a caller forgot. A file appears by rename after fsync,
whole or not at all (style.md rule 9; security.md R3).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from vod.errors import NotFound

Bytes = bytes | bytearray | memoryview

EXTENSION = re.compile(r"[a-z0-9]{1,8}\Z")
DIGEST = re.compile(r"[0-9a-f]{16}\Z")
RENDITION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\.(m3u8|mpd|json|mp4|m4s|vtt|ass|bin|jpg|webp)\Z")
MASTER = "master.m3u8"
LADDER = "ladder.m3u8"
DASH = "manifest.mpd"
INIT_SECTION = "init.mp4"
SEGMENT_INDEX = "segments.idx"  # in place of the segments, where those are ranges of the original
WHOLE_SUBTITLES = "whole.vtt"
FONTS = "fonts"
TRICKPLAY, STILLS = "trickplay", "stills.vtt"
BALLAST_BYTES = 512 << 10  # some dozens of transactions in a write-ahead log
SECRET = re.compile(r"[a-z][a-z-]*\Z")


class Storage:
    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def prepare(self) -> None:
        """Make the folders; idempotent. Secrets are for the owner alone."""
        for name in ("incoming", "originals", "hls", "artwork"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        secrets = self.root / "secrets"
        secrets.mkdir(exist_ok=True)
        secrets.chmod(0o700)

    def incoming(self, upload_id: UUID) -> Path:
        return self.root / "incoming" / str(upload_id)

    def unfinished(self) -> list[Path]:
        """Every file in incoming/."""
        return list((self.root / "incoming").iterdir())

    def original(self, media_id: UUID, extension: str) -> Path:
        return self.root / "originals" / f"{media_id}.{_checked(EXTENSION, extension)}"

    def find_original(self, media_id: UUID) -> Path:
        """For who has no row to ask for the extension. Blocks; raises FileNotFoundError."""
        for path in (self.root / "originals").glob(f"{media_id}.*"):
            return path
        raise FileNotFoundError(str(media_id))

    def hls(self, media_id: UUID) -> Path:
        return self.root / "hls" / str(media_id)

    def refused_copies(self, media_id: UUID) -> Path:
        """A mark: what was handed on of this original as it is did not stand the verification."""
        return self.hls(media_id) / "no-copies"

    def refused_hardware(self, media_id: UUID) -> Path:
        """A mark: graphics hardware failed on this original, or the worker that has it is gone."""
        return self.hls(media_id) / "no-hardware"

    def master(self, media_id: UUID) -> Path:
        return self.hls(media_id) / MASTER

    def plan_folder(self, media_id: UUID, digest: str) -> Path:
        return self.hls(media_id) / _checked(DIGEST, digest)

    def plan(self, media_id: UUID, digest: str) -> Path:
        return self.plan_folder(media_id, digest) / "plan.json"

    def ladder(self, media_id: UUID, digest: str) -> Path:
        return self.plan_folder(media_id, digest) / LADDER

    def dash(self, media_id: UUID, digest: str) -> Path:
        return self.plan_folder(media_id, digest) / DASH

    def media_playlist(self, media_id: UUID, digest: str, rendition: str) -> Path:
        return self.plan_folder(media_id, digest) / f"{_checked(RENDITION, rendition)}.m3u8"

    def rendition(self, media_id: UUID, digest: str, rendition: str) -> Path:
        return self.plan_folder(media_id, digest) / _checked(RENDITION, rendition)

    def init_section(self, media_id: UUID, digest: str, rendition: str) -> Path:
        return self.rendition(media_id, digest, rendition) / INIT_SECTION

    def segment_index(self, media_id: UUID, digest: str, rendition: str) -> Path:
        return self.rendition(media_id, digest, rendition) / SEGMENT_INDEX

    def virtual_segment(self, media_id: UUID, digest: str, rendition: str, number: int) -> Path:
        return self.rendition(media_id, digest, rendition) / index_name(number)

    def segment(self, media_id: UUID, digest: str, rendition: str, number: int) -> Path:
        return self.rendition(media_id, digest, rendition) / segment_name(number)

    def trickplay(self, media_id: UUID, digest: str) -> Path:
        return self.plan_folder(media_id, digest) / TRICKPLAY

    def stills(self, media_id: UUID, digest: str) -> Path:
        """Which still belongs to which stretch of the film; where it is, the sheets are."""
        return self.trickplay(media_id, digest) / STILLS

    def artwork(self, media_id: UUID, name: str) -> Path:
        return self.root / "artwork" / str(media_id) / _checked(FILE_NAME, name)

    def sidecars(self, media_id: UUID) -> Path:
        return self.root / "subtitles" / str(media_id)

    def sidecar(self, media_id: UUID, sidecar_id: UUID, suffix: str) -> Path:
        return self.sidecars(media_id) / _checked(FILE_NAME, f"{sidecar_id}.{suffix}")

    @property
    def doorbells(self) -> Path:
        """Where the workers of this host wait for a ring (vod.queue)."""
        return self.root / "run"

    @property
    def encoder_lock(self) -> Path:
        return self.doorbells / "encoder.lock"

    def secret(self, name: str) -> Path:
        return self.root / "secrets" / _checked(SECRET, name)

    def segments_present(self, media_id: UUID, digest: str, rendition: str) -> set[int]:
        """Existence is answered by the disk alone (design.md section 2 rule 5)."""
        try:
            names = os.listdir(self.rendition(media_id, digest, rendition))
        except FileNotFoundError:
            return set()
        return {int(name[:-4]) for name in names if name.endswith((".m4s", ".idx")) and name[:-4].isdecimal()}

    def delete_media(self, media_id: UUID, extension: str) -> None:
        """Remove every byte of one media file; idempotent. The original goes last."""
        shutil.rmtree(self.hls(media_id), ignore_errors=True)
        shutil.rmtree(self.root / "artwork" / str(media_id), ignore_errors=True)
        shutil.rmtree(self.sidecars(media_id), ignore_errors=True)
        self.original(media_id, extension).unlink(missing_ok=True)

    def lay_ballast(self, least_free_bytes: int) -> None:
        """Room that nothing uses, so that it can still be recorded when the disk is full. Blocks."""
        with suppress(OSError):
            if not self._ballast.exists() and self.free_bytes() > least_free_bytes:
                publish(self._ballast, bytes(BALLAST_BYTES))

    def drop_ballast_where_full(self) -> None:
        """Where the disk is full, rows, which lie on it too perhaps, have this room. Blocks."""
        if self.free_bytes() < BALLAST_BYTES:
            self._ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        return self.root / "ballast"

    def is_writable(self) -> bool:
        """False on a disk that is mounted read-only, also for root."""
        return os.access(self.root / "incoming", os.W_OK)

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.root).free


def index_name(number: int) -> str:
    """Of one virtual segment, where the original is not indexed as a whole."""
    return f"{number:05d}.idx"


def segment_name(number: int) -> str:
    return f"{number:05d}.m4s"


def subtitle_segment_name(number: int) -> str:
    return f"{number:05d}.vtt"


def publish(path: Path, *parts: Bytes, mode: int = 0o644) -> None:
    """Make `path` appear whole, in place of what was there. The caller fsyncs the folder when it must last.

    Raises OSError (disk full too) and then leaves nothing behind.
    """
    with _aside(path, parts, mode) as aside:
        os.rename(aside, path)


def publish_once(path: Path, *parts: Bytes) -> bool:
    """Like `publish`, but a present file is final: then nothing changes and the answer is False."""
    if path.exists():
        return False
    with _aside(path, parts, 0o644) as aside:
        try:
            os.link(aside, path)
        except FileExistsError:
            return False
        except OSError:
            # exFAT and some network shares know no links; two workers then write the same bytes in turn
            os.rename(aside, path)
    return True


@contextmanager
def publishing(path: Path) -> Iterator[BinaryIO]:
    """Like `publish`, for what comes piece by piece: the file appears when the block ends, unless it raises."""
    aside = _name_aside(path)
    try:
        with aside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.rename(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _name_aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")


@contextmanager
def _aside(path: Path, parts: Iterable[Bytes], mode: int) -> Iterator[Path]:
    """The content under another name in the same folder, durable; gone afterwards."""
    aside = _name_aside(path)
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            for part in parts:
                _write_all(descriptor, part)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        yield aside
    finally:
        aside.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """mkdir -p whose every new level survives a power cut (security.md 4.1, MinIO row)."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_folder(folder.parent)


def sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: Bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _checked(pattern: re.Pattern[str], name: str) -> str:
    if not pattern.match(name):
        raise NotFound("There is no such file.")
    return name
