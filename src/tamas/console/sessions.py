"""Sessions of people who are signed in.

The browser holds a random token, the store its SHA-256. Who it stands for is read with every request, in one
statement with the account and its rights, so that whatever changes there is in force on the next one. A
session works from the network address at which it was opened and ends at the first sign that something is not
as it was: another address, an account that is disabled, expired or gone.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, bindparam, delete, insert, select, update

from tamas.console.account_types import ADMINISTRATOR
from tamas.console.context import SignedIn
from tamas.console.rights import Right, Rights
from tamas.sa.accounts import token_hash
from tamas.sa.throttle import network_of
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Connection, Database, HotQuery
from tamas.store.schema import console_account_types, console_accounts, console_sessions

IDLE = 12 * 3600 * MICROSECONDS
"""After so long without a request a session ends."""
LIFETIME = 30 * 24 * 3600 * MICROSECONDS
"""So long after the sign-in it ends in any case."""
SEEN = 60 * MICROSECONDS
"""That a session is in use is written at most this often."""
TOKEN_BYTES = 32

_s, _a, _t = console_sessions, console_accounts, console_account_types
_BY_TOKEN = HotQuery(
    select(
        _s.c.csrf,
        _s.c.address,
        _s.c.created_at,
        _s.c.seen_at,
        _s.c.expires_at,
        _a.c.id,
        _a.c.username,
        _a.c.name,
        _a.c.role,
        _a.c.enabled,
        _a.c.must_change_password,
        _a.c.expires_at.label("account_expires_at"),
        _a.c.totp_sealed.is_not(None).label("totp"),
        _t.c.title,
        _t.c.rights,
    )
    .select_from(
        _s.join(_a, _a.c.id == _s.c.account_id, isouter=True).join(_t, _t.c.name == _a.c.role, isouter=True)
    )
    .where(_s.c.token_hash == bindparam("token_hash"))
)


@dataclass(frozen=True, kw_only=True)
class OpenSession:
    """A session that is in force. Times in microseconds since the epoch, UTC."""

    who: SignedIn
    account_type_title: str
    totp: bool
    """Whether the account has a second step."""
    created_at: int
    """When the person signed in."""
    seen_at: int
    expires_at: int
    """When it ends, unless it is used before."""


async def open_session(
    tx: Connection, *, account_id: str, address: str, user_agent: str, created_at: int | None = None
) -> str:
    """Begin a session for an account that proved who it is.

    :param address: of the browser; the session works from there only.
    :param created_at: when the person signed in, for a session that takes another's place.
    :returns: the token for the cookie; it cannot be read again.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    at = now()
    await tx.execute(delete(_s).where(_s.c.expires_at <= at))
    await tx.execute(
        insert(_s).values(
            token_hash=token_hash(token),
            account_id=account_id,
            csrf=secrets.token_urlsafe(TOKEN_BYTES),
            address=address[:45],
            user_agent=user_agent[:255],
            created_at=created_at or at,
            seen_at=at,
            expires_at=_expiry(at, created_at or at),
        )
    )
    return token


async def find_session(database: Database, hashed: str, address: str) -> OpenSession | None:
    """The session with a stored hash, ``None`` when there is none in force.

    A session that is found to be out of order ends here.

    :param address: where the request comes from.
    """
    rows = await database.hot(_BY_TOKEN, hashed)
    if not rows:
        return None
    (
        csrf,
        home,
        created_at,
        seen_at,
        expires_at,
        account_id,
        username,
        name,
        role,
        enabled,
        must_change_password,
        account_expires_at,
        totp,
        title,
        rights,
    ) = rows[0]
    at = now()
    if (
        not enabled
        or expires_at <= at
        or (account_expires_at is not None and account_expires_at <= at)
        or network_of(home) != network_of(address)
    ):
        async with database.write() as tx:
            await tx.execute(delete(_s).where(_s.c.token_hash == hashed))
        return None
    return OpenSession(
        who=SignedIn(
            account_id=account_id,
            username=username,
            name=name,
            account_type=role,
            rights=_rights(role, rights),
            session=hashed,
            csrf=csrf,
            must_change_password=bool(must_change_password),
        ),
        account_type_title=title or role,
        totp=bool(totp),
        created_at=created_at,
        seen_at=seen_at,
        expires_at=expires_at,
    )


async def note_use(database: Database, session: OpenSession) -> None:
    """Put a session's end off because it is in use."""
    at = now()
    if at - session.seen_at < SEEN:
        return
    async with database.write() as tx:
        await tx.execute(
            update(_s)
            .where(_s.c.token_hash == session.who.session)
            .values(seen_at=at, expires_at=_expiry(at, session.created_at))
        )


async def end_session(tx: Connection, hashed: str) -> None:
    """End one session, by the stored hash of its token."""
    await tx.execute(delete(_s).where(_s.c.token_hash == hashed))


async def end_sessions(tx: Connection, whose: ColumnElement[bool]) -> int:
    """End every session of the accounts that match.

    :param whose: a condition on :data:`~tamas.store.schema.console_accounts`.
    :returns: how many there were.
    """
    result = await tx.execute(delete(_s).where(_s.c.account_id.in_(select(_a.c.id).where(whose))))
    return result.rowcount


def _expiry(at: int, created_at: int) -> int:
    return min(at + IDLE, created_at + LIFETIME)


def _rights(account_type: str, stored: str | None) -> Rights:
    if account_type == ADMINISTRATOR:
        return Rights.everything()  # whatever pages there are by now
    return Rights(msgspec.json.decode(stored or "{}", type=dict[str, list[Right]]))
