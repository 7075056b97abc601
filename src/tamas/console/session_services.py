"""Signing in and out, and what people change of their own account."""

from __future__ import annotations

from typing import Annotated

import msgspec
from sqlalchemy import ColumnElement, func, select, update

from tamas import __version__
from tamas.console.accounts import first_password_changed
from tamas.console.authentication import FAILED, PAGE, SIGNED_IN
from tamas.console.context import ConsoleContext
from tamas.console.errors import Conflict, Invalid, SignedOut
from tamas.console.field_types import Secret
from tamas.console.passwords import MIN_PASSWORD, WeakPassword, check_choice
from tamas.console.rights import Right
from tamas.console.second_step import accepted_step, key_uri, new_key
from tamas.console.service import service
from tamas.console.sessions import OpenSession, end_session, end_sessions, find_session, open_session
from tamas.console.times import milliseconds
from tamas.sa.accounts import MAX_PASSWORD, token_hash
from tamas.sa.fields import NoParameters, Text, optional, required
from tamas.store.clock import now
from tamas.store.schema import console_accounts, console_activity, console_sessions

_a, _s, _log = console_accounts, console_sessions, console_activity


class Session(msgspec.Struct, kw_only=True):
    """A session and whose it is."""

    account_id: str
    username: str
    name: str
    account_type: str
    account_type_title: str
    rights: dict[str, list[Right]]
    """By page; a page that is not named cannot be seen."""
    csrf: str
    """Goes into the header X-CSRF-Token of every POST."""
    must_change_password: bool
    totp: bool
    """Whether signing in takes a second step."""
    failed_since_last: int
    """Attempts that failed between this sign-in and the one before."""
    last_sign_in_at: int | None
    """The sign-in before this one."""
    expires_at: int
    """When the session ends unless it is used before."""


class Current(msgspec.Struct, kw_only=True):
    """Who is signed in here, and what every page needs to know."""

    signed_in: bool
    session: Session | None
    version: str
    calendar: str
    timezone: str
    style_page: bool
    """Whether the page that shows every part of the console is there."""


class SignIn(msgspec.Struct, kw_only=True):
    """Credentials."""

    username: Annotated[str, required(Text(max=64))]
    password: Annotated[str, required(Secret(most=MAX_PASSWORD))]
    code: Annotated[str, optional(Text(max=16), note="Of the second step, when the account has one.")] = ""


class ChangePassword(msgspec.Struct, kw_only=True):
    """The old and the new password."""

    current: Annotated[str, required(Secret(most=MAX_PASSWORD))]
    new: Annotated[str, required(Secret(most=MAX_PASSWORD))]


class ConfirmedByPassword(msgspec.Struct, kw_only=True):
    """What only the owner of the account may ask for."""

    password: Annotated[str, required(Secret(most=MAX_PASSWORD))]


class OneTimeCode(msgspec.Struct, kw_only=True):
    """A code of an authenticator app."""

    code: Annotated[str, required(Text(max=16))]


class TotpKey(msgspec.Struct, kw_only=True):
    """What an authenticator app needs."""

    secret: str
    """Base32, for typing."""
    uri: str
    """For a QR code."""


@service("session/current", public=True, summary="Who is signed in here")
async def current(context: ConsoleContext, _request: NoParameters) -> Current:
    """See the answer."""
    return await _current(context, None if context.who is None else await _own(context))


@service("session/sign_in", public=True, method="POST", summary="Sign in", request=SignIn)
async def sign_in(context: ConsoleContext, request: SignIn) -> Current:
    """Open a session. Whatever session the browser had before ends."""
    token = await context.authentication.sign_in(
        username=request.username,
        password=request.password,
        code=request.code,
        address=context.address,
        user_agent=context.user_agent,
        replaces=None if context.who is None else context.who.session,
    )
    context.cookie.token = token
    return await _current(context, await find_session(context.database, token_hash(token), context.address))


@service("session/sign_out", method="POST", summary="Sign out")
async def sign_out(context: ConsoleContext, _request: NoParameters) -> None:
    """End the session."""
    async with context.database.write() as tx:
        await end_session(tx, context.me.session)
        await context.activity.add(tx, PAGE, "sign_out", context.me.username)
    context.cookie.cleared = True


@service("session/change_password", method="POST", summary="Change one's password", request=ChangePassword)
async def change_password(context: ConsoleContext, request: ChangePassword) -> Current:
    """Change it. Every session of the account ends; this browser gets a new one."""
    me = context.me
    try:
        check_choice(request.new, username=me.username, former=request.current)
    except WeakPassword as error:
        raise weak_password(error, field="new") from error
    account = await context.authentication.confirm(
        me.username, request.current, context.address, field="current"
    )
    before = await _own(context)
    hashed = await context.authentication.passwords.hash(request.new)
    async with context.database.write() as tx:
        await context.changes.bump(tx)
        done = await tx.execute(
            update(_a)
            .where(_a.c.id == me.account_id, _a.c.password_hash == account["password_hash"])
            .values(password_hash=hashed, must_change_password=False, updated_at=now())
        )
        if done.rowcount != 1:
            raise Conflict("the password was changed meanwhile", code="changed_meanwhile")
        await end_sessions(tx, _a.c.id == me.account_id)
        token = await open_session(
            tx,
            account_id=me.account_id,
            address=context.address,
            user_agent=context.user_agent,
            created_at=before.created_at,
        )
        await context.activity.add(tx, PAGE, "change_password", me.username)
    first_password_changed(context.settings.state_dir, me.username)
    context.cookie.token = token
    return await _current(context, await find_session(context.database, token_hash(token), context.address))


@service(
    "session/totp_begin",
    method="POST",
    summary="Begin to set up a second step",
    description="The key is in force once a code of it was seen.",
    request=ConfirmedByPassword,
)
async def totp_begin(context: ConsoleContext, request: ConfirmedByPassword) -> TotpKey:
    """Make a key, kept with the session until it is confirmed."""
    me = context.me
    await context.authentication.confirm(me.username, request.password, context.address)
    key = new_key()
    async with context.database.write() as tx:
        await tx.execute(
            update(_s).where(_s.c.token_hash == me.session).values(totp_pending=context.seal.seal(key))
        )
    return TotpKey(secret=key, uri=key_uri(key, me.username))


@service("session/totp_confirm", method="POST", summary="Finish setting it up", request=OneTimeCode)
async def totp_confirm(context: ConsoleContext, request: OneTimeCode) -> Current:
    """From now on signing in takes a code."""
    me = context.me
    mine = _s.c.token_hash == me.session
    async with context.database.write() as tx:
        sealed = await tx.scalar(select(_s.c.totp_pending).where(mine))
        if sealed is None:
            raise Conflict("no second step is being set up", code="not_begun")
        step = accepted_step(context.seal.open(sealed), request.code, at=now(), after=None)
        if step is None:
            raise Invalid("the code is wrong or too old", field="code", code="wrong_code")
        await context.changes.bump(tx)
        await tx.execute(
            update(_a)
            .where(_a.c.id == me.account_id)
            .values(totp_sealed=sealed, totp_step=step, updated_at=now())
        )
        await tx.execute(update(_s).where(mine).values(totp_pending=None))
        await context.activity.add(tx, PAGE, "totp_on", me.username)
    return await _current(context, await _own(context))


@service("session/totp_end", method="POST", summary="Do without a second step", request=ConfirmedByPassword)
async def totp_end(context: ConsoleContext, request: ConfirmedByPassword) -> Current:
    """From now on the password is enough."""
    me = context.me
    await context.authentication.confirm(me.username, request.password, context.address)
    async with context.database.write() as tx:
        await context.changes.bump(tx)
        done = await tx.execute(
            update(_a)
            .where(_a.c.id == me.account_id, _a.c.totp_sealed.is_not(None))
            .values(totp_sealed=None, totp_step=None, updated_at=now())
        )
        if done.rowcount:
            await context.activity.add(tx, PAGE, "totp_off", me.username)
    return await _current(context, await _own(context))


def weak_password(error: WeakPassword, *, field: str) -> Invalid:
    """The answer to a password that may not be chosen."""
    return Invalid(
        str(error),
        field=field,
        code="weak_password",
        params={"minimum": MIN_PASSWORD, "reason": error.reason},
    )


async def _own(context: ConsoleContext) -> OpenSession:
    """The session of this request as it is by now."""
    found = await find_session(context.database, context.me.session, context.address)
    if found is None:
        raise SignedOut("the session has ended meanwhile")
    return found


async def _current(context: ConsoleContext, session: OpenSession | None) -> Current:
    return Current(
        signed_in=session is not None,
        session=None if session is None else await _session(context, session),
        version=__version__,
        calendar=context.runtime["calendar"],
        timezone=context.runtime["timezone"],
        style_page=context.settings.console_style_page,
    )


async def _session(context: ConsoleContext, session: OpenSession) -> Session:
    who = session.who

    def mine(action: str) -> tuple[ColumnElement[bool], ...]:
        return (
            _log.c.account == who.username,
            _log.c.page == PAGE,
            _log.c.action == action,
            _log.c.at < session.created_at,
        )

    async with context.database.read() as connection:
        last = await connection.scalar(select(func.max(_log.c.at)).where(*mine(SIGNED_IN)))
        failed = await connection.scalar(
            select(func.count()).select_from(_log).where(*mine(FAILED), _log.c.at > (last or 0))
        )
    return Session(
        account_id=who.account_id,
        username=who.username,
        name=who.name,
        account_type=who.account_type,
        account_type_title=session.account_type_title,
        rights=who.rights.shown(),
        csrf=who.csrf,
        must_change_password=who.must_change_password,
        totp=session.totp,
        failed_since_last=failed or 0,
        last_sign_in_at=milliseconds(last),
        expires_at=milliseconds(session.expires_at),
    )
