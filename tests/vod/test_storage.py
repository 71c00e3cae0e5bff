from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from vod.errors import NotFound
from vod.storage import BALLAST_BYTES, Storage, make_folder, publish, segment_name

FILM = UUID("00000000-0000-4000-8000-000000000001")
DIGEST = "0123456789abcdef"

HOSTILE = [
    pytest.param("..", id="parent"),
    pytest.param("../720p", id="parent and more"),
    pytest.param("a/b", id="slash"),
    pytest.param("%2e%2e", id="encoded"),
    pytest.param("/etc", id="absolute"),
    pytest.param(".hidden", id="hidden"),
    pytest.param("", id="empty"),
    pytest.param("720p\n", id="trailing newline"),
    pytest.param("720p\0", id="zero byte"),
    pytest.param("７20p", id="full-width digit"),
]


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    storage = Storage(tmp_path / "media")
    storage.prepare()
    return storage


def entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_every_path_lies_where_the_layout_says(storage: Storage) -> None:
    paths = [
        storage.incoming(FILM),
        storage.original(FILM, "mkv"),
        storage.master(FILM),
        storage.plan(FILM, DIGEST),
        storage.media_playlist(FILM, DIGEST, "audio-eng"),
        storage.init_section(FILM, DIGEST, "720p"),
        storage.segment(FILM, DIGEST, "720p", 7),
        storage.artwork(FILM, "poster.jpg"),
        storage.secret("token-keys"),
    ]
    assert [str(path.relative_to(storage.root)) for path in paths] == [
        f"incoming/{FILM}",
        f"originals/{FILM}.mkv",
        f"hls/{FILM}/master.m3u8",
        f"hls/{FILM}/{DIGEST}/plan.json",
        f"hls/{FILM}/{DIGEST}/audio-eng.m3u8",
        f"hls/{FILM}/{DIGEST}/720p/init.mp4",
        f"hls/{FILM}/{DIGEST}/720p/00007.m4s",
        f"artwork/{FILM}/poster.jpg",
        "secrets/token-keys",
    ]


MAKERS: dict[str, Callable[[Storage, str], Path]] = {
    "original": lambda storage, name: storage.original(FILM, name),
    "plan folder": lambda storage, name: storage.plan_folder(FILM, name),
    "rendition": lambda storage, name: storage.rendition(FILM, DIGEST, name),
    "media playlist": lambda storage, name: storage.media_playlist(FILM, DIGEST, name),
    "artwork": lambda storage, name: storage.artwork(FILM, name),
    "secret": lambda storage, name: storage.secret(name),
}


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in MAKERS.items()])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_foreign_name_becomes_no_path(storage: Storage, make: Callable[[Storage, str], Path], name: str) -> None:
    with pytest.raises(NotFound):
        make(storage, name)


def test_secrets_are_for_the_owner_alone(storage: Storage) -> None:
    assert (storage.root / "secrets").stat().st_mode & 0o777 == 0o700


def test_preparing_twice_changes_nothing(storage: Storage) -> None:
    publish(storage.secret("token-keys"), b"key")
    storage.prepare()
    assert storage.secret("token-keys").read_bytes() == b"key"


def test_present_segments_are_what_lies_on_the_disk(storage: Storage) -> None:
    make_folder(storage.rendition(FILM, DIGEST, "720p"))
    for number in (0, 12, 100_000):
        publish(storage.segment(FILM, DIGEST, "720p", number), b"moof")
    publish(storage.init_section(FILM, DIGEST, "720p"), b"moov")
    (storage.rendition(FILM, DIGEST, "720p") / ".00003.m4s.1.aa.part").touch()
    assert storage.segments_present(FILM, DIGEST, "720p") == {0, 12, 100_000}


def test_a_rendition_nobody_began_has_no_segments(storage: Storage) -> None:
    assert storage.segments_present(FILM, DIGEST, "720p") == set()


def test_segment_names_sort_like_their_numbers() -> None:
    names = [segment_name(number) for number in (0, 9, 10, 99_999)]
    assert names == sorted(names) == ["00000.m4s", "00009.m4s", "00010.m4s", "99999.m4s"]


def test_deleting_leaves_no_byte_and_no_other_film(storage: Storage) -> None:
    other = UUID(int=2)
    for film in (FILM, other):
        publish(storage.original(film, "mp4"), b"film")
        make_folder(storage.rendition(film, DIGEST, "720p"))
        publish(storage.segment(film, DIGEST, "720p", 0), b"moof")
    storage.delete_media(FILM, "mp4")
    storage.delete_media(FILM, "mp4")
    assert entries(storage.root / "originals") == [f"{other}.mp4"]
    assert entries(storage.root / "hls") == [str(other)]


def test_publish_joins_its_parts_and_leaves_nothing_else(tmp_path: Path) -> None:
    publish(tmp_path / "00000.m4s", b"styp", b"", b"moof", mode=0o640)
    assert entries(tmp_path) == ["00000.m4s"]
    assert (tmp_path / "00000.m4s").read_bytes() == b"stypmoof"
    assert (tmp_path / "00000.m4s").stat().st_mode & 0o777 == 0o640


def test_publish_replaces_a_file_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "master.m3u8"
    publish(path, b"old")
    with path.open("rb") as reader:
        publish(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


def test_a_full_disk_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "master.m3u8"
    publish(path, b"old")
    monkeypatch.setattr(os, "fsync", _no_space)
    with pytest.raises(OSError, match="No space left"):
        publish(path, b"new")
    assert entries(tmp_path) == ["master.m3u8"] and path.read_bytes() == b"old"


def _no_space(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_publish_is_durable_before_it_is_visible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "00000.m4s"
    visible_at_fsync: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda _descriptor: visible_at_fsync.append(path.exists()))
    publish(path, b"moof")
    assert visible_at_fsync == [False] and path.exists()


def test_make_folder_syncs_the_parent_of_every_new_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(str(Path(f"/proc/self/fd/{fd}").readlink())))
    make_folder(tmp_path / "a" / "b")
    assert synced == [str(tmp_path / "a"), str(tmp_path)]
    make_folder(tmp_path / "a" / "b")
    assert len(synced) == 2


def test_a_full_disk_has_room_for_rows_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Storage(tmp_path)
    storage.lay_ballast(0)
    assert (tmp_path / "ballast").stat().st_size == BALLAST_BYTES
    storage.drop_ballast_where_full()
    assert (tmp_path / "ballast").exists()
    monkeypatch.setattr(storage, "free_bytes", lambda: BALLAST_BYTES - 1)
    storage.drop_ballast_where_full()
    storage.drop_ballast_where_full()
    assert not (tmp_path / "ballast").exists()


def test_no_room_is_set_aside_where_there_is_none(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    storage.lay_ballast(1 << 60)
    assert not (tmp_path / "ballast").exists()
