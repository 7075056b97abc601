"""The state of everything, to begin a stream with: ``GET /events/state``.

Beside the SA, with the accounts and the permission of the live stream. The states of extensions and trunks
are those that were told last, read in one snapshot of the store together with the position of the newest
event; so whoever goes on with ``/events/stream?after=<position>`` misses nothing. Calls and queues are as the
engine is at this moment: an event behind the position may tell what is in them already.

Asking counts as listening (:mod:`tamas.events.demand`): who is the first to ask waits until the engine is
watched for events.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import and_, func, select

from tamas.engine.watch.view import CallView, EngineView, Party
from tamas.engine.watch.watcher import EngineWatch
from tamas.events.demand import Listening
from tamas.events.marks import marks_of
from tamas.events.of_extensions import UNAVAILABLE
from tamas.events.rendering import rfc3339
from tamas.sa.event_stream import PERMISSION
from tamas.store.database import STORE_ERRORS, Database
from tamas.store.event_marks_schema import event_marks
from tamas.store.events_schema import events
from tamas.store.schema import extensions, queues, trunks

if TYPE_CHECKING:
    from tamas.sa.gateway import Gateway, Scope, Send

PATH: Final = "/events/state"
WAIT_SECONDS: Final = 5.0
"""How long the first who asks waits for the engine to be watched."""
_LOOK_SECONDS: Final = 0.1

_m = event_marks.c


@dataclass(frozen=True, kw_only=True)
class _Stored:
    """What the store knows at one moment."""

    position: int
    extensions: Sequence[dict[str, Any]]
    trunks: Sequence[dict[str, Any]]
    queues: Sequence[str]


class EventState:
    """Answers with the state of everything."""

    def __init__(self, gateway: Gateway, database: Database, watch: EngineWatch) -> None:
        self._gateway = gateway
        self._database = database
        self._watch = watch
        self._listening = Listening(database)

    def serves(self, scope: Scope) -> bool:
        """Whether a request is for us."""
        return scope["type"] == "http" and str(scope["path"]).rstrip("/") == PATH

    async def __call__(self, scope: Scope, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, "Method not allowed", headers=[(b"allow", b"GET")])
            return
        admitted = await self._gateway.let_in(scope, PERMISSION)
        if admitted.status != 200:
            await _answer(send, admitted.status, admitted.message, headers=admitted.headers)
            return
        view = await self._watch.look()
        try:
            followed = await self._followed()
            stored = await self._database.long_read(_read)
        except STORE_ERRORS:
            await _answer(send, 503, "The store cannot be asked", headers=admitted.headers)
            return
        if followed:
            await _answer(send, 200, "", _state(stored, view), headers=admitted.headers)
        else:
            await _answer(send, 503, "The engine is not there yet", headers=admitted.headers)

    async def _followed(self) -> bool:
        """Whether what the store says of extensions and trunks is kept up to date."""
        until = time.monotonic() + WAIT_SECONDS
        await self._listening.note()
        while True:
            async with self._database.read() as connection:
                if await marks_of(connection, "watch"):
                    return True
            if time.monotonic() > until:
                return False
            await asyncio.sleep(_LOOK_SECONDS)


def _read(connection: SyncConnection) -> _Stored:
    """Read everything in one snapshot. Blocks."""
    position = connection.execute(select(func.max(events.c.position))).scalar()
    told = and_(_m.kind == "extension", _m.name == extensions.c.number)
    phones = connection.execute(
        select(extensions.c.number, _m.state, _m.call)
        .select_from(extensions.outerjoin(event_marks, told))
        .order_by(func.length(extensions.c.number), extensions.c.number)
    )
    lines = connection.execute(
        select(trunks.c.name, trunks.c.trunk_type, _m.state)
        .select_from(trunks.outerjoin(event_marks, and_(_m.kind == "trunk", _m.name == trunks.c.name)))
        .order_by(trunks.c.name)
    )
    return _Stored(
        position=position or 0,
        extensions=[_extension(number, state or UNAVAILABLE, call or "") for number, state, call in phones],
        trunks=[
            {"trunk_name": name, "trunk_type": kind, "state": state or UNAVAILABLE}
            for name, kind, state in lines
        ],
        queues=list(connection.execute(select(queues.c.number).order_by(queues.c.number)).scalars()),
    )


def _extension(number: str, told: str, call: str) -> dict[str, Any]:
    state, _, dials = told.partition(" ")
    row: dict[str, Any] = {"exten": number, "state": state}
    if call:
        row["unique_id"] = call
    if dials:
        row["dialing"] = True
    return row


def _state(stored: _Stored, view: EngineView) -> dict[str, Any]:
    return {
        "position": stored.position,
        "engine_ready": view.ready,
        "extensions": stored.extensions,
        "trunks": stored.trunks,
        "queues": [_queue(number, view) for number in stored.queues],
        "calls": [_call(call) for call in view.calls()],
    }


def _queue(number: str, view: EngineView) -> dict[str, Any]:
    queue = view.queue(number)
    return {
        "queue": number,
        "agents": [
            {"agent": agent.agent, "state": agent.state, "paused": agent.paused} for agent in queue.agents
        ],
        "waiting": [
            {"number": caller.number, "position": caller.position, "since": rfc3339(caller.since)}
            for caller in queue.waiting
        ],
    }


def _call(call: CallView) -> dict[str, Any]:
    return {
        "unique_id": call.id,
        "originated_call_id": call.originated_call_id,
        "state": call.state,
        "caller": _party(call.caller),
        "callee": None if call.callee is None else _party(call.callee),
        "queue": call.queue,
        "started_at": rfc3339(call.started_at),
        "answered_at": None if call.answered_at is None else rfc3339(call.answered_at),
    }


def _party(party: Party) -> dict[str, Any]:
    return {"number": party.number, "trunk": party.trunk, "state": party.state}


async def _answer(
    send: Send,
    status: int,
    message: str,
    data: Any = None,
    *,
    headers: list[tuple[bytes, bytes]],
) -> None:
    body = msgspec.json.encode({"success": int(status == 200), "message": message, "data": data})
    own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": own + headers})
    await send({"type": "http.response.body", "body": body})
