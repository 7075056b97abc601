"""One call as a phone experiences it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Literal

from tamas.demo.rtp import RtpSocket
from tamas.demo.sip_message import SipMessage
from tamas.demo.tone import NEEDED_SHARE
from tamas.errors import TamasError

Refusal = Literal[403, 404, 480, 486, 503, 603]
"""SIP statuses with which a phone can refuse a call; `scenarios/phone.xml` has a button for each."""

ESTABLISHED_CSEQ = 100
"""First sequence number of the requests inside an established call, above any that set it up."""


PRESS_AGAIN_SECONDS = 0.3


class PhoneTimeout(TamasError):
    """Something that should have happened to a phone did not happen in time."""


class CallState(Enum):
    """Where a call stands."""

    TRYING = "trying"
    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


class CallEnd(Enum):
    """How a call ended."""

    BY_US = "hung up here"
    BY_THEM = "hung up by the other side"
    CANCELLED = "given up before it was answered"
    REFUSED = "refused"
    LOST = "the phone was switched off"


class PhoneCall:
    """A call of one phone. The phone that holds it feeds it with the messages that pass."""

    def __init__(
        self, *, call_id: str, incoming: bool, rtp: RtpSocket, press: Callable[[PhoneCall, str, str], None]
    ) -> None:
        self.call_id = call_id
        """SIP Call-ID of this leg."""
        self.incoming = incoming
        self.state = CallState.TRYING
        self.end: CallEnd | None = None
        self.status = 0
        """Last SIP status of the INVITE, 0 before any."""
        self.hangup_reason = ""
        """The Reason header of the CANCEL or BYE that came in."""
        self.rtp = rtp
        self.invite: SipMessage | None = None
        """The INVITE that began it."""
        self.started_at = time.time()
        """Seconds since the epoch, as the following."""
        self.ringing_at: float | None = None
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.local_header = ""
        self.remote_header = ""
        self.target = ""
        self.sent = 0
        """Messages that the phone sent in it."""
        self._audio_target: tuple[str, int] | None = None
        self._will_ring = False
        self._press = press
        self._cseq = ESTABLISHED_CSEQ
        self._changed = asyncio.Event()

    @property
    def remote_number(self) -> str:
        """Caller id number of an incoming call, dialed number of an outgoing one."""
        if self.invite is None:
            return ""
        return self.invite.sender.user if self.incoming else self.invite.receiver.user

    @property
    def remote_name(self) -> str:
        """Caller id name of an incoming call."""
        return self.invite.sender.display_name if self.invite is not None and self.incoming else ""

    @property
    def digits(self) -> str:
        """Digits that the other side sent (RFC 4733)."""
        return self.rtp.digits

    def heard(self, hz: int, *, share: float = NEEDED_SHARE) -> bool:
        """Whether a tone was there at any time of this call; ``share`` as for ``Listener.heard``."""
        return self.rtp.listener.heard(hz, share=share)

    def hears(self, hz: int) -> bool:
        """Whether that tone is there now."""
        return self.rtp.listener.hears(hz)

    def dial(self, digits: str) -> None:
        """Send digits (RFC 4733)."""
        self.rtp.dial(digits)

    async def answer(self, *, after: float = 0.0, within: float = 5.0) -> None:
        """Pick up, ``after`` seconds from now. :raises PhoneTimeout: the server did not acknowledge."""
        await self._settle(after)
        await self._press_until(self.until_talking, within, "X-ANSWER", f"X-RTP-Port: {self.rtp.port}\r\n")

    async def reject(self, status: Refusal = 486, *, after: float = 0.0, within: float = 5.0) -> None:
        """Refuse an incoming call with a SIP status."""
        await self._settle(after)
        await self._press_until(self.until_ended, within, f"X-REJECT-{status}")

    async def hang_up(self, *, within: float = 5.0) -> None:
        """End the call whatever its state; nothing happens when it has ended.

        :raises PhoneTimeout: the other side did not confirm.
        """
        if self.state is CallState.ENDED:
            return
        if self.state is CallState.TALKING:
            await self._press_until(self.until_ended, within, "X-HANGUP", f"X-Target: {self.target}\r\n")
        else:
            button = "X-REJECT-603" if self.incoming else "X-CANCEL"
            await self._press_until(self.until_ended, within, button)

    def ring(self) -> None:
        """Let an incoming call ring (180)."""
        self._will_ring = True
        self._press(self, "X-RING", "")

    def transfer(self, target_uri: str) -> None:
        """Ask for a blind transfer (REFER) to a SIP URI."""
        self._press(self, "X-REFER", f"X-Target: {self.target}\r\nX-Refer-To: <{target_uri}>\r\n")

    def hold(self) -> None:
        """Put the other side on hold: we send, and want to hear nothing (RFC 3264, section 8.4)."""
        self._press_media("sendonly")

    def unhold(self) -> None:
        """Talk on."""
        self._press_media("sendrecv")

    async def until_ringing(self, *, within: float = 5.0) -> None:
        """Wait until it rings (180). :raises PhoneTimeout: it did not, or was over before."""
        await self._until(lambda: self.ringing_at is not None, within, "ring")

    async def until_talking(self, *, within: float = 10.0) -> None:
        """Wait until it is answered. :raises PhoneTimeout: it was not."""
        await self._until(lambda: self.answered_at is not None, within, "be answered")

    async def until_ended(self, *, within: float = 10.0) -> None:
        """Wait until it is over. :raises PhoneTimeout: it is not."""
        await self._until(lambda: self.state is CallState.ENDED, within, "end")

    async def until_heard(self, hz: int, *, within: float = 5.0, share: float = NEEDED_SHARE) -> None:
        """Wait until a tone was heard. :raises PhoneTimeout: it was not."""
        deadline = time.monotonic() + within
        while not self.heard(hz, share=share):
            if time.monotonic() > deadline:
                raise PhoneTimeout(
                    f"no tone of {hz} Hz within {within} s; {self.rtp.listener.seconds:.1f} s of audio came"
                )
            await asyncio.sleep(0.02)

    def next_cseq(self) -> int:
        """A sequence number for the next request inside this call."""
        self._cseq += 1
        return self._cseq

    def saw_incoming(self, message: SipMessage) -> None:
        """Take in a message from the server."""
        if message.audio is not None and (
            message.method == "ACK" or message.status or message.method == "INVITE"
        ):
            self._remote_audio(message.audio)
        if message.method == "INVITE" and message.status >= 180:
            self._response(message)
        elif message.method == "ACK" and self.incoming and self.state is not CallState.ENDED:
            if self.status < 300:
                self._talking()
            else:
                self._over(CallEnd.REFUSED)
        elif message.method in ("BYE", "CANCEL") and not message.status:
            self.hangup_reason = message.header("Reason")
            self._over(CallEnd.BY_THEM if message.method == "BYE" else CallEnd.CANCELLED)
        elif message.method == "BYE":
            self._over(CallEnd.BY_US)

    def saw_outgoing(self, message: SipMessage) -> None:
        """Take in a message that the phone sent."""
        self.sent += 1
        if message.method == "INVITE" and not message.status:
            self.invite = message
        elif message.method == "ACK" and not self.incoming and 200 <= self.status < 300:
            self._talking()
        elif message.method == "INVITE" and self.incoming:
            self.status = message.status
            if message.status == 180:
                self._ringing()
            elif message.status == 200:
                self.local_header = message.header("To")
                self._start_audio()

    def lost(self) -> None:
        """The phone was switched off."""
        if self.state is not CallState.ENDED:
            self._over(CallEnd.LOST)

    def begin_incoming(self, invite: SipMessage) -> None:
        """Take in the INVITE of an incoming call."""
        self.invite = invite
        self.remote_header = invite.header("From")
        self.target = invite.target
        if invite.audio is not None:
            self._remote_audio(invite.audio)

    def _response(self, message: SipMessage) -> None:
        if self.incoming or message.status in (401, 407):
            return
        self.status = message.status
        if message.status < 200:
            self._ringing()
        elif message.status < 300:
            self.local_header = message.header("From")
            self.remote_header = message.header("To")
            self.target = message.target
        else:
            self._over(CallEnd.CANCELLED if message.status == 487 else CallEnd.REFUSED)

    def _remote_audio(self, audio: tuple[str, int]) -> None:
        self._audio_target = audio
        if self.state is CallState.TALKING:
            self._start_audio()

    def _start_audio(self) -> None:
        if self._audio_target is not None:
            self.rtp.send_to(*self._audio_target)

    def _ringing(self) -> None:
        if self.state is CallState.TRYING:
            self.state = CallState.RINGING
            self.ringing_at = time.time()
            self._tell()

    def _talking(self) -> None:
        if self.state in (CallState.TRYING, CallState.RINGING):
            self.state = CallState.TALKING
            self.answered_at = time.time()
            self._start_audio()
            self._tell()

    def _over(self, end: CallEnd) -> None:
        if self.state is not CallState.ENDED:
            self.state = CallState.ENDED
            self.end = end
            self.ended_at = time.time()
            self.rtp.send_to("", 0)
            self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _press_media(self, direction: str) -> None:
        self._press(
            self,
            "X-MEDIA",
            f"X-Target: {self.target}\r\nX-RTP-Port: {self.rtp.port}\r\nX-Direction: {direction}\r\n",
        )

    async def _settle(self, after: float) -> None:
        if self._will_ring:
            await self.until_ringing()
        await asyncio.sleep(after)

    async def _press_until(
        self, reached: Callable[..., Awaitable[None]], within: float, button: str, headers: str = ""
    ) -> None:
        """Press a button, again while it shows no effect: SIPp ignores one that meets it in mid-step."""
        deadline = time.monotonic() + within
        while True:
            before = self.sent
            self._press(self, button, headers)
            left = deadline - time.monotonic()
            try:
                return await reached(within=min(left, PRESS_AGAIN_SECONDS))
            except PhoneTimeout:
                if self.state is CallState.ENDED:
                    raise
                if self.sent != before or left <= PRESS_AGAIN_SECONDS:
                    return await reached(within=max(0.0, deadline - time.monotonic()))

    async def _until(self, reached: Callable[[], bool], within: float, what: str) -> None:
        deadline = time.monotonic() + within
        while not reached():
            if self.state is CallState.ENDED:
                end = self.end.value if self.end is not None else "over"
                raise PhoneTimeout(f"the call did not {what}: {end} (status {self.status})")
            try:
                await asyncio.wait_for(self._changed.wait(), max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                raise PhoneTimeout(
                    f"the call did not {what} within {within} s; it is {self.state.value}"
                ) from None
