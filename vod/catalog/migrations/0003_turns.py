"""What only one worker should do at a time: whose turn it is."""

from typing import Any

from peewee import CharField, DoubleField, Model


class Turn(Model):
    name = CharField(max_length=32, primary_key=True)
    holder = CharField(max_length=64)
    until = DoubleField()

    class Meta:
        table_name = "turn"


def up(_migrator: Any, db: Any) -> None:
    with db.bind_ctx([Turn]):
        db.create_tables([Turn], safe=False)
