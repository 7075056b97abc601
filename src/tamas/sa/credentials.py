"""Who calls: HTTP Basic and ``X-APIKEY`` in three modes (SA catalogue, ``authentication``).

A verified Basic header is remembered for :data:`REMEMBER_SECONDS` under a hash keyed with a secret of this
process, so that a busy client costs one Argon2 computation a minute; it counts no more when accounts change.
A header that was right once is checked again without waiting behind guesses from the same address. Hashing
runs in threads, a few at a time. An unknown user takes as long as a wrong password.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tamas.sa.accounts import MAX_PASSWORD, hash_of_nobody, password_hasher
from tamas.sa.snapshot import KnownAccount, Snapshot
from tamas.sa.throttle import Throttle

REMEMBER_SECONDS = 60.0
MAX_REMEMBERED = 10_000
"""Verified headers kept at once."""
HASHING_THREADS = 2

Refusal = Literal["missing", "invalid"]


def parse_basic(header: bytes) -> tuple[str, str] | None:
    """User name and password of an ``Authorization: Basic`` value, ``None`` when it is no such value.

    Base64 may lack its padding; the password may be empty. RFC 7617.
    """
    scheme, _, rest = header.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return None
    encoded = rest.strip()
    try:
        text = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)
        username, colon, password = text.decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return None
    return (username, password) if colon and username else None


@dataclass(frozen=True, slots=True)
class _Verified:
    """A header that was right, and until when that need not be checked again."""

    username: str
    generation: int
    expires: float


class Authenticator:
    """Lets accounts in or refuses them.

    :param throttle: slows addresses down that fail repeatedly.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        throttle: Throttle,
        *,
        hasher: PasswordHasher = password_hasher,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._throttle = throttle
        self._hasher = hasher
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._remembered: dict[bytes, _Verified] = {}
        self._verifying: dict[tuple[bytes, str], asyncio.Future[bool]] = {}
        self._threads = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="sa-password")
        self._nobody = hash_of_nobody(hasher)

    def close(self) -> None:
        """Let the hashing threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def authenticate(
        self, snapshot: Snapshot, address: str, authorization: bytes | None, token: bytes | None
    ) -> KnownAccount | Refusal:
        """Find the account that these headers stand for.

        :param address: where the request comes from.
        :param authorization: value of ``Authorization``; ``None`` or blank: not sent.
        :param token: value of ``X-APIKEY``; likewise.
        :raises TooManyAttempts: so many attempts of the address wait that this one cannot.
        """
        by_token = None
        if token:
            # The lookup is by hash: how long it takes says nothing about stored tokens.
            by_token = snapshot.by_token.get(hashlib.sha256(token).hexdigest())
            if by_token is not None and by_token.enabled and by_token.auth == "token":
                return by_token
        if authorization:
            known = await self._known(snapshot, authorization, by_token)
            if known is not None:
                return known
        elif not token:
            return "missing"
        async with self._throttle.turn(address):
            # The same header may have been verified while this one stood in line.
            account = await self._known(snapshot, authorization, by_token) if authorization else None
            account = account or await self._verify(snapshot, authorization, by_token)
            if account is None:
                self._throttle.failed(address)
        return account or "invalid"

    async def _known(
        self, snapshot: Snapshot, authorization: bytes, by_token: KnownAccount | None
    ) -> KnownAccount | None:
        """The account of a header that was right before and, checked anew when that is long ago, still is."""
        digest = self._digest(authorization)
        remembered = self._remembered.get(digest)
        if remembered is None:
            return None
        account = snapshot.by_username.get(remembered.username)
        if account is None or not _sufficient(account, by_token):
            return None
        if remembered.generation == snapshot.generation and remembered.expires > self._clock():
            return account
        basic = parse_basic(authorization)
        if basic is None or not await self._password_right(digest, account, basic[1]):
            self._remembered.pop(digest, None)  # from now on it waits like any other guess
            return None
        self._remember(digest, account.username, snapshot.generation)
        return account

    async def _verify(
        self, snapshot: Snapshot, authorization: bytes | None, by_token: KnownAccount | None
    ) -> KnownAccount | None:
        basic = parse_basic(authorization) if authorization else None
        if basic is None or authorization is None:
            return None
        username, password = basic
        account = snapshot.by_username.get(username)
        if account is not None and account.password_hash is None:
            account = None
        digest = self._digest(authorization)
        if not await self._password_right(digest, account, password) or account is None:
            return None
        if account.enabled:
            self._remember(digest, username, snapshot.generation)
        return account if _sufficient(account, by_token) else None

    def _digest(self, authorization: bytes) -> bytes:
        return hashlib.blake2b(authorization, key=self._key, digest_size=32).digest()

    async def _password_right(self, digest: bytes, account: KnownAccount | None, password: str) -> bool:
        """Check a password; equal questions that are asked at the same time are answered together."""
        stored = self._nobody if account is None or account.password_hash is None else account.password_hash
        question = (digest, stored)
        asked = self._verifying.get(question)
        if asked is None:
            loop = asyncio.get_running_loop()
            asked = loop.run_in_executor(self._threads, self._check, stored, password[: MAX_PASSWORD + 1])
            self._verifying[question] = asked
            asked.add_done_callback(lambda _: self._verifying.pop(question, None))
        return await asyncio.shield(asked)

    def _check(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def _remember(self, digest: bytes, username: str, generation: int) -> None:
        self._remembered.pop(digest, None)
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.pop(next(iter(self._remembered)))
        self._remembered[digest] = _Verified(username, generation, self._clock() + REMEMBER_SECONDS)


def _sufficient(account: KnownAccount, by_token: KnownAccount | None) -> bool:
    """Whether a right password, with the token's account, is all that this account has to send."""
    if not account.enabled:
        return False
    if account.auth == "basic":
        return True
    return account.auth == "both" and by_token is not None and by_token.id == account.id
