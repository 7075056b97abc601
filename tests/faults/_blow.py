"""The blow: killing processes of ours while calls are in every state, and starting again."""

from __future__ import annotations

import asyncio
import os
import signal
from enum import Enum

from support.server import TamasServer
from support.waiting import eventually


class Victim(Enum):
    """What is killed with ``kill -9``."""

    WORKER = "main worker"
    """The supervisor starts it again."""
    SUPERVISOR = "supervisor"
    """Its workers die with it; somebody starts ``tamas serve`` again."""
    EVERYTHING = "everything of ours"


class Blow:
    """Brings several calls to the point at which the blow falls, then on behind it.

    Each participant awaits :meth:`falls` when its call is in the state that it wants, does what it wants to
    happen while nothing of ours runs, and awaits :meth:`is_over` before it goes on.
    """

    def __init__(self, server: TamasServer, victim: Victim, participants: int) -> None:
        self._server = server
        self._victim = victim
        self._ready = asyncio.Barrier(participants + 1)
        self._away = asyncio.Barrier(participants + 1)
        self._fallen = asyncio.Event()
        self._over = asyncio.Event()

    async def falls(self) -> None:
        """Wait until everybody is ready and the victim is dead."""
        await self._ready.wait()
        await self._fallen.wait()

    async def is_over(self) -> None:
        """Wait until everybody is through with the time without us, and we are back."""
        await self._away.wait()
        await self._over.wait()

    async def strike(self) -> None:
        """Do it when everybody is ready."""
        server = self._server
        await self._ready.wait()
        asterisk, worker = server.asterisk.pid, server.main_worker.pid
        if self._victim is Victim.EVERYTHING:
            for process in server.workers_running():
                os.kill(process.pid, signal.SIGKILL)
        if self._victim is Victim.WORKER:
            os.kill(worker, signal.SIGKILL)
        else:
            await server.kill9()
        self._fallen.set()
        await self._away.wait()
        if self._victim is Victim.WORKER:
            await eventually(
                lambda: bool(found := server.workers_running()) and found[0].pid != worker,
                what="a new main worker",
            )
            await server.wait_ready()
        else:
            await server.start()
        state = (await server.client.get("/readyz")).json()
        assert state["engine"]["adopted"] is True, state
        assert server.asterisk.pid == asterisk, "Asterisk was replaced"
        self._over.set()
