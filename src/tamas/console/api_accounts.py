"""Maintenance > API Accounts: who may call the Simotel API, and which of its services.

Each change is in force at the account's next request. Secrets are shown in the answer that makes them, and
never again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import case, func, select

from tamas.console.activity import Facts, Look
from tamas.console.context import ConsoleContext
from tamas.console.errors import Conflict, Invalid, NotFound
from tamas.console.field_types import ListOfValues, Truth
from tamas.console.field_types import Secret as SecretText
from tamas.console.lists import ListQuery, Window, read_window
from tamas.console.passwords import WeakPassword, check_choice
from tamas.console.rights import API_ACCOUNTS, READ, UPDATE
from tamas.console.service import service
from tamas.console.session_services import weak_password
from tamas.console.times import milliseconds
from tamas.console.today import today_since
from tamas.sa.accounts import (
    Account,
    AccountError,
    AccountExists,
    Auth,
    BadPassword,
    ChangedMeanwhile,
    CreatedAccount,
    Secret,
    UnknownAccount,
    account_of,
    change_account,
    create_account,
    remove_account_by_id,
    renew,
)
from tamas.sa.fields import Id, NoParameters, OneOf, Text, optional, required
from tamas.sa.permissions import EVERYTHING, BadPermission, Permissions
from tamas.sa.service import Operation, Registry
from tamas.store.database import Connection, Row
from tamas.store.schema import api_accounts, api_log

MAX_PERMISSIONS = 500
MAX_PATTERN = 128
"""Characters."""
REFUSALS = (401, 403)

_a = api_accounts.c
_READING: frozenset[Operation] = frozenset({"search", "read", "download", "ping"})
_CLICK_TO_CALL = ("setting/ping/act", "pbx/users/search", "call/originate/act")
"""What a CRM calls: is the server there, whose phone is to ring, ring it."""


class ApiAccountRow(msgspec.Struct, kw_only=True):
    """An account in the list."""

    id: str
    username: str
    auth: Auth
    enabled: bool
    permissions: list[str]
    services_allowed: int
    services_total: int
    created_at: int
    last_used_at: int | None
    requests_today: int
    refused_today: int
    """Of these, how many it was not allowed to make."""
    counted_to: int
    """Id of the last of these, 0 when there is none: what the live stream tells beyond it comes on top."""


class PermittedService(msgspec.Struct, kw_only=True):
    """A service that an account may be allowed to call."""

    permission: str
    op: Operation
    summary: str


class ServiceGroup(msgspec.Struct, kw_only=True):
    """Services under one address."""

    path: str
    title: str
    services: list[PermittedService]


class Preset(msgspec.Struct, kw_only=True):
    """Permissions for a usual purpose."""

    id: Literal["read_only", "click_to_call", "everything"]
    permissions: list[str]


class Services(msgspec.Struct, kw_only=True):
    """Everything that can be permitted."""

    groups: list[ServiceGroup]
    presets: list[Preset]


class ServiceByPermission(msgspec.Struct, kw_only=True):
    """Names one service."""

    permission: Annotated[str, required(Text(max=MAX_PATTERN), example="/pbx/users/add")]


class ServiceExample(msgspec.Struct, kw_only=True):
    """What a service can be tried with."""

    permission: str
    form: bool
    """It is sent as a form, not as JSON; a file in it is ``@`` and a name."""
    values: dict[str, Any]


class AccountSecrets(msgspec.Struct, kw_only=True):
    """Secrets that are new; they cannot be shown again."""

    id: str
    username: str
    password: str | None
    """``null``: there is none, it is the old one, or whoever asks chose it."""
    token: str | None
    """``null``: there is none, or it is the old one."""


def _permissions() -> ListOfValues:
    return ListOfValues(Text(max=MAX_PATTERN), most=MAX_PERMISSIONS)


class AccountAdd(msgspec.Struct, kw_only=True):
    """A new account."""

    username: Annotated[str, required(Text(max=64), example="crm")]
    auth: Annotated[Auth, required(OneOf("basic", "token", "both"))]
    password: Annotated[str, optional(SecretText(), note="Generated when empty or left out.")] = ""
    permissions: Annotated[list[str], required(_permissions(), example=["/pbx/users/add"])]
    enabled: Annotated[bool, optional(Truth())] = True


class AccountUpdate(msgspec.Struct, kw_only=True):
    """What is to change of an account."""

    id: Annotated[str, required(Id())]
    username: Annotated[str | None, optional(Text(max=64))] = None
    auth: Annotated[Auth | None, optional(OneOf("basic", "token", "both"))] = None
    password: Annotated[str, optional(SecretText(), note="Stays when empty or left out.")] = ""
    permissions: Annotated[list[str] | None, optional(_permissions())] = None
    enabled: Annotated[bool | None, optional(Truth())] = None


class AccountRotate(msgspec.Struct, kw_only=True):
    """Which secrets are to be replaced."""

    id: Annotated[str, required(Id())]
    what: Annotated[Literal["password", "token", "both"], required(OneOf("password", "token", "both"))]


class AccountById(msgspec.Struct, kw_only=True):
    """Names one account."""

    id: Annotated[str, required(Id())]


@service(
    "api_accounts/list",
    page=API_ACCOUNTS,
    right=READ,
    summary="List the accounts of the Simotel API",
    request=ListQuery,
)
async def list_accounts(context: ConsoleContext, request: ListQuery) -> Window[ApiAccountRow]:
    """Read accounts with what they did today."""
    found = await read_window(
        context.database,
        request,
        select(api_accounts),
        row=account_of,
        sortable={
            "username": func.lower(_a.username),
            "last_used_at": func.coalesce(_a.last_used_at, 0),
            "created_at": _a.created_at,
        },
        searched=(_a.username,),
        key=_a.id,
    )
    return Window(rows=await _shown(context, found.rows), total=found.total, start=found.start)


@service(
    "api_accounts/get",
    page=API_ACCOUNTS,
    right=READ,
    summary="Read one account",
    request=AccountById,
)
async def get(context: ConsoleContext, request: AccountById) -> ApiAccountRow:
    """Read an account with what it did today."""
    async with context.database.read() as connection:
        row = await connection.row(select(api_accounts).where(_a.id == request.id))
    if row is None:
        raise NotFound("the account does not exist (any more)")
    (shown,) = await _shown(context, [account_of(row)])
    return shown


async def _shown(context: ConsoleContext, accounts: Sequence[Account]) -> list[ApiAccountRow]:
    today = await _used_today(context, [account.username for account in accounts])
    names = [declared.permission for declared in context.sa_services]
    return [_row(account, names, today.get(account.username, (0, 0, 0))) for account in accounts]


def _row(account: Account, names: Sequence[str], today: tuple[int, int, int]) -> ApiAccountRow:
    allow = Permissions(account.permissions).allow
    return ApiAccountRow(
        id=account.id,
        username=account.username,
        auth=account.auth,
        enabled=account.enabled,
        permissions=list(account.permissions),
        services_allowed=sum(map(allow, names)),
        services_total=len(names),
        created_at=milliseconds(account.created_at),
        last_used_at=milliseconds(account.last_used_at),
        requests_today=today[0],
        refused_today=today[1],
        counted_to=today[2],
    )


async def _used_today(context: ConsoleContext, usernames: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """Requests since midnight by account, how many of them were refused, and the id of the last."""
    refused = func.sum(case((api_log.c.status.in_(REFUSALS), 1), else_=0))
    statement = (
        select(api_log.c.account, func.count(), refused, func.max(api_log.c.id))
        .where(api_log.c.account.in_(usernames), api_log.c.at >= today_since(context.runtime))
        .group_by(api_log.c.account)
    )
    rows = await context.database.long_read(lambda connection: connection.execute(statement).all())
    return {account: (int(requests), int(refusals), int(last)) for account, requests, refusals, last in rows}


@service(
    "api_accounts/services",
    page=API_ACCOUNTS,
    right=READ,
    summary="List the services that an account can be allowed to call",
)
async def list_services(context: ConsoleContext, _request: NoParameters) -> Services:
    """Show the registry of the Simotel API."""
    groups: dict[str, ServiceGroup] = {}
    for declared in context.sa_services:
        path = declared.permission.rpartition("/")[0]
        group = groups.setdefault(path, ServiceGroup(path=path, title=_title(path), services=[]))
        group.services.append(
            PermittedService(permission=declared.permission, op=declared.op, summary=declared.summary)
        )
    return Services(groups=list(groups.values()), presets=_presets(context.sa_services))


@service(
    "api_accounts/example",
    page=API_ACCOUNTS,
    right=READ,
    summary="Read what a service can be tried with",
    request=ServiceByPermission,
)
async def example(context: ConsoleContext, request: ServiceByPermission) -> ServiceExample:
    """Read the example of the declaration, which the API's documentation shows too."""
    declared = context.sa_services.get(request.permission.strip("/"))
    if declared is None:
        raise NotFound("there is no such service")
    return ServiceExample(
        permission=declared.permission,
        form=declared.max_file is not None,
        values=declared.request.example(),
    )


def _title(path: str) -> str:
    return path.rpartition("/")[2].replace("_", " ").capitalize()


def _presets(services: Registry) -> list[Preset]:
    reading = [declared.permission for declared in services if declared.op in _READING]
    calling = [found.permission for path in _CLICK_TO_CALL if (found := services.get(path))]
    return [
        Preset(id="read_only", permissions=reading),
        Preset(id="click_to_call", permissions=calling),
        Preset(id="everything", permissions=[EVERYTHING]),
    ]


@service(
    "api_accounts/add",
    page=API_ACCOUNTS,
    right=UPDATE,
    summary="Make an account; its secrets are shown once",
    request=AccountAdd,
)
async def add(context: ConsoleContext, request: AccountAdd) -> AccountSecrets:
    """Make an account."""
    _check_password(request.password, request.username)
    with _told():
        async with context.activity.change(API_ACCOUNTS, "add", request.username, _named(request.username)):
            made = await create_account(
                context.database,
                context.changes,
                username=request.username,
                auth=request.auth,
                password=request.password or None,
                permissions=request.permissions,
                enabled=request.enabled,
            )
    return _secrets(made, chosen=bool(request.password))


@service(
    "api_accounts/update",
    page=API_ACCOUNTS,
    right=UPDATE,
    summary="Change an account",
    description="A mode that needs a secret which the account lacks gets a new one, shown once.",
    request=AccountUpdate,
)
async def update(context: ConsoleContext, request: AccountUpdate) -> AccountSecrets:
    """Change what is given."""
    username = await _username(context, request.id)
    _check_password(request.password, request.username or username)
    with _told():
        async with context.activity.change(API_ACCOUNTS, "update", username, _described(request.id)):
            changed = await change_account(
                context.database,
                context.changes,
                request.id,
                username=request.username,
                auth=request.auth,
                password=request.password or None,
                permissions=request.permissions,
                enabled=request.enabled,
            )
    return _secrets(changed, chosen=bool(request.password))


@service(
    "api_accounts/rotate",
    page=API_ACCOUNTS,
    right=UPDATE,
    summary="Replace an account's secrets; the old ones end at once",
    request=AccountRotate,
)
async def rotate(context: ConsoleContext, request: AccountRotate) -> AccountSecrets:
    """Replace secrets."""
    username = await _username(context, request.id)
    wanted: tuple[Secret, ...] = ("password", "token") if request.what == "both" else (request.what,)
    with _told(field="what"):
        async with context.activity.change(API_ACCOUNTS, "rotate", username, _described(request.id)):
            made = await renew(context.database, context.changes, request.id, wanted)
    return _secrets(made, chosen=False)


@service(
    "api_accounts/remove",
    page=API_ACCOUNTS,
    right=UPDATE,
    summary="Delete an account; what it did stays in the API log",
    request=AccountById,
)
async def remove(context: ConsoleContext, request: AccountById) -> None:
    """Delete an account."""
    username = await _username(context, request.id)
    with _told():
        async with context.activity.change(API_ACCOUNTS, "remove", username, _described(request.id)):
            await remove_account_by_id(context.database, context.changes, request.id)


def _check_password(password: str, username: str) -> None:
    if not password:
        return
    try:
        check_choice(password, username=username)
    except WeakPassword as error:
        raise weak_password(error, field="password") from error


@contextmanager
def _told(field: str = "username") -> Iterator[None]:
    """Tell what is wrong with an account in the console's words.

    :param field: at fault when the text alone says what it is.
    """
    try:
        yield
    except UnknownAccount as error:
        raise NotFound("the account does not exist (any more)") from error
    except AccountExists as error:
        raise Conflict(str(error), field="username", code="name_exists") from error
    except ChangedMeanwhile as error:
        raise Conflict(str(error), code="changed_meanwhile") from error
    except BadPassword as error:
        raise Invalid(str(error), field="password") from error
    except BadPermission as error:
        raise Invalid(str(error), field="permissions") from error
    except AccountError as error:
        raise Invalid(str(error), field=field) from error


async def _username(context: ConsoleContext, account_id: str) -> str:
    async with context.database.read() as connection:
        username = await connection.scalar(select(_a.username).where(_a.id == account_id))
    if username is None:
        raise NotFound("the account does not exist (any more)")
    return str(username)


def _secrets(made: CreatedAccount, *, chosen: bool) -> AccountSecrets:
    return AccountSecrets(
        id=made.id, username=made.username, password=None if chosen else made.password, token=made.token
    )


def _named(username: str) -> Look:
    async def look(connection: Connection) -> Facts | None:
        row = await connection.row(select(api_accounts).where(_a.username == username))
        return None if row is None else _facts(row)

    return look


def _described(account_id: str) -> Look:
    """Describes an account; that a secret was set since the first look is told, not which."""
    first: list[Row] = []

    async def look(connection: Connection) -> Facts | None:
        row = await connection.row(select(api_accounts).where(_a.id == account_id))
        if row is None:
            return None
        first.append(row)
        told = {
            f"{secret}_set": True
            for secret in ("password", "token")
            if row[f"{secret}_hash"] not in (None, first[0][f"{secret}_hash"])
        }
        return {**_facts(row), **told}

    return look


def _facts(row: Row) -> Facts:
    account = account_of(row)
    return {
        "username": account.username,
        "auth": account.auth,
        "enabled": account.enabled,
        "permissions": list(account.permissions),
    }
