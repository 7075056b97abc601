"""The live stream of events over real HTTP: who may listen, what is told, and what was missed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sa._server import RunningSa
from support.receivers import delivering, numbered, state, tell
from support.waiting import eventually
from tamas.events import tail
from tamas.events.outbox import Event, emit
from tamas.sa import event_stream
from tamas.sa.accounts import set_enabled
from tamas.store.events_schema import events

BASIC = {"Authorization": "Basic Y2FsbGVyOnNlY3JldC1wYXNz"}
PATH = "/events/stream"


class Heard:
    """What a listener was told so far."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.names: list[str] = []
        self.ended = False

    async def follow(self, answer: httpx.Response) -> None:
        """Read Server-Sent Events."""
        with contextlib.suppress(httpx.HTTPError):
            async for line in answer.aiter_lines():
                key, _, value = line.partition(": ")
                if key == "data":
                    self.told.append(json.loads(value))
                elif key == "id":
                    self.ids.append(value)
                elif key == "event":
                    self.names.append(value)
        self.ended = True

    @property
    def numbers(self) -> list[str]:
        """Of :func:`~support.receivers.numbered`."""
        return [one["data"]["number"] for one in self.told if "data" in one]


@asynccontextmanager
async def listening(sa: RunningSa, query: str = "", **headers: str) -> AsyncIterator[Heard]:
    """Listen by Server-Sent Events."""
    heard = Heard()
    async with sa.http.stream("GET", PATH + query, headers=BASIC | headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        following = asyncio.create_task(heard.follow(answer))
        try:
            yield heard
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def test_told_at_once(sa_both: RunningSa) -> None:
    """Whoever listens is told of each event once, in our own shape, with a position to go on from."""
    async with delivering(sa_both.database), listening(sa_both) as heard:
        await tell(sa_both.database, *numbered("1.1", 3), state("9", "Idle", "1.1"))
        await eventually(lambda: len(heard.told) == 4)
    assert heard.names == ["IncomingCall"] * 3 + ["NewState"]
    assert heard.ids == [str(one["position"]) for one in heard.told] == ["1", "2", "3", "4"]
    assert heard.told[3]["data"] == {"exten": "9", "state": "Idle", "unique_id": "1.1"}


async def test_going_on(own_sa: RunningSa) -> None:
    """With the position of the last one, by query or header, what came meanwhile is told first."""
    async with delivering(own_sa.database):
        async with own_sa.database.write() as tx:
            await emit(tx, numbered("1.1", 700))
        await eventually(lambda: _positioned(own_sa, 700))
        async with listening(own_sa, "?after=2") as one, listening(own_sa, **{"Last-Event-ID": "690"}) as two:
            await eventually(lambda: len(one.told) == 698 and len(two.told) == 10)
            await tell(own_sa.database, *numbered("1.2", 1))
            await eventually(lambda: len(one.told) == 699 and len(two.told) == 11)
    assert one.numbers == [*map(str, range(2, 700)), "0"]
    assert two.ids == list(map(str, range(691, 702)))


async def _positioned(sa: RunningSa, count: int) -> bool:
    async with sa.database.read() as connection:
        return len(await connection.rows(events.select().where(events.c.position.is_not(None)))) == count


async def test_only_what_is_wanted(own_sa: RunningSa) -> None:
    """A listener names the events it wants."""
    async with delivering(own_sa.database), listening(own_sa, "?events=Ping,cdr") as heard:
        await tell(own_sa.database, *numbered("1.1", 2), Event(name="Ping"))
        await eventually(lambda: heard.told)
    assert heard.names == ["Ping"]


async def test_by_websocket(own_sa: RunningSa) -> None:
    """The same over a WebSocket, one message for each event."""
    url = f"ws://127.0.0.1:{own_sa.port}/events/ws?after=0"
    async with delivering(own_sa.database):
        await tell(own_sa.database, *numbered("1.1", 2))
        async with connect(url, additional_headers=BASIC) as socket:
            told = [json.loads(await socket.recv()) for _ in range(2)]
            await tell(own_sa.database, Event(name="Ping"))
            told.append(json.loads(await socket.recv()))
    assert [(one["type"], one["position"]) for one in told] == [
        ("IncomingCall", 1),
        ("IncomingCall", 2),
        ("Ping", 3),
    ]


async def test_who_may_listen(own_sa: RunningSa) -> None:
    """Address, credentials and permission count as for every service; what is refused is in the API log."""
    http = own_sa.http
    assert (await http.get(PATH)).status_code == 401
    assert (await http.get(PATH, auth=("caller", "wrong"))).status_code == 401
    users = await own_sa.account("users", permissions=["/pbx/users/*"])
    denied = await http.get(PATH, auth=("users", users.password or ""))
    assert (denied.status_code, denied.json()["message"]) == (403, '"/events/stream/read";Access denied')
    token = await own_sa.account("token", auth="token", permissions=["/events/stream"])
    async with http.stream("GET", PATH, headers={"X-APIKEY": token.token or ""}) as answer:
        assert answer.status_code == 200
    assert (await http.post(PATH, headers=BASIC)).status_code == 405
    assert (await http.get(PATH + "?after=x", headers=BASIC)).status_code == 400
    assert (await http.get(PATH + "?events=Nothing", headers=BASIC)).status_code == 400
    with pytest.raises(InvalidStatus, match="401"):
        await connect(f"ws://127.0.0.1:{own_sa.port}/events/ws")
    await own_sa.set("sa.allowed_ips", ["192.0.2.1"])
    assert (await http.get(PATH, headers=BASIC)).status_code == 403
    logged = await own_sa.logged(service="events/stream/read")
    assert sorted(entry.status for entry in logged) == [200, 200, 200, 401, 401, 401, 403, 403]


async def test_an_account_that_may_no_more(own_sa: RunningSa, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream ends soon after its account is disabled."""
    monkeypatch.setattr(event_stream, "CHECK_SECONDS", 0.05)
    url = f"ws://127.0.0.1:{own_sa.port}/events/ws"
    async with listening(own_sa) as heard, connect(url, additional_headers=BASIC) as socket:
        await set_enabled(own_sa.database, own_sa.changes, "caller", enabled=False)
        await eventually(lambda: heard.ended)
        with pytest.raises(ConnectionClosed):
            await socket.recv()


@pytest.mark.slow
async def test_a_slow_listener(own_sa: RunningSa, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who takes nothing for a while is told how many events passed, and goes on at the end."""
    monkeypatch.setattr(tail, "MAX_BEHIND", 300)
    monkeypatch.setattr(tail, "LOT", 100)
    url = f"ws://127.0.0.1:{own_sa.port}/events/ws"
    long = "0" * 60_000
    async with delivering(own_sa.database), connect(url, additional_headers=BASIC, max_queue=1) as socket:
        await tell(own_sa.database, Event(name="Ping"))
        assert json.loads(await socket.recv())["type"] == "Ping"
        for _ in range(30):
            fields = {"number": long, "entry_point": "t"}
            async with own_sa.database.write() as tx:
                await emit(tx, [Event(name="IncomingCall", fields=fields)] * 50)
        await eventually(lambda: _positioned(own_sa, 1501), within=20)
        told: list[dict[str, Any]] = []
        while not told or told[-1].get("position") != 1501:
            told.append(json.loads(await asyncio.wait_for(socket.recv(), 10)))
    positions = [one["position"] for one in told if "position" in one]
    missed = [one for one in told if one["type"] == "missed"]
    assert missed
    assert len(positions) + sum(one["count"] for one in missed) == 1500
    skipped = {number for one in missed for number in range(one["first"], one["last"] + 1)}
    assert sorted({*positions, *skipped}) == list(range(2, 1502))


async def test_removed_meanwhile(own_sa: RunningSa) -> None:
    """Who goes on from long ago is told how many events are not kept any more."""
    async with delivering(own_sa.database):
        await tell(own_sa.database, *numbered("1.1", 5))
        await eventually(lambda: _positioned(own_sa, 5))
        async with own_sa.database.write() as tx:
            await tx.execute(events.delete().where(events.c.position <= 3))
        async with listening(own_sa, "?after=1") as heard:
            await eventually(lambda: len(heard.told) == 3)
    assert heard.told[0] == {"type": "missed", "count": 2, "first": 2, "last": 3}
    assert heard.ids == ["3", "4", "5"]
