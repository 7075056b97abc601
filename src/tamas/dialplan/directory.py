"""Who calls and what is dialed, from the store: one read for each call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, bindparam, cast, func, literal_column, select

from tamas.store.database import Database, HotQuery
from tamas.store.schema import agent_mappings, extensions, queues, trunks
from tamas.store.voicemail_schema import mailboxes


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The person at a phone: the extension itself, or the agent who signed in there."""

    phone: str
    number: str
    name: str
    shown_number: str
    """Caller id, as shown and reported."""
    record: bool
    call_limit: int | None
    """Simultaneous calls of the phone."""
    mapped: bool
    """Whether an agent sits at the phone."""


@dataclass(frozen=True, kw_only=True)
class Extension:
    """An extension or agent that was dialed, and the phone that rings for it."""

    number: str
    phone: str
    """Empty when there is none to ring."""
    several_phones: bool
    record: bool
    call_limit: int | None
    forward_policy: str
    """JSON object."""
    detects_fax: bool
    """Whether a fax machine that calls it is sent to the reception of faxes."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue that was dialed."""

    number: str
    record: bool


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """A mailbox that was dialed, or that takes the calls an extension missed."""

    id: str
    number: str
    name: str
    required_password: bool
    allow_change_password: bool
    play_busy: bool
    play_unavailable: bool
    play_welcome: bool
    play_cid: bool
    play_envelope: bool


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """What the store knows of a caller's phone and a dialed number."""

    caller: Caller | None
    extension: Extension | None
    queue: Queue | None
    mailbox: Mailbox | None
    """The one with the dialed number, whether that is an extension's or not."""
    trunk: str | None
    """First active trunk."""
    context: str
    """Outgoing route of the caller, or incoming route of the trunk that brought the call; may be empty."""


_MAILBOX_FLAGS = (
    "required_password",
    "allow_change_password",
    "play_busy",
    "play_unavailable",
    "play_welcome",
    "play_cid",
    "play_envelope",
)


def _statement() -> Any:
    given = select(
        cast(bindparam("phone"), String).label("phone"),
        cast(bindparam("dialed"), String).label("dialed"),
        cast(bindparam("entered_by"), String).label("entered_by"),
    ).cte("given")
    own = extensions.alias("own")  # the caller's phone
    seat = agent_mappings.alias("seat")  # who signed in there
    agent = extensions.alias("agent")  # that agent's own extension
    queue = queues.alias("queue")
    dialed = extensions.alias("dialed")
    mapping = agent_mappings.alias("mapping")  # where the dialed agent signed in
    ringing = extensions.alias("ringing")  # the phone there
    box = mailboxes.alias("box")
    entry = trunks.alias("entry")  # the trunk that brought the call
    # Constants stand in the text, so that these parameters are the only ones. Ids grow with time.
    first = select(func.min(trunks.c.id)).where(
        trunks.c.active == literal_column("'yes'"), trunks.c.trunk_type == literal_column("'SIP'")
    )
    trunk = select(trunks.c.name).where(trunks.c.id == first.scalar_subquery()).scalar_subquery()
    return select(
        own.c.number,
        own.c.name,
        own.c.cid_number,
        own.c.call_record,
        own.c.call_limit,
        seat.c.agent,
        agent.c.name,
        agent.c.cid_number,
        agent.c.call_record,
        queue.c.number,
        queue.c.call_record,
        dialed.c.number,
        dialed.c.call_record,
        dialed.c.forward_policy,
        dialed.c.faxdetect,
        mapping.c.phone,
        ringing.c.number,
        ringing.c.active,
        ringing.c.user_type,
        ringing.c.call_limit,
        ringing.c.call_record,
        ringing.c.pjsip_max_contacts,
        box.c.id,
        box.c.number,
        box.c.name,
        *(box.c[flag] for flag in _MAILBOX_FLAGS),
        trunk,
        func.coalesce(agent.c.context, own.c.context, entry.c.context, literal_column("''")),
    ).select_from(
        given.outerjoin(own, own.c.number == given.c.phone)
        .outerjoin(seat, seat.c.phone == given.c.phone)
        .outerjoin(agent, agent.c.number == seat.c.agent)
        .outerjoin(queue, queue.c.number == given.c.dialed)
        .outerjoin(dialed, dialed.c.number == given.c.dialed)
        .outerjoin(box, box.c.number == given.c.dialed)
        .outerjoin(mapping, mapping.c.agent == given.c.dialed)
        .outerjoin(entry, entry.c.name == given.c.entered_by)
        .outerjoin(ringing, ringing.c.number == func.coalesce(mapping.c.phone, given.c.dialed))
    )


_LOOKUP = HotQuery(_statement())


async def look_up(database: Database, *, phone: str, dialed: str, trunk: str = "") -> Lookup:
    """Find a caller's phone (empty: none), a dialed number, and the trunk that brought the call."""
    (row,) = await database.hot(_LOOKUP, phone, dialed, trunk)
    return Lookup(
        caller=_caller(*row[:9]),
        extension=_extension(dialed, *row[11:22]),
        queue=Queue(number=row[9], record=row[10] == "yes") if row[9] is not None else None,
        mailbox=_mailbox(*row[22:-2]),
        trunk=row[-2],
        context=row[-1],
    )


async def active_trunk(database: Database, name: str) -> bool:
    """Whether calls can leave by a trunk of this name."""
    async with database.read() as connection:
        found = await connection.scalar(
            select(trunks.c.id).where(
                trunks.c.name == name, trunks.c.active == "yes", trunks.c.trunk_type == "SIP"
            )
        )
    return found is not None


def _caller(
    phone: str | None,
    name: str,
    cid_number: str,
    record: str,
    call_limit: str,
    agent: str | None,
    agent_name: str | None,
    agent_cid: str | None,
    agent_record: str | None,
) -> Caller | None:
    if phone is None:
        return None
    if agent is not None and agent_name is not None:
        # The phone is that person now: caller id and record flag are the person's.
        name, cid_number, record = agent_name, agent_cid or "", agent_record or "no"
    return Caller(
        phone=phone,
        number=agent or phone,
        name=name,
        shown_number=(cid_number if agent is None or agent_name is not None else "") or agent or phone,
        record=record == "yes",
        call_limit=_limit(call_limit),
        mapped=agent is not None,
    )


def _extension(
    number: str,
    own_number: str | None,
    record: str | None,
    policy: str | None,
    faxdetect: str | None,
    mapped_phone: str | None,
    phone: str | None,
    active: str | None,
    user_type: str | None,
    call_limit: str | None,
    phone_record: str | None,
    contacts: int | None,
) -> Extension | None:
    if own_number is None and mapped_phone is None:
        return None
    rings = active == "yes" and user_type == "SIP"
    return Extension(
        number=number,
        phone=phone if phone is not None and rings else "",
        several_phones=(contacts or 1) > 1,
        record=(record if own_number is not None else phone_record) == "yes",
        call_limit=_limit(call_limit or ""),
        forward_policy=policy or "",
        detects_fax=faxdetect == "yes",
    )


def _mailbox(identity: str | None, number: str, name: str, *flags: str) -> Mailbox | None:
    if identity is None:
        return None
    said = {flag: value == "yes" for flag, value in zip(_MAILBOX_FLAGS, flags, strict=True)}
    return Mailbox(id=identity, number=number, name=name, **said)


def _limit(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None
