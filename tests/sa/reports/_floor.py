"""A contact center at work, as a supervisor knows it: two queues, four agents, a colleague, a trunk."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from support.manager import manager
from support.server import TamasServer
from support.waiting import eventually
from tamas.demo.call import PhoneCall
from tamas.demo.phone import AutoAnswer, Phone, Ring, close_phones, open_phones

CARRIER = "carrier"
CARRIER_ADDRESS = "127.0.0.9"
SALES, SUPPORT = "900", "901"
NAMES = {"201": "Ali", "202": "Sara", "203": "Mina", "204": "Reza", "205": "Neda"}
"""Extensions and who they are."""
DAY = {"from": "2020-01-01", "to": "2099-12-31"}

Rows = list[dict[str, Any]]


@dataclass(kw_only=True)
class Floor:
    """Everything a situation needs."""

    server: TamasServer
    phones: dict[str, Phone]
    _callers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def somebody_calls(self, number: str) -> tuple[str, PhoneCall]:
        """A stranger calls in over the trunk; gives his number, by which reports know him, and the call."""
        caller = f"0912{next(self._callers):07}"
        return caller, await self.phones[CARRIER].call(number, caller=caller)

    async def staffed(self, queue: str, *agents: str) -> None:
        """Exactly these agents, each at the phone of the same number, work in a queue."""
        rows = await self.server.api("pbx/queues/search", {"alike": "no", "conditions": {"number": queue}})
        assert rows
        for agent in agents:
            await self.server.api(
                "pbx/queues/addagent", {"queue": queue, "source": agent, "agent": agent, "penalty": "0"}
            )

    async def until_waiting(self, queue: str) -> None:
        """Somebody waits in a queue. A call is answered a moment before it does."""

        async def waits() -> bool:
            async with manager(self.server) as ami:
                entries = await ami.list_action("QueueStatus", {"Queue": queue})
            return any(entry.event == "QueueEntry" for entry in entries)

        await eventually(waits, what=f"a caller in queue {queue}")

    async def takes_a_break(self, queue: str, agent: str) -> None:
        """An agent is on break in a queue."""
        await self.server.api("pbx/queues/pauseagent", {"queue": queue, "agent": agent})

    async def rest(self) -> None:
        """Nobody talks, nobody works: the end of a situation."""
        for phone in self.phones.values():
            phone.manner = Ring()
            for call in phone.calls:
                if call.state.value != "ended":
                    await call.hang_up(within=2.0)
                await call.rtp.close()
            phone.calls.clear()
        for queue in (SALES, SUPPORT):
            for agent in NAMES:
                await self.server.client.post(
                    "/api/v4/pbx/queues/removeagent", json={"queue": queue, "agent": agent}
                )

    # -- what a supervisor looks at ------------------------------------------------------------------------

    async def report(self, name: str, **conditions: str) -> Rows:
        """Rows of a report, oldest first."""
        page = await self.server.api(
            f"reports/{name}/search",
            {
                "alike": False,
                "conditions": conditions,
                "date_range": DAY,
                "pagination": {"count": 500, "sorting": {"_id": 1}},
            },
        )
        rows: Rows = page["data"]
        return rows

    async def call_of(self, caller: str) -> dict[str, Any]:
        """The only row of the calls of a caller, once he has hung up."""

        async def written() -> Rows:
            return await self.report("cdr", **{"from": caller})

        rows = await eventually(written, within=15, what=f"the row of {caller}")
        assert rows is not None
        assert len(rows) == 1, rows
        return rows[0]

    async def visits_of(self, caller: str) -> Rows:
        """His visits to queues, in the order in which they began."""
        await self.call_of(caller)
        return sorted(await self.report("queue", **{"from": caller}), key=lambda row: str(row["queue_id"]))

    async def attempts_of(self, caller: str) -> Rows:
        """The attempts at agents on his behalf."""
        await self.call_of(caller)
        return await self.report("queue_details", **{"from": caller})


@asynccontextmanager
async def open_floor(server: TamasServer, sipp: Sequence[str]) -> AsyncIterator[Floor]:
    """Set the switchboard up through the API, and switch the phones on."""
    made = [
        Phone(
            number=number,
            secret=f"secret-{number}-S",
            server=server.sip,
            tone_hz=400 + 70 * (int(number) - 200),
            sipp=tuple(sipp),
        )
        for number in NAMES
    ]
    carrier = Phone(
        number=CARRIER, server=server.sip, tone_hz=1500, sipp=tuple(sipp), local=(CARRIER_ADDRESS, 0)
    )
    phones = {phone.number: phone for phone in (*made, carrier)}
    for number, name in NAMES.items():
        await server.api("pbx/users/add", {"name": name, "number": number, "secret": f"secret-{number}-S"})
    for number, name in ((SALES, "Sales"), (SUPPORT, "Support")):
        settings = {
            "strategy": "ringall",
            "joinempty": "yes",
            "leavewhenempty": "no",
            "announce_position": "no",
            "retry": "1",
            "wrapuptime": "0",
            "timeout": "15",
        }
        await server.api("pbx/queues/add", {"name": name, "number": number, **settings})
    await open_phones(list(phones.values()))
    try:
        await asyncio.gather(*(phone.register() for phone in made))
        await server.api(
            "pbx/trunks/add",
            {
                "trunk_type": "SIP",
                "name": CARRIER,
                "active": "yes",
                "host": CARRIER_ADDRESS,
                "port": str(carrier.address[1]),
                "qualify": "no",
                "insecure": "port,invite",
                "disallow": "all",
                "allow": "ulaw",
            },
        )
        yield Floor(server=server, phones=phones)
    finally:
        await close_phones(list(phones.values()))


__all__ = ["CARRIER", "NAMES", "SALES", "SUPPORT", "AutoAnswer", "Floor", "open_floor"]
