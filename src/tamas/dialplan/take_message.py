"""Leaving a message in a mailbox: greeting, beep, recording.

Architecture rule 12: what the flags of a mailbox ask for is played from Asterisk's own prompts, and Asterisk
records. The row of the message is there before (:mod:`tamas.voicemail.messages`). A caller who hangs up ends
the message; its row is then closed by whoever sees that the channel is gone.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from tamas.dialplan.directory import Mailbox
from tamas.dialplan.mailroom import Mailroom
from tamas.dialplan.prompts import Prompts
from tamas.engine.fastagi import AgiHangup, AgiSession
from tamas.voicemail.messages import Kept

log = logging.getLogger(__name__)

TRIES: Final = 3
"""Of a caller who says nothing."""
RECORD_OPTIONS: Final = "k"
"""Of ``Record``: what was said until the caller hangs up is kept."""
_MENU_KEY: Final = "*"
_SKIP_KEY: Final = "#"


class Left(Enum):
    """How a caller left the mailbox, unless by hanging up."""

    DONE = auto()
    TO_MENU = auto()
    """Asks to listen to the messages."""


@dataclass(frozen=True, kw_only=True)
class From:
    """Who leaves a message."""

    number: str
    name: str
    cuid: str
    """Of the call."""


async def take_message(
    session: AgiSession, mailroom: Mailroom, mailbox: Mailbox, *, busy: bool, sender: From
) -> Left:
    """Play the greeting and record a message, on an answered channel.

    :param busy: whether the person was talking, not just away.
    """
    prompts = Prompts(session)
    if await prompts.play(*_greeting(mailbox, busy=busy), keys=_MENU_KEY + _SKIP_KEY) == _MENU_KEY:
        return Left.TO_MENU
    for _ in range(TRIES):
        if not await mailroom.has_room(mailbox):
            log.warning("mailbox %s is full", mailbox.number)
            await prompts.play("vm-mailboxfull")
            break
        kept = await _record(session, mailroom, mailbox, sender)
        if kept is not Kept.NOTHING:
            await prompts.play("vm-msgsaved" if kept is Kept.STORED else "vm-sorry")
            break
        await prompts.play("vm-tooshort")
    await prompts.play("vm-goodbye")
    return Left.DONE


async def saved_meanwhile(session: AgiSession, mailroom: Mailroom) -> bool:
    """Close the message that was recorded while no process of ours lived, and thank; tells whether it was."""
    kept = await mailroom.close_open(session.uniqueid)
    if kept is not Kept.STORED:
        return False
    await Prompts(session).play("vm-msgsaved", "vm-goodbye")
    return True


def _greeting(mailbox: Mailbox, *, busy: bool) -> list[str]:
    greeting = []
    if busy and mailbox.play_busy:
        greeting += ["vm-theperson", f"={mailbox.number}", "vm-isonphone"]
    elif not busy and mailbox.play_unavailable:
        greeting += ["vm-theperson", f"={mailbox.number}", "vm-isunavail"]
    return greeting + (["vm-intro"] if mailbox.play_welcome else [])


async def _record(session: AgiSession, mailroom: Mailroom, mailbox: Mailbox, sender: From) -> Kept:
    runtime = await mailroom.runtime()
    message = await mailroom.begin(
        mailbox,
        caller_id=sender.number,
        caller_name=sender.name,
        cuid=sender.cuid,
        channel_id=session.uniqueid,
    )
    silence, limit = runtime["voicemail.silence_seconds"], runtime["voicemail.max_seconds"]
    await session.execute("Record", str(message.file), str(silence), str(limit), RECORD_OPTIONS)
    if await session.get_variable("RECORD_STATUS") == "HANGUP":
        # Perhaps before the file was there: whoever sees that the channel is gone knows what that means.
        raise AgiHangup("the caller hung up while a message was recorded")
    return await mailroom.close(message.id)
