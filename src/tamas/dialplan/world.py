"""What exists in the store that a plan can refer to, read at once when a plan is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, select

from tamas.dialplan.sounds import BY_ID
from tamas.store.database import Connection, Database
from tamas.store.dialplan_schema import dialplan_variables
from tamas.store.schema import (
    agent_mappings,
    announcements,
    extensions,
    music_classes,
    queue_members,
    queues,
    trunks,
)
from tamas.store.voicemail_schema import mailboxes

DEFAULT_MUSIC: Final = "default"
"""The class that Asterisk always has here."""


class VariableType(StrEnum):
    """What a variable holds."""

    NUMBER = "number"
    """A whole number."""
    STRING = "string"
    ANNOUNCEMENT = "announcement"
    """A sound, written as in a parameter (``Ref.SOUND``)."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A value that several nodes share."""

    type: VariableType
    value: str


@dataclass(frozen=True, kw_only=True)
class World:
    """Names and numbers that exist."""

    extensions: frozenset[str] = frozenset()
    """Numbers of extensions, and of agents without one."""
    queues: frozenset[str] = frozenset()
    """Numbers."""
    trunks: frozenset[str] = frozenset()
    """Names."""
    sounds: frozenset[str] = frozenset()
    """Names and ids of announcements."""
    mailboxes: frozenset[str] = frozenset()
    """Numbers."""
    music: frozenset[str] = frozenset({DEFAULT_MUSIC})
    """Names of classes."""
    variables: Mapping[str, Variable] = field(default_factory=dict)

    def has_sound(self, sound: str) -> bool:
        """Whether an announcement is there; not for Asterisk's own sounds."""
        return sound.removeprefix(BY_ID) in self.sounds


async def load_world(database: Database) -> World:
    """Read what exists now."""
    async with database.read() as connection:
        return await world_of(connection)


async def world_of(connection: Connection) -> World:
    """What exists, as a transaction sees it."""

    async def all_of(*columns: ColumnElement[str]) -> frozenset[str]:
        found: set[str] = set()
        for column in columns:
            found.update(str(row["value"]) for row in await connection.rows(select(column.label("value"))))
        return frozenset(found)

    v = dialplan_variables.c
    variables = await connection.rows(select(v.name, v.type, v.value))
    return World(
        extensions=await all_of(extensions.c.number, agent_mappings.c.agent, queue_members.c.membername),
        queues=await all_of(queues.c.number),
        trunks=await all_of(trunks.c.name),
        sounds=await all_of(announcements.c.name, announcements.c.id),
        mailboxes=await all_of(mailboxes.c.number),
        music=await all_of(music_classes.c.name) | {DEFAULT_MUSIC},
        variables={
            str(row["name"]): Variable(type=VariableType(row["type"]), value=str(row["value"]))
            for row in variables
        },
    )
