"""Accounts of people who sign in to the console.

Every change moves the change generation first, which makes the changes of several processes wait for each
other: so the last administrator cannot get lost between two of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from tamas.console.account_types import ADMINISTRATOR, UnknownAccountType, is_account_type
from tamas.console.passwords import generated_password
from tamas.console.sessions import end_sessions
from tamas.errors import TamasError
from tamas.sa.accounts import password_hasher
from tamas.store.changes import Changes
from tamas.store.clock import now
from tamas.store.database import Connection, Database, IntegrityError
from tamas.store.ids import new_id
from tamas.store.schema import console_accounts

FIRST_USERNAME = "admin"

_a = console_accounts


class UnknownConsoleAccount(TamasError):
    """There is no such console account."""


class BadUsername(TamasError):
    """A user name is empty or has blanks in it."""


class ConsoleAccountExists(TamasError):
    """There is a console account of that name."""


class LastAdministrator(TamasError):
    """Nobody would be left who may do everything for as long as they like."""


@dataclass(frozen=True, kw_only=True)
class ConsoleAccount:
    """A console account as it may be shown. Times in microseconds since the epoch, UTC."""

    id: str
    username: str
    name: str
    account_type: str
    """Name of its type."""
    enabled: bool
    totp: bool
    must_change_password: bool
    expires_at: int | None
    signed_in_at: int | None
    created_at: int


def first_password_file(state_dir: Path) -> Path:
    """Where the generated first password waits to be read; removed when it is changed."""
    return state_dir / "secrets" / "console-first-password"


def first_password_changed(state_dir: Path, username: str) -> None:
    """Remove the file with the first password once it is of no use."""
    if username == FIRST_USERNAME:
        first_password_file(state_dir).unlink(missing_ok=True)


async def ensure_administrator(database: Database, state_dir: Path) -> bool:
    """Make the first administrator when there is no console account at all.

    Its generated password goes into :func:`first_password_file` (mode 0600), never into a log.

    :returns: whether one was made.
    """
    async with database.read() as connection:
        if await connection.scalar(select(func.count()).select_from(_a)):
            return False
    password = generated_password()
    hashed = await asyncio.to_thread(password_hasher.hash, password)
    _keep_password(state_dir, password)
    async with database.write() as tx:
        await tx.execute(
            insert(_a).values(**_new(FIRST_USERNAME, "", ADMINISTRATOR, hashed, must_change_password=True))
        )
    return True


async def list_console_accounts(database: Database) -> list[ConsoleAccount]:
    """All accounts by name."""
    async with database.read() as connection:
        return [console_account(row) for row in await connection.rows(select(_a).order_by(_a.c.username))]


async def read_console_account(connection: Connection, account_id: str) -> ConsoleAccount | None:
    """One account by its id."""
    row = await connection.row(select(_a).where(_a.c.id == account_id))
    return None if row is None else console_account(row)


async def add_console_account(
    database: Database,
    changes: Changes,
    *,
    username: str,
    name: str,
    account_type: str,
    password_hash: str,
    must_change_password: bool,
    expires_at: int | None,
) -> str:
    """Make an account. :returns: its id.

    :raises BadUsername: see there.
    :raises ConsoleAccountExists: the name is taken.
    :raises UnknownAccountType: there is no such type.
    """
    if not username or any(sign.isspace() for sign in username):
        raise BadUsername("a user name has no blanks")
    values = _new(username, name, account_type, password_hash, must_change_password=must_change_password)
    try:
        async with database.write() as tx:
            await changes.bump(tx)
            if not await is_account_type(tx, account_type):
                raise UnknownAccountType(f"there is no account type {account_type!r}")
            await tx.execute(insert(_a).values(**values, expires_at=expires_at))
    except IntegrityError as error:
        raise ConsoleAccountExists(f"there is a console account {username!r} already") from error
    return str(values["id"])


async def update_console_account(
    database: Database, changes: Changes, account_id: str, values: Mapping[str, Any]
) -> None:
    """Change columns of an account; in force on its next request.

    :param values: of ``name``, ``role``, ``enabled``, ``expires_at``, ``password_hash``,
        ``must_change_password``, ``failures``, ``failed_at``, ``totp_sealed``, ``totp_step``. A new password,
        or being disabled, ends the account's sessions.
    :raises UnknownConsoleAccount: there is none with that id.
    :raises UnknownAccountType: ``role`` names none.
    :raises LastAdministrator: see there.
    """
    async with database.write() as tx:
        await changes.bump(tx)
        if "role" in values and not await is_account_type(tx, values["role"]):
            raise UnknownAccountType(f"there is no account type {values['role']!r}")
        async with _administrator_left(tx):
            result = await tx.execute(
                update(_a).where(_a.c.id == account_id).values(**values, updated_at=now())
            )
            if result.rowcount != 1:
                raise UnknownConsoleAccount("there is no such console account")
        if "password_hash" in values or values.get("enabled") is False:
            await end_sessions(tx, _a.c.id == account_id)


async def remove_console_account(database: Database, changes: Changes, account_id: str) -> None:
    """Delete an account and end its sessions; its entries in the activity log stay.

    :raises UnknownConsoleAccount: there is none with that id.
    :raises LastAdministrator: see there.
    """
    async with database.write() as tx:
        await changes.bump(tx)
        await end_sessions(tx, _a.c.id == account_id)
        async with _administrator_left(tx):
            result = await tx.execute(delete(_a).where(_a.c.id == account_id))
            if result.rowcount != 1:
                raise UnknownConsoleAccount("there is no such console account")


async def reset_password(
    database: Database, changes: Changes, state_dir: Path, username: str, *, without_second_step: bool = False
) -> str:
    """Give a console account a new generated password, to be changed at the next sign-in; its sessions end.

    Failures before are forgiven, so that whoever resets it can sign in at once.

    :param without_second_step: also take its second step away, for somebody who lost their phone.
    :returns: the password.
    :raises UnknownConsoleAccount: there is none of that name.
    """
    password = generated_password()
    values: dict[str, Any] = {
        "password_hash": await asyncio.to_thread(password_hasher.hash, password),
        "must_change_password": True,
        "failures": 0,
        "failed_at": None,
    }
    if without_second_step:
        values |= {"totp_sealed": None, "totp_step": None}
    async with database.write() as tx:
        await changes.bump(tx)
        result = await tx.execute(
            update(_a).where(_a.c.username == username).values(**values, updated_at=now())
        )
        if result.rowcount != 1:
            raise UnknownConsoleAccount(f"there is no console account {username!r}")
        await end_sessions(tx, _a.c.username == username)
    first_password_changed(state_dir, username)
    return password


@asynccontextmanager
async def _administrator_left(tx: Connection) -> AsyncIterator[None]:
    """Let the block take away any administrator but the last who is enabled and does not expire.

    :raises LastAdministrator: see there.
    """
    lasting = (
        select(func.count())
        .select_from(_a)
        .where(_a.c.role == ADMINISTRATOR, _a.c.enabled, _a.c.expires_at.is_(None))
    )
    before = await tx.scalar(lasting)
    yield
    if before and not await tx.scalar(lasting):
        raise LastAdministrator("this is the last administrator who is enabled and does not expire")


def _new(
    username: str, name: str, account_type: str, password_hash: str, *, must_change_password: bool
) -> dict[str, Any]:
    """The columns of a new account."""
    at = now()
    return {
        "id": new_id(),
        "username": username,
        "name": name,
        "role": account_type,
        "password_hash": password_hash,
        "enabled": True,
        "must_change_password": must_change_password,
        "created_at": at,
        "updated_at": at,
    }


def _keep_password(state_dir: Path, password: str) -> None:
    path = first_password_file(state_dir)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(password + "\n")


def console_account(row: Mapping[str, Any]) -> ConsoleAccount:
    """An account out of its row."""
    return ConsoleAccount(
        id=row["id"],
        username=row["username"],
        name=row["name"],
        account_type=row["role"],
        enabled=bool(row["enabled"]),
        totp=row["totp_sealed"] is not None,
        must_change_password=bool(row["must_change_password"]),
        expires_at=row["expires_at"],
        signed_in_at=row["signed_in_at"],
        created_at=row["created_at"],
    )
