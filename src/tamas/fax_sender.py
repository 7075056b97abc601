"""Sends the faxes that wait in the store, some at a time for each trunk, while the engine is there.

Whoever holds the lease does it. Nothing is kept in memory: a fax that was claimed is settled by its call's
record, whoever lives then.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from tamas.dialplan.fax_call import FaxCall, call_fax, claim_fax, waiting_trunks
from tamas.dialplan.originate import CAUSE_FAILED, EngineRefused
from tamas.engine.engine import EngineNotReady
from tamas.engine.link import EngineAccess
from tamas.records.originates import close_failed
from tamas.store.database import Database
from tamas.store.leases import acquire_lease
from tamas.store.runtime_settings import load_runtime_settings
from tamas.store.trouble import StoreTrouble

log = logging.getLogger(__name__)

LEASE: Final = "fax-sender"
LEASE_SECONDS: Final = 10.0
POLL_SECONDS: Final = 1.0


class FaxSender:
    """Hold :meth:`run` in a task."""

    def __init__(self, database: Database, engine: EngineAccess, *, holder: str | None = None) -> None:
        self._database = database
        self._engine = engine
        self._holder = holder

    async def run(self) -> None:
        """Send what waits until cancelled."""
        trouble = StoreTrouble(log, "faxes have to wait for the store")
        while True:
            with trouble.told():
                await self.step()
            await asyncio.sleep(POLL_SECONDS)

    async def step(self) -> int:
        """Begin the calls of the faxes that may be sent now; returns how many."""
        if not self._engine.ready:
            return 0
        waiting = await waiting_trunks(self._database)
        if not waiting:
            return 0
        runtime = await load_runtime_settings(self._database)
        free = [trunk for trunk, runs in waiting.items() if runs < int(runtime["fax.calls_per_trunk"])]
        if not free or not await acquire_lease(
            self._database, LEASE, seconds=LEASE_SECONDS, holder=self._holder
        ):
            return 0
        begun = 0
        for trunk in free:
            while (call := await claim_fax(self._database, trunk, runtime)) is not None:
                await self._begin(call, runtime)
                begun += 1
        return begun

    async def _begin(self, call: FaxCall, runtime: dict[str, object]) -> None:
        log.info("fax %s to %s over trunk %s begins", call.fax_id, call.number, call.trunk)
        try:
            await call_fax(self._engine.ami, call, runtime)
        except EngineNotReady as error:
            await self._give_up(call, f"the engine went away: {error}")
        except EngineRefused as error:
            await self._give_up(call, str(error))

    async def _give_up(self, call: FaxCall, reason: str) -> None:
        await close_failed(self._database, call.originated_call_id, reason=reason, cause=CAUSE_FAILED)
