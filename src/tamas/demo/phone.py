"""A SIP phone for the demo and the tests: SIPp speaks SIP, our socket speaks and hears audio.

    async with Phone(number="201", secret="…", server=("127.0.0.1", 5060), tone_hz=440, sipp=argv) as phone:
        await phone.register()
        call = await phone.answer()
        await call.until_heard(660)
        await phone.hang_up()

SIPp does the whole protocol: transactions, retransmission, digest authentication, dialogs. What it does next
is decided by buttons (`scenarios/phone.xml`) that this class presses through the phone's `Wire`.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tamas.demo.call import CallState, PhoneCall, PhoneTimeout, Refusal
from tamas.demo.rtp import RtpSocket
from tamas.demo.sip_message import SipMessage
from tamas.demo.sipp import PhoneIdentity, SippError, SippProcess
from tamas.demo.wire import Direction, Wire
from tamas.errors import TamasError

START_SECONDS = 10.0
START_TRIES = 3
"""SIPp's port is chosen before SIPp binds it; somebody else may be quicker."""
_ASK_SECONDS = 0.1
_SAFE = re.compile(r'[^"\\\r\n<>]{0,80}')
_QUOTABLE = re.compile(r'[^"\\\r\n]{0,80}')


class RegistrationRefused(TamasError):
    """The server answered a REGISTER with something else than 200."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the registration was refused with status {status}")
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Ring:
    """Let an incoming call ring until somebody answers or rejects it."""


@dataclass(frozen=True, kw_only=True)
class AutoAnswer:
    """Ring, and answer each incoming call after some seconds; hang up after some more, if asked to."""

    after: float = 0.0
    hang_up_after: float | None = None


@dataclass(frozen=True, kw_only=True)
class AutoReject:
    """Reject each incoming call with a SIP status, at once or after some seconds of ringing."""

    status: Refusal = 486
    after: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Silent:
    """Never send any answer to an incoming call, as a phone that crashed."""


Manner = Ring | AutoAnswer | AutoReject | Silent
"""What a phone does with incoming calls."""


class Phone:
    """One SIP phone. Open it with ``async with`` or :meth:`open`; close it in any case.

    :param secret: empty for a peer that needs none, such as a carrier behind a trunk.
    :param server: where SIP is spoken, a literal address and a port.
    :param tone_hz: what the phone sends while it talks; a multiple of 10. 0 is silence.
    :param sipp: the words that start SIPp.
    :param local: address and port of the phone; port 0 takes a free one.
    """

    def __init__(
        self,
        *,
        number: str,
        secret: str = "",
        server: tuple[str, int],
        tone_hz: int = 0,
        sipp: Sequence[str],
        name: str = "",
        local: tuple[str, int] = ("127.0.0.1", 0),
        manner: Manner | None = None,
    ) -> None:
        self.number = number
        self.name = name
        self.tone_hz = tone_hz
        self.manner: Manner | Callable[[SipMessage], Manner] = manner if manner is not None else Ring()
        """What it does with incoming calls, or a function of the INVITE that says it."""
        self.calls: list[PhoneCall] = []
        """Every call since the phone was opened, oldest first."""
        self.registered = False
        self.secret = secret
        self._server = server
        self._sipp = tuple(sipp)
        self._local = local
        self._wire: Wire | None = None
        self._process: SippProcess | None = None
        self._registrations: dict[str, asyncio.Future[int]] = {}
        self._opening: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Switch the phone on. :raises SippError: SIPp did not come up."""
        self._wire = await Wire.open(self._server, self._local, self._watch)
        try:
            for left in reversed(range(START_TRIES)):
                try:
                    await self._start_sipp(self._wire)
                except SippError:
                    if not left:
                        raise
                else:
                    return
        except BaseException:
            await self.kill()
            raise

    async def close(self) -> None:
        """Hang up what is still open, then switch off."""
        alive = [call for call in self.calls if call.state is not CallState.ENDED]
        if alive and self._wire is not None and not self._wire.cut:
            await asyncio.gather(*(call.hang_up(within=1.0) for call in alive), return_exceptions=True)
        await self.kill()

    async def kill(self) -> None:
        """Switch off without a word to the server, as when the power fails."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._process is not None:
            await self._process.kill()
            self._process = None
        for call in self.calls:
            call.lost()
            await call.rtp.close()
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    @property
    def address(self) -> tuple[str, int]:
        """Where the server reaches this phone."""
        return self._plugged().address

    @property
    def received_invites(self) -> list[SipMessage]:
        """The INVITEs of incoming calls, oldest first; `sender` holds the caller id that was shown."""
        return [call.invite for call in self.calls if call.incoming and call.invite is not None]

    @property
    def last_call(self) -> PhoneCall:
        """The newest call. :raises PhoneTimeout: there was none."""
        if not self.calls:
            raise PhoneTimeout(f"phone {self.number} never had a call")
        return self.calls[-1]

    @property
    def transcript(self) -> str:
        """Every message that passed, a line each, for the reader of a failure."""
        passed = [] if self._wire is None else self._wire.trace
        return "\n".join(
            f"{each.at:.3f} {'<-' if each.direction == 'in' else '->'} "
            f"{each.message.status or ''}{' to ' if each.message.status else ''}{each.message.method} "
            f"{each.message.uri} [{each.message.call_id}]"
            for each in passed
        )

    @property
    def unplugged(self) -> bool:
        """While true, nothing passes between phone and server."""
        return self._plugged().cut

    @unplugged.setter
    def unplugged(self, value: bool) -> None:
        self._plugged().cut = value

    async def register(self, *, expires: int = 3600, within: float = 5.0) -> None:
        """Register, or register again; 0 seconds is unregistering.

        :raises RegistrationRefused: by the server.
        :raises PhoneTimeout: no answer.
        """
        call_id = f"reg-{secrets.token_hex(8)}"
        outcome = self._registrations[call_id] = asyncio.get_running_loop().create_future()
        self._button("X-REGISTER", call_id, f"X-Expires: {expires}\r\n")
        try:
            status = await asyncio.wait_for(outcome, within)
        except TimeoutError:
            self._checked_process().check()
            raise PhoneTimeout(f"no answer to the registration of {self.number} within {within} s") from None
        finally:
            del self._registrations[call_id]
        if status != 200:
            raise RegistrationRefused(status)
        self.registered = expires > 0

    async def unregister(self, *, within: float = 5.0) -> None:
        """Give the registration up."""
        await self.register(expires=0, within=within)

    async def call(self, number: str, *, caller: str = "", caller_name: str = "") -> PhoneCall:
        """Place a call and return it at once; wait with its ``until_…`` methods.

        :param caller: number shown as the caller in place of the phone's own, as a carrier does.
        """
        name = caller_name or self.name
        if not (_QUOTABLE.fullmatch(name) and _SAFE.fullmatch(caller) and _SAFE.fullmatch(number)):
            raise ValueError(
                "numbers of a phone hold no quotes, brackets or line ends; names may have brackets"
            )
        rtp = await RtpSocket.open(self.tone_hz, self._local[0])
        call_id = f"call-{secrets.token_hex(8)}"
        call = PhoneCall(call_id=call_id, incoming=False, rtp=rtp, press=self._press_in_call)
        self._add(call)
        host, port = self._server
        shown = f'"{name}" ' if name else ""
        self._button(
            "X-CALL",
            call_id,
            f"X-Number: {number}\r\n"
            f"X-Caller: {shown}<sip:{caller or self.number}@{host}:{port}>\r\n"
            f"X-RTP-Port: {rtp.port}\r\n",
        )
        return call

    async def incoming(self, *, within: float = 10.0) -> PhoneCall:
        """Wait for an incoming call that is not over yet, and return it.

        :raises PhoneTimeout: none came.
        """
        deadline = time.monotonic() + within
        while True:
            for call in reversed(self.calls):
                if call.incoming and call.state is not CallState.ENDED:
                    return call
            try:
                await asyncio.wait_for(self._changed.wait(), max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                self._checked_process().check()
                raise PhoneTimeout(f"phone {self.number} got no call within {within} s") from None

    async def answer(self, *, after: float = 0.0, within: float = 10.0) -> PhoneCall:
        """Wait for an incoming call and answer it ``after`` seconds of ringing."""
        call = await self.incoming(within=within)
        await call.answer(after=after)
        return call

    async def reject(self, status: Refusal = 486, *, within: float = 10.0) -> PhoneCall:
        """Wait for an incoming call and refuse it."""
        call = await self.incoming(within=within)
        await call.reject(status)
        return call

    async def hang_up(self, *, within: float = 5.0) -> None:
        """End the newest call."""
        await self.last_call.hang_up(within=within)

    def heard(self, hz: int) -> bool:
        """Whether a tone was there at any time of the newest call."""
        return bool(self.calls) and self.calls[-1].heard(hz)

    async def _start_sipp(self, wire: Wire) -> None:
        identity = PhoneIdentity(
            number=self.number, secret=self.secret, server=self._server, contact=wire.address
        )
        process = self._process = await SippProcess.start(self._sipp, identity)
        wire.plug_in(process.address)
        deadline = time.monotonic() + START_SECONDS
        for attempt in range(1_000_000):
            process.check()
            call_id = f"awake-{attempt}"
            try:
                await wire.ask(_request("OPTIONS", call_id, ""), call_id, _ASK_SECONDS)
            except TimeoutError:
                if time.monotonic() > deadline:
                    await process.kill()
                    raise SippError(f"SIPp did not answer:\n{process.complaints()}") from None
            else:
                return

    def _plugged(self) -> Wire:
        if self._wire is None:
            raise PhoneTimeout(f"phone {self.number} is switched off")
        return self._wire

    def _checked_process(self) -> SippProcess:
        if self._process is None:
            raise PhoneTimeout(f"phone {self.number} is switched off")
        return self._process

    def _watch(self, direction: Direction, message: SipMessage) -> None:
        call_id = message.call_id
        outcome = self._registrations.get(call_id)
        if outcome is not None:
            final = direction == "in" and message.status >= 200
            challenge = message.status == 401 and message.header("CSeq").startswith("1 ")
            if final and not challenge and not outcome.done():
                outcome.set_result(message.status)
            return
        call = next((call for call in self.calls if call.call_id == call_id), None)
        if call is not None:
            (call.saw_incoming if direction == "in" else call.saw_outgoing)(message)
        elif direction == "in" and _begins_call(message) and call_id not in self._opening:
            self._opening.add(call_id)
            self._hold(self._take_call(message))

    async def _take_call(self, invite: SipMessage) -> None:
        rtp = await RtpSocket.open(self.tone_hz, self._local[0])
        call = PhoneCall(call_id=invite.call_id, incoming=True, rtp=rtp, press=self._press_in_call)
        call.begin_incoming(invite)
        manner = self.manner(invite) if callable(self.manner) else self.manner
        self._add(call)
        if isinstance(manner, Silent):
            return
        if not (isinstance(manner, AutoReject) and manner.after == 0):
            call.ring()
        try:
            if isinstance(manner, AutoReject):
                await call.reject(manner.status, after=manner.after)
            elif isinstance(manner, AutoAnswer):
                await call.answer(after=manner.after)
                if manner.hang_up_after is not None:
                    await asyncio.sleep(manner.hang_up_after)
                    await call.hang_up()
        except PhoneTimeout:
            # The caller gave up first; the call's own state and times say so.
            return

    def _add(self, call: PhoneCall) -> None:
        self.calls.append(call)
        self._changed.set()
        self._changed = asyncio.Event()

    def _hold(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _button(self, name: str, call_id: str, headers: str) -> None:
        self._plugged().press(_request(name, call_id, headers))

    def _press_in_call(self, call: PhoneCall, name: str, headers: str) -> None:
        """Press a button in a call, with the headers that SIPp copies into its next message."""
        if call.incoming and call.state in (CallState.TRYING, CallState.RINGING) and call.invite is not None:
            copied = "".join(
                f"{name}: {value}\r\n"
                for name, value in call.invite.lines
                if name.lower() in ("via", "v", "from", "f", "to", "t", "cseq")
            )
        else:
            copied = (
                f"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{secrets.token_hex(6)}\r\n"
                f"From: {call.local_header or '<sip:button@127.0.0.1>'}\r\n"
                f"To: {call.remote_header or '<sip:button@127.0.0.1>'}\r\n"
                f"CSeq: {call.next_cseq()} {name}\r\n"
            )
        text = f"{name} sip:phone@127.0.0.1 SIP/2.0\r\n{copied}Call-ID: {call.call_id}\r\n{headers}"
        self._plugged().press(f"{text}Content-Length: 0\r\n\r\n".encode())


async def open_phones(phones: Sequence[Phone]) -> None:
    """Switch on several phones at once; all or none."""
    results = await asyncio.gather(*(phone.open() for phone in phones), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        await close_phones(phones)
        raise failures[0]


async def close_phones(phones: Sequence[Phone]) -> None:
    """Switch off several phones."""
    await asyncio.gather(*(phone.close() for phone in phones))


def _begins_call(message: SipMessage) -> bool:
    return message.method == "INVITE" and not message.status and not message.receiver.tag


def _request(name: str, call_id: str, headers: str) -> bytes:
    return (
        f"{name} sip:phone@127.0.0.1 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{secrets.token_hex(6)}\r\n"
        "From: <sip:button@127.0.0.1>;tag=button\r\nTo: <sip:phone@127.0.0.1>\r\n"
        f"Call-ID: {call_id}\r\nCSeq: 1 {name}\r\n{headers}Content-Length: 0\r\n\r\n"
    ).encode()


__all__ = [
    "AutoAnswer",
    "AutoReject",
    "Phone",
    "Ring",
    "Silent",
    "close_phones",
    "open_phones",
]
