"""Accounts of people who sign in to the console."""

from __future__ import annotations

import secrets
from pathlib import Path

from argon2 import PasswordHasher
from sqlalchemy import func, insert, select, update

from tamas.errors import TamasError
from tamas.store.changes import Changes
from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.ids import new_id
from tamas.store.schema import console_accounts

FIRST_USERNAME = "admin"
ADMINISTRATOR = "administrator"
"""Role that may do everything in the console."""
_PASSWORD_BYTES = 12


class UnknownConsoleAccount(TamasError):
    """There is no console account of that name."""


def first_password_file(state_dir: Path) -> Path:
    """Where the generated first password waits to be read; removed when it is changed."""
    return state_dir / "secrets" / "console-first-password"


async def ensure_administrator(database: Database, state_dir: Path) -> bool:
    """Make the first administrator when there is no console account at all.

    Its generated password goes into :func:`first_password_file` (mode 0600), never into a log.

    :returns: whether one was made.
    """
    async with database.read() as connection:
        if await connection.scalar(select(func.count()).select_from(console_accounts)):
            return False
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    _keep_password(state_dir, password)
    at = now()
    async with database.write() as tx:
        await tx.execute(
            insert(console_accounts).values(
                id=new_id(),
                username=FIRST_USERNAME,
                password_hash=PasswordHasher().hash(password),
                role=ADMINISTRATOR,
                enabled=True,
                must_change_password=True,
                created_at=at,
                updated_at=at,
            )
        )
    return True


async def reset_password(database: Database, changes: Changes, state_dir: Path, username: str) -> str:
    """Give a console account a new generated password, to be changed at the next sign-in.

    :returns: the password.
    :raises UnknownConsoleAccount: there is none of that name.
    """
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    password_hash = PasswordHasher().hash(password)
    async with database.write() as tx:
        result = await tx.execute(
            update(console_accounts)
            .where(console_accounts.c.username == username)
            .values(password_hash=password_hash, must_change_password=True, updated_at=now())
        )
        if result.rowcount != 1:
            raise UnknownConsoleAccount(f"there is no console account {username!r}")
        await changes.bump(tx)
    if username == FIRST_USERNAME:
        first_password_file(state_dir).unlink(missing_ok=True)
    return password


def _keep_password(state_dir: Path, password: str) -> None:
    path = first_password_file(state_dir)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(password + "\n")
