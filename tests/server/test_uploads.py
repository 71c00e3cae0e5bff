"""Uploads against the whole application, its database and its disk; bodies are written byte by byte."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from server.app import build_app
from server.keys import BELL, DATABASE, STORAGE
from server.labels import extension_of, file_label
from server.multipart import MultipartStream
from tests.server.running import Answer, Running, ask, connection, parse_answer, request_head, running
from vod.catalog import accounts, media_files
from vod.catalog.naming import EpisodeTitling, MovieTitling
from vod.config import Config, MediaSection, UploadSection, WorkerSection
from vod.errors import Invalid, UploadInterrupted

BOUNDARY = "----form"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
LIMIT = 12 << 20
FILM = random.Random(3).randbytes(9_000_001)


@dataclass
class House:
    server: Running
    key: str
    root: Path

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Content-Type": MULTIPART}

    async def upload(self, body: bytes, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Content-Length": str(len(body)), **self.headers, **named}
        return await ask(self.server, "/media/upload", "POST", body, **given)

    async def entry(self, answer: Answer) -> media_files.Entry:
        assert answer.status == 200, answer.body
        return await self.server.app[DATABASE].read(media_files.get, UUID(json.loads(answer.body)["mediaFileId"]))

    @property
    def stray(self) -> list[str]:
        return [path.name for folder in ("incoming", "originals") for path in (self.root / folder).iterdir()]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        media=MediaSection(root=tmp_path, reserve_bytes=0),
        upload=UploadSection(max_bytes=LIMIT, idle_seconds=1),
        worker=WorkerSection(embedded=0),
    )


@pytest.fixture
async def house(config: Config, tmp_path: Path) -> AsyncIterator[House]:
    async with running(build_app(config)) as server:
        key = await server.app[DATABASE].run(accounts.add_named_key, "tests")
        yield House(server, key, tmp_path)


def part(name: str, value: bytes | str, file_name: str | None = None) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    called = f'; filename="{file_name}"' if file_name is not None else ""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{called}\r\n\r\n'.encode() + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def film(data: bytes = b"film", name: str = "film.mkv") -> bytes:
    return part("file", data, name)


async def test_an_upload_becomes_an_original_with_a_row_a_title_and_a_ring(house: House) -> None:
    rings: list[None] = []
    house.server.app[BELL].ring = lambda: rings.append(None)  # type: ignore[method-assign]
    answer = await house.upload(form(part("title", "Blade Runner"), film(FILM, "Blade.Runner.1982.mkv")))
    assert set(json.loads(answer.body)) == {"mediaFileId", "status"}
    assert json.loads(answer.body)["status"] == "UPLOADED"
    entry = await house.entry(answer)
    row = entry.media_file
    assert (row.original_name, row.extension, row.size) == ("Blade.Runner.1982.mkv", "mkv", len(FILM))
    assert (row.mime_type, row.status) == ("video/x-matroska", "UPLOADED")
    assert entry.titling == MovieTitling(title="Blade Runner")
    assert house.server.app[STORAGE].original(row.id, "mkv").read_bytes() == FILM
    assert house.stray == [f"{row.id}.mkv"]
    assert rings == [None]


@pytest.mark.parametrize(
    ("fields", "file_name", "titling"),
    [
        pytest.param({}, "Alien (1979).mkv", MovieTitling(title="Alien", release_date="1979"), id="by its name"),
        pytest.param(
            {"title": "", "kind": "", "series": "", "season": "", "episode": ""},
            "Alien (1979).mkv",
            MovieTitling(title="Alien", release_date="1979"),
            id="empty fields of a form",
        ),
        pytest.param(
            {"title": "Alien", "releaseDate": "1979-05-25"},
            "x.mkv",
            MovieTitling(title="Alien", release_date="1979-05-25"),
            id="a date",
        ),
        pytest.param(
            {"releaseDate": "1979"}, "Alien.mkv", MovieTitling(title="Alien", release_date="1979"), id="a year alone"
        ),
        pytest.param(
            {"kind": "episode", "series": "Lost", "season": "1", "episode": "2", "title": "Pilot"},
            "x.mkv",
            EpisodeTitling(series="Lost", season=1, episode=2, title="Pilot"),
            id="an episode",
        ),
        pytest.param(
            {"kind": "episode"},
            "Lost.S01E02.mkv",
            EpisodeTitling(series="Lost", season=1, episode=2),
            id="told by name",
        ),
        pytest.param(
            {"kind": "movie"}, "Lost S01E02.mkv", MovieTitling(title="Lost S01E02"), id="a movie that looks otherwise"
        ),
        pytest.param({"title": "a\u202eb\x00\r\nc"}, "x.mkv", MovieTitling(title="a b c"), id="invisible characters"),
        pytest.param({"title": "Amélie — “1”"}, "x.mkv", MovieTitling(title="Amélie — “1”"), id="any language"),
    ],
)
async def test_a_film_is_called_what_the_fields_or_its_name_say(
    house: House, fields: dict[str, str], file_name: str, titling: object
) -> None:
    parts = [part(name, value) for name, value in fields.items()]
    entry = await house.entry(await house.upload(form(*parts, film(name=file_name))))
    assert entry.titling == titling


FAULTS = [
    pytest.param(form(part("title", "x")), {}, 400, "invalid-request", id="no file"),
    pytest.param(form(), {}, 400, "invalid-request", id="no part at all"),
    pytest.param(form(film(b"")), {}, 400, "upload-empty", id="empty file"),
    pytest.param(form(film(), part("title", "x")), {}, 400, "invalid-request", id="a field after the file"),
    pytest.param(form(film(), film()), {}, 400, "invalid-request", id="two files"),
    pytest.param(form(part("titel", "x"), film()), {}, 400, "invalid-request", id="unknown field"),
    pytest.param(form(part("title", "x"), part("title", "y"), film()), {}, 400, "invalid-request", id="field twice"),
    pytest.param(form(part("title", "x" * 301), film()), {}, 400, "invalid-request", id="title too long"),
    pytest.param(form(part("title", "x" * 9000), film()), {}, 400, "invalid-request", id="field too long"),
    pytest.param(form(part("title", b"\xff"), film()), {}, 400, "invalid-request", id="not UTF-8"),
    pytest.param(form(part("kind", "song"), film()), {}, 400, "invalid-request", id="unknown kind"),
    pytest.param(form(part("releaseDate", "soon"), film()), {}, 400, "invalid-request", id="a date that is none"),
    pytest.param(
        form(part("kind", "episode"), part("releaseDate", "1979"), film(name="Lost S01E02.mkv")),
        {},
        400,
        "invalid-request",
        id="an episode with a date",
    ),
    pytest.param(form(part("season", "one"), film()), {}, 400, "invalid-request", id="season is no number"),
    pytest.param(form(part("season", "-1"), film()), {}, 400, "invalid-request", id="season is negative"),
    pytest.param(form(part("season", "1"), film()), {}, 400, "invalid-request", id="season without series"),
    pytest.param(form(part("kind", "episode"), film()), {}, 400, "invalid-request", id="an episode of nothing"),
    pytest.param(form(*(part(f"f{n}", "") for n in range(17)), film()), {}, 400, "invalid-request", id="many fields"),
    pytest.param(form(film(bytes(LIMIT + 1))), {}, 413, "upload-too-large", id="over the limit"),
    pytest.param(form(film())[:-30], {}, 400, "upload-interrupted", id="no last boundary"),
    pytest.param(b"", {}, 400, "upload-interrupted", id="no body"),
    pytest.param(b"x" * 100_000, {}, 400, "invalid-request", id="no form"),
    pytest.param(form(film()), {"Content-Type": "application/json"}, 415, "unsupported-body", id="another type"),
    pytest.param(form(film()), {"Content-Type": "multipart/form-data"}, 415, "unsupported-body", id="no boundary"),
    pytest.param(
        form(film()),
        {"Content-Type": f"multipart/form-data; boundary={'b' * 71}"},
        415,
        "unsupported-body",
        id="a boundary too long",
    ),
    pytest.param(form(film()), {"Content-Type": "multipart/mixed; boundary=b"}, 415, "unsupported-body", id="mixed"),
    pytest.param(form(film()), {"Content-Encoding": "gzip"}, 415, "unsupported-body", id="gzip"),
    pytest.param(
        f"--{BOUNDARY}\r\nX: y\r\n\r\nz\r\n".encode() + form(film()), {}, 400, "invalid-request", id="a nameless part"
    ),
    pytest.param(
        f"--{BOUNDARY}\r\nX: {'y' * 20_000}".encode(), {}, 400, "invalid-request", id="endless headers of a part"
    ),
    pytest.param(
        form(f"--{BOUNDARY}\r\nX: {'y' * 20_000}\r\n".encode() + film().partition(b"\r\n")[2]),
        {},
        400,
        "invalid-request",
        id="long headers that came at once",
    ),
    pytest.param(form(film()), {"Authorization": "Bearer hr_nobody"}, 401, "unauthenticated", id="nobody"),
]


@pytest.mark.parametrize(("body", "headers", "status", "code"), FAULTS)
async def test_a_faulty_upload_is_told_why_and_leaves_nothing(
    house: House, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await house.upload(body, **headers)
    problem = json.loads(answer.body)
    assert (answer.status, problem["code"]) == (status, code)
    assert problem["detail"]
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert house.stray == []


async def test_over_the_limit_is_refused_before_the_film_is_sent(house: House) -> None:
    start = form(film(FILM))[:1000]
    async with connection(house.server) as (reader, writer):
        announced = {**house.headers, "Content-Length": str(LIMIT * 2), "Expect": "100-continue"}
        writer.write(request_head("/media/upload", "POST", announced) + start)
        await reader.readuntil(b"\r\n\r\n")
        assert parse_answer(await reader.readuntil(b"\r\n\r\n")).status == 413
    assert house.stray == []


async def test_a_full_disk_is_refused_before_the_film_is_sent(config: Config, tmp_path: Path) -> None:
    full = config.model_copy(update={"media": MediaSection(root=tmp_path, reserve_bytes=1 << 60)})
    async with running(build_app(full)) as server:
        house = House(server, await server.app[DATABASE].run(accounts.add_named_key, "tests"), tmp_path)
        answer = await house.upload(form(film(FILM)))
        assert (answer.status, json.loads(answer.body)["code"]) == (507, "disk-full")
        assert house.stray == []


async def test_a_chunked_body_is_counted_too(house: House) -> None:
    async def send(data: bytes) -> Answer:
        async with connection(house.server) as (reader, writer):
            headers = {**house.headers, "Transfer-Encoding": "chunked", "Connection": "close"}
            writer.write(request_head("/media/upload", "POST", headers))
            for start in range(0, len(data), 1 << 20):
                piece = data[start : start + (1 << 20)]
                writer.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
            writer.write(b"0\r\n\r\n")
            return parse_answer(await reader.read(-1))

    assert (await send(form(film(bytes(LIMIT + 1))))).status == 413
    assert house.stray == []
    entry = await house.entry(await send(form(film(FILM))))
    assert house.server.app[STORAGE].original(entry.media_file.id, "mkv").read_bytes() == FILM


async def nothing_is_left(house: House) -> None:
    async with asyncio.timeout(20):
        while house.stray:
            await asyncio.sleep(0)


async def test_a_client_that_leaves_leaves_nothing_behind(house: House) -> None:
    body = form(film(FILM))
    for cut in (200, 5_000_000, len(body) - 10):
        async with connection(house.server) as (_, writer):
            writer.write(request_head("/media/upload", "POST", {**house.headers, "Content-Length": str(len(body))}))
            writer.write(body[:cut])
            async with asyncio.timeout(20):
                while not house.stray:
                    await asyncio.sleep(0)
            writer.transport.abort()
        await nothing_is_left(house)


async def test_a_client_that_stops_sending_is_told_so(house: House) -> None:
    async with connection(house.server) as (reader, writer):
        writer.write(request_head("/media/upload", "POST", {**house.headers, "Content-Length": "1000000"}))
        writer.write(form(film(FILM))[:500_000])
        answer = parse_answer(await reader.readuntil(b"}"))
    assert (answer.status, json.loads(answer.body)["code"]) == (408, "upload-stalled")
    assert house.stray == []


async def test_a_database_that_refuses_the_row_leaves_no_bytes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**row: object) -> None:
        raise RuntimeError("disk I/O error")

    monkeypatch.setattr(media_files, "add", refuse)
    answer = await house.upload(form(film()))
    assert (answer.status, json.loads(answer.body)["code"]) == (500, "internal-error")
    assert house.stray == []


async def test_one_user_has_so_many_uploads_at_once_and_not_more(house: House) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = asyncio.Event()

        async def hold() -> None:
            async with connection(house.server) as (_, writer):
                writer.write(request_head("/media/upload", "POST", {**house.headers, "Content-Length": "1000000"}))
                writer.write(form(film(FILM))[:1000])
                await waiting.wait()

        for _ in range(6):
            group.create_task(hold())
        while len(house.stray) < 6:
            await asyncio.sleep(0)
        answer = await house.upload(form(film()))
        assert (answer.status, answer.headers["retry-after"]) == (429, "30")
        waiting.set()
    await nothing_is_left(house)
    assert (await house.upload(form(film()))).status == 200


ABSURD_NAMES = [
    ("../../etc/passwd", "passwd", "bin"),
    ("C:\\Users\\me\\Film.MKV", "Film.MKV", "mkv"),
    ("/absolute/film.mp4", "film.mp4", "mp4"),
    ("..", "..", "bin"),
    (".mkv", ".mkv", "bin"),
    ("", "upload", "bin"),
    ("film.tar.gz", "film.tar.gz", "gz"),
    ("film.verylongextension", "film.verylongextension", "bin"),
    ("film.m\u202ekv", "film.m kv", "bin"),
    ("film\x00.mkv\x00", "film .mkv", "mkv"),
    ("film.ｍｋｖ", "film.ｍｋｖ", "bin"),
    ("x" * 5000 + ".mkv", "x" * 251 + ".mkv", "mkv"),
    ("film.mkv/", "upload", "bin"),
    ("-rf .mkv", "-rf .mkv", "mkv"),
    ("<script>.mkv", "<script>.mkv", "mkv"),
    ("%2e%2e%2fx.mkv", "%2e%2e%2fx.mkv", "mkv"),
]


@pytest.mark.parametrize(("name", "label", "extension"), ABSURD_NAMES)
def test_an_absurd_file_name_is_a_label_and_no_more(name: str, label: str, extension: str) -> None:
    assert file_label(name) == label
    assert extension_of(label) == extension


@pytest.mark.parametrize("name", ["../../../escaped.mkv", "/escaped.mkv", "..%2fescaped.mkv", "a\\..\\escaped.mkv"])
async def test_no_file_name_reaches_the_disk(house: House, name: str) -> None:
    entry = await house.entry(await house.upload(form(film(name=name))))
    assert house.stray == [f"{entry.media_file.id}.mkv"]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 1000, 100_000])
async def test_a_form_is_the_same_however_it_is_cut(step: int) -> None:
    near_misses = b"\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n\r\n--\r\n" * 3
    body = b"preamble\r\n" + form(part("a", "1"), part("b", ""), film(near_misses)) + b"epilogue"
    chunks = iter([body[start : start + step] for start in range(0, len(body), step)])

    async def read() -> bytes:
        return next(chunks, b"")

    found = [
        (one.name, one.file_name, b"".join([bytes(piece) async for piece in one.pieces]))
        async for one in MultipartStream(read, BOUNDARY).parts()
    ]
    assert found == [("a", None, b"1"), ("b", None, b""), ("file", "film.mkv", near_misses)]


async def test_the_size_of_the_last_part_follows_from_the_length_of_the_body() -> None:
    body = form(part("a", "1"), film(b"x" * 1234))
    chunks = iter([body])

    async def read() -> bytes:
        return next(chunks, b"")

    stream = MultipartStream(read, BOUNDARY)
    async for one in stream.parts():
        expected = len(body) - stream.consumed - stream.ending_bytes
        size = sum([len(piece) async for piece in one.pieces])
    assert size == expected == 1234


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", UploadInterrupted),
        (b"--" + BOUNDARY.encode(), UploadInterrupted),
        (b"x" * 20_000, Invalid),
        (f"--{BOUNDARY}\r\nContent-Disposition: attachment; name=a\r\n\r\n".encode(), Invalid),
        (f"--{BOUNDARY}\r\n\r\n\r\n".encode(), Invalid),
    ],
)
async def test_what_is_no_form_is_refused(body: bytes, error: type[Exception]) -> None:
    chunks = iter([body])

    async def read() -> bytes:
        return next(chunks, b"")

    with pytest.raises(error):
        async for one in MultipartStream(read, BOUNDARY).parts():
            async for _ in one.pieces:
                pass
