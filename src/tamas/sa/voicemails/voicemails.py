"""``/voicemails/voicemails/*``: mailboxes.

A mailbox has a number among mailboxes; mostly it is that of an extension, whose missed calls it then takes.
Its password is shown, as the catalogue has it (README decision 21,
``docs/decisions/0015-mailbox-passwords.md``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tamas.engine.layout import EngineLayout
from tamas.engine.sip_secrets import SealError
from tamas.sa.dates import RowDates
from tamas.sa.errors import NumberExists, OperationFailed
from tamas.sa.fields import (
    Digits,
    Email,
    Field,
    Lines,
    Nested,
    Text,
    YesNo,
    alike,
    identifier,
    logical,
    optional,
    required,
    yes_no,
)
from tamas.sa.pbx.field_types import Title
from tamas.sa.pbx.rows import fetch, plain_rows
from tamas.sa.search import matching
from tamas.sa.service import Added, Listed, ServiceContext, Written, service
from tamas.store.clock import now
from tamas.store.database import Connection, Row
from tamas.store.ids import new_id
from tamas.store.voicemail_schema import mailbox_guesses, mailboxes, voicemail_mails, voicemail_messages
from tamas.voicemail.lights import light_changed
from tamas.voicemail.messages import remove_files

log = logging.getLogger(__name__)

_NUMBER_NOTE = "Unique among mailboxes; may be that of an extension."
_b = mailboxes.c


def _capital(wire: str) -> Field:
    return logical(YesNo(), wire=wire, example="no")


class MailboxSettings(msgspec.Struct, kw_only=True):
    """Settings of a mailbox that may be left out."""

    email: Annotated[str | None, optional(Email(), example="")] = None
    required_password: Annotated[str | None, yes_no("no")] = None
    allow_change_password: Annotated[str | None, yes_no("no")] = None
    send_email: Annotated[str | None, yes_no("no")] = None
    attach_file_email: Annotated[str | None, yes_no("no")] = None
    play_busy: Annotated[str | None, yes_no("no")] = None
    play_unavailable: Annotated[str | None, yes_no("no")] = None
    play_welcome: Annotated[str | None, yes_no("no")] = None
    play_cid: Annotated[str | None, _capital("Play_CID")] = None
    play_envelope: Annotated[str | None, _capital("Play_Envelope")] = None
    delete_voicemail: Annotated[str | None, _capital("Delete_Voicemail")] = None
    more_options: Annotated[str | None, logical(Lines(), example="", note="Kept, not looked at.")] = None


class MailboxAdd(MailboxSettings, kw_only=True):
    """A new mailbox."""

    name: Annotated[str, required(Title(), example="test voicemail")]
    number: Annotated[str, required(Digits(), example="999", note=_NUMBER_NOTE)]
    password: Annotated[str, required(Digits(), example="999")]


class MailboxUpdate(MailboxSettings, kw_only=True):
    """Changes of a mailbox; what is left out stays."""

    id: Annotated[str, identifier(natural_key="number")] = ""
    name: Annotated[str | None, logical(Title(), example="test voicemail")] = None
    number: Annotated[str | None, logical(Digits(), example="999", note=_NUMBER_NOTE)] = None
    password: Annotated[str | None, logical(Digits(), example="999")] = None


class MailboxRemove(msgspec.Struct, kw_only=True):
    """Names the mailbox to delete."""

    id: Annotated[str, identifier(natural_key="number")] = ""
    number: Annotated[str | None, optional(Digits(), lenient_only=True)] = None


class MailboxConditions(msgspec.Struct, kw_only=True):
    """What rows must match; ``""`` matches everything."""

    name: Annotated[str, optional(Text(max=80), example="")] = ""
    number: Annotated[str, optional(Text(max=80), example="")] = ""


class MailboxSearch(msgspec.Struct, kw_only=True):
    """Which mailboxes to list."""

    alike: Annotated[bool, alike()]
    conditions: Annotated[MailboxConditions | None, optional(Nested(MailboxConditions))] = None
    name: Annotated[str, optional(Text(max=80), lenient_only=True)] = ""
    number: Annotated[str, optional(Text(max=80), aliases=("extension",), lenient_only=True)] = ""


EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "64b7f79011294d248a477216",
    "name": "test voicemail",
    "number": "999",
    "password": "999",
    "email": "",
    "required_password": "no",
    "allow_change_password": "no",
    "send_email": "no",
    "attach_file_email": "no",
    "play_busy": "no",
    "play_unavailable": "no",
    "play_welcome": "no",
    "Play_CID": "no",
    "Play_Envelope": "no",
    "Delete_Voicemail": "no",
    "more_options": "",
    "date": "2023-07-19 19:17:44",
}
"""One row of an answer; its keys are the keys of every row, in this order."""

_KEYS = tuple(EXAMPLE_ROW)
_COLUMNS: tuple[ColumnElement[Any], ...] = (
    _b.id,
    _b.name,
    _b.number,
    _b.password_sealed,
    _b.email,
    _b.required_password,
    _b.allow_change_password,
    _b.send_email,
    _b.attach_file_email,
    _b.play_busy,
    _b.play_unavailable,
    _b.play_welcome,
    _b.play_cid,
    _b.play_envelope,
    _b.delete_voicemail,
    _b.more_options,
    _b.created_at,
)


@service(
    "voicemails/voicemails/add",
    op="add",
    summary="Create a mailbox",
    request=MailboxAdd,
    answer=Added(),
)
async def add(context: ServiceContext, request: MailboxAdd) -> str:
    identity, moment = new_id(), now()
    row = _columns(context, request) | {"id": identity, "created_at": moment, "updated_at": moment}
    try:
        async with context.database.write() as tx:
            await tx.execute(insert(mailboxes).values(row))
            await light_changed(context.database, tx, request.number)
    except IntegrityError as error:
        raise NumberExists("number") from error
    return identity


@service(
    "voicemails/voicemails/update",
    op="update",
    summary="Change a mailbox",
    description="With a new number its messages keep the names of their files.",
    request=MailboxUpdate,
    answer=Written(),
)
async def change(context: ServiceContext, request: MailboxUpdate) -> None:
    try:
        async with context.database.write() as tx:
            row = await _find(tx, request.id, request.number)
            await tx.execute(
                update(mailboxes)
                .where(_b.id == row["id"])
                .values(**_columns(context, request), updated_at=now())
            )
            if request.number not in (None, row["number"]):
                await tx.execute(
                    update(voicemail_messages)
                    .where(voicemail_messages.c.mailbox_id == row["id"])
                    .values(number=request.number)
                )
                for number in (row["number"], str(request.number)):
                    await light_changed(context.database, tx, number)
            if request.password is not None:
                await tx.execute(delete(mailbox_guesses).where(mailbox_guesses.c.mailbox_id == row["id"]))
    except IntegrityError as error:
        raise NumberExists("number") from error


@service(
    "voicemails/voicemails/search",
    op="search",
    summary="List or find mailboxes",
    request=MailboxSearch,
    answer=Listed(EXAMPLE_ROW),
)
async def find(context: ServiceContext, request: MailboxSearch) -> list[dict[str, Any]]:
    asked = request.conditions or MailboxConditions(name=request.name, number=request.number)
    statement = (
        select(*_COLUMNS)
        .where(*matching(request.alike, (_b.name, asked.name), (_b.number, asked.number)))
        .order_by(func.length(_b.number), _b.number)
    )
    found = await context.database.long_read(fetch(statement))
    return await asyncio.to_thread(_rows, context, found)


@service(
    "voicemails/voicemails/remove",
    op="remove",
    summary="Delete a mailbox",
    description="Its messages go with it.",
    request=MailboxRemove,
    answer=Written(),
)
async def remove(context: ServiceContext, request: MailboxRemove) -> None:
    async with context.database.write() as tx:
        row = await _find(tx, request.id, request.number)
        await tx.execute(delete(mailboxes).where(_b.id == row["id"]))
        for table in (mailbox_guesses, voicemail_mails):
            await tx.execute(delete(table).where(table.c.mailbox_id == row["id"]))
        gone = await tx.rows(
            delete(voicemail_messages)
            .where(voicemail_messages.c.mailbox_id == row["id"])
            .returning(voicemail_messages.c.filename)
        )
        await light_changed(context.database, tx, row["number"])
    directory = EngineLayout(state_dir=context.settings.state_dir).voicemail
    await asyncio.to_thread(remove_files, directory, [message["filename"] for message in gone])


def _columns(context: ServiceContext, request: MailboxAdd | MailboxUpdate) -> dict[str, Any]:
    """Values by column of what was sent."""
    sent = msgspec.structs.asdict(request)
    password = sent.pop("password")
    values = {key: value for key, value in sent.items() if value is not None and key != "id"}
    return values if password is None else values | {"password_sealed": context.seal.seal(password)}


async def _find(tx: Connection, identity: str, number: str | None) -> Row:
    """The mailbox that a request names, by id or (lenient) by number, kept from changing meanwhile."""
    which = _b.id == identity if identity else _b.number == number
    row = await tx.row(select(mailboxes).where(which).with_for_update())
    if row is None:
        raise OperationFailed("_id" if identity else "number")
    return row


def _rows(context: ServiceContext, found: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    rows = plain_rows(found, _KEYS, RowDates(context.runtime))
    for row in rows:
        try:
            row["password"] = context.seal.open(row["password"])
        except SealError as error:
            log.error("the password of mailbox %s cannot be shown: %s", row["number"], error)  # noqa: TRY400
            row["password"] = ""
    return rows
