"""The records of design.md section 6. Times are UTC seconds since the epoch, so both engines agree.

Only what today's features write stands here; Library, ShareLink, Upload and Passage come with a numbered
migration when their feature does.
"""

from __future__ import annotations

import time
import uuid
from enum import StrEnum

from peewee import (
    SQL,
    AutoField,
    BigAutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    CompositeKey,
    DatabaseProxy,
    DoubleField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    TextField,
    UUIDField,
)

proxy = DatabaseProxy()


class MediaStatus(StrEnum):
    UPLOADING = "UPLOADING"
    UPLOADED = "UPLOADED"
    PROCESSING = "PROCESSING"
    READY = "READY"
    FAILED = "FAILED"


class JobState(StrEnum):
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class JobKind(StrEnum):
    PROBE = "probe"
    ENCODE = "encode"
    ARTWORK = "artwork"
    SUBTITLES = "subtitles"
    TRICKPLAY = "trickplay"
    VERIFY = "verify"


# Literal, for SQLite matches an upsert with a partial index by its text.
OPEN_JOB = "state IN ('PENDING', 'IN_PROGRESS')"


class Record(Model):
    class Meta:
        database = proxy
        legacy_table_names = False


class MediaFile(Record):
    id = UUIDField(primary_key=True, default=uuid.uuid4)
    original_name = TextField()  # a label for people; never part of a path
    extension = CharField(max_length=8)
    size = BigIntegerField()
    mime_type = CharField(max_length=127, default="application/octet-stream")
    sha256 = CharField(max_length=64, null=True)
    duration = DoubleField(null=True)
    width = IntegerField(null=True)
    height = IntegerField(null=True)
    probe = JSONField(null=True)
    plan_digest = CharField(max_length=16, null=True)
    status = CharField(max_length=16, default=MediaStatus.UPLOADED)
    error_message = TextField(null=True)
    has_artwork = BooleanField(default=False)
    playable_at = DoubleField(null=True)
    ready_at = DoubleField(null=True)
    created_at = DoubleField(default=time.time, index=True)
    updated_at = DoubleField(default=time.time, index=True)


class Movie(Record):
    id = AutoField()
    title = TextField()
    description = TextField(default="")
    release_date = CharField(max_length=10, null=True)  # ISO 8601, as precise as known
    media_file = ForeignKeyField(MediaFile, unique=True, backref="movies", on_delete="CASCADE")


class Series(Record):
    id = AutoField()
    title = TextField(unique=True)
    description = TextField(default="")


class Season(Record):
    id = AutoField()
    series = ForeignKeyField(Series, backref="seasons", on_delete="CASCADE")
    number = IntegerField()

    class Meta:
        indexes = ((("series", "number"), True),)


class Episode(Record):
    id = AutoField()
    season = ForeignKeyField(Season, backref="episodes", on_delete="CASCADE")
    number = IntegerField()
    title = TextField(default="")
    media_file = ForeignKeyField(MediaFile, unique=True, backref="episodes", on_delete="CASCADE")

    class Meta:
        indexes = ((("season", "number"), False),)


class Deletion(Record):
    """A media file whose row is gone and whose bytes have to go: kept until no late writer can bring any back."""

    media_id = UUIDField(primary_key=True)
    extension = CharField(max_length=8)
    requested_at = DoubleField(default=time.time)


class Job(Record):
    """One thing to do to one media file. `attempts` is the fence: a worker whose number is old may change nothing."""

    id = BigAutoField()
    media_file = ForeignKeyField(MediaFile, backref="jobs", on_delete="CASCADE")
    media_file_id: uuid.UUID
    kind = CharField(max_length=16)
    lane = CharField(max_length=32, default="")
    first_segment = IntegerField(default=0)
    last_segment = IntegerField(default=0)  # inclusive
    state = CharField(max_length=16, default=JobState.PENDING)
    priority = IntegerField(default=0)  # higher is sooner
    attempts = IntegerField(default=0)  # claims so far: the fence
    fruitless = IntegerField(default=0)  # claims in a row without a result so far, the running one included
    run_at = DoubleField(default=time.time)
    lease_until = DoubleField(null=True)
    worker = CharField(max_length=64, default="")
    cancel_requested = BooleanField(default=False)
    progress = DoubleField(default=0.0)  # 0..1 of this job
    error = TextField(default="")
    created_at = DoubleField(default=time.time)
    updated_at = DoubleField(default=time.time)
    deaths = IntegerField(default=0)  # workers that died at it since it last achieved something
    wanted_until = DoubleField(null=True)  # a viewer waits for it until then; null: whoever watches or not

    class Meta:
        indexes = (
            (("state", "priority", "run_at"), False),
            (("media_file", "kind", "lane"), False),
            # One open job a place: adding a span twice, from two processes at once, makes one row.
            SQL(
                'CREATE UNIQUE INDEX "job_open" ON "job" ("media_file_id", "kind", "lane", "first_segment")'
                f" WHERE {OPEN_JOB}"
            ),
        )


class User(Record):
    id = AutoField()
    name = CharField(max_length=64, unique=True)
    password_hash = TextField()
    is_admin = BooleanField(default=False)
    created_at = DoubleField(default=time.time)

    class Meta:
        table_name = "account"  # "user" is a reserved word in PostgreSQL


class Session(Record):
    id_hash = CharField(max_length=64, primary_key=True)  # SHA-256; the id itself is only in the cookie
    user = ForeignKeyField(User, backref="sessions", on_delete="CASCADE")
    csrf_token = CharField(max_length=64)
    created_at = DoubleField(default=time.time)
    seen_at = DoubleField(default=time.time)


class ApiKey(Record):
    id = AutoField()
    name = CharField(max_length=64)
    key_hash = CharField(max_length=64, unique=True)
    user = ForeignKeyField(User, backref="api_keys", on_delete="CASCADE")
    is_admin = BooleanField(default=False)  # rights only shrink: counts while the user is an admin too
    created_at = DoubleField(default=time.time)
    revoked_at = DoubleField(null=True)


class SignInFailure(Record):
    """Throttling that survives a restart (security.md 3.2). `subject` is an account name or an address, hashed."""

    subject = CharField(max_length=64, primary_key=True)
    failures = IntegerField(default=0)
    not_before = DoubleField(default=0.0)
    updated_at = DoubleField(default=time.time)


class Turn(Record):
    """A lease on something that only one worker does at a time."""

    name = CharField(max_length=32, primary_key=True)
    holder = CharField(max_length=64)  # a worker
    until = DoubleField()


class WatchState(Record):
    user = ForeignKeyField(User, backref="watch_states", on_delete="CASCADE")
    media_file = ForeignKeyField(MediaFile, backref="watch_states", on_delete="CASCADE")
    position_seconds = DoubleField(default=0.0)
    updated_at = DoubleField(default=time.time)

    class Meta:
        primary_key = CompositeKey("user", "media_file")
