"""What the scenarios of menus and web services share: tones for sounds, exits that can be heard."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select

from dialplan._switchboard import Switchboard, node, outgoing, row
from support.waiting import eventually
from tamas.demo.call import PhoneCall
from tamas.dialplan.graph import Node, Output
from tamas.store.schema import announcements

MENU, LATE, WRONG = 1500, 1700, 1900
"""Tones of the menu, of no input, of wrong input."""
EXITS: Final = {"one": 2100, "two": 2300, "t": 2500, "i": 2700, "e": 2900, "S": 600, "B": 760, "F": 920}
"""Tone behind each exit."""
LAST: Final = "F"
"""Of the exits."""
SOUND_SECONDS: Final = 0.5


async def add_sounds(board: Switchboard) -> None:
    """Announcements for menus and exits, each a tone, unless an earlier scenario has made them."""
    async with board.database.read() as connection:
        if await connection.scalar(select(announcements.c.id).where(announcements.c.name == f"to-{LAST}")):
            return
    for name, hz in {"menu": MENU, "late": LATE, "wrong": WRONG}.items():
        await board.add_sound(name, hz, SOUND_SECONDS)
    for name, hz in EXITS.items():
        await board.add_sound(f"to-{name}", hz, SOUND_SECONDS)


async def publish(
    board: Switchboard,
    kind: str,
    *rows: Output,
    params: dict[str, Any] | None = None,
    wires: tuple[str, ...] = (),
    more: tuple[Node, ...] = (),
    name: str = "",
) -> None:
    """A plan that answers, runs one node called ``it``, and plays the tone of the exit it leaves by.

    :param wires: fixed outputs that are wired, each to its tone.
    """
    exits = [node(f"to-{exit_}", "Announcement", params={"announcement": f"to-{exit_}"}) for exit_ in EXITS]
    await board.publish(
        outgoing("answer"),
        node("incoming", "IncomingRoute", row("any", "answer")),
        node("answer", "Answer", next_="it"),
        node("it", kind, *rows, params=params, name=name, **{wire: f"to-{wire}" for wire in wires}),
        *exits,
        *more,
    )


def case(text: str, exit_: str) -> Output:
    """A row that leads to the tone of an exit."""
    return row(text, f"to-{exit_}", case=text)


async def die_in_menu(board: Switchboard, call: PhoneCall) -> None:
    """The process dies while a caller hears the menu; who comes after it plays the menu anew."""
    await call.until_heard(MENU)
    board.die()
    await eventually(lambda: not call.hears(MENU), what="the end of the menu")
    call.rtp.listener.forget()
    board.revive()
    await call.until_heard(MENU, within=8)


async def left_by(call: PhoneCall, exit_: str, *, within: float = 5.0) -> None:
    """The caller hears the tone of one exit, of no other, and is hung up on."""
    await call.until_heard(EXITS[exit_], within=within)
    await call.until_ended()
    assert [name for name, hz in EXITS.items() if call.heard(hz)] == [exit_]
