"""Maintenance > Settings > Simotel API: who may call from where, and how dates and the log are kept.

A change that would shut out somebody who was let in today is refused until whoever makes it says that they
mean it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Select, func, select

from tamas.console.activity import Facts, Look
from tamas.console.context import ConsoleContext
from tamas.console.errors import Conflict, Invalid
from tamas.console.field_types import ListOfValues, Truth, Whole
from tamas.console.rights import READ, SETTINGS, UPDATE
from tamas.console.service import service
from tamas.console.times import milliseconds
from tamas.console.today import today_since
from tamas.sa.addresses import AllowedAddresses
from tamas.sa.field_types import FieldType
from tamas.sa.fields import NoParameters, OneOf, Text, optional
from tamas.store import runtime_settings as stored
from tamas.store.database import Connection
from tamas.store.runtime_settings import SettingError, checked_setting, set_runtime_settings
from tamas.store.schema import api_log
from tamas.store.schema import runtime_settings as settings_table

MAX_ADDRESSES = 500
"""Addresses and networks of the list, and origins."""
SHOWN_ADDRESSES = 200
"""Addresses of today that are shown, the latest."""
SHOWN_LOCKED_OUT = 100

Calendar = Literal["gregorian", "jalali"]

_KEYS: Mapping[str, str] = {
    "allow_all_ips": "sa.allow_all_ips",
    "allowed_ips": "sa.allowed_ips",
    "lenient": "sa.lenient",
    "cors_origins": "sa.cors_origins",
    "calendar": "calendar",
    "timezone": "timezone",
    "log_days": "api_log.days",
    "log_rows": "api_log.rows",
    "warning_seconds": "call_limit.warning_seconds",
    "repeat_seconds": "call_limit.repeat_seconds",
}
"""Settings of the store by the name they have on the page."""
_NAMES = {key: name for name, key in _KEYS.items()}
_SUBJECT = "Simotel API"

_log = api_log.c


class SimotelApiValues(msgspec.Struct, kw_only=True):
    """Values of the settings."""

    allow_all_ips: bool
    allowed_ips: list[str]
    lenient: bool
    cors_origins: list[str]
    calendar: Calendar
    timezone: str
    log_days: int
    log_rows: int
    warning_seconds: int
    repeat_seconds: int


class UsedAddress(msgspec.Struct, kw_only=True):
    """Somebody who called today."""

    address: str
    account: str | None
    """``null``: nobody we know."""
    requests: int
    last_at: int
    allowed: bool
    """Whether this address may call, as things are set."""


class SimotelApiSettings(SimotelApiValues, kw_only=True):
    """The settings, what they are when nobody sets them, and who called today."""

    defaults: SimotelApiValues
    used_today: list[UsedAddress]


class LockedOut(msgspec.Struct, kw_only=True):
    """Somebody who was let in today and would be no more."""

    address: str
    account: str
    requests: int


class AddressesCheck(msgspec.Struct, kw_only=True):
    """What a list of allowed addresses would bring about."""

    locked_out: list[LockedOut]
    invalid: list[str]
    """Items that are neither address nor network."""


def _addresses() -> FieldType:
    return ListOfValues(Text(max=64), most=MAX_ADDRESSES)


class SimotelApiUpdate(msgspec.Struct, kw_only=True):
    """The settings that are to change."""

    allow_all_ips: Annotated[bool | None, optional(Truth())] = None
    allowed_ips: Annotated[list[str] | None, optional(_addresses(), note="Addresses and networks.")] = None
    lenient: Annotated[bool | None, optional(Truth())] = None
    cors_origins: Annotated[
        list[str] | None,
        optional(ListOfValues(Text(), most=MAX_ADDRESSES), note="As browsers send them; * stands for all."),
    ] = None
    calendar: Annotated[Calendar | None, optional(OneOf("gregorian", "jalali"))] = None
    timezone: Annotated[
        str | None, optional(Text(max=64), note="Of the IANA database, such as Asia/Tehran.")
    ] = None
    log_days: Annotated[int | None, optional(Whole())] = None
    log_rows: Annotated[int | None, optional(Whole())] = None
    warning_seconds: Annotated[int | None, optional(Whole())] = None
    repeat_seconds: Annotated[int | None, optional(Whole())] = None
    accept_lockout: Annotated[
        bool, optional(Truth(), note="Change it although somebody who called today could call no more.")
    ] = False


class AddressesQuery(msgspec.Struct, kw_only=True):
    """Addresses as they might be allowed; what is left out is as it is set."""

    allow_all_ips: Annotated[bool | None, optional(Truth())] = None
    allowed_ips: Annotated[list[str] | None, optional(_addresses())] = None


@service(
    "settings/simotel_api",
    page=SETTINGS,
    right=READ,
    summary="Read the settings of the Simotel API",
)
async def simotel_api(context: ConsoleContext, _request: NoParameters) -> SimotelApiSettings:
    """Read the settings."""
    return await _settings(context)


@service(
    "settings/simotel_api_update",
    page=SETTINGS,
    right=UPDATE,
    summary="Change settings of the Simotel API, all that are given or none",
    request=SimotelApiUpdate,
)
async def simotel_api_update(context: ConsoleContext, request: SimotelApiUpdate) -> SimotelApiSettings:
    """Change settings."""
    asked = {key: value for name, key in _KEYS.items() if (value := getattr(request, name)) is not None}
    try:
        checked = {key: checked_setting(key, value) for key, value in asked.items()}
    except SettingError as error:
        raise _unusable(error) from error
    if not request.accept_lockout:
        await _refuse_lockout(context, checked)
    async with context.activity.change(SETTINGS, "update", _SUBJECT, _look(tuple(checked))):
        await set_runtime_settings(context.database, context.changes, checked)
    return await _settings(context)


@service(
    "settings/check_addresses",
    page=SETTINGS,
    right=READ,
    summary="Tell whom a list of allowed addresses would lock out",
    request=AddressesQuery,
)
async def check_addresses(context: ConsoleContext, request: AddressesQuery) -> AddressesCheck:
    """Try a list."""
    asked = context.runtime["sa.allowed_ips"] if request.allowed_ips is None else request.allowed_ips
    valid, invalid = [], []
    for item in asked:
        try:
            valid += checked_setting("sa.allowed_ips", [item])
        except SettingError:
            invalid.append(item)
    everybody = (
        context.runtime["sa.allow_all_ips"] if request.allow_all_ips is None else request.allow_all_ips
    )
    locked_out = await _locked_out(context, AllowedAddresses(everybody=everybody, networks=valid))
    return AddressesCheck(locked_out=locked_out, invalid=invalid)


def _unusable(error: SettingError) -> Invalid:
    params = {} if error.item is None else {"item": error.item}
    return Invalid(str(error), field=_NAMES.get(error.key or ""), params=params)


async def _settings(context: ConsoleContext) -> SimotelApiSettings:
    runtime = await stored.load_runtime_settings(context.database)
    return SimotelApiSettings(
        **_values(runtime),
        defaults=SimotelApiValues(**_values({key: spec.default for key, spec in stored.SETTINGS.items()})),
        used_today=await _used_today(context, runtime),
    )


def _values(runtime: Mapping[str, Any]) -> dict[str, Any]:
    return {name: runtime[key] for name, key in _KEYS.items()}


def _look(keys: tuple[str, ...]) -> Look:
    """Describes settings by their names on the page."""

    async def look(connection: Connection) -> Facts:
        values = {key: stored.SETTINGS[key].default for key in keys}
        statement = select(settings_table.c.key, settings_table.c.value).where(settings_table.c.key.in_(keys))
        for row in await connection.rows(statement):
            values[row["key"]] = msgspec.json.decode(row["value"])
        return {_NAMES[key]: value for key, value in values.items()}

    return look


def _callers_since(since: int, *more: ColumnElement[bool]) -> Select[Any]:
    """Who called, from where, how often."""
    return (
        select(_log.address, _log.account, func.count().label("requests"), func.max(_log.at).label("last_at"))
        .where(_log.at >= since, *more)
        .group_by(_log.address, _log.account)
    )


async def _used_today(context: ConsoleContext, runtime: Mapping[str, Any]) -> list[UsedAddress]:
    callers = _callers_since(today_since(runtime)).subquery()
    # Those we know first: strangers may be as many as they like.
    statement = (
        select(callers)
        .order_by(callers.c.account.is_(None), callers.c.last_at.desc(), callers.c.address)
        .limit(SHOWN_ADDRESSES)
    )
    rows = await context.database.long_read(lambda connection: connection.execute(statement).mappings().all())
    addresses = AllowedAddresses(everybody=runtime["sa.allow_all_ips"], networks=runtime["sa.allowed_ips"])
    return [
        UsedAddress(
            address=row["address"],
            account=row["account"],
            requests=row["requests"],
            last_at=milliseconds(int(row["last_at"])),
            allowed=addresses.allow(row["address"]),
        )
        for row in rows
    ]


async def _refuse_lockout(context: ConsoleContext, values: Mapping[str, Any]) -> None:
    """:raises Conflict: values, once they are set, would lock somebody out."""
    if not values.keys() & {"sa.allow_all_ips", "sa.allowed_ips"}:
        return
    after = {**context.runtime, **values}
    addresses = AllowedAddresses(everybody=after["sa.allow_all_ips"], networks=after["sa.allowed_ips"])
    locked_out = await _locked_out(context, addresses)
    if locked_out:
        raise Conflict(
            "somebody who called today could call no more",
            field="allowed_ips",
            code="lockout",
            params={"addresses": msgspec.to_builtins(locked_out)},
        )


async def _locked_out(context: ConsoleContext, addresses: AllowedAddresses) -> list[LockedOut]:
    """Who was let in today and would not be, most requests first, up to :data:`SHOWN_LOCKED_OUT`.

    Whoever is locked out already is none of them.
    """
    now_allowed = AllowedAddresses(
        everybody=context.runtime["sa.allow_all_ips"], networks=context.runtime["sa.allowed_ips"]
    )
    statement = _callers_since(today_since(context.runtime), _log.account.is_not(None))
    rows = await context.database.long_read(lambda connection: connection.execute(statement).mappings().all())
    found = [
        LockedOut(address=row["address"], account=row["account"], requests=row["requests"])
        for row in rows
        if now_allowed.allow(row["address"]) and not addresses.allow(row["address"])
    ]
    return sorted(found, key=lambda one: (-one.requests, one.address, one.account))[:SHOWN_LOCKED_OUT]
