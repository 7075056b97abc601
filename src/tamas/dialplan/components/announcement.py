"""Announcement: a sound is played."""

from __future__ import annotations

from typing import Annotated

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Params, Ref, component
from tamas.dialplan.graph import NEXT


class AnnouncementParams(Params):
    """Parameters of an Announcement."""

    announcement: Annotated[str, Param(label="Announcement", ref=Ref.SOUND)] = ""


@component(type="Announcement", group=Group.AUDIO, outputs=(NEXT,), plays=True)
async def announcement(call: Call, params: AnnouncementParams) -> Exit:
    """Play a sound to the caller, to its end."""
    await call.play(params.announcement)
    return NEXT
