"""A phone of one UDP socket: just enough of RFC 3261 and RFC 2617 to register and to say OPTIONS."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import socket
from types import TracebackType

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

    def _authorization(self, user: str, secret: str, nonce: str, realm: str) -> str:
        uri = f"sip:{self._server[0]}:{self._server[1]}"
        first = _md5(f"{user}:{realm}:{secret}")
        response = _md5(f"{first}:{nonce}:00000001:abcd:auth:{_md5(f'REGISTER:{uri}')}")
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
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                self._socket.sendto(request.encode(), self._server)
                try:
                    async with asyncio.timeout(RESEND_SECONDS):
                        return await self._final_answer()
                except TimeoutError:
                    continue

    async def _final_answer(self) -> tuple[int, str]:
        loop = asyncio.get_running_loop()
        while True:
            text = (await loop.sock_recv(self._socket, 65536)).decode()
            head = re.match(r"SIP/2\.0 (\d{3})", text)
            if head and int(head[1]) >= 200 and f"CSeq: {self._sequence} REGISTER" in text:
                return int(head[1]), text


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
