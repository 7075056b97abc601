"""Fixtures: Asterisk, SIPp, and SIP phones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol

import pytest

from tamas.demo.phone import Manner, Phone, close_phones
from tamas.engine.install import AsteriskInstall, ensure_asterisk, ensure_sipp
from tamas.settings import load_settings


@pytest.fixture(scope="session")
def asterisk_install() -> AsteriskInstall:
    """The Asterisk that the product would use here, fetched into the cache when it is not there yet."""
    settings = load_settings()
    return ensure_asterisk(settings.cache_dir, settings.asterisk, print)


@pytest.fixture(scope="session")
def sipp() -> tuple[str, ...]:
    """The words that start SIPp."""
    return ensure_sipp(load_settings().cache_dir, print)


class NewPhone(Protocol):
    """Opens a phone, which is closed when the test ends; see `tamas.demo.phone.Phone`."""

    def __call__(
        self,
        number: str,
        *,
        server: tuple[str, int],
        secret: str = "",
        tone_hz: int = 0,
        name: str = "",
        local: tuple[str, int] = ("127.0.0.1", 0),
        manner: Manner | None = None,
    ) -> Awaitable[Phone]: ...


@pytest.fixture
async def new_phone(sipp: tuple[str, ...]) -> AsyncIterator[NewPhone]:
    """``await new_phone("201", server=…, secret=…, tone_hz=440)`` gives an open phone."""
    phones: list[Phone] = []

    async def make(number: str, **options: Any) -> Phone:
        phone = Phone(number=number, sipp=sipp, **options)
        phones.append(phone)
        await phone.open()
        return phone

    yield make
    await close_phones(phones)
