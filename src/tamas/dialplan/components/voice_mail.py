"""VoiceMail: messages are left, or listened to."""

from __future__ import annotations

from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.common_params import Prefix, Skip
from tamas.dialplan.component import Exit, Group, Param, Params, Ref, component
from tamas.dialplan.dial import Cause
from tamas.dialplan.directory import Mailbox
from tamas.dialplan.entry import Way
from tamas.dialplan.graph import NEXT
from tamas.dialplan.message_menu import MessageMenu, admitted
from tamas.dialplan.take_message import From, Left, saved_meanwhile, take_message

RECORD: Final = "record"
LISTEN: Final = "listen"


class VoiceMailParams(Params):
    """Parameters of a VoiceMail."""

    type: Annotated[
        str,
        Param(
            label="Type",
            choices=(RECORD, LISTEN),
            help="record: the caller leaves a message; listen: the caller hears the messages.",
        ),
    ] = RECORD
    voicemail: Annotated[str, Param(label="Mailbox", ref=Ref.MAILBOX, help="Empty: the entered number.")] = ""
    skip: Skip = 0
    prefix: Prefix = ""


@component(
    type="VoiceMail",
    title="Voicemail",
    group=Group.SERVICE,
    outputs=(NEXT,),
    interacts=True,
    answers=(NEXT,),
    own_mark=True,
)
async def voice_mail(call: Call, params: VoiceMailParams) -> Exit:
    """Let the caller leave a message, or listen to those there are; the report then counts as answered.

    A number without a mailbox is passed by. Behind an Extension that was busy the greeting says so. Who asks
    to listen gives the password of the mailbox, unless it is their own and needs none.
    """
    number = call.number(params.voicemail, skip=params.skip, prefix=params.prefix)
    mailbox = (await call.look_up(number)).mailbox if number else None
    if mailbox is None:
        return NEXT
    call.destination(call.state.dst or mailbox.number)
    call.count_as_answered()
    await call.mark()
    await call.answer()
    # The message may have been recorded while no process of ours lived.
    if await saved_meanwhile(call.session, call.services.mailroom):
        return _done(call)
    if params.type == RECORD and not await _record(call, mailbox):
        return _done(call)
    await _listen(call, mailbox)
    return _done(call)


def _done(call: Call) -> Exit:
    state = call.state
    state.talked, state.failed, state.cause = True, "", int(Cause.NORMAL)
    return NEXT


async def _record(call: Call, mailbox: Mailbox) -> bool:
    """Take a message; tells whether the caller would rather listen."""
    caller, session = call.caller, call.session
    sender = From(
        number=(call.entry.party if call.entry.way is Way.ORIGINATED else call.caller_number)
        if caller is None
        else caller.shown_number,
        name=session.caller_name if caller is None else caller.name,
        cuid=call.cuid,
    )
    busy = call.state.cause == Cause.BUSY
    left = await take_message(session, call.services.mailroom, mailbox, busy=busy, sender=sender)
    return left is Left.TO_MENU


async def _listen(call: Call, mailbox: Mailbox) -> None:
    session, mailroom, caller = call.session, call.services.mailroom, call.caller
    owns = (
        caller is not None
        and caller.number == mailbox.number
        and call.entry.way in (Way.PHONE, Way.ORIGINATED)
    )
    if mailbox.required_password or not owns:
        origin = caller.phone if caller is not None else ""
        if not await admitted(session, mailroom, mailbox, origin=origin):
            return
    await MessageMenu(session, mailroom, mailbox).run()
