"""``/pbx/trunks/*``: lines to providers and other exchanges.

A trunk is one row from which PJSIP's endpoint, addresses, credentials and registration follow; see
``docs/asterisk.md``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, DefaultClause, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from tamas.engine import live
from tamas.engine.ami import AmiClient
from tamas.engine.effects import Effect, carry_over
from tamas.engine.sip_objects import REGISTRATION_COLUMNS, SipSettingError, trunk_sip
from tamas.sa.dates import RowDates
from tamas.sa.errors import OperationFailed, TrunkExists
from tamas.sa.fields import (
    CidrMask,
    CodecList,
    ContextName,
    Lines,
    Nested,
    Text,
    TrunkName,
    alike,
    identifier,
    logical,
    optional,
    required,
    yes_no,
)
from tamas.sa.pbx.field_types import DTMF_MODE, INSECURE, NAT, PEER_TYPE, TRUNK_TYPE, Port, SipHost
from tamas.sa.pbx.rows import fetch, matches, plain_rows
from tamas.sa.pbx.trunk_events import tell_added, tell_removed
from tamas.sa.service import Added, Listed, ServiceContext, Written, service
from tamas.store.clock import now
from tamas.store.database import Connection, Row
from tamas.store.ids import new_id
from tamas.store.schema import trunks
from tamas.store.views import trunk_endpoint

_NAME_NOTE = "Unique. Letters, digits, dot, dash and underscore."
_OPTIONS_EXAMPLE = "fromuser=100\nusername=100\nsecret=pw"
_NETWORK = "0.0.0.0/0.0.0.0"


class TrunkSettings(msgspec.Struct, kw_only=True):
    """Settings of a trunk that may be left out."""

    trunk_type: Annotated[str | None, logical(TRUNK_TYPE, example="SIP")] = None
    register_string: Annotated[
        str | None,
        logical(Text(), example="user:pass@192.168.1.10/user", note="user:secret@host:port/number"),
    ] = None
    active: Annotated[str | None, yes_no("no")] = None
    deny: Annotated[str | None, logical(CidrMask(), example=_NETWORK)] = None
    permit: Annotated[str | None, logical(CidrMask(), example=_NETWORK)] = None
    dtmfmode: Annotated[str | None, logical(DTMF_MODE, example="rfc2833")] = None
    canreinvite: Annotated[str | None, yes_no("no")] = None
    directmedia: Annotated[str | None, yes_no("no")] = None
    context: Annotated[str | None, logical(ContextName(), example="from-pstn")] = None
    host: Annotated[str | None, logical(SipHost(allows_empty=True), example="192.168.1.10")] = None
    type: Annotated[str | None, logical(PEER_TYPE, example="friend")] = None
    nat: Annotated[str | None, logical(NAT, example="force_rport,comedia")] = None
    port: Annotated[str | None, logical(Port(), example="5060")] = None
    qualify: Annotated[str | None, yes_no("yes")] = None
    insecure: Annotated[str | None, logical(INSECURE, example="port,invite")] = None
    disallow: Annotated[str | None, logical(CodecList(), example="all")] = None
    allow: Annotated[str | None, logical(CodecList(), example="ulaw,alaw")] = None
    more_options: Annotated[
        str | None,
        optional(Lines(), example=_OPTIONS_EXAMPLE, note="Lines key=value, as in docs/asterisk.md."),
    ] = None
    description: Annotated[str | None, optional(Lines(max=1000), example="")] = None


class TrunkAdd(TrunkSettings, kw_only=True):
    """A new trunk; what is left out has the default of its column."""

    name: Annotated[str, required(TrunkName(), example="trunk_name_new", note=_NAME_NOTE)]


class TrunkUpdate(TrunkSettings, kw_only=True):
    """Changes of a trunk; what is left out stays."""

    id: Annotated[str, identifier(natural_key="name")] = ""
    name: Annotated[str | None, logical(TrunkName(), example="trunk_name_new", note=_NAME_NOTE)] = None


class TrunkRemove(msgspec.Struct, kw_only=True):
    """Names the trunk to delete."""

    id: Annotated[str, identifier(natural_key="name")] = ""
    name: Annotated[str, optional(TrunkName(), lenient_only=True)] = ""


class TrunkConditions(msgspec.Struct, kw_only=True):
    """What rows must match; ``""`` matches everything."""

    name: Annotated[str, optional(Text(max=80), example="trunk_name_new")] = ""


class TrunkSearch(msgspec.Struct, kw_only=True):
    """Which trunks to list."""

    alike: Annotated[bool, alike()]
    conditions: Annotated[TrunkConditions | None, optional(Nested(TrunkConditions))] = None
    name: Annotated[str, optional(Text(max=80), lenient_only=True)] = ""


EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "603b7ff482f9b45dfc5429f9",
    "trunk_type": "SIP",
    "name": "trunk_name_new",
    "register_string": "user:pass@192.168.1.10/user",
    "active": "no",
    "deny": "0.0.0.0/0.0.0.0",
    "permit": "0.0.0.0/0.0.0.0",
    "dtmfmode": "rfc2833",
    "canreinvite": "no",
    "directmedia": "no",
    "context": "from-pstn",
    "host": "192.168.1.10",
    "type": "friend",
    "nat": "force_rport,comedia",
    "port": "5060",
    "qualify": "yes",
    "insecure": "port,invite",
    "disallow": "all",
    "allow": "ulaw,alaw",
    "more_options": "",
    "description": "",
    "date": "2021-02-28 15:05:16",
}
"""One row of an answer; its keys are the keys of every row, in this order."""

_t = trunks.c
_ELSEWHERE: Mapping[str, ColumnElement[Any]] = {"_id": _t.id, "date": _t.created_at}
_KEYS = tuple(EXAMPLE_ROW)
_SELECT = select(*[_ELSEWHERE[key] if key in _ELSEWHERE else _t[key] for key in _KEYS])
_DERIVED_FROM = ("trunk_type", "name", "host", "port", "type", "insecure", "register_string", "more_options")
_DEFAULTS: Mapping[str, str] = {
    name: str(column.server_default.arg).strip("'")
    for name, column in _t.items()
    if isinstance(column.server_default, DefaultClause)
}
"""The columns' own defaults, for what is derived before the row is there."""

Prepare = Callable[[Row, TrunkUpdate], TrunkUpdate]
"""Completes a request once the trunk that it names is known."""


@service("pbx/trunks/add", op="add", summary="Create a trunk", request=TrunkAdd, answer=Added())
async def add(context: ServiceContext, request: TrunkAdd) -> str:
    values = {**_DEFAULTS, **_given(request)}
    values |= _derived(values)
    moment = now()
    identity = new_id()
    try:
        async with context.database.write() as tx:
            await tx.execute(
                insert(trunks).values(**values, id=identity, created_at=moment, updated_at=moment)
            )
            await tell_added(tx, context.database.dialect, values)
    except IntegrityError as error:
        raise TrunkExists("name") from error
    await tell_engine(context, [(None, values)])
    return identity


@service("pbx/trunks/update", op="update", summary="Change a trunk", request=TrunkUpdate, answer=Written())
async def change(context: ServiceContext, request: TrunkUpdate) -> None:
    await change_prepared(context, request, lambda _row, sent: sent)


async def change_prepared(context: ServiceContext, request: TrunkUpdate, prepare: Prepare) -> None:
    """Change a trunk.

    :param prepare: called with the row as it is, which does not change meanwhile.
    :raises tamas.sa.errors.ServiceFailure: as the service does.
    """
    try:
        async with context.database.write() as tx:
            before = await _find(tx, request.id, request.name)
            request = prepare(before, request)
            after = {**before, **_given(request)}
            after |= _derived(after)
            after["updated_at"] = now()
            await tx.execute(update(trunks).where(_t.id == before["id"]).values(**after))
            if after["name"] != before["name"]:
                await tell_removed(tx, [before["name"]])
                await tell_added(tx, context.database.dialect, after)
    except IntegrityError as error:
        raise TrunkExists("name") from error
    await tell_engine(context, [(before, after)])


@service(
    "pbx/trunks/search",
    op="search",
    summary="List or find trunks",
    request=TrunkSearch,
    answer=Listed(EXAMPLE_ROW),
)
async def find(context: ServiceContext, request: TrunkSearch) -> list[dict[str, Any]]:
    name = request.conditions.name if request.conditions else request.name
    statement = _SELECT.order_by(_t.name, _t.id)
    if name:
        statement = statement.where(matches(_t.name, name, like=request.alike))
    found = await context.database.long_read(fetch(statement))
    return await asyncio.to_thread(plain_rows, found, _KEYS, RowDates(context.runtime))


@service("pbx/trunks/remove", op="remove", summary="Delete a trunk", request=TrunkRemove, answer=Written())
async def remove(context: ServiceContext, request: TrunkRemove) -> None:
    async with context.database.write() as tx:
        row = await _find(tx, request.id, request.name)
        await tx.execute(delete(trunks).where(_t.id == row["id"]))
        await tell_removed(tx, [row["name"]])
    await tell_engine(context, [(row, None)])


def _given(request: TrunkAdd | TrunkUpdate) -> dict[str, Any]:
    """Values by column name of the settings that were sent."""
    sent = msgspec.structs.asdict(request)
    return {key: value for key, value in sent.items() if value is not None and key != "id"}


def _derived(settings: Mapping[str, Any]) -> dict[str, object]:
    try:
        return trunk_sip(**{key: settings[key] for key in _DERIVED_FROM}).columns()
    except SipSettingError as error:
        raise OperationFailed(error.setting) from error


async def _find(tx: Connection, identity: str, name: str | None) -> Row:
    """The trunk that a request names, by id or (lenient) by name, kept from changing meanwhile."""
    which = _t.id == identity if identity else _t.name == name
    row = await tx.row(select(trunks).where(which).with_for_update())
    if row is None:
        raise OperationFailed("_id" if identity else "name")
    return row


Change = tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]
"""A trunk's row before and after; ``None``: it was not there, or is gone."""


async def tell_engine(context: ServiceContext, changes: Sequence[Change]) -> None:
    """Carry over what Asterisk does not read by itself: addresses to ping and registrations."""
    await carry_over(
        context.engine, [effect for change in changes if (effect := _effect(*change)) is not None]
    )


def _effect(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Effect | None:
    registered, registers = _registration(before), _registration(after)
    changed = registered != registers
    name = (after or before or {})["name"]
    in_use = after is not None and after["active"] == "yes" and after["trunk_type"] == "SIP"
    if not changed and not in_use:
        return None

    async def reload(ami: AmiClient) -> None:
        await live.trunk_changed(
            ami,
            trunk_endpoint(name),
            registration_changed=changed,
            register_again=changed and registered is not None and registers is not None,
            gone=not in_use,
        )

    return Effect(what=f"change of trunk {name}", run=reload, slow=True)


def _registration(row: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """All that a trunk's registration consists of; ``None`` when it has none."""
    if row is None or row["active"] != "yes" or row["pjsip_server_uri"] is None:
        return None
    return {"name": row["name"], **{column: row[column] for column in REGISTRATION_COLUMNS}}
