"""What the watch of the engine needs of the store: the names of things, and when they change.

Asterisk says nothing when rows change that it reads by itself, so their marks are compared once a second
while somebody watches.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, type_coerce
from sqlalchemy import Connection as SyncConnection

from tamas.engine.watch.legs import Originated
from tamas.store.database import Connection, Database
from tamas.store.engine_text import EngineText
from tamas.store.portions import portions
from tamas.store.schema import cel, extensions, originates, ps_contacts, queue_members, trunks

Mark = tuple[Any, ...]
"""Changes whenever the rows behind it do."""

MAX_ASKED: Final = 200
"""Linked ids in one statement."""

_ESCAPE: Final = re.compile(r"\^([0-9A-Fa-f]{2})")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The rows that Asterisk does not tell of, as they are now."""

    trunks: Mapping[str, Mark]
    """By name; the first part says whether the trunk is active."""
    fixed_phones: Mapping[str, Mark]
    """Extensions that do not register, by number."""
    members: Mapping[str, Mark]
    """By number of the queue."""
    registrations: int
    """How many contacts of phones there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What CEL tells of a call in progress: times by unique id, microseconds UTC."""

    began: dict[str, int] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)


async def read_marks(database: Database, *, phones_as: Marks | None = None) -> Marks:
    """Read all marks.

    :param phones_as: take those of phones from here: of ten thousand extensions every row is looked at.
    """
    async with database.read() as connection:
        if phones_as is not None:
            fixed_phones, registrations = phones_as.fixed_phones, phones_as.registrations
        else:
            fixed_phones = await _fixed_phones(connection)
            registrations = await connection.scalar(select(func.count()).where(_valid()))
        return Marks(
            trunks=await _trunks(connection),
            fixed_phones=fixed_phones,
            members=await _members(connection),
            registrations=registrations,
        )


async def _trunks(connection: Connection) -> dict[str, Mark]:
    columns = (trunks.c.name, trunks.c.active, trunks.c.trunk_type, trunks.c.updated_at)
    return {
        row["name"]: (row["active"] == "yes" and row["trunk_type"] == "SIP", row["updated_at"])
        for row in await connection.rows(select(*columns))
    }


async def _fixed_phones(connection: Connection) -> dict[str, Mark]:
    statement = select(extensions.c.number, extensions.c.updated_at).where(
        extensions.c.host != "dynamic", extensions.c.active == "yes", extensions.c.user_type == "SIP"
    )
    return {row["number"]: (row["updated_at"],) for row in await connection.rows(statement)}


async def _members(connection: Connection) -> dict[str, Mark]:
    m = queue_members.c
    statement = select(
        m.queue_name,
        func.count().label("count"),
        func.max(m.uniqueid).label("newest"),
        func.max(m.joined_at).label("joined"),
        func.sum(m.paused).label("paused"),
        func.sum(m.penalty).label("penalty"),
    ).group_by(m.queue_name)
    return {
        row["queue_name"]: tuple(value for name, value in row.items() if name != "queue_name")
        for row in await connection.rows(statement)
    }


def _valid() -> ColumnElement[bool]:
    return ps_contacts.c.expiration_time > int(time.time())


async def read_contacts(database: Database) -> list[tuple[str, str]]:
    """The contacts of all phones that registered: extension and address each."""

    def read(connection: SyncConnection) -> list[tuple[str, str]]:
        uri = type_coerce(ps_contacts.c.uri, EngineText)
        rows = connection.execute(select(ps_contacts.c.endpoint, uri).where(_valid()))
        return [(endpoint, _decoded(uri)) for endpoint, uri in rows if endpoint and uri]

    return await database.long_read(read)


def _decoded(text: str) -> str:
    """A text that Asterisk wrote: semicolons and carets in it are ``^XX`` (``ast_realtime_encode_chunk``)."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


async def read_originated(database: Database, linkedids: Collection[str]) -> dict[str, Originated]:
    """Which of these calls were asked for through the API, by linked id."""
    found = {}
    for asked in portions(linkedids, MAX_ASKED):
        async with database.read() as connection:
            rows = await connection.rows(select(originates).where(originates.c.uniqueid.in_(asked)))
        for row in rows:
            found[row["uniqueid"]] = Originated(
                originated_call_id=row["originated_call_id"],
                caller=row["caller"],
                callee=row["callee"],
                trunk_name=row["trunk_name"],
            )
    return found


async def read_past(database: Database, linkedids: Collection[str]) -> dict[str, Past]:
    """When channels of these calls began and were answered, by linked id."""
    found: dict[str, Past] = {}
    for asked in portions(linkedids, MAX_ASKED):
        statement = select(cel.c.eventtype, cel.c.eventtime, cel.c.uniqueid, cel.c.linkedid).where(
            cel.c.linkedid.in_(asked), cel.c.eventtype.in_(("CHAN_START", "ANSWER"))
        )
        async with database.read() as connection:
            rows = await connection.rows(statement)
        for row in rows:
            past = found.setdefault(row["linkedid"], Past())
            times = past.began if row["eventtype"] == "CHAN_START" else past.answered
            times[row["uniqueid"]] = _microseconds(row["eventtime"])
    return found


def _microseconds(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
