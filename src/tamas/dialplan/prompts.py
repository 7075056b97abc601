"""Saying things to a caller in Asterisk's own prompts, in the language of the channel.

A prompt that the language lacks is taken from English by Asterisk; one that is nowhere is left out.
"""

from __future__ import annotations

import logging
from typing import Final

from tamas.engine.fastagi import AgiCommandFailed, AgiSession

log = logging.getLogger(__name__)

DATE_FORMAT: Final = "ABdY 'digits/at' IMp"
"""Weekday, month, day, year, time of day; letters as of ``SayUnixTime``."""


class Prompts:
    """The voice that a caller hears. Each method gives the key that stopped it, if one of ``keys`` did."""

    def __init__(self, session: AgiSession) -> None:
        self._session = session

    async def play(self, *names: str, keys: str = "") -> str | None:
        """Play sounds one after the other.

        :param names: without ending; ``"="`` before a text says its digits, ``"#"`` says it as a number.
        """
        for name in names:
            if name.startswith("="):
                digit = await self._session.say("DIGITS", name[1:], keys) if name[1:].isdigit() else None
            elif name.startswith("#"):
                digit = await self._session.say("NUMBER", name[1:], keys)
            else:
                digit = await self._sound(name, keys)
            if digit is not None:
                return digit
        return None

    async def moment(self, epoch: int, *, keys: str = "") -> str | None:
        """Say a date and a time.

        :param epoch: seconds, already moved by the offset of the time zone, because Asterisk lives in UTC.
        """
        return await self._session.say("DATETIME", str(epoch), keys, DATE_FORMAT)

    async def number(self, prompt: str, *, seconds: float, max_digits: int) -> str:
        """Ask for a number that ends with ``#``; what was typed, empty when it was nothing."""
        typed = await self._session.get_data(prompt, timeout=seconds, max_digits=max_digits)
        return typed if typed.isascii() and typed.isdigit() else ""

    async def _sound(self, name: str, keys: str) -> str | None:
        try:
            return await self._session.stream_file(name, keys)
        except AgiCommandFailed:
            log.warning("there is no sound %s", name)
            return None
