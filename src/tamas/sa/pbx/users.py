"""``/pbx/users/*``: extensions.

An extension is one row; Asterisk sees it at the next REGISTER or call. What its fields mean there is in
``docs/asterisk.md``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
)

from tamas.engine.effects import Effect, carry_over, phones_followed, refreshed
from tamas.engine.live import watched_extensions
from tamas.engine.sip_objects import SipSettingError, extension_sip
from tamas.engine.sip_secrets import SealError, SecretSeal, ha1
from tamas.sa.dates import RowDates
from tamas.sa.errors import NumberExists, OperationFailed
from tamas.sa.fields import (
    CidrMask,
    ContextName,
    Digits,
    DigitsOrEmpty,
    Email,
    Lines,
    Name,
    Nested,
    OneOf,
    Text,
    YesNo,
    alike,
    identifier,
    logical,
    optional,
    required,
    yes_no,
)
from tamas.sa.pbx.extension_rows import insert_rows, remove_rows, renumber, update_rows
from tamas.sa.pbx.field_types import (
    DTMF_MODE,
    NAT,
    PEER_TYPE,
    TRANSFER,
    USER_TYPE,
    CallerNumber,
    ExtensionSecret,
    ForwardTarget,
    Port,
    SipHost,
)
from tamas.sa.pbx.rows import fetch, matches, number_order
from tamas.sa.service import Added, Listed, ServiceContext, Written, service
from tamas.store.clock import now
from tamas.store.database import Connection, HotQuery, Row
from tamas.store.ids import new_id
from tamas.store.schema import agent_mappings, extensions, queue_members

log = logging.getLogger(__name__)

MASK = "******"
"""Stands for every secret in answers; sent back in an update it leaves the secret alone."""

_GROUPS = Digits(max=2, low=0, high=63)
_CALL_LIMIT = DigitsOrEmpty(max=4)


class ForwardPolicy(msgspec.Struct, kw_only=True):
    """Where calls go that the extension did not take, by reason; ``""`` for nowhere."""

    busy: Annotated[str | None, optional(ForwardTarget(), wire="Busy", example="571")] = None
    no_answer: Annotated[str | None, optional(ForwardTarget(), wire="No Answer", example="570")] = None
    unavailable: Annotated[str | None, optional(ForwardTarget(), wire="UnAvailable", example="570")] = None
    every: Annotated[str | None, optional(ForwardTarget(), wire="All", example="2121")] = None

    def given(self) -> dict[str, str]:
        """What was sent, by the name on the wire."""
        named = zip(_FORWARD_KEYS, (self.busy, self.no_answer, self.unavailable, self.every), strict=True)
        return {key: value for key, value in named if value is not None}


_FORWARD_KEYS = ("Busy", "No Answer", "UnAvailable", "All")


class UserSettings(msgspec.Struct, kw_only=True):
    """Settings of an extension that may be left out."""

    user_type: Annotated[str | None, logical(USER_TYPE, example="SIP")] = None
    active: Annotated[str | None, yes_no("yes")] = None
    cid_number: Annotated[str | None, logical(CallerNumber(), example="999")] = None
    call_record: Annotated[str | None, yes_no("no")] = None
    push_notification: Annotated[str | None, yes_no("no")] = None
    deny: Annotated[str | None, logical(CidrMask(), example="0.0.0.0/0.0.0.0")] = None
    permit: Annotated[str | None, logical(CidrMask(), example="0.0.0.0/0.0.0.0")] = None
    dtmfmode: Annotated[str | None, logical(DTMF_MODE, example="rfc2833")] = None
    canreinvite: Annotated[str | None, yes_no("no")] = None
    directmedia: Annotated[str | None, yes_no("no")] = None
    context: Annotated[str | None, logical(ContextName(), example="main_routing")] = None
    host: Annotated[str | None, logical(SipHost(), example="dynamic")] = None
    type: Annotated[str | None, logical(PEER_TYPE, example="user")] = None
    nat: Annotated[str | None, logical(NAT, example="no")] = None
    port: Annotated[str | None, logical(Port(), example="5060")] = None
    qualify: Annotated[str | None, yes_no("no")] = None
    callgroup: Annotated[str | None, logical(_GROUPS, example="1")] = None
    pickupgroup: Annotated[str | None, logical(_GROUPS, example="1")] = None
    callcounter: Annotated[str | None, yes_no("no")] = None
    faxdetect: Annotated[str | None, yes_no("no")] = None
    call_limit: Annotated[
        str | None, logical(_CALL_LIMIT, example="", note="Simultaneous calls; empty: no limit.")
    ] = None
    trunk: Annotated[str | None, logical(YesNo(), example="no", note="IAX2 only.")] = None
    transfer: Annotated[str | None, logical(TRANSFER, example="no", note="IAX2 only.")] = None
    email: Annotated[str | None, optional(Email(), example="")] = None
    forward_policy: Annotated[ForwardPolicy | None, optional(Nested(ForwardPolicy))] = None
    more_options: Annotated[
        str | None, optional(Lines(), example="", note="Lines key=value, as in docs/asterisk.md.")
    ] = None
    description: Annotated[str | None, optional(Lines(max=1000), example="")] = None


class UserAdd(UserSettings, kw_only=True):
    """A new extension; what is left out has the default of its column."""

    name: Annotated[str, required(Name(), example="User2")]
    number: Annotated[
        str, required(Digits(), example="999", note="Unique among everything that can be dialed.")
    ]
    secret: Annotated[str, required(ExtensionSecret(), aliases=("password",), example="999")]


class UserUpdate(UserSettings, kw_only=True):
    """Changes of an extension; what is left out stays."""

    id: Annotated[str, identifier(natural_key="number")] = ""
    name: Annotated[str | None, logical(Name(), example="User2")] = None
    number: Annotated[
        str | None, logical(Digits(), example="999", note="Unique among everything that can be dialed.")
    ] = None
    secret: Annotated[
        str | None,
        logical(
            ExtensionSecret(),
            aliases=("password",),
            example="999",
            note="The mask ****** leaves the secret alone.",
        ),
    ] = None


class UserRemove(msgspec.Struct, kw_only=True):
    """Names the extension to delete."""

    id: Annotated[str, identifier(natural_key="number")] = ""
    number: Annotated[str, optional(Digits(), lenient_only=True)] = ""


class UserConditions(msgspec.Struct, kw_only=True):
    """What rows must match; ``""`` matches everything."""

    name: Annotated[str, optional(Text(max=80), example="User2")] = ""
    number: Annotated[str, optional(Text(max=80), example="")] = ""
    mapped: Annotated[str, optional(Text(max=80), example="", note="Number of the mapped operator.")] = ""


class UserSearch(msgspec.Struct, kw_only=True):
    """Which extensions to list."""

    status: Annotated[
        str,
        logical(
            OneOf("all", "mapped"),
            example="all",
            note="mapped: only extensions at which an operator with another number sits.",
        ),
    ] = "all"
    alike: Annotated[bool, alike()]
    conditions: Annotated[UserConditions | None, optional(Nested(UserConditions))] = None
    name: Annotated[str, optional(Text(max=80), lenient_only=True)] = ""
    number: Annotated[str, optional(Text(max=80), lenient_only=True)] = ""


EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "64b558207af75f2cf3788898",
    "user_type": "SIP",
    "active": "yes",
    "call_record": "no",
    "push_notification": "no",
    "name": "101",
    "number": "101",
    "cid_number": "101",
    "secret": MASK,
    "deny": "0.0.0.0/0.0.0.0",
    "permit": "0.0.0.0/0.0.0.0",
    "dtmfmode": "rfc2833",
    "context": "main_routing",
    "host": "dynamic",
    "type": "friend",
    "port": "5060",
    "qualify": "yes",
    "email": "",
    "forward_policy": dict.fromkeys(_FORWARD_KEYS, ""),
    "more_options": "",
    "canreinvite": "no",
    "directmedia": "no",
    "nat": "force_rport,comedia",
    "callgroup": "1",
    "pickupgroup": "1",
    "callcounter": "yes",
    "faxdetect": "no",
    "call_limit": "",
    "description": "",
    "date": "2023-07-17 19:32:56",
    "queues": [],
}
"""One row of an answer; its keys are the keys of every row, in this order."""

Prepare = Callable[[Row, UserUpdate], UserUpdate]
"""Completes a request once the extension that it names is known."""

_e = extensions.c


@service("pbx/users/add", op="add", summary="Create an extension", request=UserAdd, answer=Added())
async def add(context: ServiceContext, request: UserAdd) -> str:
    row = new_row(context.seal, request)
    async with context.database.write() as tx:
        if await insert_rows(context.database, tx, [row]):
            raise NumberExists("number")
    await carry_over(context.engine, new_ones_followed([row]))
    return str(row["id"])


@service("pbx/users/update", op="update", summary="Change an extension", request=UserUpdate, answer=Written())
async def change(context: ServiceContext, request: UserUpdate) -> None:
    await change_prepared(context, request, lambda _row, sent: sent)


async def change_prepared(context: ServiceContext, request: UserUpdate, prepare: Prepare) -> None:
    """Change an extension.

    :param prepare: called with the row as it is, which does not change meanwhile.
    :raises tamas.sa.errors.ServiceFailure: as the service does.
    """
    queues: set[str] = set()
    async with context.database.write() as tx:
        row = await _find(tx, request.id, request.number)
        request = prepare(row, request)
        values = settings_columns(request)
        number = str(values.get("number", row["number"]))
        renamed = number != row["number"]
        secret = None if request.secret == MASK else request.secret
        if request.forward_policy is not None:
            values["forward_policy"] = merged_policy(row["forward_policy"], request.forward_policy)
        if secret is not None:
            values["secret_sealed"] = context.seal.seal(secret)
        if secret is not None or renamed:
            values["secret_ha1"] = ha1(number, secret or _revealed(context, row))
        if renamed:
            moved = await renumber(context.database, tx, row, number)
            if moved is None:
                raise NumberExists("number")
            queues = moved
        await update_rows(tx, [row], values)
        followed = await watched_extensions(tx, [number])
    await carry_over(context.engine, [*map(phones_followed, followed), *refreshed(queues)])


@service(
    "pbx/users/search",
    op="search",
    summary="List or find extensions",
    request=UserSearch,
    answer=Listed(EXAMPLE_ROW),
)
async def find(context: ServiceContext, request: UserSearch) -> list[dict[str, Any]]:
    wanted = request.conditions or UserConditions(name=request.name, number=request.number)
    mapped_only = request.status == "mapped"
    dates = RowDates(context.runtime)
    if wanted.number and not (request.alike or wanted.name or wanted.mapped or mapped_only):
        rows = _rows(await context.database.hot(_BY_NUMBER, wanted.number), dates)
        for row in rows:
            row["queues"].sort(key=number_order)
        return rows
    statement = _listing(wanted, like=request.alike, mapped_only=mapped_only)
    found = await context.database.long_read(fetch(statement))
    return await asyncio.to_thread(_rows, found, dates)


@service("pbx/users/remove", op="remove", summary="Delete an extension", request=UserRemove, answer=Written())
async def remove(context: ServiceContext, request: UserRemove) -> None:
    async with context.database.write() as tx:
        row = await _find(tx, request.id, request.number)
        queues = await remove_rows(context.database, tx, [row])
    await carry_over(context.engine, refreshed(queues))


# -- reading -----------------------------------------------------------------------------------------------

_ELSEWHERE: Mapping[str, ColumnElement[Any]] = {
    "_id": _e.id,
    "secret": literal_column(f"'{MASK}'"),
    "date": _e.created_at,
    "queues": queue_members.c.queue_name,
}
_KEYS = (*EXAMPLE_ROW, "trunk", "transfer")
_COLUMNS = [_ELSEWHERE[key] if key in _ELSEWHERE else _e[key] for key in _KEYS]
_SITS_HERE = and_(
    queue_members.c.membername.in_(
        [
            _e.number,
            select(agent_mappings.c.agent)
            .where(agent_mappings.c.phone == _e.number)
            .correlate(extensions)
            .scalar_subquery(),
        ]
    ),
    queue_members.c.state_interface == literal_column("'PJSIP/'") + _e.number,
)
_SELECT = select(*_COLUMNS).select_from(extensions.outerjoin(queue_members, _SITS_HERE))
"""Extensions, each once for every queue that whoever sits at it is in; once without queue if in none."""
_BY_NUMBER = HotQuery(_SELECT.where(_e.number == bindparam("number")))


def _rows(found: Sequence[Sequence[Any]], dates: RowDates) -> list[dict[str, Any]]:
    """Rows of the answer; lines of the same extension stand together."""
    rows: list[dict[str, Any]] = []
    queues: list[str] = []
    for line in found:
        values = dict(zip(_KEYS, line, strict=True))
        queue = values["queues"]
        if rows and rows[-1]["_id"] == values["_id"]:
            queues.append(queue)
            continue
        queues = [] if queue is None else [queue]
        values["queues"] = queues
        values["date"] = dates.text(values["date"])
        values["forward_policy"] = msgspec.Raw(values["forward_policy"].encode())
        values["cid_number"] = values["cid_number"] or values["number"]
        rows.append(values if values["user_type"] == "IAX2" else _without_iax2(values))
    return rows


def _without_iax2(values: dict[str, Any]) -> dict[str, Any]:
    del values["trunk"], values["transfer"]
    return values


def _listing(wanted: UserConditions, *, like: bool, mapped_only: bool) -> Select[Any]:
    statement = _SELECT
    for column, text in ((_e.name, wanted.name), (_e.number, wanted.number)):
        if text:
            statement = statement.where(matches(column, text, like=like))
    if wanted.mapped or mapped_only:
        statement = statement.join(agent_mappings, agent_mappings.c.phone == _e.number)
        if wanted.mapped:
            statement = statement.where(matches(agent_mappings.c.agent, wanted.mapped, like=like))
    return statement.order_by(
        func.length(_e.number), _e.number, func.length(queue_members.c.queue_name), queue_members.c.queue_name
    )


# -- writing -----------------------------------------------------------------------------------------------


def new_row(seal: SecretSeal, request: UserAdd) -> dict[str, Any]:
    """The row of a new extension.

    :raises OperationFailed: the secret is the mask, or an option line cannot be carried over.
    """
    if request.secret == MASK:
        raise OperationFailed("secret")
    moment = now()
    return {
        **_NO_OPTIONS,
        **settings_columns(request),
        "id": new_id(),
        "forward_policy": merged_policy("{}", request.forward_policy),
        "secret_ha1": ha1(request.number, request.secret),
        "secret_sealed": seal.seal(request.secret),
        "created_at": moment,
        "updated_at": moment,
    }


def new_ones_followed(rows: Sequence[Mapping[str, Any]]) -> list[Effect]:
    """What the engine must be told of new extensions: those with a fixed address are pinged there."""
    return [
        phones_followed(row["number"])
        for row in rows
        if row.get("active", "yes") == "yes" and row.get("host", "dynamic") != "dynamic"
    ]


def settings_columns(request: UserSettings) -> dict[str, Any]:
    """Values by column of the settings that were sent; secret and forward policy are not among them.

    :raises OperationFailed: an option line cannot be carried over.
    """
    sent = msgspec.structs.asdict(request)
    values = {
        key: value
        for key, value in sent.items()
        if value is not None and key not in {"id", "secret", "forward_policy"}
    }
    return values if request.more_options is None else values | _sip_columns(request.more_options)


def merged_policy(known: str, sent: ForwardPolicy | None) -> str:
    """A stored forward policy with what was sent in place of what it said."""
    policy = {
        **dict.fromkeys(_FORWARD_KEYS, ""),
        **msgspec.json.decode(known, type=dict[str, str]),
        **(sent.given() if sent else {}),
    }
    return msgspec.json.encode({key: policy[key] for key in _FORWARD_KEYS}).decode()


def _sip_columns(more_options: str) -> dict[str, object]:
    try:
        return extension_sip(more_options=more_options).columns()
    except SipSettingError as error:
        raise OperationFailed(error.setting) from error


_NO_OPTIONS = extension_sip(more_options="").columns()


async def _find(tx: Connection, identity: str, number: str | None) -> Row:
    """The extension that a request names, by id or (lenient) by number, kept from changing meanwhile."""
    which = _e.id == identity if identity else _e.number == number
    row = await tx.row(select(extensions).where(which).with_for_update())
    if row is None:
        raise OperationFailed("_id" if identity else "number")
    return row


def _revealed(context: ServiceContext, row: Row) -> str:
    try:
        return context.seal.open(row["secret_sealed"])
    except SealError as error:
        log.exception("extension %s keeps its number: its secret cannot be opened", row["number"])
        raise OperationFailed("number") from error
