"""What is known about the phones of extensions: rows are the truth, the running engine decorates them."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec
from sqlalchemy import JSON, ColumnElement, Connection, String, and_, cast, func, literal, or_, select

from tamas.engine.live import state_interface
from tamas.engine.watch.view import EngineView
from tamas.sa.pbx.rows import number_order
from tamas.store.database import Connection as StoreConnection
from tamas.store.database import Database, Dialect, Row
from tamas.store.schema import agent_mappings, extensions, ps_contacts, queue_members

State = Literal["idle", "ringing", "in_use", "hold", "unavailable", "inactive"]

_BYTE = re.compile(r"\^([0-9A-Fa-f]{2})")
_HOST = re.compile(r"sips?:(?:[^@]*@)?(?P<address>\[[^\]]*\][^;>?]*|[^;>?]*)", re.IGNORECASE)

_e = extensions.c
_c = ps_contacts.c
_m = queue_members.c


class Contact(msgspec.Struct, kw_only=True):
    """A phone that is registered."""

    address: str
    """Where it is: host and port."""
    uri: str
    user_agent: str
    expires_at: int
    """Milliseconds since the epoch, UTC."""


@dataclass(kw_only=True)
class Phones:
    """The phones of one extension, and who sits there."""

    registered: bool = False
    """Whether calls can reach a phone: one is registered and not seen to be silent, or one at a fixed address
    answers. Without the engine every registration that has not expired counts."""
    state: State = "unavailable"
    mapped: str | None = None
    """Number of the agent who sits there under a number that is not the extension's."""
    queues: list[str] = field(default_factory=list)
    """Numbers of the queues in which whoever sits there is."""
    contacts: list[Contact] = field(default_factory=list)


async def with_phone(database: Database, view: EngineView) -> ColumnElement[bool]:
    """A condition on extensions: that calls to them can reach a phone, as :attr:`Phones.registered` says."""
    registered = select(_c.endpoint).where(_valid())
    fixed = select(_e.number).where(_e.active == "yes", _e.host != "dynamic")

    def read(connection: Connection) -> tuple[Sequence[str], Sequence[str]]:
        return connection.scalars(registered).all(), connection.scalars(fixed).all()

    at_phones, at_addresses = await database.long_read(read)
    reached = [number for number in at_addresses if view.phone(number).registered]
    silent = [number for number in at_phones if _silent(view, number)]
    return or_(
        and_(_e.number.in_(registered), ~_one_of(database.dialect, silent)),
        _one_of(database.dialect, reached),
    )


def _one_of(dialect: Dialect, numbers: Sequence[str]) -> ColumnElement[bool]:
    """A condition on extensions, whose numbers may be more than a statement may have parameters."""
    listed = msgspec.json.encode(numbers).decode()
    if dialect == "sqlite":
        return _e.number.in_(select(func.json_each(listed).table_valued("value").c.value))
    elements = func.json_array_elements_text(cast(literal(listed, String), JSON))
    return _e.number.in_(select(elements.table_valued("value").c.value))


def _valid() -> ColumnElement[bool]:
    """Contacts that have not expired."""
    return _c.expiration_time > int(time.time())


def _silent(view: EngineView, number: str) -> bool:
    """Whether the engine is there and sees that a registered phone does not answer."""
    return view.ready and not view.phone(number).registered


async def read_phones(
    connection: StoreConnection, view: EngineView, rows: Sequence[Row]
) -> dict[str, Phones]:
    """What is known about extensions, by number.

    :param rows: with ``number``, ``active`` and ``host``.
    """
    phones = {row["number"]: Phones() for row in rows}
    for row in await connection.rows(select(ps_contacts).where(_c.endpoint.in_(phones), _valid())):
        phones[row["endpoint"]].contacts.append(_contact(row))
    mapped = await connection.rows(select(agent_mappings).where(agent_mappings.c.phone.in_(phones)))
    for row in mapped:
        phones[row["phone"]].mapped = row["agent"]
    await _add_queues(connection, phones)
    for row in rows:
        known = phones[row["number"]]
        seen = view.phone(row["number"])
        at_phone = bool(known.contacts) and not _silent(view, row["number"])
        known.registered = at_phone or (row["host"] != "dynamic" and seen.registered)
        known.state = _state(row, known, seen.state)
    return phones


def phone_of(interface: str) -> str:
    """Number of the extension whose device a queue member's state is that of."""
    return interface.removeprefix(state_interface(""))


async def _add_queues(connection: StoreConnection, phones: dict[str, Phones]) -> None:
    """Tell each extension the queues of whoever sits there."""
    agents = {*phones, *(known.mapped for known in phones.values() if known.mapped is not None)}
    members = await connection.rows(
        select(_m.queue_name, _m.membername, _m.state_interface).where(_m.membername.in_(agents))
    )
    for row in members:
        number = phone_of(row["state_interface"])
        known = phones.get(number)
        if known is not None and row["membername"] in (number, known.mapped):
            known.queues.append(row["queue_name"])
    for known in phones.values():
        known.queues.sort(key=number_order)


def _state(row: Row, known: Phones, seen: State) -> State:
    if row["active"] != "yes":
        return "inactive"
    # The engine takes half a minute to let go of a registration that a new secret has ended.
    return "unavailable" if seen == "idle" and not known.registered else seen


def _contact(row: Row) -> Contact:
    uri = _plain(row["uri"])
    place = _HOST.match(uri)
    return Contact(
        address=place["address"] if place else "",
        uri=uri,
        user_agent=_plain(row["user_agent"]),
        expires_at=row["expiration_time"] * 1000,
    )


def _plain(text: str | None) -> str:
    """A text as it was before Asterisk wrote it: ``^3B`` stands for a semicolon, and so on."""
    return _BYTE.sub(lambda match: chr(int(match[1], 16)), text or "")
