"""PBX > Trunks. Changes are those of the Simotel API; secrets inside free-form settings stay hidden."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from sqlalchemy import ColumnElement, delete, select

from tamas.console.activity import Facts, Look
from tamas.console.context import ConsoleContext
from tamas.console.errors import NotFound
from tamas.console.lists import ListQuery, Window, read_window
from tamas.console.pbx.fields import ById, ByIds, Made, Removed, yes_no_all
from tamas.console.pbx.masks import (
    hide_in_options,
    hide_in_registration,
    restore_options,
    restore_registration,
    secrets_in,
)
from tamas.console.pbx.noted import looked_at, setting_names
from tamas.console.rights import TRUNKS, UPDATE
from tamas.console.service import service
from tamas.console.times import milliseconds
from tamas.engine.sip_objects import ignored_trunk_options
from tamas.engine.watch.view import EngineView, Registration
from tamas.sa.pbx import trunks as sa_trunks
from tamas.sa.pbx.trunk_events import tell_removed
from tamas.sa.pbx.trunks import TrunkAdd, TrunkUpdate
from tamas.store.database import Row
from tamas.store.schema import trunks

State = Literal["ok", "unavailable", "deactivated"]

_t = trunks.c
_SETTINGS = setting_names(trunks)


class TrunkQuery(ListQuery, kw_only=True):
    """Which trunks to list."""

    active: Annotated[str, yes_no_all()] = "all"


class TrunkRow(msgspec.Struct, kw_only=True):
    """A trunk in a list."""

    id: str
    name: str
    trunk_type: str
    host: str
    context: str
    active: bool
    state: State
    registration: Registration
    calls: int
    updated_at: int


class StoredTrunk(msgspec.Struct, kw_only=True, rename={"id": "_id"}):
    """Settings of a trunk in the words of the Simotel API; secrets in them are ``******``."""

    id: str
    trunk_type: str
    name: str
    register_string: str
    active: str
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
    insecure: str
    disallow: str
    allow: str
    more_options: str
    description: str


class TrunkDetail(msgspec.Struct, kw_only=True):
    """A trunk with all that is known about it."""

    settings: StoredTrunk
    state: State
    registration: Registration
    calls: int
    ignored_options: list[str]
    """Option lines without effect."""
    created_at: int
    updated_at: int


class TrunkUsage(msgspec.Struct, kw_only=True):
    """What uses trunks."""

    calls: int
    """In progress."""


@service("pbx/trunks/list", page=TRUNKS, summary="List trunks", request=TrunkQuery)
async def list_trunks(context: ConsoleContext, request: TrunkQuery) -> Window[TrunkRow]:
    view = await context.live.view()
    statement = select(
        _t.id,
        _t.name,
        _t.trunk_type,
        _t.host,
        _t.context,
        _t.active,
        _t.register_string,
        _t.updated_at,
    )
    if request.active != "all":
        statement = statement.where(_t.active == request.active)
    return await read_window(
        context.database,
        request,
        statement,
        row=lambda row: _listed(row, view),
        sortable={"name": _t.name, "host": _t.host, "context": _t.context, "updated_at": _t.updated_at},
        searched=(_t.name, _t.host, _t.context, _t.description),
        key=_t.id,
    )


@service("pbx/trunks/get", page=TRUNKS, summary="A trunk", request=ById)
async def get_trunk(context: ConsoleContext, request: ById) -> TrunkDetail:
    row = await _row(context, request.id)
    settings = _shown(row)
    state, registration, calls = _live(row, await context.live.view())
    return TrunkDetail(
        settings=StoredTrunk(id=row["id"], **settings),
        state=state,
        registration=registration,
        calls=calls,
        ignored_options=list(ignored_trunk_options(settings["more_options"])),
        created_at=milliseconds(row["created_at"]),
        updated_at=milliseconds(row["updated_at"]),
    )


@service("pbx/trunks/add", page=TRUNKS, right=UPDATE, summary="Add a trunk", request=TrunkAdd)
async def add_trunk(context: ConsoleContext, request: TrunkAdd) -> Made:
    restore_registration(request.register_string or "", "")
    restore_options(request.more_options or "", "")
    async with context.activity.change(TRUNKS, "add", request.name, _look(_t.name == request.name)):
        return Made(id=await sa_trunks.add(context.sa, request))


@service("pbx/trunks/update", page=TRUNKS, right=UPDATE, summary="Change a trunk", request=TrunkUpdate)
async def update_trunk(context: ConsoleContext, request: TrunkUpdate) -> None:
    row = await _row(context, request.id)
    async with context.activity.change(TRUNKS, "update", row["name"], _look(_t.id == row["id"])):
        await sa_trunks.change_prepared(context.sa, request, _with_stored_secrets)


@service("pbx/trunks/usage", page=TRUNKS, summary="What uses trunks", request=ByIds)
async def trunk_usage(context: ConsoleContext, request: ByIds) -> TrunkUsage:
    async with context.database.read() as connection:
        rows = await connection.rows(select(_t.name).where(_t.id.in_(request.ids)))
    view = await context.live.view()
    return TrunkUsage(calls=sum(view.trunk(row["name"]).calls for row in rows))


@service("pbx/trunks/remove", page=TRUNKS, right=UPDATE, summary="Remove trunks", request=ByIds)
async def remove_trunks(context: ConsoleContext, request: ByIds) -> Removed:
    async with context.database.write() as tx:
        rows = await tx.rows(delete(trunks).where(_t.id.in_(request.ids)).returning(trunks))
        if not rows:
            raise NotFound("there are no such trunks")
        names = sorted(row["name"] for row in rows)
        await tell_removed(tx, names)
        before = _shown(rows[0]) if len(rows) == 1 else {"names": names}
        await context.activity.add(tx, TRUNKS.id, "remove", ", ".join(names), before=before)
    await sa_trunks.tell_engine(context.sa, [(row, None) for row in rows])
    return Removed(removed=len(rows))


def _look(which: ColumnElement[bool]) -> Look:
    return looked_at(
        trunks,
        which,
        facts=_shown,
        secrets=lambda row: secrets_in(registration=row["register_string"], options=row["more_options"]),
    )


def _shown(row: Row) -> Facts:
    """Settings with what is secret in them hidden."""
    return {
        **{name: row[name] for name in _SETTINGS},
        "register_string": hide_in_registration(row["register_string"]),
        "more_options": hide_in_options(row["more_options"]),
    }


def _listed(row: Row, view: EngineView) -> TrunkRow:
    state, registration, calls = _live(row, view)
    return TrunkRow(
        id=row["id"],
        name=row["name"],
        trunk_type=row["trunk_type"],
        host=row["host"],
        context=row["context"],
        active=row["active"] == "yes",
        state=state,
        registration=registration,
        calls=calls,
        updated_at=milliseconds(row["updated_at"]),
    )


def _live(row: Row, view: EngineView) -> tuple[State, Registration, int]:
    """State, registration and calls: what the engine sees, under what the row says."""
    seen = view.trunk(row["name"])
    if row["active"] != "yes":
        return "deactivated", "none", seen.calls
    state: State = "ok" if seen.state == "ok" else "unavailable"
    return state, seen.registration if row["register_string"] else "none", seen.calls


def _with_stored_secrets(row: Row, request: TrunkUpdate) -> TrunkUpdate:
    given = {}
    if request.register_string is not None:
        given["register_string"] = restore_registration(request.register_string, row["register_string"])
    if request.more_options is not None:
        given["more_options"] = restore_options(request.more_options, row["more_options"])
    return msgspec.structs.replace(request, **given)


async def _row(context: ConsoleContext, identity: str) -> Row:
    async with context.database.read() as connection:
        row = await connection.row(select(trunks).where(_t.id == identity))
    if row is None:
        raise NotFound("there is no such trunk")
    return row
