"""The names below `/stream/hls/{id}/{token}/` that mean a file; every other text is no file (design.md section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from vod.errors import NotFound
from vod.storage import DIGEST, FILE_NAME, MASTER, RENDITION, Storage, segment_name

PLAYLIST_SUFFIXES = ("m3u8", "mpd")


@dataclass(frozen=True, slots=True)
class HlsName:
    """`digest` and `rendition` are empty where the file lies above them."""

    digest: str
    rendition: str
    file: str

    @classmethod
    def parse(cls, text: str) -> HlsName:
        """Raises NotFound."""
        match text.split("/"):
            case [file] if file == MASTER:
                return cls("", "", file)
            case [digest, file] if DIGEST.match(digest) and FILE_NAME.match(file) and is_playlist(file):
                return cls(digest, "", file)
            case [digest, rendition, file] if (
                DIGEST.match(digest) and RENDITION.match(rendition) and FILE_NAME.match(file)
            ):
                return cls(digest, rendition, file)
        raise NotFound("There is no such file.")

    @property
    def segment(self) -> int | None:
        """Its number, for the name of a segment."""
        stem = self.file.removesuffix(".m4s")
        number = int(stem) if stem.isdecimal() else None
        return number if number is not None and segment_name(number) == self.file else None

    @property
    def suffix(self) -> str:
        return self.file.rpartition(".")[2]

    def path(self, storage: Storage, media_id: UUID) -> Path:
        if not self.digest:
            return storage.master(media_id)
        if not self.rendition:
            return storage.plan_folder(media_id, self.digest) / self.file
        return storage.rendition(media_id, self.digest, self.rendition) / self.file


def is_playlist(name: str) -> bool:
    return name.rpartition(".")[2] in PLAYLIST_SUFFIXES
