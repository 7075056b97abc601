"""Number Kind: the call goes on by what the dialed number belongs to."""

from __future__ import annotations

from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Params, component
from tamas.dialplan.dial import Cause
from tamas.dialplan.entry import Way

EXTENSION: Final = "extension"
QUEUE: Final = "queue"
MAILBOX: Final = "mailbox"
OWN_MAILBOX: Final = "own_mailbox"
FAX: Final = "fax"
UNKNOWN: Final = "unknown"


class NumberKindParams(Params):
    """Parameters of a Number Kind."""

    fallback: Annotated[
        bool,
        Param(
            label="Fallback number",
            help="A number that nothing here has is replaced by the one that the installation names.",
        ),
    ] = False


@component(
    type="NumberKind",
    title="Number Kind",
    group=Group.CONDITION,
    outputs=(EXTENSION, QUEUE, MAILBOX, OWN_MAILBOX, FAX, UNKNOWN),
    instant=True,
)
async def number_kind(call: Call, params: NumberKindParams) -> Exit:
    """Tell what the effective number belongs to: an extension or agent, a queue, a mailbox, the fax machine.

    Whoever dials their own number, and has a mailbox with it, means the mailbox. Callers from outside reach
    no mailbox by its number.
    """
    number = call.state.effective_number
    kind = await _kind(call, number, foreign=call.is_foreign)
    fallback = call.services.settings.fallback_number if call.entry.way is Way.TRUNK else ""
    if kind == UNKNOWN and params.fallback and fallback not in ("", number):
        kind = await _kind(call, fallback, foreign=False)
        if kind != UNKNOWN:
            call.state.exten, call.state.data = fallback, ""
    if kind == UNKNOWN:
        call.state.failed, call.state.cause = "no such number", int(Cause.UNALLOCATED)
    return kind


async def _kind(call: Call, number: str, *, foreign: bool) -> str:
    if number in (await call.runtime())["fax.numbers"]:
        return FAX
    found = await call.look_up(number)
    if found.queue is not None:
        return QUEUE
    if found.mailbox is not None and _owns(call, number):
        return OWN_MAILBOX
    if found.extension is not None:
        return EXTENSION
    return MAILBOX if found.mailbox is not None and not foreign else UNKNOWN


def _owns(call: Call, number: str) -> bool:
    """Whether the caller dials their own number, and was not forwarded there."""
    itself = call.entry.way in (Way.PHONE, Way.ORIGINATED) and not call.state.hops
    return itself and call.caller is not None and call.caller.number == number
