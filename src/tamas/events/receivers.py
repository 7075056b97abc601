"""Receivers of events: who they are, and what may be set of them.

Passwords and secrets of signatures are sealed by whoever sets them; here they are texts nobody can read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import delete, select, update

from tamas.errors import TamasError
from tamas.events.catalogue import EVENTS, VENDOR_EVENTS
from tamas.outgoing.addresses import address_problem
from tamas.store.changes import Changes
from tamas.store.clock import now
from tamas.store.database import Connection, Database, IntegrityError, Row
from tamas.store.events_schema import event_attempts, event_deliveries, event_receivers
from tamas.store.ids import new_id
from tamas.store.runtime_settings import SEALED

Shape = Literal["vendor", "own"]
Version = Literal["G4", "Rest4"]
Method = Literal["GET", "POST"]

MAX_RECEIVERS: Final = 500
LONGEST_TIMEOUT: Final = 30.0
"""Seconds."""
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
_USERNAME: Final = re.compile(r"[^:\x00-\x1f\x7f]{0,128}")


class ReceiverError(TamasError):
    """A receiver is not there, or cannot be as it is asked; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """Where events are sent, and how. Names are those of the columns."""

    id: str
    name: str
    address: str
    events: frozenset[str]
    enabled: bool = True
    shape: Shape = "vendor"
    version: Version = "G4"
    method: Method = "POST"
    """Both of vendor-shaped ones only; ours are always posted to the address."""
    username: str = ""
    password: str = ""
    secret: str = ""
    local_time: bool = False
    """Times in the time zone of the settings, else UTC."""
    timeout_ms: int = 5000
    allow_internal: bool = False
    switched_off_at: int | None = None
    """When it was switched off by us; enabling it again forgets that."""
    switched_off_reason: str | None = None


def receiver_of(row: Row) -> Receiver:
    """A receiver as it is stored."""
    values = {field.name: row[field.name] for field in fields(Receiver)}
    return Receiver(**values | {"events": frozenset(msgspec.json.decode(row["events"], type=list[str]))})


def checked_events(names: Iterable[str], *, shape: Shape) -> frozenset[str]:
    """A set of events. :raises ReceiverError: an unknown one.

    No matter how it is written: ``CDR`` stands for ``Cdr``. Nothing at all stands for what its shape gets
    unless it is set otherwise.
    """
    known = {name.lower(): name for name in EVENTS}
    found = set()
    for name in names:
        if name.strip().lower() not in known:
            raise ReceiverError(f"there is no event {name!r}; known: {', '.join(EVENTS)}")
        found.add(known[name.strip().lower()])
    return frozenset(found or (EVENTS if shape == "own" else VENDOR_EVENTS))


def check(receiver: Receiver) -> None:
    """:raises ReceiverError: it cannot be as it is."""
    problem = address_problem(receiver.address)
    if problem is not None:
        raise ReceiverError(problem)
    if _NAME.fullmatch(receiver.name) is None:
        raise ReceiverError("the name has 1 to 64 characters on one line")
    if _USERNAME.fullmatch(receiver.username) is None:
        raise ReceiverError("the user name has at most 128 characters and no colon")
    if not 0.1 <= receiver.timeout_ms / 1000 <= LONGEST_TIMEOUT:
        raise ReceiverError(f"the time limit is from 0.1 to {LONGEST_TIMEOUT:g} seconds")
    for sealed in (receiver.password, receiver.secret):
        if sealed and not sealed.startswith(SEALED):
            raise ReceiverError("a secret has to be sealed before it is stored")


async def list_receivers(tx: Connection) -> list[Receiver]:
    """Every receiver, by name."""
    rows = await tx.rows(select(event_receivers).order_by(event_receivers.c.name))
    return [receiver_of(row) for row in rows]


async def get_receiver(tx: Connection, name: str) -> Receiver:
    """The receiver of a name or an id. :raises ReceiverError: there is none."""
    which = (event_receivers.c.name == name) | (event_receivers.c.id == name)
    row = await tx.row(select(event_receivers).where(which))
    if row is None:
        raise ReceiverError(f"there is no receiver {name!r}")
    return receiver_of(row)


async def add_receiver(database: Database, changes: Changes, **values: Any) -> Receiver:
    """Add a receiver; it gets what is told from now on.

    :param values: of :class:`Receiver`, without an id.
    :raises ReceiverError: it cannot be as it is, or its name is taken.
    """
    receiver = Receiver(id=new_id(), **values)
    check(receiver)
    at = now()
    async with _unique_name(receiver.name), database.write() as tx:
        if len(await list_receivers(tx)) >= MAX_RECEIVERS:
            raise ReceiverError(f"there are {MAX_RECEIVERS} receivers already")
        await tx.execute(event_receivers.insert().values(**_row(receiver), created_at=at, updated_at=at))
        await changes.bump(tx)
    return receiver


async def set_receiver(database: Database, changes: Changes, name: str, **values: Any) -> Receiver:
    """Change a receiver; what it is still owed is sent the new way.

    :raises ReceiverError: there is none of that name, or it cannot be so.
    """
    async with _unique_name(str(values.get("name", name))), database.write() as tx:
        old = await get_receiver(tx, name)
        if values.get("enabled"):
            values = values | {"switched_off_at": None, "switched_off_reason": None}
        receiver = replace(old, **values)
        check(receiver)
        await tx.execute(
            update(event_receivers)
            .where(event_receivers.c.id == old.id)
            .values(**_row(receiver), updated_at=now())
        )
        await changes.bump(tx)
    return receiver


async def remove_receiver(database: Database, changes: Changes, name: str) -> None:
    """Remove a receiver with all it is owed. :raises ReceiverError: there is none."""
    async with database.write() as tx:
        receiver = await get_receiver(tx, name)
        for table in (event_deliveries, event_attempts):
            await tx.execute(delete(table).where(table.c.receiver_id == receiver.id))
        await tx.execute(delete(event_receivers).where(event_receivers.c.id == receiver.id))
        await changes.bump(tx)


async def switch_off(database: Database, changes: Changes, receiver_id: str, reason: str) -> None:
    """Stop sending to a receiver that wants nothing any more."""
    async with database.write() as tx:
        await tx.execute(
            update(event_receivers)
            .where(event_receivers.c.id == receiver_id)
            .values(enabled=False, switched_off_at=now(), switched_off_reason=reason, updated_at=now())
        )
        await changes.bump(tx)


class _unique_name:  # noqa: N801 - reads as a function
    """Says that a name is taken where the store refuses it."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def __aenter__(self) -> None:
        """Nothing yet."""

    async def __aexit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        if isinstance(error, IntegrityError):
            raise ReceiverError(f"there is a receiver {self._name!r} already") from error


def _row(receiver: Receiver) -> Mapping[str, Any]:
    values: dict[str, Any] = {field.name: getattr(receiver, field.name) for field in fields(Receiver)}
    values["events"] = msgspec.json.encode([name for name in EVENTS if name in receiver.events]).decode()
    return values
