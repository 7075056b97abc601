"""Fixtures: Asterisk, SIPp, and SIP phones."""

from __future__ import annotations

from collections.abc import AsyncIterator

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


class PhoneBench:
    """Opens phones and closes them; see `tamas.demo.phone.Phone` for the parameters."""

    def __init__(self, sipp: tuple[str, ...]) -> None:
        self.phones: list[Phone] = []
        self._sipp = sipp

    async def __call__(
        self,
        number: str,
        *,
        server: tuple[str, int],
        secret: str = "",
        tone_hz: int = 0,
        name: str = "",
        local: tuple[str, int] = ("127.0.0.1", 0),
        manner: Manner | None = None,
    ) -> Phone:
        phone = Phone(
            number=number,
            secret=secret,
            server=server,
            tone_hz=tone_hz,
            sipp=self._sipp,
            name=name,
            local=local,
            manner=manner,
        )
        self.phones.append(phone)
        await phone.open()
        return phone

    async def close(self) -> None:
        """Close every phone; may be called again."""
        await close_phones(self.phones)

    @property
    def report_text(self) -> str:
        """What the phones said and heard, for the reader of a failure."""
        return "\n".join(f"phone {phone.number}:\n{phone.transcript}" for phone in self.phones)


@pytest.fixture
async def new_phone(sipp: tuple[str, ...]) -> AsyncIterator[PhoneBench]:
    """``await new_phone("201", server=…, secret=…, tone_hz=440)`` gives an open phone."""
    bench = PhoneBench(sipp)
    yield bench
    await bench.close()
