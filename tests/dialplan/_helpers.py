"""What a server runs besides its calls: promised calls, and keys in queues."""

from __future__ import annotations

import asyncio

from dialplan._switchboard import Switchboard
from tamas.dialplan.jobs import JobServices, JobWorker
from tamas.dialplan.queue_keys import QueueKeys


class Helpers:
    """Job worker and key listener; they can be killed, too."""

    def __init__(self, board: Switchboard) -> None:
        self._board = board
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, holder: str = "one") -> None:
        """Begin, as a process of that name."""
        board = self._board

        async def nothing(_originated_call_id: str, _reason: str) -> None:
            return None

        services = JobServices(
            database=board.database,
            engine=board.engine,
            runtime=board.flow.runtime,
            close_originate=nothing,
        )
        self._tasks = [
            asyncio.create_task(JobWorker(services, holder=holder).run()),
            asyncio.create_task(QueueKeys(board.engine).run()),
        ]

    async def stop(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
