"""What ``tamas demo`` does on a running server: two phones, one call through the API, and what came of it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import httpx
from rich.console import Console

from tamas.demo.call import PhoneCall
from tamas.demo.phone import AutoAnswer, Phone, close_phones, open_phones
from tamas.errors import TamasError

T = TypeVar("T")

FIRST, SECOND = "1001", "1002"
"""Numbers of the two extensions."""
FIRST_HZ, SECOND_HZ = 440, 660
"""Tones that their phones send."""
STEP_SECONDS = 10.0
"""Each step is over by then or the demo has failed."""
RECORD_SECONDS = 15.0
RING_SECONDS = 0.6
"""So long the phones ring before they are answered, for the eye of the reader."""
TALK_SECONDS = 1.0
"""So long they talk after they have heard each other, for a recording worth the name."""
POLL_SECONDS = 0.1


_NAME = "Demo phone {}"


class DemoFailed(TamasError):
    """A step of the demo did not come true; the text says which and why."""


class RecordedCall(Protocol):
    """What the story tells of a call record; times are microseconds."""

    @property
    def cuid(self) -> str: ...
    @property
    def src(self) -> str: ...
    @property
    def dst(self) -> str: ...
    @property
    def disposition(self) -> str: ...
    @property
    def wait(self) -> int: ...
    @property
    def billsec(self) -> int: ...
    @property
    def record(self) -> str | None: ...


FetchCall = Callable[[str], Awaitable[RecordedCall | None]]
"""The record of the call with an ``originated_call_id``, None while there is none."""


@dataclass(frozen=True, kw_only=True)
class DemoServer:
    """Where the server is, and an account that may call its API."""

    base_url: str
    sip: tuple[str, int]
    username: str
    password: str | None
    token: str | None
    recordings: Path
    """Folder below which recordings lie."""
    fetch_call: FetchCall


class Teller:
    """Prints the story, a line for each step with the time of day and the seconds since the beginning."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def step(self, text: str) -> None:
        """Tell that something has come true."""
        now = datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]
        passed = time.monotonic() - self._began
        self._console.print(
            f"[dim]{now} {passed:7.2f} s[/dim]  [green]✓[/green] {text}", highlight=False, soft_wrap=True
        )


class Story:
    """The two phones of the demo and what they do. The phones stay on until the context is left.

    :param sipp: the words that start SIPp.
    """

    def __init__(self, server: DemoServer, teller: Teller, *, sipp: Sequence[str]) -> None:
        self._server = server
        self._teller = teller
        self._secrets = {number: secrets.token_urlsafe(12) for number in (FIRST, SECOND)}
        self._phones = [
            Phone(number=number, secret=self._secrets[number], server=server.sip, tone_hz=hz, sipp=sipp)
            for number, hz in ((FIRST, FIRST_HZ), (SECOND, SECOND_HZ))
        ]
        self._client = httpx.AsyncClient(
            base_url=f"{server.base_url}/api/v4/",
            timeout=STEP_SECONDS,
            auth=httpx.BasicAuth(server.username, server.password) if server.password else None,
            headers={"X-APIKEY": server.token} if server.token else {},
            trust_env=False,
            verify=False,  # noqa: S501 - our own server on loopback, whose certificate names another host
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await close_phones(self._phones)
        await self._client.aclose()

    async def tell(self) -> RecordedCall:
        """Do it all once, and return the record of the call.

        :raises DemoFailed: something did not come true in time.
        """
        await self._add_extensions()
        await self._register()
        originated = await self._originate()
        first, second = await self._connect()
        await self._hear(first, second)
        await self._hang_up(first, second)
        return await self._read_record(originated)

    def stay_reachable(self) -> None:
        """From now on both phones answer every call by themselves."""
        for phone in self._phones:
            phone.manner = AutoAnswer(after=1.0)

    async def _add_extensions(self) -> None:
        for number in (FIRST, SECOND):
            known = await self._api("pbx/users/search", {"alike": False, "conditions": {"number": number}})
            for row in known if isinstance(known, list) else []:
                if row["name"] != _NAME.format(number):
                    raise DemoFailed(
                        f"extension {number} is not the demo's but {row['name']!r}; "
                        "give the demo a state directory of its own"
                    )
                await self._api("pbx/users/remove", {"_id": row["_id"]})
            await self._api(
                "pbx/users/add",
                {
                    "name": _NAME.format(number),
                    "number": number,
                    "secret": self._secrets[number],
                    "call_record": "yes",
                },
            )
        self._teller.step(f"Extensions {FIRST} and {SECOND} added through the API (pbx/users/add)")

    async def _register(self) -> None:
        await self._done("the phones could not be switched on", open_phones(self._phones))
        for phone in self._phones:
            await self._done(f"phone {phone.number} could not register", phone.register())
        self._teller.step("Both phones registered, with nothing reloaded in between")

    async def _originate(self) -> str:
        data = await self._api(
            "call/originate/act",
            {
                "caller": FIRST,
                "callee": SECOND,
                "context": "main_routing",
                "caller_id": FIRST,
                "trunk_name": "",
                "timeout": "30",
            },
        )
        originated = str(data["originated_call_id"])
        self._teller.step(f"Call asked for through the API (call/originate/act): {originated}")
        return originated

    async def _connect(self) -> tuple[PhoneCall, PhoneCall]:
        calls = []
        for phone in self._phones:
            call = await self._done(f"phone {phone.number} did not ring", phone.incoming(within=STEP_SECONDS))
            await self._done(f"phone {phone.number} did not ring", call.until_ringing())
            self._teller.step(f"Phone {phone.number} rings and shows {_shown(call)}")
            await self._done(f"phone {phone.number} could not answer", call.answer(after=RING_SECONDS))
            self._teller.step(f"Phone {phone.number} answered")
            calls.append(call)
        return calls[0], calls[1]

    async def _hear(self, first: PhoneCall, second: PhoneCall) -> None:
        for number, other, call, hz in (
            (FIRST, SECOND, first, SECOND_HZ),
            (SECOND, FIRST, second, FIRST_HZ),
        ):
            await self._done(
                f"phone {number} does not hear phone {other}", call.until_heard(hz, within=STEP_SECONDS)
            )
            self._teller.step(f"Phone {number} hears the {hz} Hz tone of phone {other}")

    async def _hang_up(self, first: PhoneCall, second: PhoneCall) -> None:
        await asyncio.sleep(TALK_SECONDS)
        await self._done(f"phone {FIRST} could not hang up", first.hang_up())
        await self._done(f"the call of phone {SECOND} went on", second.until_ended())
        self._teller.step(f"Phone {FIRST} hung up, and the call of phone {SECOND} ended with it")

    async def _read_record(self, originated: str) -> RecordedCall:
        deadline = time.monotonic() + RECORD_SECONDS
        while (call := await self._server.fetch_call(originated)) is None:
            if time.monotonic() > deadline:
                raise DemoFailed(f"no call record appeared within {RECORD_SECONDS:.0f} s")
            await asyncio.sleep(POLL_SECONDS)
        self._teller.step(
            f"Call record {call.cuid}: {call.src} → {call.dst}, {call.disposition}, "
            f"waited {call.wait / 1e6:.1f} s, talked {call.billsec / 1e6:.1f} s"
        )
        if call.disposition != "ANSWERED":
            raise DemoFailed(f"the call record says {call.disposition} in place of ANSWERED")
        if not call.record:
            raise DemoFailed("the call record names no recording")
        found = await self._recording(call.record)
        self._teller.step(f"Recording {call.record}, {found.stat().st_size / 1000:.0f} kB, in {found.parent}")
        return call

    async def _recording(self, name: str) -> Path:
        deadline = time.monotonic() + STEP_SECONDS
        while True:
            found = [path for path in self._server.recordings.rglob("*") if path.name == name]
            if found and found[0].stat().st_size:
                return found[0]
            if time.monotonic() > deadline:
                raise DemoFailed(f"the recording {name} is not below {self._server.recordings}")
            await asyncio.sleep(POLL_SECONDS)

    async def _api(self, service: str, body: Mapping[str, Any]) -> Any:
        try:
            answer = await self._client.post(service, json=dict(body))
            envelope = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DemoFailed(f"{service} was not answered: {error}") from error
        if answer.status_code != 200 or envelope.get("success") != 1:
            field = answer.headers.get("X-Error-Field")
            about = f" (field {field})" if field else ""
            raise DemoFailed(f"{service} answered {answer.status_code}, {envelope.get('message')!r}{about}")
        return envelope.get("data")

    async def _done(self, failure: str, work: Awaitable[T]) -> T:
        """Await a step. :raises DemoFailed: it failed or took too long."""
        try:
            async with asyncio.timeout(STEP_SECONDS + 1):
                return await work
        except TimeoutError:
            raise DemoFailed(f"{failure} within {STEP_SECONDS:.0f} s") from None
        except DemoFailed:
            raise
        except TamasError as error:
            raise DemoFailed(f"{failure}: {error}") from error


def _shown(call: PhoneCall) -> str:
    """Caller id as a phone displays it: name and number, once when they are the same."""
    parts = dict.fromkeys(part for part in (call.remote_name, call.remote_number) if part)
    return " ".join(parts) or "nobody"
