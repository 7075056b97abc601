"""Web services of integrators: good ones, bad ones, dead ones. The server is real, only the calls are not."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Any

import pytest

from support.integrator import SILENCE, Answer, Integrator, Raw, page
from support.waiting import eventually
from tamas.dialplan.circuit_breaker import FAILURES, REST_SECONDS, CircuitBreaker
from tamas.dialplan.web_service import MAX_ANSWER_BYTES, WebServiceFailed, WebServices, answered_text
from tamas.engine.sip_secrets import SecretSeal
from tamas.outgoing.addresses import address_problem, may_connect
from tamas.store.runtime_settings import SETTINGS

SEAL = SecretSeal(b"k" * 32)
FIELDS = {"src": "09150000000", "dst": "31041000", "data": "", "unique_id": "1.2", "app_name": "منو & 'x'"}


def settings(**changed: Any) -> dict[str, Any]:
    """Runtime settings, with some of ``component_api.*`` changed."""
    return {key: spec.default for key, spec in SETTINGS.items()} | {
        f"component_api.{key}": value for key, value in changed.items()
    }


@pytest.fixture
async def integrator() -> AsyncIterator[Integrator]:
    """A web server."""
    async with Integrator() as running:
        yield running


@pytest.fixture
async def web() -> AsyncIterator[WebServices]:
    """What is tested."""
    services = WebServices(SEAL)
    yield services
    await services.close()


async def test_posted_as_json(web: WebServices, integrator: Integrator) -> None:
    """The fields arrive as a JSON object, whatever signs they hold; what the address says stays."""
    integrator.answers["/x"] = {"ok": "1", "extension": 120}
    answer = await web.ask(integrator.url("/x?key=a%20b#part"), FIELDS, settings())
    assert answered_text(answer, "extension") == "120"
    (asked,) = integrator.asked
    assert (asked.method, asked.query, asked.fields) == ("POST", {"key": "a b"}, FIELDS)
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["host"] == f"127.0.0.1:{integrator.port}"
    assert "authorization" not in asked.headers


async def test_asked_in_the_query(web: WebServices, integrator: Integrator) -> None:
    """With the method get the fields join those of the address, and there is no body."""
    integrator.answers["/x"] = {"ok": 1}
    await web.ask(integrator.url("/x?key=a"), FIELDS, settings(method="get"))
    (asked,) = integrator.asked
    assert (asked.method, asked.query, asked.body) == ("GET", {"key": "a"} | FIELDS, b"")


async def test_signed_in(web: WebServices, integrator: Integrator) -> None:
    """User and password of the settings, the latter sealed there, arrive as HTTP Basic."""
    integrator.answers["/"] = {"ok": True}
    sealed = SEAL.seal_text("päss:word")
    await web.ask(integrator.url(), FIELDS, settings(username="tamas", password=sealed))
    assert integrator.asked[0].headers["authorization"] == "Basic dGFtYXM6cMOkc3M6d29yZA=="


async def test_connections_are_used_again_without_cookies(web: WebServices, integrator: Integrator) -> None:
    """Calls share connections, but one call's session at the web service is not the next one's."""
    integrator.answers["/"] = page('{"ok":1}', "Set-Cookie: PHPSESSID=abc")
    for _ in range(3):
        await web.ask(integrator.url(), FIELDS, settings())
    assert integrator.connections == 1
    assert not any("cookie" in asked.headers for asked in integrator.asked)


@pytest.mark.parametrize("ok", ['"1"', "1", "true", "1.0"])
async def test_what_is_ok(web: WebServices, integrator: Integrator, ok: str) -> None:
    """Integrators say yes in several ways; some scripts put a byte order mark before it."""
    integrator.answers["/"] = page(b"\xef\xbb\xbf" + f' {{"ok": {ok}}}\n'.encode())
    assert await web.ask(integrator.url(), FIELDS, settings())


async def _drip(writer: asyncio.StreamWriter) -> None:
    """Sends one byte after the other, without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _flood(writer: asyncio.StreamWriter) -> None:
    """Sends much more than anybody wants to read."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    """Ends in the middle of the answer."""
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok"')
    await writer.drain()


BAD: dict[str, tuple[Answer, str]] = {
    "no-answer": (SILENCE, "no answer within"),
    "one byte after the other": (Raw(_drip), "no answer within"),
    "endless": (Raw(_flood), "more than"),
    "huge": (page(b'{"ok":1,"x":"' + b"x" * MAX_ANSWER_BYTES + b'"}'), "more than"),
    "cut off": (Raw(_hang_up), "no answer"),
    "not http": (b"SSH-2.0-OpenSSH\r\n\r\n", "no answer"),
    "html": (page("<html><body>It works!</body></html>"), "no JSON"),
    "empty": (page(""), "no JSON"),
    "list": (page('[{"ok":1}]'), "no JSON object"),
    "nested": (page("[" * 60_000), "no JSON"),
    "not utf-8": (page(b'{"ok":1,"case":"\xff"}'), "no JSON"),
    "packed": (page(gzip.compress(b'{"ok":1}' + b" " * 10_000_000), "Content-Encoding: gzip"), "packed"),
    "error": (page('{"ok":1}', status="500 Oops"), "status 500"),
    "not found": (page('{"ok":1}', status="404 Not Found"), "status 404"),
    "created": (page('{"ok":1}', status="201 Created"), "status 201"),
    "not ok": (page('{"ok":0}'), "not ok"),
    "not ok text": (page('{"ok":"0"}'), "not ok"),
    "false": (page('{"ok":false}'), "not ok"),
    "no ok": (page('{"case":"1"}'), "not ok"),
    "odd ok": (page('{"ok":[1]}'), "not ok"),
    "big number": (page('{"ok":' + "9" * 5_000 + "}"), "not ok|no JSON"),
}


@pytest.mark.parametrize("bad", BAD)
async def test_bad_web_services(web: WebServices, integrator: Integrator, bad: str) -> None:
    """Whatever a web service answers: in time, without reading it all, the call is told that it failed."""
    integrator.answers["/"], reason = BAD[bad]
    begun = time.monotonic()
    with pytest.raises(WebServiceFailed, match=reason):
        await web.ask(integrator.url(), FIELDS, settings(timeout_seconds=0.3))
    assert time.monotonic() - begun < 1.0


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
)
async def test_redirects_are_not_followed(web: WebServices, integrator: Integrator, status: str) -> None:
    """A web service that sends us to another one, maybe inside our network, gets nothing from there."""
    async with Integrator() as internal:
        internal.answers["/secret"] = {"ok": 1}
        integrator.answers["/"] = page("", f"Location: {internal.url('/secret')}", status=status)
        with pytest.raises(WebServiceFailed, match="redirects"):
            await web.ask(integrator.url(), FIELDS, settings())
        assert internal.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
async def test_internal_machines_can_be_forbidden(
    web: WebServices, integrator: Integrator, host: str
) -> None:
    """With the setting off, nothing inside is connected to, however its address is written."""
    integrator.answers["/"] = {"ok": 1}
    with pytest.raises(WebServiceFailed, match="may not be connected"):
        await web.ask(f"http://{host}:{integrator.port}/", FIELDS, settings(allow_internal=False))
    assert integrator.connections == 0


async def test_a_name_with_several_addresses(web: WebServices, integrator: Integrator) -> None:
    """A name that leads to an IPv6 and an IPv4 address reaches the one that listens."""
    integrator.answers["/"] = {"ok": 1}
    assert await web.ask(f"http://localhost:{integrator.port}/", FIELDS, settings())


@pytest.mark.parametrize(
    ("address", "internal", "allowed"),
    [
        ("93.184.215.14", False, True),
        ("10.0.0.1", False, False),
        ("10.0.0.1", True, True),
        ("192.168.1.4", True, True),
        ("100.64.0.1", False, False),
        ("127.0.0.1", True, True),
        ("169.254.169.254", True, False),
        ("::ffff:169.254.169.254", True, False),
        ("fe80::1", True, False),
        ("0.0.0.0", True, False),  # noqa: S104
        ("::", True, False),
        ("224.0.0.1", True, False),
        ("fd00::1", False, False),
        ("fd00::1", True, True),
        ("::ffff:10.0.0.1", False, False),
        ("2606:4700::1", False, True),
    ],
)
def test_where_web_services_may_be(address: str, internal: bool, allowed: bool) -> None:
    """Inside only when that is allowed; where clouds keep their secrets never."""
    assert may_connect(ip_address(address), internal=internal) == allowed


@pytest.mark.parametrize(
    "address",
    [
        "", "example", "ftp://a/", "file:///etc/passwd", "http://", "http:///x", "http://a b/", "http://a/\n",
        "http://u:p@a/", "http://[::1", "http://a:99999/", "gopher://a", "http://" + "a" * 3_000,
    ],
)  # fmt: skip
async def test_what_is_no_address(web: WebServices, address: str) -> None:
    """Told to the administrator, and to the call when a variable brought it in."""
    assert address_problem(address)
    with pytest.raises(WebServiceFailed):
        await web.ask(address, FIELDS, settings())


async def test_a_dead_web_service_costs_nothing_after_a_while(
    web: WebServices, integrator: Integrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some calls without an answer further ones fail at once; when it is back, it is asked again."""
    monkeypatch.setattr("tamas.dialplan.circuit_breaker.REST_SECONDS", 0.4)
    integrator.answers["/"] = SILENCE
    for _ in range(FAILURES):
        with pytest.raises(WebServiceFailed, match="no answer"):
            await web.ask(integrator.url(), FIELDS, settings(timeout_seconds=0.1))
    begun = time.monotonic()
    for _ in range(100):
        with pytest.raises(WebServiceFailed, match="left alone"):
            await web.ask(integrator.url(), FIELDS, settings())
    assert time.monotonic() - begun < 0.2
    assert len(integrator.asked) == FAILURES
    async with Integrator() as other:
        other.answers["/"] = {"ok": 1}
        assert await web.ask(other.url(), FIELDS, settings())
    integrator.answers["/"] = {"ok": 1}
    await asyncio.sleep(0.45)
    assert await web.ask(integrator.url(), FIELDS, settings())
    assert await web.ask(integrator.url(), FIELDS, settings())


async def test_a_port_nobody_listens_at(web: WebServices) -> None:
    """Refused at once: the call does not wait."""
    async with Integrator() as gone:
        pass
    begun = time.monotonic()
    with pytest.raises(WebServiceFailed, match="no answer"):
        await web.ask(gone.url(), FIELDS, settings(timeout_seconds=5))
    assert time.monotonic() - begun < 1


async def test_wrong_answers_do_not_count_as_dead(web: WebServices, integrator: Integrator) -> None:
    """A web service that says no to many callers still hears of the next one."""
    integrator.answers["/"] = {"ok": 0}
    for _ in range(FAILURES + 1):
        with pytest.raises(WebServiceFailed, match="not ok"):
            await web.ask(integrator.url(), FIELDS, settings())
    assert len(integrator.asked) == FAILURES + 1


async def test_callers_who_hang_up_leave_nothing(web: WebServices, integrator: Integrator) -> None:
    """Hundreds of calls end while their web service thinks: no place stays taken."""
    integrator.answers["/"] = SILENCE
    tasks = [
        asyncio.create_task(web.ask(integrator.url(), FIELDS, settings(timeout_seconds=20)))
        for _ in range(120)
    ]
    await asyncio.sleep(0.3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not web._origins
    integrator.answers["/"] = {"ok": 1}
    assert await web.ask(integrator.url(), FIELDS, settings())


async def test_only_so_many_at_a_time(web: WebServices, integrator: Integrator) -> None:
    """A slow web service is not asked by all calls at once; the others get the same answer a little later."""
    running = most = 0

    async def slow(writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        writer.write(page('{"ok":1}', "Connection: close"))
        await writer.drain()

    integrator.answers["/"] = Raw(slow)
    runtime = settings(timeout_seconds=5)
    answers = await asyncio.gather(*(web.ask(integrator.url(), FIELDS, runtime) for _ in range(150)))
    assert len(answers) == 150
    assert 10 < most <= 50


@pytest.mark.parametrize(
    ("value", "text"), [("120", "120"), (120, "120"), (" 9 ", "9"), (None, ""), (0, "0"), ("", "")]
)
def test_values_of_answers(value: object, text: str) -> None:
    """Numbers arrive as texts or numbers."""
    assert answered_text({"x": value}, "x") == text


@pytest.mark.parametrize("value", [True, 1.5, [], {}, "x" * 256, pytest.param(10**5_000, id="long")])
def test_values_that_are_none(value: object) -> None:
    """What is no text and no whole number is no value."""
    with pytest.raises(WebServiceFailed):
        answered_text({"x": value}, "x")


def test_one_probe_at_a_time() -> None:
    """An open breaker lets one try through after each rest, which gets longer, and closes when one works."""
    clock = [0.0]
    breaker = CircuitBreaker(lambda: clock[0])
    late = breaker.attempt()
    assert late is not None
    for _ in range(FAILURES):
        attempt = breaker.attempt()
        assert attempt is not None
        attempt.failed()
    assert breaker.attempt() is None
    clock[0] += REST_SECONDS
    probe = breaker.attempt()
    assert probe is not None
    assert breaker.attempt() is None
    late.failed()
    assert breaker.attempt() is None
    probe.given_up()
    probe = breaker.attempt()
    assert probe is not None
    probe.failed()
    clock[0] += REST_SECONDS
    assert breaker.attempt() is None
    clock[0] += REST_SECONDS
    probe = breaker.attempt()
    assert probe is not None
    probe.succeeded()
    assert breaker.idle
    assert breaker.attempt() is not None


async def test_https_at_a_server_that_speaks_no_tls(web: WebServices, integrator: Integrator) -> None:
    """It waits for a request in clear for ever: the call gets on in time, and no connection stays open."""
    with pytest.raises(WebServiceFailed, match="no answer"):
        await web.ask(integrator.url().replace("http:", "https:"), FIELDS, settings(timeout_seconds=0.3))
    await eventually(lambda: not integrator.open, what="the end of the connection")
