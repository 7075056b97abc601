"""A phone of one UDP socket: just enough of RFC 3261 and RFC 2617 to register and to say OPTIONS."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import socket
from types import TracebackType
from typing import Any

ANSWER_SECONDS = 5.0
RESEND_SECONDS = 0.5


class SipPhone:
    """Sends requests from an address of its own and returns the final answers."""

    def __init__(self, server_port: int, *, address: str = "127.0.0.1") -> None:
        self._server = ("127.0.0.1", server_port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((address, 0))
        self.address, self.port = self._socket.getsockname()
        self._call_id = secrets.token_hex(8)
        self._sequence = 0

    def __enter__(self) -> SipPhone:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    async def register(
        self, number: str, secret: str, *, user: str | None = None, realm: str | None = None
    ) -> int:
        """Register as ``number``, answering one challenge with ``user`` (the same) and ``secret``.

        Returns the last status code.
        """
        status, text = await self._exchange(number, "")
        if status != 401:
            return status
        challenge = re.search(r"^WWW-Authenticate: Digest (.*)$", text, re.MULTILINE | re.IGNORECASE)
        assert challenge is not None, text
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge[1]))
        self.realm = given["realm"]
        status, _ = await self._exchange(
            number, self._authorization(user or number, secret, given["nonce"], realm or self.realm)
        )
        return status

    async def options(self, number: str) -> int:
        """Ask whether a call to ``number`` would be taken; returns the status code."""
        host, port = self._server
        self._sequence += 1
        request = (
            f"OPTIONS sip:{number}@{host}:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.address}:{self.port};rport;branch=z9hG4bK{secrets.token_hex(6)}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:02100000@{self.address}>;tag={secrets.token_hex(4)}\r\n"
            f"To: <sip:{number}@{host}>\r\nCall-ID: {secrets.token_hex(8)}\r\n"
            f"CSeq: {self._sequence} OPTIONS\r\nContact: <sip:x@{self.address}:{self.port}>\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        return (await self._send(request, "OPTIONS"))[0]

    async def challenge_registration(self) -> tuple[str, str]:
        """Be a carrier: refuse the first REGISTER with a challenge, and return it and the second one."""
        async with asyncio.timeout(ANSWER_SECONDS):
            first, source = await self._request("REGISTER")
            headers = re.findall(
                r"^(?:Via|From|To|Call-ID|CSeq):.*$", first.decode(), re.MULTILINE | re.IGNORECASE
            )
            answer = "\r\n".join(
                (
                    "SIP/2.0 401 Unauthorized",
                    *(line.strip() for line in headers),
                    'WWW-Authenticate: Digest realm="carrier.example", nonce="abc", qop="auth"',
                    "Content-Length: 0\r\n\r\n",
                )
            )
            self._socket.sendto(answer.encode(), source)
            second = first
            while second == first:
                second, _ = await self._request("REGISTER")
        return first.decode(), second.decode()

    async def _request(self, method: str) -> tuple[bytes, Any]:
        """Wait for a request of one kind; others (a qualifying OPTIONS) are not answered."""
        while True:
            text, source = await asyncio.get_running_loop().sock_recvfrom(self._socket, 65536)
            if text.startswith(method.encode()):
                return text, source

    def _authorization(self, user: str, secret: str, nonce: str, realm: str) -> str:
        uri = f"sip:{self._server[0]}:{self._server[1]}"
        response = digest_response(
            user=user,
            realm=realm,
            secret=secret,
            nonce=nonce,
            method="REGISTER",
            uri=uri,
            count="00000001",
            client_nonce="abcd",
        )
        return (
            f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="abcd"\r\n'
        )

    async def _exchange(self, number: str, authorization: str) -> tuple[int, str]:
        self._sequence += 1
        host, port = self._server
        request = (
            f"REGISTER sip:{host}:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.address}:{self.port};rport;branch=z9hG4bK{secrets.token_hex(6)}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{number}@{host}>;tag={secrets.token_hex(4)}\r\n"
            f"To: <sip:{number}@{host}>\r\nCall-ID: {self._call_id}\r\nCSeq: {self._sequence} REGISTER\r\n"
            f"Contact: <sip:{number}@{self.address}:{self.port}>\r\nExpires: 120\r\n"
            f"{authorization}Content-Length: 0\r\n\r\n"
        )
        return await self._send(request, "REGISTER")

    async def _send(self, request: str, method: str) -> tuple[int, str]:
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                self._socket.sendto(request.encode(), self._server)
                try:
                    async with asyncio.timeout(RESEND_SECONDS):
                        return await self._final_answer(method)
                except TimeoutError:
                    continue

    async def _final_answer(self, method: str) -> tuple[int, str]:
        loop = asyncio.get_running_loop()
        while True:
            text = (await loop.sock_recv(self._socket, 65536)).decode()
            head = re.match(r"SIP/2\.0 (\d{3})", text)
            if head and int(head[1]) >= 200 and f"CSeq: {self._sequence} {method}" in text:
                return int(head[1]), text


def digest_response(
    *,
    user: str,
    realm: str,
    secret: str,
    nonce: str,
    method: str,
    uri: str,
    count: str,
    client_nonce: str,
) -> str:
    """The ``response`` of RFC 2617, section 3.2.2.1, with ``qop=auth``."""
    request = _md5(f"{method}:{uri}")
    return _md5(f"{_md5(f'{user}:{realm}:{secret}')}:{nonce}:{count}:{client_nonce}:auth:{request}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
