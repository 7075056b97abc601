"""API accounts: making, listing, switching and renewing them.

Passwords are kept as Argon2id, tokens as SHA-256; both are shown once, when made. Each change moves the
change generation, so that every process obeys it on its next request.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec
from argon2 import PasswordHasher
from sqlalchemy import delete, insert, select, update

from tamas.errors import TamasError
from tamas.sa.permissions import checked_patterns
from tamas.store.changes import Changes
from tamas.store.clock import now
from tamas.store.database import Connection, Database, IntegrityError
from tamas.store.ids import new_id
from tamas.store.schema import api_accounts

Auth = Literal["basic", "token", "both"]
"""What an account must send (SA catalogue, ``authentication.modes``)."""

TOKEN_BYTES = 32
PASSWORD_BYTES = 18
MAX_PASSWORD = 256
"""Characters."""

password_hasher = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
"""Argon2id with 32 MiB and three passes: some tens of milliseconds, above OWASP's recommended minimum."""

_USERNAME = re.compile(r"[^\x00-\x20\x7f-\xa0:\ud800-\udfff]{1,64}")


class AccountError(TamasError):
    """An account cannot be made or changed as asked; the text says why."""


class AccountExists(AccountError):
    """There is an account of that name."""


class UnknownAccount(AccountError):
    """There is no account of that name."""


@dataclass(frozen=True, kw_only=True)
class CreatedAccount:
    """A new or renewed account with its secrets, which cannot be read again."""

    username: str
    password: str | None
    """``None`` in mode token."""
    token: str | None
    """``None`` in mode basic."""
    auth: Auth
    permissions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account as it may be shown. Times are microseconds since the epoch, UTC."""

    id: str
    username: str
    auth: Auth
    enabled: bool
    permissions: tuple[str, ...]
    created_at: int
    last_used_at: int | None


def token_hash(token: str) -> str:
    """What is stored of a token: SHA-256 in hexadecimal. A token is long and random, so no salt is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def create_account(
    database: Database,
    changes: Changes,
    *,
    username: str,
    auth: str = "basic",
    password: str | None = None,
    permissions: Iterable[str] = ("*",),
) -> CreatedAccount:
    """Make an API account; by default it may call every service.

    :param auth: ``basic``, ``token`` or ``both``.
    :param password: generated when ``None``; the empty text is a password too. Refused in mode token.
    :param permissions: patterns, see :mod:`tamas.sa.permissions`.
    :raises AccountExists: the name is taken.
    :raises AccountError: the name, mode or password cannot be used.
    :raises tamas.sa.permissions.BadPermission: a pattern is malformed.
    """
    mode = _mode(auth)
    if not _USERNAME.fullmatch(username):
        raise AccountError("an account's name has 1 to 64 characters, without blanks and colons")
    if mode == "token" and password is not None:
        raise AccountError("an account in mode token has no password")
    patterns = checked_patterns(permissions)
    made = _new_secrets(username, mode, patterns, password)
    hashed = await _hashed(made)
    at = now()
    try:
        async with database.write() as tx:
            await tx.execute(
                insert(api_accounts).values(
                    id=new_id(),
                    username=username,
                    auth=mode,
                    enabled=True,
                    permissions=msgspec.json.encode(patterns).decode(),
                    created_at=at,
                    updated_at=at,
                    **hashed,
                )
            )
            await changes.bump(tx)
    except IntegrityError as error:
        raise AccountExists(f"there is an account {username!r} already") from error
    return made


async def list_accounts(database: Database) -> list[Account]:
    """All accounts by name, without secrets."""
    async with database.read() as connection:
        rows = await connection.rows(select(api_accounts).order_by(api_accounts.c.username))
    return [
        Account(
            id=row["id"],
            username=row["username"],
            auth=row["auth"],
            enabled=bool(row["enabled"]),
            permissions=tuple(msgspec.json.decode(row["permissions"], type=list[str])),
            created_at=row["created_at"],
            last_used_at=row["last_used_at"],
        )
        for row in rows
    ]


async def set_enabled(database: Database, changes: Changes, username: str, *, enabled: bool) -> None:
    """Switch an account off or on again.

    :raises UnknownAccount: there is none of that name.
    """
    async with database.write() as tx:
        await _update(tx, username, {"enabled": enabled})
        await changes.bump(tx)


async def rotate(database: Database, changes: Changes, username: str) -> CreatedAccount:
    """Give an account a new password and a new token, as its mode needs; the old ones end at once.

    :raises UnknownAccount: there is none of that name.
    """
    async with database.read() as connection:
        row = await connection.row(select(api_accounts).where(api_accounts.c.username == username))
    if row is None:
        raise UnknownAccount(f"there is no account {username!r}")
    patterns = tuple(msgspec.json.decode(row["permissions"], type=list[str]))
    made = _new_secrets(username, _mode(row["auth"]), patterns, None)
    hashed = await _hashed(made)
    async with database.write() as tx:
        await _update(tx, username, hashed)
        await changes.bump(tx)
    return made


async def remove_account(database: Database, changes: Changes, username: str) -> None:
    """Delete an account; its entries in the API log stay.

    :raises UnknownAccount: there is none of that name.
    """
    async with database.write() as tx:
        result = await tx.execute(delete(api_accounts).where(api_accounts.c.username == username))
        if result.rowcount != 1:
            raise UnknownAccount(f"there is no account {username!r}")
        await changes.bump(tx)


def _mode(auth: str) -> Auth:
    for known in get_args(Auth):
        if auth == known:
            return known  # type: ignore[no-any-return]
    raise AccountError(f"{auth!r} is none of {', '.join(get_args(Auth))}")


def _new_secrets(
    username: str, mode: Auth, permissions: tuple[str, ...], password: str | None
) -> CreatedAccount:
    if password is None and mode != "token":
        password = secrets.token_urlsafe(PASSWORD_BYTES)
    if password is not None and (len(password) > MAX_PASSWORD or not password.isprintable()):
        raise AccountError(f"a password has at most {MAX_PASSWORD} printable characters")
    return CreatedAccount(
        username=username,
        password=password,
        token=None if mode == "basic" else secrets.token_urlsafe(TOKEN_BYTES),
        auth=mode,
        permissions=permissions,
    )


async def _hashed(made: CreatedAccount) -> dict[str, Any]:
    """The columns that keep an account's secrets."""
    hashed: dict[str, Any] = {"password_hash": None, "token_hash": None}
    if made.password is not None:
        hashed["password_hash"] = await asyncio.to_thread(password_hasher.hash, made.password)
    if made.token is not None:
        hashed["token_hash"] = token_hash(made.token)
    return hashed


async def _update(tx: Connection, username: str, values: dict[str, Any]) -> None:
    result = await tx.execute(
        update(api_accounts).where(api_accounts.c.username == username).values(**values, updated_at=now())
    )
    if result.rowcount != 1:
        raise UnknownAccount(f"there is no account {username!r}")
