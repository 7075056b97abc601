"""Closing the messages of callers who hung up, also of those who did while no process of ours lived."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from tamas.engine.ami import AmiActionFailed, AmiClient, AmiError
from tamas.engine.engine import EngineNotReady
from tamas.engine.layout import EngineLayout
from tamas.engine.link import EngineAccess
from tamas.store.database import STORE_ERRORS, Database
from tamas.store.runtime_settings import load_runtime_settings
from tamas.voicemail.messages import close_message, open_messages

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 5.0


async def close_abandoned(database: Database, layout: EngineLayout, engine: EngineAccess) -> None:
    """Close each message whose caller's channel is gone, until cancelled.

    Asterisk has finished the recording by then. While the engine is away nothing is closed.
    """
    while True:
        try:
            await _look(database, layout, engine)
        except (*STORE_ERRORS, AmiError, EngineNotReady) as error:
            log.warning("messages that were left have to wait: %s", error)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            await asyncio.sleep(LOOK_SECONDS)


async def _look(database: Database, layout: EngineLayout, engine: EngineAccess) -> None:
    rows = await open_messages(database) if engine.ready else []
    if not rows:
        return
    runtime = await load_runtime_settings(database)
    for message_id, channel_id in rows:
        if not await _is_live(engine.ami, channel_id):
            await close_message(database, layout.voicemail, message_id, runtime, may_lack=True)


async def _is_live(ami: AmiClient, channel_id: str) -> bool:
    """Whether there is a channel with a unique id; Asterisk takes that for a name too."""
    try:
        await ami.action("GetVar", {"Channel": channel_id, "Variable": "CHANNEL(state)"})
    except AmiActionFailed as error:
        if "no such channel" in error.message.lower():
            return False
        raise
    return True
