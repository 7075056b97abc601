"""What was told last of extensions and trunks, and of calls in progress: kept with the events themselves.

A mark is written in the transaction of its event. So whoever compares the world with the marks, after a
restart or a lost connection, finds exactly what was not told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from tamas.store.clock import now
from tamas.store.database import Connection, Dialect
from tamas.store.event_marks_schema import event_marks
from tamas.store.portions import portions

Kind = Literal["extension", "trunk", "channel", "survey", "listener", "watch"]
"""``channel``: a call came or went over this channel of a trunk; ``survey``: an answer of a call;
``listener``: somebody follows the stream; ``watch``: the engine is watched for events."""

_STATE_LENGTH: Final = 120

_m = event_marks.c
_FORGET_CALLS = delete(event_marks).where(
    _m.call.in_(bindparam("calls", expanding=True)), _m.kind.in_(("channel", "survey"))
)
"""Made once, for it runs with each call that ends."""


@dataclass(frozen=True)
class Mark:
    """What was told last."""

    state: str
    call: str
    """Linked id of the call told with it; empty: none."""


def answer_mark(point: int, label: str, call: str) -> Mark:
    """How it is noted that the answer to a survey was told.

    :param call: linked id of its call.
    """
    return Mark(state=f"{point}/{label}", call=call)


async def marks_of(tx: Connection, kind: Kind, names: Collection[str] | None = None) -> dict[str, Mark]:
    """Marks by name.

    :param names: whose; ``None``: of all.
    """
    statement = select(_m.name, _m.state, _m.call).where(_m.kind == kind)
    asked = [None] if names is None else portions(names)
    found = {}
    for portion in asked:
        wanted = statement if portion is None else statement.where(_m.name.in_(portion))
        for row in await tx.rows(wanted):
            found[str(row["name"])] = Mark(str(row["state"]), str(row["call"]))
    return found


async def marks_of_calls(tx: Connection, kind: Kind, calls: Collection[str]) -> list[Mark]:
    """Marks of calls, by their linked ids."""
    found = []
    for portion in portions(calls):
        rows = await tx.rows(select(_m.state, _m.call).where(_m.kind == kind, _m.call.in_(portion)))
        found += [Mark(str(row["state"]), str(row["call"])) for row in rows]
    return found


async def mark(tx: Connection, dialect: Dialect, kind: Kind, marks: Mapping[str, Mark]) -> None:
    """Note what is told now, by name."""
    if not marks:
        return
    insert = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(event_marks)
    at = now()
    rows = [
        {"kind": kind, "name": name, "state": each.state[:_STATE_LENGTH], "call": each.call, "at": at}
        for name, each in marks.items()
    ]
    changed = {column: insert.excluded[column] for column in ("state", "call", "at")}
    await tx.execute(insert.on_conflict_do_update(index_elements=["kind", "name"], set_=changed), rows)


async def unmark(tx: Connection, kind: Kind, names: Collection[str]) -> None:
    """Forget what was told: the thing is gone."""
    for portion in portions(names):
        await tx.execute(delete(event_marks).where(_m.kind == kind, _m.name.in_(portion)))


async def unmark_calls(tx: Connection, calls: Collection[str]) -> None:
    """Forget what was told of calls that are over, but not what their extensions do."""
    for portion in portions(calls):
        await tx.execute(_FORGET_CALLS, {"calls": portion})
