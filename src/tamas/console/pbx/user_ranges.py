"""PBX > Users: many extensions at once, each time in one transaction with one entry in the activity log."""

from __future__ import annotations

import asyncio
import secrets
import string
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from sqlalchemy import select

from tamas.console.context import ConsoleContext
from tamas.console.errors import Invalid, NotFound
from tamas.console.pbx.fields import MAX_IDS, NUMBER_PLACE, ByIds, NumberedName, Removed
from tamas.console.pbx.masks import hide_in_options, restore_options
from tamas.console.pbx.noted import named_row, spans, values_before
from tamas.console.pbx.users import user_look
from tamas.console.rights import UPDATE, USERS
from tamas.console.service import service
from tamas.engine.effects import carry_over, phones_followed, refreshed
from tamas.engine.live import watched_extensions
from tamas.sa.errors import OperationFailed
from tamas.sa.fields import Digits, Nested, optional, required
from tamas.sa.pbx.extension_rows import insert_rows, remove_rows, update_rows
from tamas.sa.pbx.field_types import ExtensionSecret
from tamas.sa.pbx.users import (
    UserAdd,
    UserSettings,
    merged_policy,
    new_ones_followed,
    new_row,
    settings_columns,
)
from tamas.store.database import Connection, Row
from tamas.store.schema import extensions

SECRET_LENGTH = 16
SECRET_LETTERS = "".join(sorted({*string.ascii_letters, *string.digits} - {*"0O1lIoi"}))
"""What every phone's keypad can write, without those that look alike."""

_e = extensions.c


class UserRange(UserSettings, kw_only=True):
    """New extensions that follow each other, with the same settings."""

    first: Annotated[str, required(Digits(), example="200")]
    last: Annotated[str, required(Digits(), example="299")]
    name: Annotated[str, optional(NumberedName(), example=NUMBER_PLACE)] = NUMBER_PLACE
    secret: Annotated[
        str,
        optional(ExtensionSecret(), note="Of all of them; without it each gets a generated one of its own."),
    ] = ""


class AddedUser(msgspec.Struct, kw_only=True):
    """A new extension."""

    number: str
    secret: str | None
    """When it was generated; it is not told again but by revealing it."""


class AddedUsers(msgspec.Struct, kw_only=True):
    """The outcome of adding a range."""

    added: list[AddedUser]
    existing: list[str]
    """Numbers that something had already."""


class UserUpdates(ByIds, kw_only=True):
    """The same change of several extensions."""

    settings: Annotated[UserSettings, required(Nested(UserSettings))]


class UpdatedUsers(msgspec.Struct, kw_only=True):
    """How many were changed."""

    updated: int


@service(
    "pbx/users/add_range",
    page=USERS,
    right=UPDATE,
    summary="Add extensions that follow each other",
    description=f"At most {MAX_IDS} numbers. Numbers that something has already are left as they are.",
    request=UserRange,
)
async def add_range(context: ConsoleContext, request: UserRange) -> AddedUsers:
    restore_options(request.more_options or "", "")
    wanted = _wanted(request)
    rows = await asyncio.to_thread(lambda: [new_row(context.seal, one) for one in wanted])
    async with context.database.write() as tx:
        existing = await insert_rows(context.database, tx, rows)
        added = [one for one in wanted if one.number not in existing]
        if added:
            numbers = spans(one.number for one in added)
            facts = {"numbers": numbers, "name": request.name, **_told(request)}
            subject = f"{request.first}-{request.last}"
            await context.activity.add(tx, USERS.id, "add", subject, after=facts)
    await carry_over(
        context.sa.engine, new_ones_followed([row for row in rows if row["number"] not in existing])
    )
    return AddedUsers(
        added=[AddedUser(number=one.number, secret=None if request.secret else one.secret) for one in added],
        existing=[one.number for one in wanted if one.number in existing],
    )


@service(
    "pbx/users/update_many",
    page=USERS,
    right=UPDATE,
    summary="Change several extensions alike",
    request=UserUpdates,
)
async def update_many(context: ConsoleContext, request: UserUpdates) -> UpdatedUsers:
    settings = request.settings
    try:
        restore_options(settings.more_options or "", "")
        values = settings_columns(settings)
    except (Invalid, OperationFailed) as error:
        raise Invalid(str(error), field=f"settings.{error.field}") from error
    if not values and settings.forward_policy is None:
        raise Invalid("there is nothing to change", field="settings", code="missing")
    async with context.database.write() as tx:
        rows = await _found(tx, request.ids)
        for policy, alike in _by_policy(rows, settings).items():
            await update_rows(tx, alike, values if policy is None else {**values, "forward_policy": policy})
        numbers = [row["number"] for row in rows]
        followed = await watched_extensions(tx, numbers)
        told = _told(settings)
        await context.activity.add(
            tx,
            USERS.id,
            "update",
            _subject(rows),
            before={"numbers": spans(numbers), **{key: _before(rows, key) for key in told}},
            after={"numbers": spans(numbers), **told},
        )
    await carry_over(context.sa.engine, list(map(phones_followed, followed)))
    return UpdatedUsers(updated=len(rows))


@service("pbx/users/remove", page=USERS, right=UPDATE, summary="Remove extensions", request=ByIds)
async def remove_users(context: ConsoleContext, request: ByIds) -> Removed:
    async with context.database.write() as tx:
        rows = await _found(tx, request.ids)
        if len(rows) == 1:
            before = await user_look(_e.id == rows[0]["id"])(tx)
        else:
            before = {"numbers": spans(row["number"] for row in rows)}
        queues = await remove_rows(context.database, tx, rows)
        await context.activity.add(tx, USERS.id, "remove", _subject(rows), before=before)
    await carry_over(context.sa.engine, refreshed(queues))
    return Removed(removed=len(rows))


def generated_secret() -> str:
    """A secret for a phone that cannot be guessed and can be typed (93 bits)."""
    return "".join(secrets.choice(SECRET_LETTERS) for _ in range(SECRET_LENGTH))


def _wanted(request: UserRange) -> list[UserAdd]:
    """The extensions of a range. :raises Invalid: it is none, or too long."""
    longest = NumberedName().max
    shared = {name: getattr(request, name) for name in UserSettings.__struct_fields__}
    wanted = [
        UserAdd(
            number=number,
            name=request.name.replace(NUMBER_PLACE, number),
            secret=request.secret or generated_secret(),
            **shared,
        )
        for number in _numbers(request.first, request.last)
    ]
    if any(len(one.name) > longest for one in wanted):
        raise Invalid("the names would be too long", field="name")
    return wanted


def _numbers(first: str, last: str) -> list[str]:
    low, high = int(first), int(last)
    if len(first) == len(last):
        width = len(first)
    elif not first.startswith("0"):
        width = 0
    else:
        raise Invalid("numbers that begin with 0 must be of equal length", field="last")
    if not low <= high < low + MAX_IDS:
        raise Invalid(
            f"from the first to the last there must be 1 to {MAX_IDS} numbers",
            field="last",
            params={"maximum": MAX_IDS},
        )
    return [f"{number:0{width}}" for number in range(low, high + 1)]


async def _found(tx: Connection, identities: Sequence[str]) -> list[Row]:
    """Extensions, kept from changing. :raises NotFound: there is none of them any more."""
    rows = await tx.rows(select(extensions).where(_e.id.in_(identities)).order_by(_e.id).with_for_update())
    if not rows:
        raise NotFound("there are no such extensions")
    return rows


def _by_policy(rows: Sequence[Row], settings: UserSettings) -> dict[str | None, list[Row]]:
    """Extensions by the forward policy that they shall have; ``None``: the one they have."""
    if settings.forward_policy is None:
        return {None: list(rows)}
    groups: dict[str | None, list[Row]] = {}
    for row in rows:
        groups.setdefault(merged_policy(row["forward_policy"], settings.forward_policy), []).append(row)
    return groups


def _told(settings: UserSettings) -> dict[str, Any]:
    """What was sent, for the activity log."""
    given = {name: getattr(settings, name) for name in UserSettings.__struct_fields__}
    told = {name: value for name, value in given.items() if value is not None}
    if settings.forward_policy is not None:
        told["forward_policy"] = settings.forward_policy.given()
    if settings.more_options is not None:
        told["more_options"] = hide_in_options(settings.more_options)
    return told


def _before(rows: Sequence[Row], key: str) -> Any:
    if key != "more_options":
        return values_before(rows, key)
    return values_before([{**row, key: hide_in_options(row[key])} for row in rows], key)


def _subject(rows: Sequence[Row]) -> str:
    if len(rows) == 1:
        return named_row(rows[0])
    told = spans(row["number"] for row in rows)
    return f"{len(rows)}: {', '.join(told[:8])}{', …' if len(told) > 8 else ''}"
