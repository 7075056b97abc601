"""PBX > Users: extensions, one by one. Changes are those of the Simotel API; see also :mod:`.user_ranges`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from sqlalchemy import ColumnElement, select

from tamas.console.activity import Facts, Look
from tamas.console.context import ConsoleContext
from tamas.console.errors import Conflict, NotFound
from tamas.console.lists import ListQuery, Window, by_number, read_window
from tamas.console.pbx.fields import ById, ByIds, Made, yes_no_all
from tamas.console.pbx.masks import hide_in_options, restore_options, secrets_in
from tamas.console.pbx.noted import looked_at, named, named_row, setting_names
from tamas.console.pbx.phones import Contact, Phones, State, read_phones, with_phone
from tamas.console.pbx.usage import Forward, MappedAgent, QueueUse, forwards_to, seats_at
from tamas.console.rights import UPDATE, USERS
from tamas.console.service import service
from tamas.console.times import milliseconds
from tamas.engine.configuration import SIP_TRANSPORTS
from tamas.engine.sip_objects import ignored_extension_options
from tamas.engine.sip_secrets import SealError
from tamas.sa.pbx import users as sa_users
from tamas.sa.pbx.users import MASK, UserAdd, UserUpdate
from tamas.store.database import Row
from tamas.store.schema import extensions

_e = extensions.c
_SETTINGS = tuple(name for name in setting_names(extensions) if name != "forward_policy")


class UserQuery(ListQuery, kw_only=True):
    """Which extensions to list."""

    active: Annotated[str, yes_no_all()] = "all"
    registered: Annotated[str, yes_no_all()] = "all"


class UserRow(msgspec.Struct, kw_only=True):
    """An extension in a list."""

    id: str
    number: str
    name: str
    user_type: str
    active: bool
    context: str
    call_record: bool
    email: str
    queues: list[str]
    mapped: str | None
    registered: bool
    state: State
    updated_at: int


class ForwardTargets(
    msgspec.Struct,
    kw_only=True,
    rename={"busy": "Busy", "no_answer": "No Answer", "unavailable": "UnAvailable", "every": "All"},
):
    """Where calls go that the extension did not take, by reason; ``""`` for nowhere."""

    busy: str
    no_answer: str
    unavailable: str
    every: str


class StoredUser(msgspec.Struct, kw_only=True, rename={"id": "_id"}):
    """Settings of an extension in the words of the Simotel API."""

    id: str
    user_type: str
    active: str
    name: str
    number: str
    cid_number: str
    """Empty: the number."""
    secret: str
    call_record: str
    push_notification: str
    deny: str
    permit: str
    dtmfmode: str
    canreinvite: str
    directmedia: str
    context: str
    host: str
    type: str
    nat: str
    port: str
    qualify: str
    callgroup: str
    pickupgroup: str
    callcounter: str
    faxdetect: str
    call_limit: str
    trunk: str
    transfer: str
    email: str
    forward_policy: ForwardTargets
    more_options: str
    description: str


class UserDetail(msgspec.Struct, kw_only=True):
    """An extension with all that is known about it."""

    settings: StoredUser
    registered: bool
    state: State
    contacts: list[Contact]
    queues: list[str]
    mapped: str | None
    ignored_options: list[str]
    """Option lines without effect."""
    created_at: int
    updated_at: int


class UserUsage(msgspec.Struct, kw_only=True):
    """What uses extensions."""

    queues: list[QueueUse]
    mapped: list[MappedAgent]
    forwards: list[Forward]
    calls: int
    """In progress at their phones."""


class Revealed(msgspec.Struct, kw_only=True):
    """A secret in plain text."""

    secret: str


class PhoneCard(msgspec.Struct, kw_only=True):
    """What a phone must be told to register."""

    number: str
    name: str
    server: str
    port: int
    transports: list[str]
    registered: bool
    contacts: list[Contact]


@service("pbx/users/list", page=USERS, summary="List extensions", request=UserQuery)
async def list_users(context: ConsoleContext, request: UserQuery) -> Window[UserRow]:
    view = await context.live.view()
    statement = select(
        _e.id,
        _e.number,
        _e.name,
        _e.user_type,
        _e.active,
        _e.context,
        _e.call_record,
        _e.email,
        _e.host,
        _e.updated_at,
    )
    if request.active != "all":
        statement = statement.where(_e.active == request.active)
    if request.registered != "all":
        registered = await with_phone(context.database, view)
        statement = statement.where(registered if request.registered == "yes" else ~registered)
    found = await read_window(
        context.database,
        request,
        statement,
        row=dict,
        sortable={
            "number": by_number(_e.number),
            "name": _e.name,
            "context": _e.context,
            "updated_at": _e.updated_at,
        },
        searched=(_e.number, _e.name, _e.email, _e.context, _e.description),
        key=_e.id,
    )
    async with context.database.read() as connection:
        phones = await read_phones(connection, view, found.rows)
    rows = [_listed(row, phones[row["number"]]) for row in found.rows]
    return Window(rows=rows, total=found.total, start=found.start)


@service("pbx/users/get", page=USERS, summary="An extension", request=ById)
async def get_user(context: ConsoleContext, request: ById) -> UserDetail:
    row, phones = await _with_phones(context, request.id)
    settings = {**{name: row[name] for name in _SETTINGS}, "id": row["id"], "secret": MASK}
    settings["more_options"] = hide_in_options(row["more_options"])
    policy = sa_users.merged_policy(row["forward_policy"], None)
    return UserDetail(
        settings=StoredUser(**settings, forward_policy=msgspec.json.decode(policy, type=ForwardTargets)),
        registered=phones.registered,
        state=phones.state,
        contacts=phones.contacts,
        queues=phones.queues,
        mapped=phones.mapped,
        ignored_options=list(ignored_extension_options(settings["more_options"])),
        created_at=milliseconds(row["created_at"]),
        updated_at=milliseconds(row["updated_at"]),
    )


@service("pbx/users/add", page=USERS, right=UPDATE, summary="Add an extension", request=UserAdd)
async def add_user(context: ConsoleContext, request: UserAdd) -> Made:
    restore_options(request.more_options or "", "")
    look = user_look(_e.number == request.number)
    async with context.activity.change(USERS, "add", named(request.number, request.name), look):
        return Made(id=await sa_users.add(context.sa, request))


@service("pbx/users/update", page=USERS, right=UPDATE, summary="Change an extension", request=UserUpdate)
async def update_user(context: ConsoleContext, request: UserUpdate) -> None:
    row = await _row(context, request.id)
    async with context.activity.change(USERS, "update", named_row(row), user_look(_e.id == row["id"])):
        await sa_users.change_prepared(context.sa, request, _completed)


@service("pbx/users/usage", page=USERS, summary="What uses extensions", request=ByIds)
async def user_usage(context: ConsoleContext, request: ByIds) -> UserUsage:
    async with context.database.read() as connection:
        rows = await connection.rows(select(_e.number).where(_e.id.in_(request.ids)))
        numbers = [row["number"] for row in rows]
        queues, mapped = await seats_at(connection, numbers)
    view = await context.live.view()
    return UserUsage(
        queues=queues,
        mapped=mapped,
        forwards=await forwards_to(context.database, numbers),
        calls=sum(view.phone(number).calls for number in numbers),
    )


@service(
    "pbx/users/reveal",
    page=USERS,
    right=UPDATE,
    summary="The secret of an extension",
    description="Noted in the activity log.",
    request=ById,
)
async def reveal_secret(context: ConsoleContext, request: ById) -> Revealed:
    row = await _row(context, request.id)
    try:
        secret = context.seal.open(row["secret_sealed"])
    except SealError as error:
        raise Conflict("the secret was sealed with a key that is gone", code="sealed") from error
    await context.activity.note(USERS.id, "reveal", named_row(row))
    return Revealed(secret=secret)


@service("pbx/users/phone_card", page=USERS, summary="How a phone is set up", request=ById)
async def phone_card(context: ConsoleContext, request: ById) -> PhoneCard:
    row, phones = await _with_phones(context, request.id)
    return PhoneCard(
        number=row["number"],
        name=row["name"],
        server=context.own_host,
        port=context.settings.sip_port,
        transports=list(SIP_TRANSPORTS),
        registered=phones.registered,
        contacts=phones.contacts,
    )


def user_look(which: ColumnElement[bool]) -> Look:
    """Describes an extension for the activity log."""
    return looked_at(
        extensions,
        which,
        facts=_facts,
        secrets=lambda row: (row["secret_sealed"], secrets_in(options=row["more_options"])),
    )


def _facts(row: Row) -> Facts:
    return {
        **{name: row[name] for name in _SETTINGS},
        "forward_policy": msgspec.json.decode(row["forward_policy"]),
        "more_options": hide_in_options(row["more_options"]),
    }


def _listed(row: Row, phones: Phones) -> UserRow:
    return UserRow(
        id=row["id"],
        number=row["number"],
        name=row["name"],
        user_type=row["user_type"],
        active=row["active"] == "yes",
        context=row["context"],
        call_record=row["call_record"] == "yes",
        email=row["email"],
        queues=phones.queues,
        mapped=phones.mapped,
        registered=phones.registered,
        state=phones.state,
        updated_at=milliseconds(row["updated_at"]),
    )


def _completed(row: Row, request: UserUpdate) -> UserUpdate:
    """What was sent, with stored secrets in place of the mask.

    A caller id number that is the extension's own becomes none: blank cannot be sent for it.
    """
    given = {}
    if request.more_options is not None:
        given["more_options"] = restore_options(request.more_options, row["more_options"])
    if request.cid_number == (request.number or row["number"]):
        given["cid_number"] = ""
    return msgspec.structs.replace(request, **given)


async def _with_phones(context: ConsoleContext, identity: str) -> tuple[Row, Phones]:
    row = await _row(context, identity)
    view = await context.live.view()
    async with context.database.read() as connection:
        phones = await read_phones(connection, view, [row])
    return row, phones[row["number"]]


async def _row(context: ConsoleContext, identity: str) -> Row:
    async with context.database.read() as connection:
        row = await connection.row(select(extensions).where(_e.id == identity))
    if row is None:
        raise NotFound("there is no such extension")
    return row
