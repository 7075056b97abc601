"""Placing calls: Asterisk is asked for those that were taken."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tamas.autodialer.results import lose
from tamas.autodialer.taking import Order
from tamas.engine.ami import AmiActionFailed, AmiDisconnected, AmiError, AmiTimeout, variable_assignment
from tamas.engine.dialing_out import caller_id_header, trunk_string
from tamas.engine.engine import EngineNotReady
from tamas.engine.fixed_dialplan import CAMPAIGN_CONTEXT
from tamas.engine.link import EngineAccess
from tamas.store.database import Database

log = logging.getLogger(__name__)

STALE_SECONDS: Final = 5.0
"""Orders older than this are not placed any more: somebody may take them for lost soon."""
_SOUND: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


async def place(
    database: Database,
    engine: EngineAccess,
    orders: Sequence[Order],
    runtime: Mapping[str, Any],
    *,
    taken_at: float,
) -> None:
    """Ask Asterisk for calls. Those that it refuses, or that never went out, are closed as lost.

    Of those whose answer did not come nothing is known: CEL closes them, or the search for lost calls.

    :param taken_at: of ``time.monotonic()``, when the transaction of these orders was committed.
    """
    lost: dict[str, list[str]] = {}

    async def one(order: Order) -> None:
        try:
            if time.monotonic() - taken_at > STALE_SECONDS:
                log.warning("a call to a number of a campaign came too late to be placed")
                return
            await engine.ami.action("Originate", _fields(order, runtime))
        except AmiTimeout:
            log.warning("the engine did not confirm attempt %s in time", order.attempt_id)
        except AmiActionFailed as error:
            lost.setdefault(f"the engine refused: {error}", []).append(order.uniqueid)
        except AmiDisconnected as error:
            log.warning("the engine went away while attempt %s was placed: %s", order.attempt_id, error)
        except (EngineNotReady, AmiError) as error:  # nothing was sent
            lost.setdefault(f"the engine could not be asked: {error}", []).append(order.uniqueid)

    await asyncio.gather(*(one(order) for order in orders))
    for reason, uniqueids in lost.items():
        await lose(database, uniqueids, reason)


def _fields(order: Order, runtime: Mapping[str, Any]) -> Mapping[str, str | Sequence[str]]:
    """The fields of the AMI action Originate."""
    variables = {"TAMAS_ATTEMPT": order.attempt_id}
    if order.sound and _SOUND.fullmatch(order.sound):
        variables["TAMAS_SOUND"] = order.sound
    if order.routed:
        variables["TAMAS_ROUTED"] = "1"
    if order.detects_machines:
        variables["TAMAS_DETECT"] = "1"
    return {
        "Channel": trunk_string(order.trunk, order.number),
        "Context": CAMPAIGN_CONTEXT,
        "Exten": "s",
        "Priority": "1",
        "Timeout": str(int(runtime["autodialer.ring_seconds"]) * 1000),
        "CallerID": caller_id_header(order.caller_id or str(runtime["autodialer.caller_id"])),
        "ChannelId": order.uniqueid,
        "Async": "true",
        "Variable": [variable_assignment(name, value) for name, value in variables.items()],
    }
