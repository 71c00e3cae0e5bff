"""`POST /media/upload`: a form with the field `file`, and before it what the film is called.

Nothing is buffered: pieces go from the socket into the store's two buffers and to the disk. Whatever goes
wrong, nothing of the upload stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from uuid import UUID

from aiohttp import web

from server import media_types
from server.access import require_user
from server.bodies import validated
from server.contract import Shown, operation, shown
from server.keys import BELL, CONFIG, DATABASE, STORAGE
from server.labels import extension_of, file_label
from server.metrics import METRICS
from server.multipart import MultipartStream, Part
from server.repeating import repeating
from server.upload_body import UploadBody
from server.upload_fields import UploadFields
from vod.catalog import media_files
from vod.catalog.models import MediaStatus
from vod.catalog.naming import Titling
from vod.errors import Invalid, NotFound, Throttled, UnsupportedBody
from vod.uploads.store import Upload, UploadStore

FILE_FIELD = "file"
LARGEST_FIELD = 4 << 10
MOST_FIELDS = 16
LONGEST_BOUNDARY = 70  # RFC 2046 section 5.1.1
MOST_UPLOADS_A_USER = 6  # each holds 8 MiB of memory
COME_BACK_SECONDS = 30
SWEEP_SECONDS = 1800

log = logging.getLogger(__name__)

UPLOADS = web.AppKey("uploads", UploadStore)
OPEN_UPLOADS: web.AppKey[Counter[int]] = web.AppKey("open_uploads")  # by user id


class UploadAnswer(Shown):
    media_file_id: UUID
    status: MediaStatus


@dataclass(frozen=True, slots=True)
class Received:
    upload: Upload
    label: str
    titling: Titling


async def context(app: web.Application) -> AsyncIterator[None]:
    """For the application's cleanup contexts; after storage and database."""
    config = app[CONFIG]
    store = UploadStore(app[STORAGE], max_bytes=config.upload.max_bytes, reserve_bytes=config.media.reserve_bytes)
    app[UPLOADS], app[OPEN_UPLOADS] = store, Counter()
    # At once and then again: what a crash of a minute ago left is not old enough to be told from a running upload.
    await _sweep(app)
    async with repeating(_sweep, app, SWEEP_SECONDS):
        yield
    await asyncio.to_thread(store.close)


async def _sweep(app: web.Application) -> None:
    await asyncio.to_thread(app[UPLOADS].sweep)


@operation("Upload a film as multipart/form-data: `file`, and before it the fields that name it.", answer=UploadAnswer)
async def upload(request: web.Request) -> web.Response:
    identity = await require_user(request)
    boundary = boundary_of(request)
    with one_of_few(request.app[OPEN_UPLOADS], identity.user_id), _counted(request.app):
        body = UploadBody(request, request.app[CONFIG].upload.idle_seconds)
        received = await _receive(request, MultipartStream(body.read, boundary))
        # From here on the film exists or does not, whoever still waits for the answer.
        await asyncio.shield(_complete(request.app, received))
    return shown(UploadAnswer(media_file_id=received.upload.id, status=MediaStatus.UPLOADED))


async def _receive(request: web.Request, form: MultipartStream) -> Received:
    texts: dict[str, str] = {}
    received: Received | None = None
    store = request.app[UPLOADS]
    try:
        async for part in form.parts():
            if received is not None:
                raise Invalid(f"The field {FILE_FIELD!r} must be the last one.")
            if part.name != FILE_FIELD:
                await read_field(part, texts)
                continue
            label = file_label(part.file_name or "")
            titling = validated(lambda: UploadFields.model_validate(texts)).titling(label)
            received = Received(await store.create(_announced(request, form)), label, titling)
            async for piece in part.pieces:
                await store.append(received.upload, piece)
    except BaseException:
        if received is not None:
            await store.discard(received.upload)
        raise
    if received is None:
        raise Invalid(f"The form has no field {FILE_FIELD!r}.")
    return received


async def read_field(part: Part, texts: dict[str, str]) -> None:
    text = bytearray()
    async for piece in part.pieces:
        text += piece
        if len(text) > LARGEST_FIELD:
            raise Invalid(f"The field {part.name[:40]!r} is too long.")
    if part.name in texts or len(texts) == MOST_FIELDS:
        raise Invalid(f"The field {part.name[:40]!r} comes twice, or there are too many.")
    try:
        texts[part.name] = text.decode()
    except UnicodeDecodeError:
        raise Invalid(f"The field {part.name[:40]!r} is not UTF-8.") from None


async def _complete(app: web.Application, received: Received) -> None:
    store, media_id, extension = app[UPLOADS], received.upload.id, extension_of(received.label)
    try:
        await app[DATABASE].run(media_files.expect, media_id, extension)
        size = await store.finish(received.upload, extension)
    except BaseException:
        await store.discard(received.upload)
        raise
    try:
        await app[DATABASE].run(
            media_files.add,
            media_id=media_id,
            name=received.label,
            extension=extension,
            size=size,
            mime_type=media_types.of_original(extension),
            titling=received.titling,
        )
    except BaseException:
        await _withdraw_unless_known(app, media_id, extension)
        raise
    app[BELL].ring()
    app[METRICS].upload_bytes.inc(size)
    log.info("uploaded %s: %d bytes", media_id, size)


async def _withdraw_unless_known(app: web.Application, media_id: UUID, extension: str) -> None:
    """A commit whose answer was lost may have happened: only a database that says so makes the bytes nobody's."""
    try:
        await app[DATABASE].read(media_files.get, media_id)
    except NotFound:
        await app[UPLOADS].withdraw(media_id, extension)


def boundary_of(request: web.Request) -> str:
    """Raises UnsupportedBody for what is no form with parts."""
    header = Message()
    header["Content-Type"] = request.headers.get("Content-Type", "")
    boundary = header.get_boundary() if header.get_content_type() == "multipart/form-data" else None
    if not boundary or not boundary.isascii() or len(boundary) > LONGEST_BOUNDARY:
        raise UnsupportedBody("The body must be multipart/form-data with a boundary.")
    return boundary


def _announced(request: web.Request, form: MultipartStream) -> int | None:
    """The size of the file that starts here, when it is the last part; None for a chunked body."""
    if request.content_length is None:
        return None
    return max(request.content_length - form.consumed - form.ending_bytes, 0)


@contextmanager
def one_of_few(open_uploads: Counter[int], user_id: int) -> Iterator[None]:
    if open_uploads[user_id] >= MOST_UPLOADS_A_USER:
        raise Throttled("Too many uploads at once. Wait for one to end.", COME_BACK_SECONDS)
    open_uploads[user_id] += 1
    try:
        yield
    finally:
        open_uploads[user_id] -= 1


@contextmanager
def _counted(app: web.Application) -> Iterator[None]:
    outcome = "failed"
    try:
        yield
        outcome = "finished"
    finally:
        app[METRICS].uploads.labels(outcome).inc()


routes: tuple[web.RouteDef, ...] = (web.post("/media/upload", upload, name="upload"),)
