"""Keys that callers press while they wait in a queue.

``Queue`` knows only keys that lead out of it into the dialplan, the same for all calls of a queue. So we
listen ourselves, on a manager connection of our own, and have a caller withdrawn who pressed the key that was
offered to them. What was offered stands on the channel: whoever lives when it is pressed finds it there.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Final

from tamas.engine.ami import AmiActionFailed, AmiClient, AmiError, AmiMessage
from tamas.engine.engine import EngineNotReady
from tamas.engine.link import EngineAccess

log = logging.getLogger(__name__)

KEYS_VARIABLE: Final = "TAMAS_QUEUE_KEY"
PRESSED_VARIABLE: Final = "TAMAS_QUEUE_PRESSED"
"""``1`` once the caller pressed it: who hangs up at once is gone before the withdrawal."""
WITHDRAWN_BY_KEY: Final = "key"
"""``QUEUE_WITHDRAW_INFO`` of a caller who pressed it."""
LOOK_SECONDS: Final = 1.0
"""How often it is looked whether the engine's connection is still the same."""

_OFFERED: Final = re.compile(r"(?P<key>[0-9*#]):(?P<queue>[0-9A-Za-z]{1,32})")


def offered_key(key: str, queue: str) -> str:
    """Value of :data:`KEYS_VARIABLE`."""
    return f"{key}:{queue}"


class QueueKeys:
    """Hold :meth:`run` in a task."""

    def __init__(self, engine: EngineAccess) -> None:
        self._engine = engine
        self._working: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                source = self._engine.ami
            except EngineNotReady:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            await self._listen(source)

    async def _listen(self, source: AmiClient) -> None:
        client = source.beside(on_event=self._on_event, event_mask="dtmf")
        running = asyncio.create_task(client.run(), name="queue-keys-ami")
        try:
            while self._current() is source and not running.done():
                await asyncio.wait({running}, timeout=LOOK_SECONDS)
        finally:
            await client.close()
            await asyncio.gather(running, return_exceptions=True)

    def _current(self) -> AmiClient | None:
        try:
            return self._engine.ami
        except EngineNotReady:
            return None

    def _on_event(self, event: AmiMessage) -> None:
        if event.event == "DTMFEnd" and event.get("Direction") == "Received":
            task = asyncio.create_task(self._pressed(event["Channel"], event["Digit"]), name="queue-key")
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    async def _pressed(self, channel: str, digit: str) -> None:
        try:
            ami = self._engine.ami
            answer = await ami.action("Getvar", {"Channel": channel, "Variable": KEYS_VARIABLE})
            offered = _OFFERED.fullmatch(answer.get("Value", ""))
            if offered is None or offered["key"] != digit:
                return
            await ami.action("Setvar", {"Channel": channel, "Variable": PRESSED_VARIABLE, "Value": "1"})
            await ami.action(
                "QueueWithdrawCaller",
                {"Queue": offered["queue"], "Caller": channel, "WithdrawInfo": WITHDRAWN_BY_KEY},
            )
        except AmiActionFailed:
            pass  # gone, or with an agent by now
        except (AmiError, EngineNotReady) as error:
            log.warning("a key pressed in a queue is lost: %s", error)
