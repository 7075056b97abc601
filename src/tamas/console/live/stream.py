"""The live stream: one WebSocket that tells a browser what changes on its screen.

The browser says which topics it wants to be told of; those that its account may not see are left out, also
when rights change later. Each topic begins with a snapshot, which may come again at any time. What a slow
browser does not take adds up to one change, or to a new snapshot, never to a backlog.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, Literal, get_args

import msgspec

from tamas.console.context import SignedIn
from tamas.console.errors import ConsoleFailure
from tamas.console.live.hub import LiveHub
from tamas.console.live.log_follower import LogNews, LogSubscription
from tamas.console.live.messages import (
    ApiLogChange,
    ApiLogSnapshot,
    CallsChange,
    EngineChange,
    Message,
    PhonesChange,
    QueuesChange,
    Topic,
    TrunksChange,
    Watch,
    calls_snapshot,
    live_call,
    live_phone,
    live_queue,
    live_trunk,
)
from tamas.console.rights import API_LOGS, CALLS, QUEUES, READ, TRUNKS, USERS, Page
from tamas.engine.watch.view import EngineView
from tamas.engine.watch.watcher import Changes, Subscription
from tamas.errors import TamasError

log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[SignedIn | None]]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

CHECK_SECONDS: Final = 0.5
"""How often it is asked whether the session goes on, and with which rights."""
UNCHECKED_SECONDS: Final = 30.0
"""How long a stream goes on while that cannot be asked."""
FAREWELL_SECONDS: Final = 1.0
"""How long a browser that takes nothing is waited for at the end."""
MESSAGE_SECONDS: Final = 0.05
"""Least time between two messages of a browser."""

SESSION_ENDED: Final = 4401
NOT_UNDERSTOOD: Final = 1008
"""RFC 6455, section 7.4.1, as the following."""
TRY_LATER: Final = 1013

_PAGES: Final[Mapping[Topic, Page | None]] = {
    "calls": CALLS,
    "phones": USERS,
    "trunks": TRUNKS,
    "queues": QUEUES,
    "api_log": API_LOGS,
    "engine": None,
}
"""Whose right to read each topic needs; ``None``: any session."""
_TOPICS: Final = frozenset(get_args(Topic))
_ENGINE_TOPICS: Final = _TOPICS - {"api_log"}
_watch_decoder: Final = msgspec.json.Decoder(Watch)


class _Over(TamasError):
    """The stream is at its end."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__("the stream is at its end")
        self.code = code
        """With which it is to be closed; ``None``: the browser is gone."""


class Stream:
    """Serves live streams."""

    def __init__(self, hub: LiveHub) -> None:
        self._hub = hub

    async def serve(
        self,
        scope: Event,  # noqa: ARG002 - as an ASGI application
        receive: Receive,
        send: Send,
        *,
        who: SignedIn,
        check: Check,
    ) -> None:
        """Serve one WebSocket whose handshake was let in, from its ``websocket.connect`` on.

        :param check: tells the session as it is now, ``None`` when it has ended.
        """
        await receive()  # websocket.connect
        browser = _Browser(self._hub, receive, send, who, check)
        try:
            await send({"type": "websocket.accept"})
        except OSError:  # gone already
            return
        await browser.run()


class _Browser:
    """One stream."""

    def __init__(self, hub: LiveHub, receive: Receive, send: Send, who: SignedIn, check: Check) -> None:
        self._hub = hub
        self._receive = receive
        self._raw_send = send
        self._who = who
        self._check = check
        self._asked: frozenset[str] = frozenset()
        self._wanted: frozenset[str] = frozenset()
        """What was asked for and may be seen."""
        self._told: set[str] = set()
        """Topics whose snapshot was sent."""
        self._wants_engine = asyncio.Event()
        self._wants_log = asyncio.Event()
        self._subscriptions: set[Subscription | LogSubscription] = set()

    async def run(self) -> None:
        """Tell until the browser goes or its session ends."""
        over = _Over()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(), name="stream-listen")
                tasks.create_task(self._keep_checking(), name="stream-check")
                tasks.create_task(self._tell_engine(), name="stream-engine")
                tasks.create_task(self._tell_log(), name="stream-log")
        except* _Over as group:
            found = [error for error in group.exceptions if isinstance(error, _Over)]
            over = next((error for error in found if error.code is not None), over)
        if over.code is not None:
            await self._take_leave(over.code)

    # -- what comes in ---------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                raise _Over
            try:
                wish = _watch_decoder.decode(event.get("text") or b"")
            except msgspec.DecodeError as error:
                raise _Over(NOT_UNDERSTOOD) from error
            self._asked = _TOPICS & set(wish.watch)
            self._choose()
            await asyncio.sleep(MESSAGE_SECONDS)

    async def _keep_checking(self) -> None:
        loop = asyncio.get_running_loop()
        checked = loop.time()
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                who = await self._check()
            except ConsoleFailure as error:
                if loop.time() - checked > UNCHECKED_SECONDS:
                    raise _Over(TRY_LATER) from error
                continue
            if who is None:
                raise _Over(SESSION_ENDED)
            checked = loop.time()
            self._who = who
            self._choose()

    def _choose(self) -> None:
        """Find out what is to be told now."""
        wanted = frozenset(topic for topic in self._asked if self._may_see(topic))
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self._told &= wanted
        for event, topics in ((self._wants_engine, _ENGINE_TOPICS), (self._wants_log, {"api_log"})):
            if self._wanted.isdisjoint(topics):
                event.clear()
            else:
                event.set()
        for subscription in self._subscriptions:
            subscription.wake()

    def _may_see(self, topic: str) -> bool:
        page = _PAGES[topic]  # type: ignore[index]  # one of the topics
        return page is None or self._who.rights.allow(page, READ)

    # -- what goes out ---------------------------------------------------------------------------------

    async def _tell_engine(self) -> None:
        while True:
            await self._wants_engine.wait()
            view = await self._hub.view()
            with self._hub.engine.subscribe() as subscription:
                self._subscriptions.add(subscription)
                while self._wants_engine.is_set():
                    await self._tell_changes(view, await subscription.next())
                self._subscriptions.discard(subscription)

    async def _tell_changes(self, view: EngineView, changes: Changes) -> None:
        if changes.fresh:
            self._told &= {"api_log"}
        changed = {topic: data for topic, data in _changes(changes) if topic in self._told}
        for topic in sorted((self._wanted & _ENGINE_TOPICS) - self._told):
            self._told.add(topic)
            await self._send(topic, "snapshot", _snapshot(topic, view))
        for topic, data in changed.items():
            if topic in self._told:
                await self._send(topic, "change", data)

    async def _tell_log(self) -> None:
        while True:
            await self._wants_log.wait()
            with self._hub.api_log.subscribe() as subscription:
                self._subscriptions.add(subscription)
                while self._wants_log.is_set():
                    await self._tell_rows(await subscription.next())
                self._subscriptions.discard(subscription)

    async def _tell_rows(self, news: LogNews) -> None:
        if "api_log" not in self._wanted:
            return
        if news.fresh or "api_log" not in self._told:
            self._told.add("api_log")
            await self._send("api_log", "snapshot", ApiLogSnapshot(last_id=news.last_id))
        elif news.rows:
            await self._send("api_log", "change", ApiLogChange(rows=list(news.rows)))

    async def _send(self, topic: str, kind: Literal["snapshot", "change"], data: Any) -> None:
        message = Message(topic=topic, kind=kind, data=data)  # type: ignore[arg-type]
        await self._put({"type": "websocket.send", "text": msgspec.json.encode(message).decode()})

    async def _put(self, event: Event) -> None:
        try:
            await self._raw_send(event)
        except OSError as error:  # the connection broke
            raise _Over from error

    async def _take_leave(self, code: int) -> None:
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                if code == SESSION_ENDED:
                    text = msgspec.json.encode(Message(topic="session", kind="ended")).decode()
                    await self._put({"type": "websocket.send", "text": text})
                await self._put({"type": "websocket.close", "code": code})
        except (_Over, TimeoutError):
            log.debug("a browser went without taking leave")


def _snapshot(topic: str, view: EngineView) -> Any:
    if topic == "calls":
        return calls_snapshot(view)
    if topic == "engine":
        return EngineChange(ready=view.ready)
    return {}  # too much to send: the page reads again what it shows


def _changes(changes: Changes) -> list[tuple[Topic, Any]]:
    """What changed, by topic."""
    found: list[tuple[Topic, Any]] = []
    if changes.calls:
        found.append(("calls", CallsChange(calls=[live_call(call) for call in changes.calls])))
    if changes.phones:
        phones = {number: live_phone(phone) for number, phone in changes.phones.items()}
        found.append(("phones", PhonesChange(phones=phones)))
    if changes.trunks:
        trunks = {name: live_trunk(trunk) for name, trunk in changes.trunks.items()}
        found.append(("trunks", TrunksChange(trunks=trunks)))
    if changes.queues:
        queues = {number: live_queue(queue) for number, queue in changes.queues.items()}
        found.append(("queues", QueuesChange(queues=queues)))
    return found
