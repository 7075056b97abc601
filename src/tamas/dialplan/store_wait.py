"""How long a call waits for the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from tamas.errors import TamasError
from tamas.store.database import STORE_ERRORS

T = TypeVar("T")

STORE_SECONDS: Final = 5.0
"""Then the dialplan gets the call back, which plays music and asks again."""


class StoreUnreachable(TamasError):
    """The store does not say where the call goes; the cause is chained."""


async def in_time(work: Awaitable[T]) -> T:
    """The result of some work in the store. :raises StoreUnreachable: it does not come."""
    try:
        async with asyncio.timeout(STORE_SECONDS):
            return await work
    except STORE_ERRORS as error:
        raise StoreUnreachable(f"the store cannot be asked: {str(error) or 'no answer'}") from error
