"""Pick Up: take a call that rings at somebody else's phone."""

from __future__ import annotations

from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.common_params import Prefix, Skip
from tamas.dialplan.component import End, Exit, Group, Param, Params, Ref, component
from tamas.dialplan.dial import Cause
from tamas.dialplan.jobs import add_job
from tamas.dialplan.pickup import JOB_KIND, JOB_SECONDS, ringing_channels
from tamas.dialplan.store_wait import in_time
from tamas.store.clock import MICROSECONDS, now

GROUP: Final = "group"
AT_ONCE: Final = "without_caller_id"
CALLED_BACK: Final = "with_caller_id"


class PickUpParams(Params):
    """Parameters of a Pick Up."""

    type: Annotated[
        str,
        Param(
            label="Type",
            help="group: any phone of the own pickup group; without_caller_id: an extension's call, at once; "
            "with_caller_id: the same, but the phone is rung with it and shows who calls.",
            choices=(GROUP, AT_ONCE, CALLED_BACK),
        ),
    ] = GROUP
    extension: Annotated[
        str, Param(label="Extension", help="Whose call; empty: the dialed number's.", ref=Ref.EXTENSION)
    ] = ""
    delay: Annotated[int, Param(label="Delay", unit="s", help="Before the phone is rung.", high=30)] = 1
    skip: Skip = 0
    prefix: Prefix = ""


@component(type="PickUp", title="Pick Up", group=Group.SERVICE, interacts=True)
async def pick_up(call: Call, params: PickUpParams) -> Exit:
    """Take a call that rings at another phone; the flow ends with it."""
    if params.type == GROUP:
        # By the pickup group of the caller's own phone, so nobody from outside picks anything up.
        await call.session.execute("Pickup")
        return _end(await call.session.get_variable("PICKUP_STATUS") or "")
    number = call.number(params.extension, skip=params.skip, prefix=params.prefix)
    extension = (await call.look_up(number)).extension if number else None
    if extension is None or not extension.phone or call.is_foreign:
        return End(cause=Cause.UNALLOCATED, failed="nobody whose call could be picked up", started=False)
    if params.type == AT_ONCE or call.caller is None:
        await call.session.execute("PickupChan", f"PJSIP/{extension.phone}-", "p")
        return _end(await call.session.get_variable("PICKUP_STATUS") or "")
    ami = call.services.engine.ami if call.services.engine is not None else None
    if ami is None or not await ringing_channels(ami, extension.phone):
        return End(cause=Cause.UNALLOCATED, failed="no call rings there", started=False)
    await in_time(_promise(call, call.caller.phone, extension.phone, params.delay))
    return End(cause=Cause.NORMAL)


async def _promise(call: Call, picker: str, phone: str, delay: int) -> None:
    due = now() + delay * MICROSECONDS
    async with call.services.database.write() as tx:
        await add_job(
            tx,
            kind=JOB_KIND,
            key=phone,
            due_at=due,
            expires_at=due + JOB_SECONDS * MICROSECONDS,
            data={"picker": picker},
            cuid=call.cuid,
        )


def _end(status: str) -> End:
    if status == "SUCCESS":
        return End(cause=Cause.NORMAL)
    return End(cause=Cause.UNALLOCATED, failed="no call rings there", started=False)
