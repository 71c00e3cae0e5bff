"""Every table of the first release."""

import time
import uuid
from typing import Any

from peewee import (
    BigAutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    CompositeKey,
    DoubleField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    TextField,
    UUIDField,
)


class Table(Model):
    class Meta:
        legacy_table_names = False


class User(Table):
    name = CharField(max_length=64, unique=True)
    password_hash = TextField()
    is_admin = BooleanField(default=False)
    created_at = DoubleField(default=time.time)

    class Meta:
        table_name = "account"


class ApiKey(Table):
    name = CharField(max_length=64)
    key_hash = CharField(max_length=64, unique=True)
    user = ForeignKeyField(User, on_delete="CASCADE")
    is_admin = BooleanField(default=False)
    created_at = DoubleField(default=time.time)
    revoked_at = DoubleField(null=True)


class Session(Table):
    id_hash = CharField(max_length=64, primary_key=True)
    user = ForeignKeyField(User, on_delete="CASCADE")
    csrf_token = CharField(max_length=64)
    created_at = DoubleField(default=time.time)
    seen_at = DoubleField(default=time.time)


class SignInFailure(Table):
    subject = CharField(max_length=64, primary_key=True)
    failures = IntegerField(default=0)
    not_before = DoubleField(default=0.0)
    updated_at = DoubleField(default=time.time)


class MediaFile(Table):
    id = UUIDField(primary_key=True, default=uuid.uuid4)
    original_name = TextField()
    extension = CharField(max_length=8)
    size = BigIntegerField()
    mime_type = CharField(max_length=127)
    sha256 = CharField(max_length=64, null=True)
    duration = DoubleField(null=True)
    width = IntegerField(null=True)
    height = IntegerField(null=True)
    probe = JSONField(null=True)
    plan_digest = CharField(max_length=16, null=True)
    status = CharField(max_length=16)
    error_message = TextField(null=True)
    has_artwork = BooleanField(default=False)
    playable_at = DoubleField(null=True)
    ready_at = DoubleField(null=True)
    created_at = DoubleField(default=time.time, index=True)
    updated_at = DoubleField(default=time.time, index=True)


class Deletion(Table):
    media_id = UUIDField(primary_key=True)
    extension = CharField(max_length=8)
    requested_at = DoubleField(default=time.time)


class Movie(Table):
    title = TextField()
    description = TextField(default="")
    release_date = CharField(max_length=10, null=True)
    media_file = ForeignKeyField(MediaFile, unique=True, on_delete="CASCADE")


class Series(Table):
    title = TextField(unique=True)
    description = TextField(default="")


class Season(Table):
    series = ForeignKeyField(Series, on_delete="CASCADE")
    number = IntegerField()

    class Meta:
        indexes = ((("series", "number"), True),)


class Episode(Table):
    season = ForeignKeyField(Season, on_delete="CASCADE")
    number = IntegerField()
    title = TextField(default="")
    media_file = ForeignKeyField(MediaFile, unique=True, on_delete="CASCADE")

    class Meta:
        indexes = ((("season", "number"), False),)


class Job(Table):
    id = BigAutoField()
    media_file = ForeignKeyField(MediaFile, on_delete="CASCADE")
    kind = CharField(max_length=16)
    lane = CharField(max_length=32, default="")
    first_segment = IntegerField(default=0)
    last_segment = IntegerField(default=0)
    state = CharField(max_length=16)
    priority = IntegerField(default=0)
    attempts = IntegerField(default=0)
    fruitless = IntegerField(default=0)
    run_at = DoubleField(default=time.time)
    lease_until = DoubleField(null=True)
    worker = CharField(max_length=64, default="")
    cancel_requested = BooleanField(default=False)
    progress = DoubleField(default=0.0)
    error = TextField(default="")
    created_at = DoubleField(default=time.time)
    updated_at = DoubleField(default=time.time)

    class Meta:
        indexes = (
            (("state", "priority", "run_at"), False),
            (("media_file", "kind", "lane"), False),
        )


class WatchState(Table):
    user = ForeignKeyField(User, on_delete="CASCADE")
    media_file = ForeignKeyField(MediaFile, on_delete="CASCADE")
    position_seconds = DoubleField(default=0.0)
    updated_at = DoubleField(default=time.time)

    class Meta:
        primary_key = CompositeKey("user", "media_file")


TABLES = (
    User,
    ApiKey,
    Session,
    SignInFailure,
    MediaFile,
    Deletion,
    Movie,
    Series,
    Season,
    Episode,
    Job,
    WatchState,
)


def up(_migrator: Any, db: Any) -> None:
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES, safe=False)
    db.execute_sql(
        'CREATE UNIQUE INDEX "job_open" ON "job" ("media_file_id", "kind", "lane", "first_segment")'
        " WHERE state IN ('PENDING', 'IN_PROGRESS')"
    )
