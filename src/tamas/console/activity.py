"""The activity log: who changed what in the console, with the state before and after.

A change and its entry are one transaction. Secrets never get in: whoever describes a thing leaves them out,
and keys that name a secret are masked here once more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
from sqlalchemy import insert

from tamas.console.rights import Page
from tamas.store.clock import now
from tamas.store.database import Connection, Database, joining
from tamas.store.schema import console_activity

Facts = Mapping[str, Any]
"""What a thing is, as JSON values by name."""
Look = Callable[[Connection], Awaitable[Facts | None]]
"""Reads what a thing is now; ``None`` when it does not exist."""

MASK: Final = "******"
MAX_SUBJECT: Final = 120
MAX_FACTS: Final = 16 * 1024
"""Characters of one side of an entry; what is longer is noted as such."""
_SECRET_KEYS: Final = ("secret", "password", "token", "hash", "sealed", "totp")


class Activity:
    """Writes entries for one request.

    :param account: user name of whoever is signed in, or tries to.
    :param address: where the browser is.
    """

    def __init__(self, database: Database, *, account: str, address: str) -> None:
        self._database = database
        self._account = account
        self._address = address

    @asynccontextmanager
    async def change(
        self, page: Page, action: str, subject: str, look: Look | None = None
    ) -> AsyncIterator[None]:
        """Note the change that the block makes, inside the transaction that makes it.

        Nothing is noted when nothing is committed, or when ``look`` tells the same before and after.

        :param action: what was done, one word: ``add``, ``update``, ``remove``, ``reveal``, ...
        :param subject: what it was done to, such as ``101 Sara``.
        :param look: describes it; asked before the block and at the end of its transaction.
        """
        before: Facts | None = None
        if look is not None:
            async with self._database.read() as connection:
                before = await look(connection)

        async def write(tx: Connection) -> None:
            after = None if look is None else await look(tx)
            if look is None or before != after:
                await self.add(tx, page.id, action, subject, before=before, after=after)

        with joining(write):
            yield

    async def note(
        self, page: str, action: str, subject: str, *, before: Facts | None = None, after: Facts | None = None
    ) -> None:
        """Write an entry in a transaction of its own, for what changes no row."""
        async with self._database.write() as tx:
            await self.add(tx, page, action, subject, before=before, after=after)

    async def add(
        self,
        tx: Connection,
        page: str,
        action: str,
        subject: str,
        *,
        before: Facts | None = None,
        after: Facts | None = None,
    ) -> None:
        """Write an entry inside a transaction."""
        await tx.execute(
            insert(console_activity).values(
                at=now(),
                account=self._account[:64],
                address=self._address[:45],
                page=page,
                action=action,
                subject=subject[:MAX_SUBJECT],
                before=_stored(before),
                after=_stored(after),
            )
        )


def _stored(facts: Facts | None) -> str | None:
    if facts is None:
        return None
    text = msgspec.json.encode(_masked(facts)).decode()
    if len(text) <= MAX_FACTS:
        return text
    return msgspec.json.encode({"too_long": len(text)}).decode()


def _masked(value: Any, key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {name: _masked(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(inner, key) for inner in value]
    if isinstance(value, (str, bytes)) and value and any(word in key.lower() for word in _SECRET_KEYS):
        return MASK
    return value
