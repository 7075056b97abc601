"""A phone with a message light: it registers, subscribes to ``message-summary`` (RFC 3842), and shows."""

from __future__ import annotations

import asyncio
import re
import secrets
from types import TracebackType

from engine._sip import digest_response
from support.waiting import eventually

ANSWER_SECONDS = 5.0
RESEND_SECONDS = 0.5

_SUMMARY = re.compile(r"^Voice-Message: *(\d+)/(\d+)", re.MULTILINE | re.IGNORECASE)


class LampPhone(asyncio.DatagramProtocol):
    """One UDP socket that takes no calls. Use it as ``async with LampPhone(port, "201", secret) as lamp``."""

    def __init__(self, server_port: int, number: str, secret: str) -> None:
        self._server = ("127.0.0.1", server_port)
        self._number = number
        self._secret = secret
        self._transport: asyncio.DatagramTransport | None = None
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        self._call_ids = {"REGISTER": secrets_id(), "SUBSCRIBE": secrets_id()}
        self._sequence = 0
        self.told: list[tuple[str, int]] = []
        """Each time that it was told of messages: inside its subscription or not, and how many new ones."""

    async def __aenter__(self) -> LampPhone:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self._address = "{}:{}".format(*self._transport.get_extra_info("sockname"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._transport is not None
        self._transport.close()

    async def register(self) -> None:
        """Register, so that it may be told without asking."""
        assert await self._request("REGISTER", "Expires: 120\r\n") == 200

    async def subscribe(self) -> None:
        """Ask to be told of messages."""
        more = "Event: message-summary\r\nAccept: application/simple-message-summary\r\nExpires: 300\r\n"
        assert await self._request("SUBSCRIBE", more) in (200, 202)

    async def until_shown(self, new: int, *, how: str | None = None, within: float = 10) -> None:
        """Wait until the last thing it was told is this number of new messages.

        :param how: ``subscribed`` or ``unasked``; ``None``: either.
        """

        def shown() -> bool:
            told = [count for way, count in self.told if how in (None, way)]
            return bool(told) and told[-1] == new

        await eventually(
            shown, within=within, what=f"{new} new messages on the phone; it was told {self.told}"
        )

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode()
        if text.startswith("SIP/2.0"):
            self._answers.put_nowait(text)
            return
        if text.startswith("ACK"):
            return
        headers = re.findall(r"^(?:Via|From|To|Call-ID|CSeq):.*$", text, re.MULTILINE | re.IGNORECASE)
        answer = "\r\n".join(
            (
                "SIP/2.0 486 Busy Here" if text.startswith("INVITE") else "SIP/2.0 200 OK",
                *(line.strip() for line in headers),
                "Content-Length: 0\r\n\r\n",
            )
        )
        assert self._transport is not None
        self._transport.sendto(answer.encode(), addr)
        summary = _SUMMARY.search(text)
        if text.startswith("NOTIFY") and summary is not None:
            way = "subscribed" if self._call_ids["SUBSCRIBE"] in text else "unasked"
            self.told.append((way, int(summary[1])))

    async def _request(self, method: str, more: str) -> int:
        status, text = await self._exchange(method, more)
        if status != 401:
            return status
        challenge = re.search(r"^WWW-Authenticate: Digest (.*)$", text, re.MULTILINE | re.IGNORECASE)
        assert challenge is not None, text
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge[1]))
        response = digest_response(
            user=self._number,
            realm=given["realm"],
            secret=self._secret,
            nonce=given["nonce"],
            method=method,
            uri=self._uri(method),
            count="00000001",
            client_nonce="abcd",
        )
        authorization = (
            f'Authorization: Digest username="{self._number}", realm="{given["realm"]}", '
            f'nonce="{given["nonce"]}", uri="{self._uri(method)}", response="{response}", algorithm=MD5, '
            'qop=auth, nc=00000001, cnonce="abcd"\r\n'
        )
        return (await self._exchange(method, more + authorization))[0]

    def _uri(self, method: str) -> str:
        user = f"{self._number}@" if method == "SUBSCRIBE" else ""
        return "sip:{}{}:{}".format(user, *self._server)

    async def _exchange(self, method: str, more: str) -> tuple[int, str]:
        self._sequence += 1
        host = self._server[0]
        request = (
            f"{method} {self._uri(method)} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self._address};rport;branch=z9hG4bK{secrets.token_hex(6)}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{self._number}@{host}>;tag={self._call_ids[method][:8]}\r\n"
            f"To: <sip:{self._number}@{host}>\r\nCall-ID: {self._call_ids[method]}\r\n"
            f"CSeq: {self._sequence} {method}\r\nContact: <sip:{self._number}@{self._address}>\r\n"
            f"{more}Content-Length: 0\r\n\r\n"
        )
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                assert self._transport is not None
                self._transport.sendto(request.encode(), self._server)
                try:
                    async with asyncio.timeout(RESEND_SECONDS):
                        while True:
                            text = await self._answers.get()
                            head = re.match(r"SIP/2\.0 (\d{3})", text)
                            if head and int(head[1]) >= 200 and f"CSeq: {self._sequence} {method}" in text:
                                return int(head[1]), text
                except TimeoutError:
                    continue


def secrets_id() -> str:
    """A Call-ID."""
    return secrets.token_hex(8)
