"""Taking a ringing call so that one sees who calls: the phone is rung with it, and takes it by answering."""

from __future__ import annotations

from typing import Final

from tamas.dialplan.dial import phone_string
from tamas.dialplan.jobs import Job, JobOutcome, JobServices, done, job_handler, keep_job
from tamas.engine.ami import AmiActionFailed, AmiClient
from tamas.engine.dialing_out import caller_id_header

JOB_KIND: Final = "pickup"
JOB_SECONDS: Final = 20
"""Later nobody rings any more."""
RING_SECONDS: Final = 20
_RINGING: Final = "5"
"""Value of ``AST_STATE_RINGING``: the far end is alerted."""


async def ringing_channels(ami: AmiClient, phone: str) -> list[tuple[str, str, str]]:
    """Channels that ring an extension's phones: channel, and number and name of who calls."""
    channels = await ami.list_action("CoreShowChannels")
    return [
        (each["Channel"], each.get("ConnectedLineNum", ""), each.get("ConnectedLineName", ""))
        for each in channels
        if each["Channel"].startswith(f"PJSIP/{phone}-") and each.get("ChannelState") == _RINGING
    ]


@job_handler(JOB_KIND)
async def ring_picker(job: Job, services: JobServices) -> JobOutcome:
    """Ring whoever wanted to pick up, showing the caller of the call that rings."""
    if job.data.get("rung"):
        return done("rung before")
    ami = services.engine.ami
    ringing = await ringing_channels(ami, job.key)
    if not ringing:
        return done("no call rings any more")
    channel, number, name = ringing[0]
    async with services.database.write() as tx:
        await keep_job(tx, job.id, data={**job.data, "rung": True})
    try:
        await ami.action(
            "Originate",
            {
                "Channel": phone_string(str(job.data["picker"])),
                "Application": "PickupChan",
                "Data": channel,
                "Timeout": str(RING_SECONDS * 1000),
                "CallerID": caller_id_header(number or name),
                "Async": "true",
            },
        )
    except AmiActionFailed as error:
        return done(f"the engine refused: {error.message}")
    return done(f"rang {job.data['picker']}")
