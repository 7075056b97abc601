"""Page: one loudspeaker call to phones that answer by themselves."""

from __future__ import annotations

from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.common_params import Prefix, Skip
from tamas.dialplan.component import Exit, Group, Param, Params, Ref, component
from tamas.dialplan.dial import MAX_DIAL_LENGTH, contacts_string, phone_string
from tamas.dialplan.graph import NEXT
from tamas.engine.fastagi import AgiRaw
from tamas.engine.fixed_dialplan import AUTO_ANSWER_SUBROUTINE

PAGE_SECONDS: Final = 10


class PageParams(Params):
    """Parameters of a Page."""

    extension: Annotated[
        tuple[str, ...],
        Param(label="Extensions", help="Whose phones speak; none: the dialed number's.", ref=Ref.EXTENSION),
    ] = ()
    timeout: Annotated[
        int, Param(label="Time to answer", unit="s", low=1, help="For phones that do not at once.")
    ] = PAGE_SECONDS
    skip: Skip = 0
    prefix: Prefix = ""
    options: Annotated[
        str,
        Param(
            label="Page options",
            help="d: they may speak too; i: forwards are ignored; q: no beep; s: only phones that are free.",
            ref=Ref.OPTIONS,
            application="Page",
        ),
    ] = ""


@component(type="Page", group=Group.SERVICE, outputs=(NEXT,), interacts=True)
async def page(call: Call, params: PageParams) -> Exit:
    """Speak through the loudspeakers of phones until the caller hangs up."""
    wanted = params.extension or (call.number(skip=params.skip, prefix=params.prefix),)
    phones = await _phones(call, wanted)
    target = "&".join(phones)
    while len(target) > MAX_DIAL_LENGTH:
        phones.pop()
        target = "&".join(phones)
    if not target:
        return NEXT
    await call.answer()
    options = AgiRaw(f"b({AUTO_ANSWER_SUBROUTINE}^s^1){params.options}")
    await call.session.execute("Page", AgiRaw(target), options, str(params.timeout))
    return NEXT


async def _phones(call: Call, extensions: tuple[str, ...]) -> list[str]:
    """What is dialed for extensions, each phone once, but for the caller's own."""
    found: dict[str, None] = {}
    for number in extensions:
        extension = (await call.look_up(number)).extension if number else None
        if extension is None or not extension.phone or extension.phone == call.state.phone:
            continue
        target = phone_string(extension.phone)
        if extension.several_phones:
            contacts = await call.session.get_variable(f"PJSIP_DIAL_CONTACTS({extension.phone})")
            target = contacts_string(extension.phone, contacts or "")
        found |= dict.fromkeys(target.split("&"))
    return list(found)
