"""Signing in and out: credentials, slow-down, second step, sessions that go where they should not."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pyotp
import pytest
from argon2 import extract_parameters
from sqlalchemy import select, update

from console._console import RunningConsole, running_console
from support.console import PASSWORD, PREFIX, Browser
from tamas.console.accounts import first_password_file, reset_password
from tamas.console.authentication import FREE_FAILURES, MAX_WAIT
from tamas.console.passwords import Passwords
from tamas.console.second_step import STEP_SECONDS
from tamas.console.sessions import IDLE, LIFETIME
from tamas.store.clock import MICROSECONDS, now
from tamas.store.schema import console_accounts, console_sessions

BEHIND_PROXY = {"TAMAS_TRUSTED_PROXIES": "127.0.0.1"}
HOUR = 3600 * MICROSECONDS


@pytest.fixture
def long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is slowed down has to wait for longer than this machine may take for a test."""
    monkeypatch.setattr("tamas.console.authentication.FIRST_WAIT", 50.0)


def stored_bytes(path: Path) -> bytes:
    """Everything that a SQLite store has written."""
    return path.read_bytes() + path.with_name(path.name + "-wal").read_bytes()


async def failures_age(console: RunningConsole, seconds: float) -> None:
    """Let failures of every account lie back in time, in place of waiting."""
    async with console.database.write() as tx:
        await tx.execute(
            update(console_accounts).values(
                failed_at=console_accounts.c.failed_at - int(seconds * MICROSECONDS)
            )
        )


async def codes_age(console: RunningConsole) -> None:
    """Let the last accepted code lie back in time, in place of waiting for the next."""
    async with console.database.write() as tx:
        await tx.execute(update(console_accounts).values(totp_step=console_accounts.c.totp_step - 10))


async def test_somebody_signs_in_and_out(console_both: RunningConsole) -> None:
    """The answer tells who is signed in; after signing out the same cookie is worth nothing."""
    console = console_both
    current = await console.get("session/current")
    assert current["signed_in"] is True
    assert current["session"]["username"] == "admin"
    assert current["session"]["rights"]["pbx.users"] == ["read", "update"]
    cookie = console.cookie
    await console.post("session/sign_out")
    assert not console.http.cookies
    thief = await console.visitor(Cookie=cookie)
    assert (await thief.get("session/current"))["signed_in"] is False
    assert (await thief.refused("openapi.json", "GET"))["code"] == "signed_out"


async def test_wrong_credentials_tell_nothing(console: RunningConsole) -> None:
    """A wrong password, an unknown name, a disabled and an expired account are all answered alike."""
    await console.account("expired", expires_at=now() - HOUR)
    disabled = await console.account("disabled")
    await console.post("accounts/update", id=disabled, enabled=False)
    visitor = await console.visitor()
    wrong = [
        await visitor.refused("session/sign_in", username=username, password=password)
        for username, password in (
            ("admin", "not it at all"),
            ("nobody", PASSWORD),
            ("disabled", PASSWORD),
            ("expired", PASSWORD),
        )
    ]
    assert wrong[0]["status"] == 401
    assert wrong[0]["code"] == "wrong_credentials"
    assert all(answer == wrong[0] for answer in wrong)


async def test_an_unknown_name_takes_as_long(
    console: RunningConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known, unknown or disabled: for each name one hash is computed, as costly as for the others."""
    computed = []
    check = Passwords._check

    def noted(self: Passwords, stored: str, password: str) -> bool:
        computed.append(extract_parameters(stored))
        return check(self, stored, password)

    monkeypatch.setattr(Passwords, "_check", noted)
    disabled = await console.account("disabled")
    await console.post("accounts/update", id=disabled, enabled=False)
    visitor = await console.visitor()
    for username in ("admin", "stranger", "disabled"):
        await visitor.refused("session/sign_in", username=username, password="wrong wrong")
    assert len(computed) == 3
    assert computed == computed[:1] * 3


async def test_malformed_bodies_are_refused(console: RunningConsole) -> None:
    """Whatever is sent in place of credentials is answered in the shape of every failure."""
    for body in (
        b"{",
        b"[1]",
        b'"text"',
        b'{"username": "a", "username": "b"}',
        b"\xff\xfe",
        b'{"username": {}}',
        b"{}",
        b'{"username": "admin", "password": ["a"]}',
        b'{"username": "admin", "password": "\\ud800"}',
        b"[" * 100_000,
    ):
        answer = await console.http.post(
            PREFIX + "session/sign_in", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (400, 422), body[:40]
        assert set(answer.json()["error"]) == {"code", "field", "message", "params"}
        assert answer.headers["cache-control"] == "no-store"


async def test_guesses_at_an_account_are_slowed_down_also_after_a_restart(
    database_url: str, tmp_path: Path
) -> None:
    """After some failures a further try has to wait, whoever makes it; a restart forgives nothing; the right
    password works again after the wait, and tells how many failed meanwhile."""
    async with running_console(database_url, tmp_path, environment=BEHIND_PROXY) as console:
        await console.account("target")
        for number in range(FREE_FAILURES):
            guesser = await console.visitor(**{"X-Forwarded-For": f"203.0.113.{number + 1}"})
            refused = await guesser.refused("session/sign_in", username="target", password="guess guess")
            assert refused["code"] == "wrong_credentials"
        await failures_age(console, -60)  # the wait is not over meanwhile, however slow this machine is
    async with running_console(
        database_url, tmp_path, administrator=False, environment=BEHIND_PROXY
    ) as console:
        visitor = await console.visitor(**{"X-Forwarded-For": "203.0.113.99"})
        answer = await visitor.send("POST", "session/sign_in", {"username": "target", "password": PASSWORD})
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "slow_down"
        wait = int(answer.headers["retry-after"])
        assert answer.json()["error"]["params"] == {"retry_after": wait}
        assert 1 <= wait <= 61
        await failures_age(console, wait)
        signed_in = await visitor.sign_in("target")
        assert signed_in["session"]["failed_since_last"] == FREE_FAILURES
        again = await visitor.get("session/current")
        assert again["session"]["failed_since_last"] == FREE_FAILURES


@pytest.mark.usefixtures("long_wait")
async def test_many_guesses_at_once_gain_nothing(console_both: RunningConsole) -> None:
    """Guesses that are made at the same moment, from many addresses, count one by one."""
    console = console_both
    await console.account("target")
    browsers = [await console.visitor() for _ in range(3 * FREE_FAILURES)]
    refused = await asyncio.gather(
        *(
            one.refused("session/sign_in", username="target", password=f"guess number {number}")
            for number, one in enumerate(browsers)
        )
    )
    codes = [one["code"] for one in refused]
    assert codes.count("wrong_credentials") <= FREE_FAILURES
    assert codes.count("slow_down") == len(codes) - codes.count("wrong_credentials")


@pytest.mark.usefixtures("long_wait")
async def test_a_name_without_account_is_slowed_down_too(console: RunningConsole) -> None:
    """Being slowed down does not tell which names exist."""
    visitor = await console.visitor()
    codes = [
        (await visitor.refused("session/sign_in", username="nobody", password="guess guess"))["code"]
        for _ in range(FREE_FAILURES + 1)
    ]
    assert codes == ["wrong_credentials"] * FREE_FAILURES + ["slow_down"]


@pytest.mark.usefixtures("long_wait")
async def test_strangers_cannot_keep_the_owner_out(sqlite_url: str, tmp_path: Path) -> None:
    """While an account is guessed at from elsewhere, its owner signs in from where they did before."""
    async with running_console(sqlite_url, tmp_path, environment=BEHIND_PROXY) as console:
        await console.account("owner")
        home = await console.visitor(**{"X-Forwarded-For": "198.51.100.7"})
        await home.sign_in("owner")
        await home.post("session/sign_out")
        async with console.database.write() as tx:
            await tx.execute(
                update(console_accounts)
                .where(console_accounts.c.username == "owner")
                .values(failures=1000, failed_at=now())
            )
        stranger = await console.visitor(**{"X-Forwarded-For": "203.0.113.1"})
        refused = await stranger.refused("session/sign_in", username="owner", password=PASSWORD)
        assert refused["code"] == "slow_down"
        assert refused["params"]["retry_after"] <= MAX_WAIT
        await home.sign_in("owner")
        for _ in range(FREE_FAILURES):
            await home.refused("session/sign_in", username="owner", password="guess guess")
        assert (await home.refused("session/sign_in", username="owner", password="x"))["code"] == "slow_down"


async def test_a_second_step(console_both: RunningConsole) -> None:
    """It is in force once a code was seen; a code works once; without it nobody gets in."""
    console = console_both
    assert (await console.refused("session/totp_begin", password="wrong"))["code"] == "wrong_password"
    begun = await console.post("session/totp_begin", password=PASSWORD)
    totp = pyotp.TOTP(begun["secret"])
    assert pyotp.parse_uri(begun["uri"]).secret == begun["secret"]
    assert (await console.refused("session/totp_confirm", code="000000"))["code"] == "wrong_code"
    assert (await console.get("session/current"))["session"]["totp"] is False
    code = totp.now()
    assert (await console.post("session/totp_confirm", code=code))["session"]["totp"] is True

    visitor = await console.visitor()
    credentials = {"username": "admin", "password": PASSWORD}
    assert (await visitor.refused("session/sign_in", **credentials))["code"] == "code_required"
    replayed = await visitor.refused("session/sign_in", **credentials, code=code)
    assert replayed["code"] == "wrong_code"
    late = totp.at(time.time() - 10 * STEP_SECONDS)
    assert (await visitor.refused("session/sign_in", **credentials, code=late))["code"] == "wrong_code"
    await codes_age(console)
    # As somebody types it who reads Persian digits, with a blank in the middle.
    used = totp.now()
    persian = used.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    signed_in = await visitor.sign_in("admin", code=f"{persian[:3]} {persian[3:]}")
    assert signed_in["session"]["failed_since_last"] == 2  # leaving the code out is no failure
    assert (await console.refused("session/sign_in", **credentials, code=used))["code"] == "wrong_code"

    assert (await visitor.post("session/totp_end", password=PASSWORD))["session"]["totp"] is False
    await (await console.visitor()).sign_in("admin")


async def test_the_key_of_a_second_step_is_nowhere_readable(console: RunningConsole) -> None:
    """Neither the store nor the activity log shows it."""
    begun = await console.post("session/totp_begin", password=PASSWORD)
    await console.post("session/totp_confirm", code=pyotp.TOTP(begun["secret"]).now())
    assert begun["secret"].encode() not in stored_bytes(Path(console.database.url.database or ""))
    rows = (await console.get("activity/list"))["rows"]
    assert rows[0]["action"] == "totp_on"
    assert begun["secret"] not in str(rows)


async def test_the_first_password_must_be_changed(console: RunningConsole) -> None:
    """Until then nothing else works; afterwards its file is gone and the session has a new cookie."""
    settings = console.settings
    password = await reset_password(console.database, console.changes, settings.state_dir, "admin")
    file = first_password_file(settings.state_dir)
    file.write_text(password)
    visitor = await console.visitor()
    assert (await visitor.sign_in("admin", password))["session"]["must_change_password"] is True
    for method, path in (("GET", "accounts/list"), ("POST", "accounts/add"), ("GET", "openapi.json")):
        refused = await visitor.refused(path, method)
        assert (refused["status"], refused["code"]) == (403, "password_change_required")
    weak = [
        await visitor.refused("session/change_password", current=password, new=new)
        for new in ("short", "ADMIN", password)
    ]
    assert [(one["code"], one["field"]) for one in weak] == [("weak_password", "new")] * 3
    assert weak[0]["params"]["minimum"] == 10
    wrong = await visitor.refused("session/change_password", current="wrong wrong", new="another password")
    assert (wrong["code"], wrong["field"]) == ("wrong_password", "current")
    assert file.exists()
    before = visitor.cookie
    current = await visitor.post("session/change_password", current=password, new="another password")
    visitor.csrf = current["session"]["csrf"]
    assert current["session"]["must_change_password"] is False
    assert not file.exists()
    assert visitor.cookie != before
    await visitor.get("accounts/list")
    old = await console.visitor(Cookie=before)
    assert (await old.refused("accounts/list", "GET"))["code"] == "signed_out"


async def test_a_changed_password_ends_the_other_sessions(console_both: RunningConsole) -> None:
    """Somebody else's browser with the same account is out; so are streams that ask."""
    console = console_both
    other = await console.visitor()
    await other.sign_in("admin")
    await console.post("session/change_password", current=PASSWORD, new="another password")
    assert (await other.refused("accounts/list", "GET"))["code"] == "signed_out"
    assert (await console.get("session/current"))["signed_in"] is True


async def test_a_cookie_brought_along_is_never_adopted(console: RunningConsole) -> None:
    """Fixation: whatever cookie a browser had, signing in gives it another, and the former session ends."""
    planted = "planted-by-somebody-else-0123456789"
    victim = await console.visitor(Cookie=f"tamas_session={planted}")
    answer = await victim.send("POST", "session/sign_in", {"username": "admin", "password": PASSWORD})
    assert planted not in answer.headers["set-cookie"]
    attacker = await console.visitor(Cookie=f"tamas_session={planted}")
    assert (await attacker.get("session/current"))["signed_in"] is False

    browser = await console.browser("auditor")
    auditors = browser.cookie
    await browser.sign_in("admin")
    assert browser.cookie != auditors
    former = await console.visitor(Cookie=auditors)
    assert (await former.get("session/current"))["signed_in"] is False


async def test_a_cookie_from_another_address_ends_the_session(sqlite_url: str, tmp_path: Path) -> None:
    """Whoever took a cookie gets nothing for it, and the one it was taken from has to sign in again."""
    async with running_console(sqlite_url, tmp_path, environment=BEHIND_PROXY) as console:
        victim = await console.visitor(**{"X-Forwarded-For": "198.51.100.7"})
        await victim.sign_in("admin")
        thief = await console.visitor(**{"X-Forwarded-For": "203.0.113.1", "Cookie": victim.cookie})
        assert (await thief.refused("accounts/list", "GET"))["code"] == "signed_out"
        assert (await victim.refused("accounts/list", "GET"))["code"] == "signed_out"
        # A browser that changes its address within its own IPv6 network, as privacy extensions do, stays in.
        at_home = await console.visitor(**{"X-Forwarded-For": "2001:db8:1:2::a"})
        await at_home.sign_in("admin")
        later = await console.visitor(**{"X-Forwarded-For": "2001:db8:1:2:ffff::b", "Cookie": at_home.cookie})
        assert (await later.get("session/current"))["signed_in"] is True


async def test_a_cookie_from_another_loopback_address(console: RunningConsole) -> None:
    """The same without a proxy: 127.0.0.2 is not 127.0.0.1."""
    transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with httpx.AsyncClient(
        base_url=console.url, transport=transport, headers={"Cookie": console.cookie}
    ) as client:
        refused = await Browser(http=client).refused("accounts/list", "GET")
    assert refused["code"] == "signed_out"


async def test_sessions_end_by_themselves(console_both: RunningConsole) -> None:
    """After 12 hours without a request, and 30 days after the sign-in in any case; use puts the first off."""
    console = console_both

    async def stored() -> tuple[int, int]:
        async with console.database.read() as connection:
            row = await connection.row(select(console_sessions))
        assert row is not None
        return row["created_at"], row["expires_at"]

    async def shift(**columns: int) -> None:
        async with console.database.write() as tx:
            await tx.execute(update(console_sessions).values(**columns))

    created, expires = await stored()
    assert expires == created + IDLE
    await shift(seen_at=created - HOUR, expires_at=created + HOUR)
    await console.get("session/current")
    assert (await stored())[1] > created + IDLE - HOUR
    await shift(created_at=now() - LIFETIME + HOUR, seen_at=created - HOUR)
    await console.get("session/current")
    assert (await stored())[1] <= now() + HOUR
    await shift(expires_at=now() - 1)
    refused = await console.send("GET", "accounts/list", {})
    assert refused.json()["error"]["code"] == "signed_out"
    assert "Max-Age=0" in refused.headers["set-cookie"]
    async with console.database.read() as connection:
        assert await connection.row(select(console_sessions)) is None


async def test_the_cookie_is_for_this_host_only(sqlite_url: str, tmp_path: Path) -> None:
    """No script reads it, no other site sends it; over HTTPS, also behind a trusted proxy, it is bound to the
    host and the one of plain HTTP is not looked at."""
    async with running_console(sqlite_url, tmp_path, environment=BEHIND_PROXY) as console:
        credentials = {"username": "admin", "password": PASSWORD}
        plain = await (await console.visitor()).send("POST", "session/sign_in", credentials)
        name, *attributes = plain.headers["set-cookie"].split("; ")
        assert name.startswith("tamas_session=")
        assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Strict"}
        proxied = {
            "X-Forwarded-For": "198.51.100.7",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "tamas.example",
            "Origin": "https://tamas.example",
        }
        behind = await console.visitor(**proxied)
        secure = await behind.send("POST", "session/sign_in", credentials)
        name, *attributes = secure.headers["set-cookie"].split("; ")
        assert name.startswith("__Host-tamas_session=")
        assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Strict", "Secure"}
        token = name.partition("=")[2]
        again = await console.visitor(**proxied, Cookie=f"__Host-tamas_session={token}")
        assert (await again.get("session/current"))["signed_in"] is True
        downgraded = await console.visitor(**proxied, Cookie=f"tamas_session={token}")
        assert (await downgraded.get("session/current"))["signed_in"] is False


async def test_sign_ins_are_in_the_activity_log(console: RunningConsole) -> None:
    """Who came, who left, who failed, from where; a name that no account has is not repeated."""
    visitor = await console.visitor()
    await visitor.refused("session/sign_in", username="admin", password="wrong wrong")
    await visitor.refused("session/sign_in", username="my-password-typed-here", password="x")
    await visitor.sign_in("admin")
    await visitor.post("session/sign_out")
    rows = (await console.get("activity/list", page="session"))["rows"]
    assert [(row["action"], row["account"]) for row in rows] == [
        ("sign_out", "admin"),
        ("sign_in", "admin"),
        ("sign_in_failed", ""),
        ("sign_in_failed", "admin"),
        ("sign_in", "admin"),
    ]
    assert {row["address"] for row in rows} == {"127.0.0.1"}
    assert "my-password-typed-here" not in str(rows)
