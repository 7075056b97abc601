"""Maintenance > Accounts: people who may sign in. What somebody may not do, they cannot let others do.

Nobody takes their own access away here, nor gets around the password that their profile asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, Select, func, select

from tamas.console.account_types import UnknownAccountType, rights_of_type
from tamas.console.accounts import (
    BadUsername,
    ConsoleAccount,
    ConsoleAccountExists,
    LastAdministrator,
    UnknownConsoleAccount,
    add_console_account,
    console_account,
    read_console_account,
    remove_console_account,
    update_console_account,
)
from tamas.console.activity import Facts, Look
from tamas.console.context import ConsoleContext
from tamas.console.errors import Conflict, Forbidden, Invalid, NotFound
from tamas.console.field_types import Secret, Truth, Whole
from tamas.console.lists import ListQuery, Window, read_window
from tamas.console.passwords import WeakPassword, check_choice, generated_password
from tamas.console.rights import ACCOUNTS, UPDATE
from tamas.console.service import service
from tamas.console.session_services import weak_password
from tamas.console.sessions import end_sessions
from tamas.console.times import microseconds, milliseconds
from tamas.sa.accounts import MAX_PASSWORD
from tamas.sa.fields import Id, Text, optional, required
from tamas.store.clock import now
from tamas.store.database import Connection, Row
from tamas.store.schema import console_account_types, console_accounts, console_sessions

_a, _s, _t = console_accounts, console_sessions, console_account_types
NEVER = 0
"""Time of expiry that stands for none."""


class AccountRow(msgspec.Struct, kw_only=True):
    """An account in the list."""

    id: str
    username: str
    name: str
    account_type: str
    account_type_title: str
    enabled: bool
    totp: bool
    must_change_password: bool
    expires_at: int | None
    last_sign_in_at: int | None
    sessions: int
    created_at: int


class AccountAdd(msgspec.Struct, kw_only=True):
    """A new account."""

    username: Annotated[str, required(Text(max=64), note="Without blanks; it cannot be changed.")]
    account_type: Annotated[str, required(Text(max=32), note="Name of the type.")]
    name: Annotated[str, optional(Text(max=80), note="Of the person.")] = ""
    password: Annotated[
        str, optional(Secret(most=MAX_PASSWORD), note="Left out: one is generated. To be changed at once.")
    ] = ""
    expires_at: Annotated[int, optional(Whole(), note="0: never.")] = NEVER


class AddedAccount(msgspec.Struct, kw_only=True):
    """A new account."""

    id: str
    password: str | None
    """When it was generated; it cannot be read again."""


class AccountUpdate(msgspec.Struct, kw_only=True):
    """What is to change; the rest stays."""

    id: Annotated[str, required(Id())]
    name: Annotated[str | None, optional(Text(max=80))] = None
    account_type: Annotated[str | None, optional(Text(max=32), note="Name of the type.")] = None
    enabled: Annotated[bool | None, optional(Truth())] = None
    expires_at: Annotated[int | None, optional(Whole(), note="0: never.")] = None


class OneAccount(msgspec.Struct, kw_only=True):
    """Which account."""

    id: Annotated[str, required(Id())]


class NewPassword(msgspec.Struct, kw_only=True):
    """A generated password; it cannot be read again."""

    password: str


@service("accounts/list", page=ACCOUNTS, summary="List console accounts", request=ListQuery)
async def list_accounts(context: ConsoleContext, request: ListQuery) -> Window[AccountRow]:
    """Accounts with how many sessions each has."""
    title = func.coalesce(_t.c.title, _a.c.role)
    return await read_window(
        context.database,
        request,
        _with_sessions(),
        row=_row,
        sortable={
            "username": _a.c.username,
            "name": _a.c.name,
            "account_type": title,
            "last_sign_in_at": func.coalesce(_a.c.signed_in_at, 0),
            "created_at": _a.c.created_at,
        },
        searched=(_a.c.username, _a.c.name, title),
        key=_a.c.id,
    )


@service("accounts/get", page=ACCOUNTS, summary="Read one console account", request=OneAccount)
async def get_account(context: ConsoleContext, request: OneAccount) -> AccountRow:
    """The same as in the list."""
    async with context.database.read() as connection:
        row = await connection.row(_with_sessions().where(_a.c.id == request.id))
    if row is None:
        raise NotFound("there is no such account (any more)")
    return _row(row)


@service("accounts/add", page=ACCOUNTS, right=UPDATE, summary="Make a console account", request=AccountAdd)
async def add_account(context: ConsoleContext, request: AccountAdd) -> AddedAccount:
    """Make it; whoever gets it chooses a password of their own at the first sign-in."""
    if request.password:
        try:
            check_choice(request.password, username=request.username)
        except WeakPassword as error:
            raise weak_password(error, field="password") from error
    generated = None if request.password else generated_password()
    hashed = await context.authentication.passwords.hash(request.password or generated or "")
    await _grantable(context, request.account_type)
    subject = _named(request.username, request.name)
    with _told():
        async with context.activity.change(
            ACCOUNTS, "add", subject, _look(_a.c.username == request.username)
        ):
            account_id = await add_console_account(
                context.database,
                context.changes,
                username=request.username,
                name=request.name,
                account_type=request.account_type,
                password_hash=hashed,
                must_change_password=True,
                expires_at=_expiry(request.expires_at),
            )
    return AddedAccount(id=account_id, password=generated)


@service(
    "accounts/update", page=ACCOUNTS, right=UPDATE, summary="Change a console account", request=AccountUpdate
)
async def update_account(context: ConsoleContext, request: AccountUpdate) -> None:
    """Change what is given; in force on that account's next request. Of one's own, only the name."""
    account = await _found(context, request.id)
    values: dict[str, Any] = {}
    if request.name is not None:
        values["name"] = request.name
    if request.account_type is not None:
        await _grantable(context, request.account_type)
        values["role"] = request.account_type
    if request.enabled is not None:
        values["enabled"] = request.enabled
    if request.expires_at is not None:
        values["expires_at"] = _expiry(request.expires_at)
    now_in_force = {
        "role": account.account_type,
        "enabled": account.enabled,
        "expires_at": account.expires_at,
    }
    if any(name in values and values[name] != value for name, value in now_in_force.items()):
        _not_own(context, account)
    await _change(context, account, "update", values)


@service(
    "accounts/reset_password",
    page=ACCOUNTS,
    right=UPDATE,
    summary="Generate a password for somebody who lost theirs",
    description="It has to be changed at the next sign-in. The account's sessions end.",
    request=OneAccount,
)
async def reset_account_password(context: ConsoleContext, request: OneAccount) -> NewPassword:
    """Replace the password; failures before are forgiven."""
    account = await _found(context, request.id)
    _not_own(context, account)
    password = generated_password()
    values = {
        "password_hash": await context.authentication.passwords.hash(password),
        "must_change_password": True,
        "failures": 0,
        "failed_at": None,
    }
    await _change(context, account, "reset_password", values, always_noted=True)
    return NewPassword(password=password)


@service(
    "accounts/reset_totp",
    page=ACCOUNTS,
    right=UPDATE,
    summary="Take the second step away for somebody who lost their phone",
    request=OneAccount,
)
async def reset_totp(context: ConsoleContext, request: OneAccount) -> None:
    """From now on the password is enough, until a new second step is set up."""
    account = await _found(context, request.id)
    _not_own(context, account)
    await _change(context, account, "reset_totp", {"totp_sealed": None, "totp_step": None})


@service(
    "accounts/cut_access",
    page=ACCOUNTS,
    right=UPDATE,
    summary="End every session of a console account",
    request=OneAccount,
)
async def cut_access(context: ConsoleContext, request: OneAccount) -> None:
    """End them; whoever it was can sign in again."""
    account = await _found(context, request.id)
    async with (
        context.activity.change(ACCOUNTS, "cut_access", _subject(account)),
        context.database.write() as tx,
    ):
        await context.changes.bump(tx)
        await end_sessions(tx, _a.c.id == account.id)


@service(
    "accounts/remove", page=ACCOUNTS, right=UPDATE, summary="Remove a console account", request=OneAccount
)
async def remove_account(context: ConsoleContext, request: OneAccount) -> None:
    """Remove it; its entries in the activity log stay."""
    account = await _found(context, request.id)
    _not_own(context, account)
    look = _look(_a.c.id == account.id)
    with _told():
        async with context.activity.change(ACCOUNTS, "remove", _subject(account), look):
            await remove_console_account(context.database, context.changes, account.id)


async def _change(
    context: ConsoleContext,
    account: ConsoleAccount,
    action: str,
    values: dict[str, Any],
    *,
    always_noted: bool = False,
) -> None:
    look = None if always_noted else _look(_a.c.id == account.id)
    with _told():
        async with context.activity.change(ACCOUNTS, action, _subject(account), look):
            await update_console_account(context.database, context.changes, account.id, values)


async def _found(context: ConsoleContext, account_id: str) -> ConsoleAccount:
    """The account that is to be changed.

    :raises NotFound: there is none with that id.
    :raises Forbidden: it may do what whoever asks may not.
    """
    async with context.database.read() as connection:
        account = await read_console_account(connection, account_id)
    if account is None:
        raise NotFound("there is no such account (any more)")
    await _grantable(context, account.account_type)
    return account


def _not_own(context: ConsoleContext, account: ConsoleAccount) -> None:
    """Refuse what would lock out whoever asks, or what their profile asks the password for."""
    if account.id == context.me.account_id:
        raise Conflict("nobody does this to their own account; somebody else has to", code="own_account")


async def _grantable(context: ConsoleContext, account_type: str) -> None:
    """Refuse what would give somebody more rights than whoever asks has."""
    async with context.database.read() as connection:
        rights = await rights_of_type(connection, account_type)
    if rights is None:
        return  # the change itself will say so
    if not context.me.rights.cover(rights):
        raise Forbidden("this account type has rights that you do not have", code="more_rights")


@contextmanager
def _told() -> Iterator[None]:
    """Failures of accounts as the console's."""
    try:
        yield
    except UnknownConsoleAccount as error:
        raise NotFound(str(error)) from error
    except BadUsername as error:
        raise Invalid(str(error), field="username") from error
    except ConsoleAccountExists as error:
        raise Conflict(str(error), field="username", code="name_exists") from error
    except UnknownAccountType as error:
        raise Invalid(str(error), field="account_type") from error
    except LastAdministrator as error:
        raise Conflict(str(error), code="last_administrator") from error


def _with_sessions() -> Select[Any]:
    open_ones = (
        select(_s.c.account_id, func.count().label("sessions"))
        .where(_s.c.expires_at > now())
        .group_by(_s.c.account_id)
        .subquery()
    )
    return select(_a, _t.c.title, func.coalesce(open_ones.c.sessions, 0).label("sessions")).select_from(
        _a.join(_t, _t.c.name == _a.c.role, isouter=True).join(
            open_ones, open_ones.c.account_id == _a.c.id, isouter=True
        )
    )


def _row(row: Row) -> AccountRow:
    account = console_account(row)
    return AccountRow(
        id=account.id,
        username=account.username,
        name=account.name,
        account_type=account.account_type,
        account_type_title=row["title"] or account.account_type,
        enabled=account.enabled,
        totp=account.totp,
        must_change_password=account.must_change_password,
        expires_at=milliseconds(account.expires_at),
        last_sign_in_at=milliseconds(account.signed_in_at),
        sessions=row["sessions"],
        created_at=milliseconds(account.created_at),
    )


def _look(which: ColumnElement[bool]) -> Look:
    statement = (
        select(_a, _t.c.title).select_from(_a.join(_t, _t.c.name == _a.c.role, isouter=True)).where(which)
    )

    async def look(connection: Connection) -> Facts | None:
        row = await connection.row(statement)
        return None if row is None else _facts(row)

    return look


def _facts(row: Row) -> Facts:
    account = console_account(row)
    return {
        "username": account.username,
        "name": account.name,
        "account_type": row["title"] or account.account_type,
        "enabled": account.enabled,
        "totp": account.totp,
        "must_change_password": account.must_change_password,
        "expires_at": milliseconds(account.expires_at),
    }


def _subject(account: ConsoleAccount) -> str:
    """The account in words, for the log."""
    return _named(account.username, account.name)


def _named(username: str, name: str) -> str:
    return f"{username} {name}".strip()


def _expiry(shown: int) -> int | None:
    return None if shown == NEVER else microseconds(shown)
