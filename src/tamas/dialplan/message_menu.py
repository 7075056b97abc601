"""Listening to a mailbox by telephone.

Keys as Asterisk's users know them: 4 the message before, 5 again, 6 the next, 7 delete, ``#`` leave; 0
another password, where the mailbox allows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from tamas.dialplan.directory import Mailbox
from tamas.dialplan.mailroom import Mailroom
from tamas.dialplan.prompts import Prompts
from tamas.engine.fastagi import AgiSession
from tamas.store.clock import MICROSECONDS
from tamas.store.guesses import TRIES
from tamas.voicemail.files import message_file

KEYS: Final = "45670#*"
KEY_SECONDS: Final = 6.0
"""How long a key is waited for, before the menu is said again."""
SILENCES: Final = 3
"""Menus without an answer, then the call ends."""
MAX_PASSWORD: Final = 20
PASSWORD_SECONDS: Final = 8.0


async def admitted(session: AgiSession, mailroom: Mailroom, mailbox: Mailbox, *, origin: str) -> bool:
    """Ask for the password of a mailbox; after some wrong ones the caller is sent away.

    :param origin: extension whose telephone it is; ``""``: a caller from outside.
    """
    prompts = Prompts(session)
    for _ in range(TRIES):
        given = await prompts.number("vm-password", seconds=PASSWORD_SECONDS, max_digits=MAX_PASSWORD)
        if given and await mailroom.is_password(mailbox, given, origin=origin):
            return True
        await prompts.play("vm-incorrect")
    await prompts.play("vm-goodbye")
    return False


class MessageMenu:
    """One visit of somebody who may listen, on an answered channel."""

    def __init__(self, session: AgiSession, mailroom: Mailroom, mailbox: Mailbox) -> None:
        self._session = session
        self._prompts = Prompts(session)
        self._mailroom = mailroom
        self._mailbox = mailbox
        self._messages: list[Mapping[str, Any]] = []
        self._position = 0
        self._pressed: str | None = None
        """The key that cut off what was said last."""

    async def run(self) -> None:
        """Let the caller listen until they leave."""
        self._messages = list(await self._mailroom.messages(self._mailbox))
        await self._announce()
        playing = bool(self._messages) and self._pressed is None
        silences = 0
        while silences < SILENCES:
            if playing:
                await self._play()
            key = self._pressed or await self._ask()
            if key == "#":
                break
            silences = silences + 1 if key is None else 0
            self._pressed = None
            playing = await self._obey(key)
        await self._prompts.play("vm-goodbye")

    async def _say(self, *names: str) -> None:
        """Say something that a key cuts off, unless one was pressed already."""
        if self._pressed is None:
            self._pressed = await self._prompts.play(*names, keys=KEYS)

    async def _announce(self) -> None:
        """Say how many messages there are."""
        new = sum(message["heard_at"] is None for message in self._messages)
        count, kind = (new, "vm-INBOX") if new else (len(self._messages), "vm-Old")
        if not count:
            await self._say("vm-youhave", "vm-no", "vm-messages")
            return
        await self._say("vm-youhave", f"#{count}", kind, "vm-message" if count == 1 else "vm-messages")

    async def _play(self) -> None:
        """Play the message at hand, with what the mailbox wants to be said of it."""
        message = self._messages[self._position]
        await self._mailroom.heard(message["id"])
        await self._introduce(message)
        file = message_file(self._mailroom.directory, message["filename"])
        if file is not None:
            await self._say(str(file.with_suffix("")))

    async def _introduce(self, message: Mapping[str, Any]) -> None:
        if self._mailbox.play_envelope:
            zone = ZoneInfo((await self._mailroom.runtime())["timezone"])
            moment = datetime.fromtimestamp(message["left_at"] // MICROSECONDS, zone)
            local = int(moment.replace(tzinfo=UTC).timestamp())
            await self._say("vm-received")
            if self._pressed is None:
                self._pressed = await self._prompts.moment(local, keys=KEYS)
        if self._mailbox.play_cid and message["caller_id"].isdigit():
            await self._say("vm-from-phonenumber", f"={message['caller_id']}")

    async def _ask(self) -> str | None:
        """Say what can be done, and wait for a key."""
        choices = []
        if self._messages:
            choices += ["vm-prev"] if self._position else []
            choices += ["vm-repeat"]
            choices += ["vm-next"] if self._position + 1 < len(self._messages) else []
            choices += ["vm-delete"]
        if self._mailbox.allow_change_password:
            choices += ["vm-press", "digits/0", "vm-for", "vm-password"]
        await self._say(*choices, "vm-helpexit")
        return self._pressed or await self._session.wait_for_digit(KEY_SECONDS)

    async def _obey(self, key: str | None) -> bool:
        """Do what a key asks for; tells whether the message at hand is to be played then."""
        last = len(self._messages) - 1
        if key == "0" and self._mailbox.allow_change_password:
            await self._change_password()
        elif key == "5" and self._messages:
            return True
        elif key == "4" and self._position:
            self._position -= 1
            return True
        elif key == "6" and self._position < last:
            self._position += 1
            return True
        elif key == "6":
            await self._say("vm-nomore")
        elif key == "7" and self._messages:
            return await self._delete()
        return False

    async def _delete(self) -> bool:
        message = self._messages.pop(self._position)
        await self._mailroom.remove(message["id"])
        await self._say("vm-deleted")
        if self._position < len(self._messages):
            return self._pressed is None
        self._position = max(0, len(self._messages) - 1)
        await self._say("vm-nomore")
        return False

    async def _change_password(self) -> None:
        new = await self._prompts.number("vm-newpassword", seconds=PASSWORD_SECONDS, max_digits=MAX_PASSWORD)
        if not new:
            await self._prompts.play("vm-invalid-password")
            return
        again = await self._prompts.number(
            "vm-reenterpassword", seconds=PASSWORD_SECONDS, max_digits=MAX_PASSWORD
        )
        if again != new:
            await self._prompts.play("vm-mismatch")
            return
        await self._mailroom.change_password(self._mailbox, new)
        await self._prompts.play("vm-passchanged")
