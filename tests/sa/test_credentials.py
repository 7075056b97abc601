"""Authentication: every case of the SA catalogue in the three modes, remembered and forgotten rightly."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Literal

import httpx
import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from hypothesis import given
from hypothesis import strategies as st

from sa._server import RunningSa
from support.waiting import eventually
from tamas.sa.accounts import CreatedAccount
from tamas.sa.addresses import AllowedAddresses
from tamas.sa.credentials import REMEMBER_SECONDS, Authenticator, parse_basic
from tamas.sa.permissions import Permissions
from tamas.sa.snapshot import KnownAccount, Snapshot
from tamas.sa.throttle import ABREAST, FREE_FAILURES, MAX_WAITING, Throttle

PING = "/api/v4/setting/ping/act"
MISSING = "BasicAuth or ApiKey is missing"
INVALID = "BasicAuth or ApiKey is invalid"


def basic(username: str, password: str, *, padded: bool = True) -> str:
    """An Authorization value."""
    text = base64.b64encode(f"{username}:{password}".encode()).decode()
    return "Basic " + (text if padded else text.rstrip("="))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def modes(sa: RunningSa) -> AsyncIterator[dict[str, CreatedAccount]]:
    """One account per mode, and one with an empty password."""
    yield {
        "basic": await sa.account("m-basic", password="right"),
        "token": await sa.account("m-token", auth="token"),
        "both": await sa.account("m-both", auth="both", password="right"),
        "empty": await sa.account("m-empty", password=""),
    }


async def says(sa: RunningSa, authorization: str | None = None, token: str | None = None) -> str | None:
    """The refusal that these headers get, ``None`` when they are let in."""
    headers = {}
    if authorization is not None:
        headers["Authorization"] = authorization
    if token is not None:
        headers["X-APIKEY"] = token
    answer = await sa.http.post(PING, headers=headers)
    assert answer.status_code in (200, 401)
    return None if answer.status_code == 200 else str(answer.json()["message"])


async def test_nothing_usable_is_missing(sa: RunningSa) -> None:
    """No header at all, or blank ones."""
    assert await says(sa) == MISSING
    assert await says(sa, "", "") == MISSING


async def test_mode_basic(sa: RunningSa, modes: dict[str, CreatedAccount]) -> None:
    """User and password; an unrelated token does not disturb."""
    assert await says(sa, basic("m-basic", "right")) is None
    assert await says(sa, basic("m-basic", "right"), "unrelated") is None
    assert await says(sa, basic("m-basic", "wrong")) == INVALID
    assert await says(sa, basic("m-basic", "")) == INVALID
    assert await says(sa, basic("nobody", "right")) == INVALID
    assert await says(sa, basic("M-BASIC", "right")) == INVALID


async def test_mode_token(sa: RunningSa, modes: dict[str, CreatedAccount]) -> None:
    """The token alone; whatever stands in Authorization does not disturb. Tokens are compared exactly."""
    token = modes["token"].token
    assert token is not None
    assert await says(sa, None, token) is None
    for unrelated in ("Bearer x", "nonsense", basic("m-basic", "wrong"), basic("nobody", "x")):
        assert await says(sa, unrelated, token) is None
    assert await says(sa, None, token.swapcase()) == INVALID
    assert await says(sa, None, token[:-1]) == INVALID
    assert await says(sa, basic("m-token", "")) == INVALID
    assert await says(sa, basic("m-token", token)) == INVALID


async def test_mode_both(sa: RunningSa, modes: dict[str, CreatedAccount]) -> None:
    """Only both together; one of the two, or another account's, is invalid."""
    token = modes["both"].token
    assert await says(sa, basic("m-both", "right"), token) is None
    assert await says(sa, basic("m-both", "right")) == INVALID
    assert await says(sa, None, token) == INVALID
    assert await says(sa, basic("m-both", "wrong"), token) == INVALID
    assert await says(sa, basic("m-both", "right"), "wrong") == INVALID
    assert await says(sa, basic("m-both", "right"), modes["token"].token) is None  # mode token needs no more
    assert await says(sa, basic("m-basic", "right"), token) is None  # mode basic, unrelated token


async def test_forms_of_basic(sa: RunningSa, modes: dict[str, CreatedAccount]) -> None:
    """Base64 without padding, an empty password, any case of scheme and header, credentials in the URL."""
    assert await says(sa, basic("m-basic", "right", padded=False)) is None
    assert await says(sa, basic("m-empty", "")) is None
    assert await says(sa, basic("m-basic", "right").replace("Basic", "bAsIc  ")) is None
    answer = await sa.http.post(PING, headers={"aUTHORIZATION": basic("m-basic", "right")})
    assert answer.status_code == 200
    url = f"http://m-basic:right@127.0.0.1:{sa.port}{PING}"
    assert (await sa.http.post(url)).status_code == 200


async def test_malformed_authorization_is_invalid(sa: RunningSa) -> None:
    """An Authorization value that says nothing is invalid, not missing."""
    for value in ("Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer abc", "x", "Basic /w=="):
        assert await says(sa, value) == INVALID


async def test_doubled_headers_are_invalid(sa: RunningSa, modes: dict[str, CreatedAccount]) -> None:
    """Two Authorization headers: nobody can say which one counts."""
    twice = [("Authorization", basic("m-basic", "right")), ("Authorization", basic("m-basic", "right"))]
    assert (await sa.http.post(PING, headers=twice)).status_code == 401


@given(st.text(min_size=1).filter(lambda text: ":" not in text), st.text())
def test_basic_round_trip(username: str, password: str) -> None:
    """What a client encodes by RFC 7617 is what we read, padded or not."""
    for padded in (True, False):
        assert parse_basic(basic(username, password, padded=padded).encode()) == (username, password)


@given(st.binary())
def test_any_basic_header_is_read_or_refused(header: bytes) -> None:
    """No value raises."""
    for value in (header, b"Basic " + header, b"Basic " + base64.b64encode(header)):
        parsed = parse_basic(value)
        assert parsed is None or parsed[0]


class CountingHasher(PasswordHasher):
    """A hasher that costs nothing and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.verified = 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        return f"hash of {password!r}"

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.verified += 1
        if hash != f"hash of {password!r}":
            raise VerifyMismatchError
        return True


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def known(generation: int, *, enabled: bool = True) -> Snapshot:
    """A snapshot with one account ``u`` with password ``p``."""
    account = KnownAccount(
        id="1",
        username="u",
        auth="basic",
        enabled=enabled,
        password_hash="hash of 'p'",
        token_hash=None,
        permissions=Permissions(["*"]),
    )
    return Snapshot(
        generation=generation,
        by_username={"u": account},
        by_token={},
        runtime={},
        addresses=AllowedAddresses(everybody=True, networks=()),
        lenient=False,
        cors_origins=frozenset(),
        selected=frozenset(),
    )


@pytest.fixture
def hasher() -> CountingHasher:
    """See :class:`CountingHasher`."""
    return CountingHasher()


async def test_a_verified_header_costs_one_hash_a_minute(hasher: CountingHasher) -> None:
    """Remembered for sixty seconds, asked once by many at the same time, forgotten when accounts change."""
    clock = Clock()
    door = Authenticator(Throttle(), hasher=hasher, clock=clock)
    header = basic("u", "p").encode()
    try:
        found = await asyncio.gather(*(door.authenticate(known(1), "a", header, None) for _ in range(20)))
        assert all(isinstance(one, KnownAccount) for one in found)
        assert hasher.verified == 1
        clock.now += 59
        await door.authenticate(known(1), "a", header, None)
        assert hasher.verified == 1
        clock.now += 2
        await door.authenticate(known(1), "a", header, None)
        assert hasher.verified == 2
        await door.authenticate(known(2), "a", header, None)
        assert hasher.verified == 3
        assert await door.authenticate(known(3, enabled=False), "a", header, None) == "invalid"
        assert await door.authenticate(known(3, enabled=False), "a", header, None) == "invalid"
    finally:
        door.close()


async def test_unknown_users_cost_a_hash_as_well(hasher: CountingHasher) -> None:
    """So that time does not tell which users exist."""
    door = Authenticator(Throttle(), hasher=hasher)
    try:
        assert await door.authenticate(known(1), "a", basic("nobody", "p").encode(), None) == "invalid"
        assert hasher.verified == 1
        assert await door.authenticate(known(1), "a", basic("u", "x").encode(), None) == "invalid"
        assert hasher.verified == 2
    finally:
        door.close()


async def test_wrong_passwords_are_never_remembered(hasher: CountingHasher) -> None:
    """Each wrong attempt is checked anew, and a right one in between changes nothing for it."""
    door = Authenticator(Throttle(), hasher=hasher)
    wrong, right = basic("u", "x").encode(), basic("u", "p").encode()
    try:
        for header, result in ((wrong, "invalid"), (right, None), (wrong, "invalid"), (wrong, "invalid")):
            found = await door.authenticate(known(1), "a", header, None)
            assert (found if isinstance(found, str) else None) == result
        assert hasher.verified == 4
    finally:
        door.close()


async def test_a_burst_of_guesses_never_shuts_the_right_ones_out(hasher: CountingHasher) -> None:
    """Behind an address full of guesses, right credentials are answered; known ones even at once."""
    clock = Clock()
    go = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await go.wait()

    door = Authenticator(Throttle(clock=clock, sleep=sleep), hasher=hasher, clock=clock)
    right, other = basic("u", "p").encode(), basic("u", "p", padded=False).encode()
    try:
        assert isinstance(await door.authenticate(known(1), "a", right, None), KnownAccount)
        guesses = [basic("u", f"wrong {number}").encode() for number in range(60)]
        burst = [asyncio.create_task(door.authenticate(known(1), "a", one, None)) for one in guesses]
        await eventually(lambda: hasher.verified > FREE_FAILURES, within=5, what="the free guesses")
        clock.now += REMEMBER_SECONDS + 1  # what was remembered has expired
        async with asyncio.timeout(5):
            assert isinstance(await door.authenticate(known(1), "a", right, None), KnownAccount)
            assert isinstance(await door.authenticate(known(2), "a", right, None), KnownAccount)
        never_seen = asyncio.create_task(door.authenticate(known(1), "a", other, None))
        assert not any(one.done() for one in burst[40:])
        go.set()
        assert isinstance(await never_seen, KnownAccount)
        assert await asyncio.gather(*burst) == ["invalid"] * len(burst)
    finally:
        door.close()


async def test_a_password_that_was_right_waits_like_a_guess(hasher: CountingHasher) -> None:
    """Once it is right no more, a remembered header is no way around the waiting."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    throttle = Throttle(sleep=sleep)
    door = Authenticator(throttle, hasher=hasher)
    header = basic("u", "p").encode()
    try:
        assert isinstance(await door.authenticate(known(1), "a", header, None), KnownAccount)
        for _ in range(FREE_FAILURES + 5):
            throttle.failed("a")
        after = known(2)
        account = replace(after.by_username["u"], password_hash="other")
        after = replace(after, by_username={"u": account})
        assert await door.authenticate(after, "a", header, None) == "invalid"
        assert await door.authenticate(after, "a", header, None) == "invalid"
        assert len(slept) == 2
    finally:
        door.close()


async def test_a_full_line_is_asked_to_come_again(own_sa: RunningSa) -> None:
    """What cannot even wait is told so in words that clients try again on, never that it is wrong."""
    throttle = own_sa.api.gateway.throttle
    async with AsyncExitStack() as held:
        for _ in range(ABREAST):
            await held.enter_async_context(throttle.turn("127.0.0.1"))
        in_line = [asyncio.create_task(_one_turn(throttle)) for _ in range(MAX_WAITING)]
        await asyncio.sleep(0)
        answer = await own_sa.http.post(PING, auth=("caller", "secret-pass"))
    await asyncio.gather(*in_line)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json() == {"success": 0, "message": "Requested operation failed", "data": None}
    assert (await own_sa.http.post(PING, auth=("caller", "secret-pass"))).status_code == 200


async def _one_turn(throttle: Throttle) -> None:
    async with throttle.turn("127.0.0.1"):
        pass


async def test_guesses_slow_their_address_only(own_sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """After many failures the next unverified attempt waits; remembered credentials do not."""
    throttle = own_sa.api.gateway.throttle
    for _ in range(FREE_FAILURES + 5):
        throttle.failed("127.0.0.1")
    delay = throttle.delay("127.0.0.1")
    assert delay > 0.5
    assert throttle.delay("127.0.0.2") == 0
    for _ in range(100):
        throttle.failed("192.0.2.1")
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await says(own_sa, basic("caller", "wrong")) == INVALID
    assert loop.time() - began > delay * 0.9
    assert (await own_sa.http.post(PING, auth=caller)).status_code == 200
    began = loop.time()
    for _ in range(5):
        assert (await own_sa.http.post(PING, auth=caller)).status_code == 200
    assert loop.time() - began < delay
