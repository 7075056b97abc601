"""Maintenance > Activity: who did what in the console."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, or_, select

from tamas.console.context import ConsoleContext
from tamas.console.field_types import Whole
from tamas.console.lists import DEFAULT_COUNT, MAX_COUNT
from tamas.console.rights import ACTIVITY
from tamas.console.service import service
from tamas.console.times import microseconds, milliseconds
from tamas.sa.fields import NoParameters, Text, optional
from tamas.sa.search import matches
from tamas.store.database import Row
from tamas.store.distinct import distinct_values
from tamas.store.schema import console_activity

_log = console_activity
MAX_NAMES = 1000
"""User names that can be filtered by."""


class ActivityQuery(msgspec.Struct, kw_only=True):
    """Which entries, the latest first."""

    account: Annotated[str, optional(Text(max=64), note="User name.")] = ""
    page: Annotated[str, optional(Text(max=48), note="Id of a page, or session.")] = ""
    since: Annotated[int | None, optional(Whole())] = None
    until: Annotated[int | None, optional(Whole(), note="Not included.")] = None
    search: Annotated[str, optional(Text(max=80), note="Part of subject, action or address.")] = ""
    before_id: Annotated[int | None, optional(Whole(), note="Id of the last entry seen.")] = None
    count: Annotated[int, optional(Whole(low=1, high=MAX_COUNT))] = DEFAULT_COUNT


class ActivityRow(msgspec.Struct, kw_only=True):
    """An entry."""

    id: int
    at: int
    account: str
    """User name; empty when somebody tried a name that no account has."""
    address: str
    page: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class ActivityRows(msgspec.Struct, kw_only=True):
    """Entries, the latest first."""

    rows: list[ActivityRow]
    more: bool
    """Whether there are earlier ones."""


class ActivityFilters(msgspec.Struct, kw_only=True):
    """What entries can be filtered by."""

    accounts: list[str]
    """User names that have entries, also of accounts that are gone."""


@service("activity/list", page=ACTIVITY, summary="Read the activity log", request=ActivityQuery)
async def list_activity(context: ConsoleContext, request: ActivityQuery) -> ActivityRows:
    """Entries that match every given condition."""
    conditions: list[ColumnElement[bool]] = []
    if request.account:
        conditions.append(_log.c.account == request.account)
    if request.page:
        conditions.append(_log.c.page == request.page)
    if request.since is not None:
        conditions.append(_log.c.at >= microseconds(request.since))
    if request.until is not None:
        conditions.append(_log.c.at < microseconds(request.until))
    if request.before_id is not None:
        conditions.append(_log.c.id < request.before_id)
    if request.search:
        searched = (_log.c.subject, _log.c.action, _log.c.address)
        conditions.append(or_(*(matches(column, request.search, like=True) for column in searched)))
    statement = select(_log).where(*conditions).order_by(_log.c.id.desc()).limit(request.count + 1)
    found = await context.database.long_read(
        lambda connection: list(connection.execute(statement).mappings())
    )
    return ActivityRows(
        rows=[_row(row) for row in found[: request.count]],  # type: ignore[arg-type]
        more=len(found) > request.count,
    )


@service("activity/filters", page=ACTIVITY, summary="Read whose entries the activity log has")
async def list_filters(context: ConsoleContext, _request: NoParameters) -> ActivityFilters:
    """By name."""
    statement = distinct_values(_log.c.account, limit=MAX_NAMES)
    async with context.database.read() as connection:
        found = [row["value"] for row in await connection.rows(statement)]
    return ActivityFilters(accounts=[name for name in found if name])


def _row(row: Row) -> ActivityRow:
    return ActivityRow(
        id=row["id"],
        at=milliseconds(row["at"]),
        account=row["account"],
        address=row["address"],
        page=row["page"],
        action=row["action"],
        subject=row["subject"],
        before=_facts(row["before"]),
        after=_facts(row["after"]),
    )


def _facts(stored: str | None) -> dict[str, Any] | None:
    return None if stored is None else msgspec.json.decode(stored, type=dict[str, Any])
