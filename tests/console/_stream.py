"""A browser's live stream, and what a page would know from it.

::

    async with live_stream(browser, "calls", "phones") as stream:
        call = await stream.call(originated_call_id=originated, state="ringing")
        await stream.until(lambda: stream.phones["201"]["state"] == "in_use")
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from support.console import PREFIX, Browser
from support.waiting import eventually


class LiveStream:
    """What was told so far."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.calls: dict[str, dict[str, Any]] = {}
        """The newest word on each call, also on ended ones."""
        self.shown: set[str] = set()
        """Calls that a page would show: told since the last snapshot."""
        self.phones: dict[str, dict[str, Any]] = {}
        self.trunks: dict[str, dict[str, Any]] = {}
        self.queues: dict[str, dict[str, Any]] = {}
        self.rows: list[dict[str, Any]] = []
        self.ready: bool | None = None
        self.snapshots: Counter[str] = Counter()
        self.changes: Counter[str] = Counter()
        self.ended = False
        self.closed: int | None = None
        """Code with which it was closed."""
        self.told_at: dict[tuple[str, str, str], float] = {}
        """When a step of a call was first told, seconds since the epoch: by call, what and party."""

    async def watch(self, *topics: str) -> None:
        """Say what is wanted from now on."""
        await self.socket.send(json.dumps({"watch": topics}))

    async def follow(self) -> None:
        """Take what comes until it is closed."""
        try:
            async for text in self.socket:
                self._take(json.loads(text))
        except ConnectionClosed:
            pass
        self.closed = self.socket.close_code

    async def until(self, condition: Callable[[], Any], *, within: float = 15.0, what: str = "") -> Any:
        """Wait for something to be told; what is not known yet is no failure."""

        def reached() -> Any:
            with contextlib.suppress(KeyError):
                return condition()
            return False

        return await eventually(reached, within=within, what=what or "what the stream has to tell")

    async def call(self, *, within: float = 5.0, **fields: Any) -> dict[str, Any]:
        """Wait for a call with these fields; ``caller`` and ``callee`` are compared by number."""

        def found() -> dict[str, Any] | None:
            calls = sorted(self.calls.values(), key=lambda call: -call["started_at"])
            return next((call for call in calls if _fits(call, fields)), None)

        try:
            call: dict[str, Any] = await self.until(found, within=within)
        except AssertionError as error:
            raise AssertionError(f"no call with {fields} among {list(self.calls.values())}") from error
        return call

    def step_told(self, call: dict[str, Any], what: str, party: str) -> float:
        """When the browser learned of a step, seconds since the epoch."""
        return self.told_at[call["id"], what, party]

    def _take(self, message: dict[str, Any]) -> None:
        topic: str = message["topic"]
        kind: str = message["kind"]
        data: dict[str, Any] = message.get("data", {})
        if topic == "session":
            self.ended = True
            return
        (self.snapshots if kind == "snapshot" else self.changes)[topic] += 1
        if topic == "engine":
            self.ready = data["ready"]
        elif topic == "api_log":
            self.rows += data.get("rows", [])
        elif topic == "calls":
            if kind == "snapshot":
                self.shown.clear()
            self._take_calls(data["calls"])
        elif kind == "change":
            getattr(self, topic).update(data[topic])
        else:
            getattr(self, topic).clear()

    def _take_calls(self, calls: list[dict[str, Any]]) -> None:
        for call in calls:
            self.calls[call["id"]] = call
            self.shown.add(call["id"])
            for step in call["story"]:
                self.told_at.setdefault((call["id"], step["what"], step["party"]), time.time())


def story(call: dict[str, Any]) -> list[str]:
    """What happened in a call, a word and a number each."""
    return [f"{step['what']} {step['party']}" for step in call["story"]]


def _fits(call: dict[str, Any], fields: dict[str, Any]) -> bool:
    for name, wanted in fields.items():
        value = call[name]
        if name in ("caller", "callee"):
            value = value and value["number"]
        if value != wanted:
            return False
    return True


@asynccontextmanager
async def live_stream(browser: Browser, *topics: str) -> AsyncIterator[LiveStream]:
    """The stream of a browser's session, told what it wants."""
    base = str(browser.http.base_url).rstrip("/")
    url = base.replace("http://", "ws://") + PREFIX + "stream"
    async with connect(
        url, origin=Origin(base), additional_headers={"Cookie": browser.cookie}, proxy=None
    ) as socket:
        stream = LiveStream(socket)
        following = asyncio.create_task(stream.follow())
        try:
            await stream.watch(*topics)
            yield stream
        finally:
            await socket.close()
            await following
