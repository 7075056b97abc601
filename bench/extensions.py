"""Extensions made through the API, and a phone that only registers."""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
import time

from bench.figures import BenchBroken
from bench.product import Product

FIRST_NUMBER = 100_000
REGISTER_SECONDS = 5.0

_CHALLENGE = re.compile(r'(realm|nonce|opaque)="([^"]*)"')


def number_of(position: int) -> str:
    """Number of the extension that is added as the 1st, 2nd, ..."""
    return str(FIRST_NUMBER + position)


def secret_of(number: str) -> str:
    """Its SIP secret."""
    return f"Secret-{number}-of-the-bench"


def add_extension(product: Product, number: str, **fields: str) -> float:
    """Add one with every field that the API documents, some of them given; returns the seconds it took."""
    values = {
        "user_type": "SIP",
        "active": "yes",
        "name": f"Person {number}",
        "number": number,
        "cid_number": number,
        "secret": secret_of(number),
        "call_record": "no",
        "push_notification": "no",
        "deny": "0.0.0.0/0.0.0.0",
        "permit": "0.0.0.0/0.0.0.0",
        "dtmfmode": "rfc2833",
        "canreinvite": "no",
        "directmedia": "no",
        "context": "main_routing",
        "host": "dynamic",
        "type": "friend",
        "nat": "no",  # the contact is another socket than the one that registers
        "port": "5060",
        "qualify": "no",  # nobody answers at these contacts
        "callgroup": "1",
        "pickupgroup": "1",
        "callcounter": "yes",
        "faxdetect": "no",
        "call_limit": "",
        "trunk": "no",
        "transfer": "no",
        "email": "",
        "forward_policy": {"Busy": "", "No Answer": "", "UnAvailable": "", "All": ""},
        "more_options": "",
        "description": "",
        **fields,
    }
    started = time.perf_counter()
    product.ask("pbx/users/add", values)
    return time.perf_counter() - started


def register(product: Product, number: str, contact: tuple[str, int]) -> float:
    """Register a phone by SIP (RFC 3261, sections 10 and 22.4); returns the seconds it took.

    :raises BenchBroken: refused, or no answer within :data:`REGISTER_SECONDS`.
    """
    started = time.perf_counter()
    deadline = started + REGISTER_SECONDS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(0.5)  # RFC 3261 T1: then the request is sent again
        phone.connect(product.sip_address)
        call_id, authorization = secrets.token_hex(8), ""
        for sequence in (1, 2):
            request = _request(product, phone, number, contact, call_id, sequence, authorization)
            status, answer = _exchange(phone, request, deadline)
            if status == 200:
                return time.perf_counter() - started
            if status != 401:
                break
            authorization = _authorization(product, number, dict(_CHALLENGE.findall(answer)))
    raise BenchBroken(f"the registration of {number} was refused with {status}")


def _request(
    product: Product,
    phone: socket.socket,
    number: str,
    contact: tuple[str, int],
    call_id: str,
    sequence: int,
    authorization: str,
) -> bytes:
    server = f"127.0.0.1:{product.sip_port}"
    here = "{}:{}".format(*phone.getsockname())
    lines = [
        f"REGISTER sip:{server} SIP/2.0",
        f"Via: SIP/2.0/UDP {here};rport;branch=z9hG4bK{secrets.token_hex(8)}",
        "Max-Forwards: 70",
        f"From: <sip:{number}@{server}>;tag={call_id}",
        f"To: <sip:{number}@{server}>",
        f"Call-ID: {call_id}",
        f"CSeq: {sequence} REGISTER",
        f"Contact: <sip:{number}@{contact[0]}:{contact[1]}>",
        "Expires: 7200",
        *([authorization] if authorization else []),
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _exchange(phone: socket.socket, request: bytes, deadline: float) -> tuple[int, str]:
    """Send until a final answer comes; returns its status and text."""
    phone.send(request)
    while time.perf_counter() < deadline:
        try:
            answer = phone.recv(8192).decode("utf-8", "replace")
        except TimeoutError:
            phone.send(request)
            continue
        if answer.startswith("SIP/2.0 "):
            status = int(answer[8:11])
            if status >= 200:
                return status, answer
    raise BenchBroken(f"a registration was not answered within {REGISTER_SECONDS} s")


def _authorization(product: Product, number: str, challenge: dict[str, str]) -> str:
    uri = f"sip:127.0.0.1:{product.sip_port}"
    nonce, client_nonce = challenge["nonce"], secrets.token_hex(8)
    first = _md5(f"{number}:{challenge['realm']}:{secret_of(number)}")
    second = _md5(f"REGISTER:{uri}")
    response = _md5(f"{first}:{nonce}:00000001:{client_nonce}:auth:{second}")
    values = {"username": number, **challenge, "uri": uri, "response": response, "cnonce": client_nonce}
    quoted = ", ".join(f'{name}="{value}"' for name, value in values.items())
    return f"Authorization: Digest {quoted}, algorithm=MD5, qop=auth, nc=00000001"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
