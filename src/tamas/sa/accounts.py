"""API accounts: making, listing, switching and renewing them.

Passwords are kept as Argon2id, tokens as SHA-256; both are shown once, when made. Each change moves the
change generation, so that every process obeys it on its next request.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import msgspec
from argon2 import PasswordHasher
from argon2.low_level import ARGON2_VERSION
from sqlalchemy import ColumnElement, delete, insert, select, update

from tamas.errors import TamasError
from tamas.sa.permissions import checked_patterns
from tamas.store.changes import Changes
from tamas.store.clock import now
from tamas.store.database import Database, IntegrityError, Row
from tamas.store.ids import new_id
from tamas.store.schema import api_accounts

Auth = Literal["basic", "token", "both"]
"""What an account must send (SA catalogue, ``authentication.modes``)."""
Secret = Literal["password", "token"]
_ALL_SECRETS: Final = frozenset[Secret](("password", "token"))

TOKEN_BYTES = 32
PASSWORD_BYTES = 18
MAX_PASSWORD = 256
"""Characters."""

password_hasher = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
"""Argon2id with 32 MiB and three passes: some tens of milliseconds, above OWASP's recommended minimum."""


def hash_of_nobody(hasher: PasswordHasher) -> str:
    """What no password verifies against, and what takes as long to find out as with a stored hash.

    Chance in the form that the hasher stores (PHC string format), so that it costs nothing to make.
    """
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (hasher.salt_len, hasher.hash_len)
    )
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"


_USERNAME = re.compile(r"[^\x00-\x20\x7f-\xa0:\ud800-\udfff]{1,64}")


class AccountError(TamasError):
    """An account cannot be made or changed as asked; the text says why."""


class AccountExists(AccountError):
    """There is an account of that name."""


class UnknownAccount(AccountError):
    """There is no such account."""


class BadPassword(AccountError):
    """A password cannot be used, or the account's mode has none."""


class ChangedMeanwhile(AccountError):
    """Somebody else changed the account at the same moment; what was asked was not done."""


@dataclass(frozen=True, kw_only=True)
class CreatedAccount:
    """A new or changed account with the secrets that it got, which cannot be read again."""

    id: str
    username: str
    password: str | None
    """``None`` in mode token, and when it stayed as it was."""
    token: str | None
    """``None`` in mode basic, and when it stayed as it was."""
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
    enabled: bool = True,
) -> CreatedAccount:
    """Make an API account; by default it may call every service.

    :param auth: ``basic``, ``token`` or ``both``.
    :param password: generated when ``None``; the empty text is a password too. Refused in mode token.
    :param permissions: patterns, see :mod:`tamas.sa.permissions`.
    :raises AccountExists: the name is taken.
    :raises BadPassword: the password cannot be used.
    :raises AccountError: the name or mode cannot be used.
    :raises tamas.sa.permissions.BadPermission: a pattern is malformed.
    """
    mode = _mode(auth)
    _check_username(username)
    patterns = checked_patterns(permissions)
    made = CreatedAccount(
        id=new_id(),
        username=username,
        password=_password_for(mode, password),
        token=_token_for(mode),
        auth=mode,
        permissions=patterns,
    )
    hashed = await _hashed(made)
    at = now()
    try:
        async with database.write() as tx:
            await tx.execute(
                insert(api_accounts).values(
                    id=made.id,
                    username=username,
                    auth=mode,
                    enabled=enabled,
                    permissions=_stored(patterns),
                    created_at=at,
                    updated_at=at,
                    **({"password_hash": None, "token_hash": None} | hashed),
                )
            )
            await changes.bump(tx)
    except IntegrityError as error:
        raise AccountExists(f"there is an account {username!r} already") from error
    return made


async def change_account(
    database: Database,
    changes: Changes,
    account_id: str,
    *,
    username: str | None = None,
    auth: str | None = None,
    password: str | None = None,
    permissions: Iterable[str] | None = None,
    enabled: bool | None = None,
) -> CreatedAccount:
    """Change what is given, all of it in one transaction.

    A mode that needs a secret which the account lacks gets one generated; a secret that the new mode does
    not need is forgotten.

    :returns: the account as it is now, with the secrets that are new.
    :raises UnknownAccount: there is none of that id.
    :raises AccountExists: the new name is taken.
    :raises BadPassword: the password cannot be used.
    :raises AccountError: the name or mode cannot be used, or somebody else changed the account meanwhile.
    :raises tamas.sa.permissions.BadPermission: a pattern is malformed.
    """
    row = await _row(database, _Which("id", account_id))
    if username is not None:
        _check_username(username)
    mode = _mode(row["auth"] if auth is None else auth)
    keeps_password = mode != "token" and password is None and row["password_hash"] is not None
    keeps_token = mode != "basic" and row["token_hash"] is not None
    changed = CreatedAccount(
        id=account_id,
        username=row["username"] if username is None else username,
        password=None if keeps_password else _password_for(mode, password),
        token=None if keeps_token else _token_for(mode),
        auth=mode,
        permissions=_patterns(row) if permissions is None else checked_patterns(permissions),
    )
    values: dict[str, Any] = {
        "username": changed.username,
        "auth": mode,
        "enabled": row["enabled"] if enabled is None else enabled,
        "permissions": _stored(changed.permissions),
    }
    if not keeps_password:
        values["password_hash"] = None
    if not keeps_token:
        values["token_hash"] = None
    values |= await _hashed(changed)
    await _write(database, changes, row, values)
    return changed


async def list_accounts(database: Database) -> list[Account]:
    """All accounts by name, without secrets."""
    async with database.read() as connection:
        rows = await connection.rows(select(api_accounts).order_by(api_accounts.c.username))
    return [account_of(row) for row in rows]


def account_of(row: Row) -> Account:
    """The account of a row of ``api_accounts``."""
    return Account(
        id=row["id"],
        username=row["username"],
        auth=row["auth"],
        enabled=bool(row["enabled"]),
        permissions=_patterns(row),
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
    )


async def set_enabled(database: Database, changes: Changes, username: str, *, enabled: bool) -> None:
    """Switch an account off or on again.

    :raises UnknownAccount: there is none of that name.
    """
    async with database.write() as tx:
        result = await tx.execute(
            update(api_accounts)
            .where(api_accounts.c.username == username)
            .values(enabled=enabled, updated_at=now())
        )
        if result.rowcount != 1:
            raise UnknownAccount(f"there is no account {username!r}")
        await changes.bump(tx)


async def rotate(database: Database, changes: Changes, username: str) -> CreatedAccount:
    """Give an account a new password and a new token, as its mode needs; the old ones end at once.

    :raises UnknownAccount: there is none of that name.
    :raises ChangedMeanwhile: somebody else changed it at the same moment.
    """
    return await _renew(database, changes, _Which("username", username), _ALL_SECRETS)


async def renew(
    database: Database, changes: Changes, account_id: str, wanted: Iterable[Secret]
) -> CreatedAccount:
    """Give an account new secrets of these kinds, as far as its mode has them; the old ones end at once.

    :raises UnknownAccount: there is none of that id.
    :raises AccountError: its mode has none of these secrets.
    :raises ChangedMeanwhile: somebody else changed it at the same moment.
    """
    return await _renew(database, changes, _Which("id", account_id), frozenset(wanted))


async def remove_account(database: Database, changes: Changes, username: str) -> None:
    """Delete an account; its entries in the API log stay.

    :raises UnknownAccount: there is none of that name.
    """
    await _remove(database, changes, _Which("username", username))


async def remove_account_by_id(database: Database, changes: Changes, account_id: str) -> None:
    """As :func:`remove_account`, by id."""
    await _remove(database, changes, _Which("id", account_id))


@dataclass(frozen=True)
class _Which:
    """Names one account."""

    column: Literal["id", "username"]
    value: str

    @property
    def condition(self) -> ColumnElement[bool]:
        return api_accounts.c[self.column] == self.value

    @property
    def unknown(self) -> UnknownAccount:
        return UnknownAccount(f"there is no account {self.value!r}")


async def _renew(
    database: Database, changes: Changes, which: _Which, wanted: frozenset[Secret]
) -> CreatedAccount:
    row = await _row(database, which)
    mode = _mode(row["auth"])
    made = CreatedAccount(
        id=row["id"],
        username=row["username"],
        password=_password_for(mode, None) if "password" in wanted else None,
        token=_token_for(mode) if "token" in wanted else None,
        auth=mode,
        permissions=_patterns(row),
    )
    if made.password is None and made.token is None:
        raise AccountError(f"an account in mode {mode} has no {' or '.join(sorted(wanted))}")
    await _write(database, changes, row, await _hashed(made))
    return made


async def _remove(database: Database, changes: Changes, which: _Which) -> None:
    async with database.write() as tx:
        result = await tx.execute(delete(api_accounts).where(which.condition))
        if result.rowcount != 1:
            raise which.unknown
        await changes.bump(tx)


async def _row(database: Database, which: _Which) -> Row:
    async with database.read() as connection:
        row = await connection.row(select(api_accounts).where(which.condition))
    if row is None:
        raise which.unknown
    return row


async def _write(database: Database, changes: Changes, row: Row, values: Mapping[str, Any]) -> None:
    """Write what was worked out for an account, unless it is no more as it was in ``row``."""
    try:
        async with database.write() as tx:
            result = await tx.execute(
                update(api_accounts)
                .where(api_accounts.c.id == row["id"], api_accounts.c.updated_at == row["updated_at"])
                .values(**values, updated_at=max(now(), row["updated_at"] + 1))
            )
            if result.rowcount != 1:
                raise ChangedMeanwhile("somebody else changed the account at the same moment; look again")
            await changes.bump(tx)
    except IntegrityError as error:
        raise AccountExists(f"there is an account {values.get('username')!r} already") from error


def _mode(auth: str) -> Auth:
    for known in get_args(Auth):
        if auth == known:
            return known  # type: ignore[no-any-return]
    raise AccountError(f"{auth!r} is none of {', '.join(get_args(Auth))}")


def _check_username(username: str) -> None:
    if not _USERNAME.fullmatch(username):
        raise AccountError("an account's name has 1 to 64 characters, without blanks and colons")


def _password_for(mode: Auth, wanted: str | None) -> str | None:
    """The password of an account in this mode: the one that somebody wants, else a generated one."""
    if mode == "token":
        if wanted is not None:
            raise BadPassword("an account in mode token has no password")
        return None
    if wanted is None:
        return secrets.token_urlsafe(PASSWORD_BYTES)
    if len(wanted) > MAX_PASSWORD or not wanted.isprintable():
        raise BadPassword(f"a password has at most {MAX_PASSWORD} printable characters")
    return wanted


def _token_for(mode: Auth) -> str | None:
    return None if mode == "basic" else secrets.token_urlsafe(TOKEN_BYTES)


def _patterns(row: Row) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(row["permissions"], type=list[str]))


def _stored(patterns: tuple[str, ...]) -> str:
    return msgspec.json.encode(patterns).decode()


async def _hashed(made: CreatedAccount) -> dict[str, Any]:
    """The columns of the secrets that are new."""
    hashed: dict[str, Any] = {}
    if made.password is not None:
        hashed["password_hash"] = await asyncio.to_thread(password_hasher.hash, made.password)
    if made.token is not None:
        hashed["token_hash"] = token_hash(made.token)
    return hashed
