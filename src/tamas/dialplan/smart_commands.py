"""Carrying out the commands of a Smart API on a call, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import String, bindparam, cast, select

from tamas.dialplan import spoken
from tamas.dialplan.call import Call
from tamas.dialplan.smart_api import (
    ClearUserData,
    Command,
    Exit,
    GetData,
    MusicOnHold,
    PlayAnnouncement,
    Playback,
    SayClock,
    SayDate,
    SayDigit,
    SayDuration,
    SayNumber,
    SetExten,
    SetLimitOnCall,
)
from tamas.dialplan.store_wait import in_time
from tamas.dialplan.voices import voice_of
from tamas.engine.fastagi import AgiCommandFailed, AgiUnsafeValue
from tamas.errors import TamasError
from tamas.store.database import HotQuery
from tamas.store.schema import music_classes
from tamas.store.views import STOCK_MUSIC

_MUSIC: Final = HotQuery(
    select(music_classes.c.name).where(music_classes.c.name == cast(bindparam("name"), String))
)


class CommandFailed(TamasError):
    """A command could not be carried out; the text says which and why."""


async def run_commands(call: Call, commands: Sequence[Command]) -> str | None:
    """Carry out commands in order, up to the first Exit.

    :returns: the case to leave by; ``None``: there was no Exit.
    :raises CommandFailed: one failed; those behind it were not begun.
    """
    for command in commands:
        if isinstance(command, Exit):
            return command.case
        try:
            await _run(call, command)
        except (AgiCommandFailed, AgiUnsafeValue) as error:
            raise CommandFailed(f"{type(command).__name__}: {error}") from error
    return None


async def _run(call: Call, command: Command) -> None:
    state = call.state
    match command:
        case PlayAnnouncement(sound):
            await _play(call, [await _file(call, sound)])
        case Playback(file):
            await _play(call, [file])
        case SayNumber() | SayDigit() | SayDuration() | SayClock() | SayDate():
            await _play(call, await _spoken(call, command))
        case GetData(sounds, timeout, max_digits):
            for sound in sounds:
                await _file(call, sound)
            state.data = await call.collect(*sounds, timeout=timeout, max_digits=max_digits)
        case MusicOnHold(class_name, seconds):
            await _check_music(call, class_name)
            await call.session.execute("MusicOnHold", class_name, str(seconds))
        case SetExten(number):
            state.exten = number
        case SetLimitOnCall(seconds):
            state.next_limit = seconds
        case ClearUserData():
            state.data = ""


async def _spoken(call: Call, command: SayNumber | SayDigit | SayDuration | SayClock | SayDate) -> list[str]:
    voice = await voice_of(call)
    match command:
        case SayNumber(number):
            return spoken.number(number, voice)
        case SayDigit(digits):
            return spoken.digits(digits)
        case SayDuration():
            return spoken.duration(command, voice)
        case SayClock():
            return spoken.clock(command, voice)
        case SayDate():
            return spoken.date(command, voice)


async def _play(call: Call, files: Sequence[str]) -> None:
    for file in files:
        await call.session.stream_file(file)


async def _file(call: Call, sound: str) -> str:
    file = await call.services.sounds.file(sound)
    if file is None:
        raise CommandFailed(f"there is no announcement {sound!r:.80}")
    return file


async def _check_music(call: Call, name: str) -> None:
    """Asterisk would be silent for so long, and say nothing of it."""
    if name != STOCK_MUSIC and not await in_time(call.services.database.hot(_MUSIC, name)):
        raise CommandFailed(f"there is no class of hold music {name!r:.80}")
