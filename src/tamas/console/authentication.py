"""Proving who somebody is: password, second step, and how guesses are slowed down.

Two things hold guesses back. Those of one address wait in line and, after some failures, longer and longer
(:mod:`tamas.sa.throttle`). Those at one account, wherever they come from, are refused for a while that grows
with the failures since the last sign-in up to :data:`MAX_WAIT`; these are stored, so a restart forgives
nothing. An attempt counts as failed from its beginning until it proves right, so that many at once gain
nothing. An address from which the account was signed in to of late answers for its own failures only: a
stranger's guesses keep nobody out. A name that no account has is treated, and takes as long, as one that an
account has.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select, update

from tamas.console.activity import Activity
from tamas.console.errors import Invalid, SignedOut, SignInRefused, SlowDown
from tamas.console.passwords import Passwords
from tamas.console.second_step import accepted_step
from tamas.console.sessions import end_session, open_session
from tamas.engine.sip_secrets import SecretSeal
from tamas.sa.throttle import MAX_DELAY, Throttle, TooManyAttempts
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Connection, Database
from tamas.store.schema import console_accounts, console_activity

PAGE = "session"
"""Under which sign-ins stand in the activity log."""
SIGNED_IN = "sign_in"
FAILED = "sign_in_failed"
NOT_CONFIRMED = "password_wrong"
"""Somebody who is signed in could not give their password again."""

FREE_FAILURES = 5
"""Failures after which an account begins to refuse attempts for a while."""
FIRST_WAIT = 1.0
"""Seconds; each further failure doubles them."""
MAX_WAIT = 60.0
"""Seconds."""
KNOWN_FOR = 30 * 24 * 3600 * MICROSECONDS
"""So long after a sign-in from an address the account knows it."""
MAX_NAMES = 10_000
"""Names without account whose failures are remembered."""
UNKNOWN_NOTED = 60 * MICROSECONDS
"""Guesses at names without account are noted at most this often."""

_a, _log = console_accounts, console_activity


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last_at: int | None


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """An attempt that may go on."""

    username: str
    address: str
    account: Mapping[str, Any] | None
    """The account's row as it was before; ``None``: there is no such account, or it cannot be used."""
    exists: bool
    after: _Failures
    """Failures since the last sign-in, without this attempt."""


class Authentication:
    """Lets people in, in one process.

    :param clock: microseconds since the epoch.
    """

    def __init__(
        self,
        database: Database,
        seal: SecretSeal,
        *,
        passwords: Passwords | None = None,
        throttle: Throttle | None = None,
        clock: Callable[[], int] = now,
    ) -> None:
        self._database = database
        self._seal = seal
        self.passwords = passwords or Passwords()
        self.throttle = throttle or Throttle()
        self._clock = clock
        self._nobodies: OrderedDict[str, _Failures] = OrderedDict()
        self._unknown_noted_at = 0

    def close(self) -> None:
        """Let threads end."""
        self.passwords.close()

    async def sign_in(
        self,
        *,
        username: str,
        password: str,
        code: str,
        address: str,
        user_agent: str,
        replaces: str | None,
    ) -> str:
        """Open a session for whoever knows the password and, where there is one, passes the second step.

        :param replaces: stored hash of the session that the browser had; it ends.
        :returns: the new session's token.
        :raises SignInRefused: wrong, or the second step is still to come.
        :raises SlowDown: not now.
        """
        try:
            async with self.throttle.turn(address):
                attempt = await self._begin(username, address)
                account = attempt.account
                stored = None if account is None else account["password_hash"]
                if not await self.passwords.right(stored, password) or account is None:
                    await self._failed(attempt)
                    raise SignInRefused("user name or password is wrong")
                step = None
                if account["totp_sealed"] is not None:
                    if not code:
                        await self._take_back(attempt)
                        raise SignInRefused("the code of the second step is needed", code="code_required")
                    step = self._step(account["totp_sealed"], code, account["totp_step"])
                    if step is None:
                        await self._failed(attempt)
                        raise SignInRefused("the code is wrong, too old or used", code="wrong_code")
                rehashed = (
                    await self.passwords.hash(password) if self.passwords.outdated(stored or "") else None
                )
                return await self._signed_in(attempt, account, step, rehashed, user_agent, replaces)
        except TooManyAttempts:
            raise SlowDown("too many attempts wait", retry_after=math.ceil(MAX_DELAY)) from None

    async def confirm(
        self, username: str, password: str, address: str, *, field: str = "password"
    ) -> Mapping[str, Any]:
        """Have somebody who is signed in prove that it is still them.

        :param field: that carries the password, for the answer.
        :returns: the account's row.
        :raises Invalid: ``wrong_password``.
        :raises SlowDown: not now.
        """
        try:
            async with self.throttle.turn(address):
                attempt = await self._begin(username, address)
                if attempt.account is None:
                    raise SignedOut("the account cannot be used any more")
                if not await self.passwords.right(attempt.account["password_hash"], password):
                    await self._failed(attempt, NOT_CONFIRMED)
                    raise Invalid("the password is wrong", code="wrong_password", field=field)
                await self._take_back(attempt)
                return attempt.account
        except TooManyAttempts:
            raise SlowDown("too many attempts wait", retry_after=math.ceil(MAX_DELAY)) from None

    def _step(self, sealed: bytes, code: str, after: int | None) -> int | None:
        return accepted_step(self._seal.open(sealed), code, at=self._clock(), after=after)

    async def _begin(self, username: str, address: str) -> _Attempt:
        """Count an attempt. :raises SlowDown: it comes too soon after failures."""
        at = self._clock()
        async with self._database.write() as tx:
            account = await tx.row(select(_a).where(_a.c.username == username).with_for_update())
            own = await self._own_failures(tx, username, address, at)
            if account is None:
                after = self._nobodies.get(username, _Failures(0, None))
            else:
                after = _Failures(account["failures"], account["failed_at"])
            _wait_over(after if own is None else own, at)
            # A name without account costs the same statements.
            await tx.execute(
                update(_a).where(_a.c.username == username).values(failures=after.count + 1, failed_at=at)
            )
        exists = account is not None
        if account is None:
            self._remember_nobody(username, _Failures(after.count + 1, at))
        elif not account["enabled"] or (account["expires_at"] is not None and account["expires_at"] <= at):
            account = None
        return _Attempt(username=username, address=address, account=account, exists=exists, after=after)

    async def _own_failures(self, tx: Connection, username: str, address: str, at: int) -> _Failures | None:
        """Failures from an address since the last sign-in from there; ``None`` when that is long ago."""
        here = (_log.c.account == username, _log.c.address == address, _log.c.page == PAGE)
        last = await tx.scalar(
            select(func.max(_log.c.at)).where(*here, _log.c.action == SIGNED_IN, _log.c.at > at - KNOWN_FOR)
        )
        row = await tx.row(
            select(func.count().label("count"), func.max(_log.c.at).label("last_at")).where(
                *here, _log.c.action.in_((FAILED, NOT_CONFIRMED)), _log.c.at > (last or at)
            )
        )
        return None if last is None or row is None else _Failures(row["count"], row["last_at"])

    async def _failed(self, attempt: _Attempt, action: str = FAILED) -> None:
        self.throttle.failed(attempt.address)
        if not attempt.exists:
            # What was typed is not noted: it may well be a password in the wrong place.
            if self._clock() - self._unknown_noted_at < UNKNOWN_NOTED:
                return
            self._unknown_noted_at = self._clock()
        name = attempt.username if attempt.exists else ""
        await Activity(self._database, account=name, address=attempt.address).note(PAGE, action, name)

    async def _take_back(self, attempt: _Attempt) -> None:
        """An attempt did not fail after all."""
        async with self._database.write() as tx:
            await tx.execute(
                update(_a)
                .where(_a.c.username == attempt.username)
                .values(
                    failures=case((_a.c.failures > 0, _a.c.failures - 1), else_=0),
                    failed_at=attempt.after.last_at,
                )
            )

    async def _signed_in(
        self,
        attempt: _Attempt,
        account: Mapping[str, Any],
        step: int | None,
        rehashed: str | None,
        user_agent: str,
        replaces: str | None,
    ) -> str:
        at = self._clock()
        values: dict[str, Any] = {"failures": 0, "failed_at": None, "signed_in_at": at}
        if rehashed is not None:
            values["password_hash"] = rehashed
        unchanged = [_a.c.id == account["id"], _a.c.password_hash == account["password_hash"]]
        if step is not None:
            values["totp_step"] = step
            unchanged.append(func.coalesce(_a.c.totp_step, -1) < step)
        async with self._database.write() as tx:
            done = await tx.execute(update(_a).where(*unchanged).values(**values))
            if done.rowcount != 1 and step is None:
                raise SignInRefused("the password was changed meanwhile")
            if done.rowcount != 1:
                raise SignInRefused("the code is wrong, too old or used", code="wrong_code")
            if replaces is not None:
                await end_session(tx, replaces)
            token = await open_session(
                tx, account_id=account["id"], address=attempt.address, user_agent=user_agent
            )
            activity = Activity(self._database, account=attempt.username, address=attempt.address)
            await activity.add(tx, PAGE, SIGNED_IN, attempt.username)
        return token

    def _remember_nobody(self, username: str, failures: _Failures) -> None:
        self._nobodies.pop(username, None)
        if len(self._nobodies) >= MAX_NAMES:
            self._nobodies.popitem(last=False)
        self._nobodies[username] = failures


def _wait_over(failures: _Failures, at: int) -> None:
    """:raises SlowDown: the next attempt would come too soon."""
    beyond = failures.count - FREE_FAILURES
    if beyond < 0 or failures.last_at is None:
        return
    seconds = min(MAX_WAIT, FIRST_WAIT * 2.0 ** min(beyond, 32))
    left = seconds - (at - failures.last_at) / MICROSECONDS
    if left > 0:
        raise SlowDown("too many wrong attempts", retry_after=math.ceil(left))
