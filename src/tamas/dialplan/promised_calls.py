"""Making a call that the flow promised (a row of ``call_jobs``): once, whoever dies in between.

The key of the call is written into the job in the transaction that writes the originate, before Asterisk
hears of it. A process that takes a job over looks whether a channel ever came of that key: only when none did
the call is begun anew.
"""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import select

from tamas.dialplan.jobs import Job, JobOutcome, JobServices, again, done, keep_job
from tamas.dialplan.originate import (
    BadOriginate,
    EngineAway,
    EngineRefused,
    OriginateRequest,
    originate,
)
from tamas.errors import TamasError
from tamas.store.database import Connection
from tamas.store.schema import ORIGINATED_BY_CALL, cel, originates

AWAY_SECONDS: Final = 2.0
"""Until a call is tried again that found no engine."""
CEL_SECONDS: Final = 1.0
"""How long the engine's record of a channel may stay behind the channel."""


class _Withdrawn(TamasError):
    """The job was ended meanwhile; raised in the transaction of the call's row, which then is not written."""


def asked_by(cuid: str) -> str:
    """Who an originate is for: the call that promised it."""
    return f"{ORIGINATED_BY_CALL}{cuid}"


async def make_call(job: Job, services: JobServices, request: OriginateRequest) -> JobOutcome:
    """Begin the call of a job, unless it was begun already."""
    if job.originated_call_id and (
        await is_going_on(services, job.originated_call_id)
        or await _was_begun(services, job.originated_call_id)
    ):
        return done("called")

    async def note(tx: Connection, originated_call_id: str, _uniqueid: str) -> None:
        if not await keep_job(tx, job.id, originated_call_id=originated_call_id):
            raise _Withdrawn

    try:
        await originate(services.database, services.engine.ami, request, also=note)
    except BadOriginate as error:
        return done(f"cannot be called: {error}")
    except EngineAway:
        return again(AWAY_SECONDS)
    except _Withdrawn:
        return done("withdrawn")
    except EngineRefused as error:
        await services.close_originate(error.originated_call_id, str(error))
        return done(str(error))
    return done(f"called {request.caller}")


async def is_going_on(services: JobServices, originated_call_id: str) -> bool:
    """Whether the first channel of a call lives."""
    uniqueid = await _channel_of(services, originated_call_id)
    channels = await services.engine.ami.list_action("CoreShowChannels")
    return any(channel.get("Uniqueid") == uniqueid for channel in channels)


async def _was_begun(services: JobServices, originated_call_id: str) -> bool:
    """Whether a call ever had a channel."""
    uniqueid = await _channel_of(services, originated_call_id)
    if uniqueid is None:
        return False
    await asyncio.sleep(CEL_SECONDS)
    async with services.database.read() as connection:
        found = await connection.scalar(select(cel.c.id).where(cel.c.uniqueid == uniqueid).limit(1))
    return found is not None


async def _channel_of(services: JobServices, originated_call_id: str) -> str | None:
    async with services.database.read() as connection:
        uniqueid: str | None = await connection.scalar(
            select(originates.c.uniqueid).where(originates.c.originated_call_id == originated_call_id)
        )
    return uniqueid
