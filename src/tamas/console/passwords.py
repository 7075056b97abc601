"""Passwords of console accounts: which may be chosen, and hashing them without holding anybody up."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tamas.errors import TamasError
from tamas.sa.accounts import MAX_PASSWORD, hash_of_nobody, password_hasher

MIN_PASSWORD = 10
"""Characters."""
GENERATED_BYTES = 12
HASHING_THREADS = 2

T = TypeVar("T")


class WeakPassword(TamasError):
    """A password may not be chosen.

    :param reason: ``short``, ``long``, ``username``, or ``same`` as before.
    """

    def __init__(self, reason: Literal["short", "long", "username", "same"], message: str) -> None:
        super().__init__(message)
        self.reason = reason


def generated_password() -> str:
    """A password that nobody can guess, for somebody who will choose their own."""
    return secrets.token_urlsafe(GENERATED_BYTES)


def check_choice(password: str, *, username: str, former: str | None = None) -> None:
    """Refuse a password that is too easy.

    :param former: the password that it takes the place of.
    :raises WeakPassword: the text says why.
    """
    if len(password) < MIN_PASSWORD:
        raise WeakPassword("short", f"a password has at least {MIN_PASSWORD} characters")
    if len(password) > MAX_PASSWORD:
        raise WeakPassword("long", f"a password has at most {MAX_PASSWORD} characters")
    if password.casefold() == username.casefold():
        raise WeakPassword("username", "a password is not the user name")
    if password == former:
        raise WeakPassword("same", "this is the password as it was")


class Passwords:
    """Hashes and checks passwords (Argon2id) in a few threads of its own."""

    def __init__(self, hasher: PasswordHasher = password_hasher) -> None:
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="console-password")
        self._nobody = hash_of_nobody(hasher)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """What is stored of a password."""
        return await self._apart(lambda: self._hasher.hash(password))

    async def right(self, stored: str | None, password: str) -> bool:
        """Whether a password is the stored one. Without a stored one it takes as long, and it never is."""
        against = self._nobody if stored is None else stored
        return await self._apart(lambda: self._check(against, password[: MAX_PASSWORD + 1])) and bool(stored)

    def outdated(self, stored: str) -> bool:
        """Whether a password was hashed with other parameters than are used now."""
        return self._hasher.check_needs_rehash(stored)

    def _check(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _apart(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
