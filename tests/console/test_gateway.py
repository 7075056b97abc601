"""The chain of each request: where it comes from, what it may, how failures are told, and streams."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from starlette.responses import Response
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from console._console import RunningConsole, running_console
from support.console import PASSWORD, PREFIX, Browser
from tamas.console.app import declared_services
from tamas.console.context import ConsoleContext
from tamas.console.errors import Conflict
from tamas.console.rights import PAGES, READ, UPDATE, USERS
from tamas.console.service import ConsoleRegistry
from tamas.engine.ami import AmiTimeout
from tamas.engine.engine import EngineNotReady
from tamas.sa.body import MAX_BODY
from tamas.sa.errors import MissingField, NumberExists, OperationFailed, QueueExists, TrunkExists
from tamas.sa.fields import Id, NoParameters, Text, optional, required
from tamas.store.database import SqliteDatabase, StoreBusyError

FAILURES: dict[str, tuple[BaseException, int, str, str | None]] = {
    "missing": (MissingField("name"), 422, "missing", "name"),
    "invalid": (OperationFailed("deny"), 422, "invalid", "deny"),
    "gone": (OperationFailed("_id"), 404, "not_found", None),
    "number": (NumberExists("number"), 409, "number_exists", "number"),
    "trunk": (TrunkExists("name"), 409, "name_exists", "name"),
    "queue": (QueueExists("name"), 409, "name_exists", "name"),
    "own": (Conflict("no", code="in_use", field="ids", params={"by": 2}), 409, "in_use", "ids"),
    "busy": (StoreBusyError("busy"), 503, "store_busy", None),
    "lost": (ConnectionResetError(), 503, "store_busy", None),
    "away": (EngineNotReady("away"), 503, "engine_away", None),
    "silent": (AmiTimeout("silent"), 503, "engine_away", None),
    "broken": (RuntimeError("a detail that nobody outside may see"), 500, "broken", None),
}


class Which(msgspec.Struct, kw_only=True):
    """A failure."""

    which: Annotated[str, required(Text())]


class Write(msgspec.Struct, kw_only=True):
    """Something to write."""

    id: Annotated[str, required(Id())]
    name: Annotated[str, required(Text(max=5))]
    note: Annotated[str, optional(Text())] = ""


class Said(msgspec.Struct, kw_only=True):
    """What came in."""

    text: str


def services() -> ConsoleRegistry:
    """A registry with one service of each kind."""
    registry = ConsoleRegistry()

    @registry.service("test/fail", summary="Fail", request=Which)
    async def fail(context: ConsoleContext, request: Which) -> Said:
        raise FAILURES[request.which][0]

    @registry.service("test/write", page=USERS, right=UPDATE, summary="Write", request=Write)
    async def write(context: ConsoleContext, request: Write) -> Said:
        return Said(text=f"{context.me.username} {request.name} {request.note}")

    @registry.service("test/read", page=USERS, summary="Read")
    async def read(context: ConsoleContext, request: NoParameters) -> Said:
        return Said(text=context.own_host)

    @registry.service("test/nothing", method="POST", summary="Say nothing")
    async def nothing(context: ConsoleContext, request: NoParameters) -> None: ...

    @registry.service("test/file", summary="Hand a file out")
    async def file(context: ConsoleContext, request: NoParameters) -> Response:
        return Response(b"a,b", media_type="text/csv", headers={"Content-Disposition": "attachment"})

    sign_in = declared_services().get("session/sign_in")
    assert sign_in is not None
    registry.add(sign_in)
    return registry


@pytest.fixture
async def chain(sqlite_url: str, tmp_path: Path) -> AsyncIterator[RunningConsole]:
    """A console with the services above."""
    async with running_console(sqlite_url, tmp_path, services=services()) as running:
        yield running


WRITE = {"id": "6033876dc92de036d1390923", "name": "Sara"}


async def test_what_a_service_answers(chain: RunningConsole) -> None:
    """A Struct as it is, nothing as 204, a response as it was made; never kept by a cache."""
    assert await chain.post("test/write", **WRITE, note="ä") == {"text": "admin Sara ä"}
    assert await chain.get("test/read") == {"text": "127.0.0.1"}
    assert await chain.post("test/nothing") is None
    answers = [await chain.send("GET", path, {}) for path in ("test/file", "test/read", "nowhere")]
    assert answers[0].content == b"a,b"
    assert answers[0].headers["content-disposition"] == "attachment"
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.headers["x-request-id"]) == 22


async def test_how_failures_are_told(chain: RunningConsole, caplog: pytest.LogCaptureFixture) -> None:
    """Each in its status, code and field; what nobody foresaw tells no detail but where to look for it."""
    for name, (_, status, code, field) in FAILURES.items():
        refused = await chain.refused("test/fail", "GET", which=name)
        assert (refused["status"], refused["code"], refused["field"]) == (status, code, field), name
        assert refused["message"]
    assert (await chain.refused("test/fail", "GET", which="own"))["params"] == {"by": 2}
    broken = await chain.send("GET", "test/fail", {"which": "broken"})
    request_id = broken.json()["error"]["params"]["request_id"]
    assert "detail" not in broken.text
    assert request_id == broken.headers["x-request-id"]
    found = [record for record in caplog.records if request_id in record.getMessage()]
    assert [record.levelno for record in found] == [logging.ERROR]


async def test_what_a_request_must_look_like(chain: RunningConsole) -> None:
    """Unknown service, wrong method, media type, size, and bodies that are no object or lack something."""
    assert (await chain.refused("test/unknown", "GET"))["code"] == "not_found"
    wrong_method = await chain.send("GET", "test/write", {})
    assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "POST")
    assert wrong_method.json()["error"]["code"] == "method"

    async def sent(body: bytes, kind: str = "application/json") -> tuple[int, str, str | None]:
        answer = await chain.http.post(
            PREFIX + "test/write", content=body, headers={"Content-Type": kind, "X-CSRF-Token": chain.csrf}
        )
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["field"]

    assert await sent(b"{}", "text/plain") == (415, "media_type", None)
    assert await sent(b"name=Sara", "application/x-www-form-urlencoded") == (415, "media_type", None)
    assert await sent(b" " * (MAX_BODY + 1)) == (413, "too_large", None)
    assert await sent(b'{"id": ') == (400, "unparseable", None)
    assert await sent(b'{"id": 1, "id": 2}') == (400, "unparseable", None)
    assert await sent(b"[" * 50_000) == (400, "unparseable", None)
    assert await sent(b"{}") == (422, "missing", "id")
    assert await sent(b"") == (422, "missing", "id")
    assert await sent(msgspec.json.encode(WRITE | {"id": "x"})) == (404, "not_found", None)
    assert await sent(msgspec.json.encode(WRITE | {"name": "longer"})) == (422, "invalid", "name")
    assert await sent(msgspec.json.encode(WRITE | {"name": ["x"]})) == (422, "invalid", "name")
    assert await sent(msgspec.json.encode(WRITE | {"name": "a\x00b"})) == (422, "invalid", "name")
    bad_query = await chain.http.get(PREFIX + "test/fail?which=%ff")
    assert bad_query.status_code == 400


async def test_other_sites_get_nothing(console: RunningConsole) -> None:
    """Whatever another site has the browser ask is refused, with cookie and token and all: reading, writing,
    signing in."""
    own = f"127.0.0.1:{console.port}"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": f"http://{own}.evil.example"},
        {"Origin": f"https://{own}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "unheard-of"},
    ):
        everything = headers | {"X-CSRF-Token": console.csrf}
        written = await console.http.post(PREFIX + "session/sign_out", json={}, headers=everything)
        read = await console.http.get(PREFIX + "accounts/list", headers=everything)
        signed_in = await console.http.post(
            PREFIX + "session/sign_in", json={"username": "admin", "password": PASSWORD}, headers=everything
        )
        for answer in (written, read, signed_in):
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "cross_site"), headers
            assert "set-cookie" not in answer.headers
            assert not [name for name in answer.headers if name.startswith("access-control")]
    assert (await console.get("session/current"))["signed_in"] is True


async def test_our_own_pages_are_let_in(console: RunningConsole) -> None:
    """With the headers that browsers send from a page of ours, or for an address that somebody typed."""
    own = {"Origin": console.url, "Sec-Fetch-Site": "same-origin"}
    assert (await console.http.get(PREFIX + "accounts/list", headers=own)).status_code == 200
    typed = await console.http.get(PREFIX + "accounts/list", headers={"Sec-Fetch-Site": "none"})
    assert typed.status_code == 200
    written = await console.http.post(
        PREFIX + "session/sign_out", json={}, headers=own | {"X-CSRF-Token": console.csrf}
    )
    assert written.status_code == 204


async def test_a_form_of_another_site_cannot_sign_anybody_in(console: RunningConsole) -> None:
    """What a plain form can send, an old browser without any of the newer headers, is not even read."""
    visitor = await console.visitor()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = await visitor.http.post(
            PREFIX + "session/sign_in",
            content=msgspec.json.encode({"username": "admin", "password": PASSWORD}),
            headers={"Content-Type": kind},
        )
        assert answer.status_code == 415


async def test_writing_takes_the_token_of_the_session(console: RunningConsole) -> None:
    """Without it, with another's or with one of before, nothing is written."""
    other = await console.browser()
    for token in ("", "x" * 43, other.csrf, "\u00ff"):
        answer = await console.http.post(
            PREFIX + "session/sign_out", json={}, headers={b"X-CSRF-Token": token.encode("latin-1")}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "cross_site")
    assert (await console.get("session/current"))["signed_in"] is True


def test_nothing_is_open_by_accident() -> None:
    """Every service belongs to a page but those of one's own session; two are open to everybody; what changes
    anything is never a GET, and takes more than seeing the page unless it is about oneself only."""
    registry = declared_services()
    assert {one.path for one in registry if one.public} == {"session/current", "session/sign_in"}
    assert {one.path.partition("/")[0] for one in registry if one.page is None} == {"session"}
    assert all(one.page is None or one.right in one.page.rights for one in registry)
    assert not [one.path for one in registry if one.right == UPDATE and one.method == "GET"]
    about_oneself = {one.path for one in registry if one.method == "POST" and one.right != UPDATE}
    assert {path for path in about_oneself if not path.startswith("session/")} == {"home/dismiss_steps"}


async def test_an_account_can_do_what_its_type_says(console: RunningConsole) -> None:
    """Whoever may only see one page is refused every service of the others and every change."""
    for page in PAGES:
        browser = await console.browser(rights={page: [READ]})
        assert (await browser.get("session/current"))["session"]["rights"] == {page: [READ]}
        for service in declared_services():
            if service.page is None:
                continue
            answer = await browser.send(service.method, service.path, {})
            allowed = service.page.id == page and service.right == READ
            assert (answer.status_code != 403) == allowed, f"{service.path} by a reader of {page}"
            assert answer.status_code != 500, service.path
            if not allowed:
                error = answer.json()["error"]
                assert (error["code"], error["params"]) == (
                    "forbidden",
                    {"page": service.page.id, "right": service.right},
                )


async def test_changes_are_in_force_on_the_next_request_of_every_process(
    database_url: str, tmp_path: Path
) -> None:
    """A right taken away, a disabled account, cut access, a reset password: also where another process
    answers."""
    async with (
        running_console(database_url, tmp_path / "one") as console,
        running_console(database_url, tmp_path / "two", administrator=False) as elsewhere,
    ):
        type_id = (
            await console.post("account_types/add", title="Night shift", rights={"pbx.users": ["read"]})
        )["id"]
        made = await console.post("accounts/add", username="sara", account_type=type_id, password=PASSWORD)

        async def there() -> Browser:
            browser = await elsewhere.visitor()
            current = await browser.sign_in("sara")
            if current["session"]["must_change_password"]:
                current = await browser.post("session/change_password", current=PASSWORD, new="changed it 1")
                await console.post("accounts/update", id=made["id"], name="Sara")
                browser.csrf = current["session"]["csrf"]
            return browser

        sara = await there()
        await sara.get("pbx/users/list")
        assert (await sara.refused("pbx/users/update", _id="x"))["status"] == 403
        await console.post("account_types/update", id=type_id, rights={"pbx.users": ["read", "update"]})
        assert (await sara.refused("pbx/users/update", _id="x"))["status"] != 403
        await console.post("account_types/update", id=type_id, rights={"home": ["read"]})
        assert (await sara.refused("pbx/users/list", "GET"))["status"] == 403
        await console.post("accounts/cut_access", id=made["id"])
        assert (await sara.refused("pbx/users/list", "GET"))["code"] == "signed_out"
        await sara.sign_in("sara", "changed it 1")
        await console.post("accounts/update", id=made["id"], enabled=False)
        assert (await sara.refused("home/status", "GET"))["code"] == "signed_out"
        await console.post("accounts/update", id=made["id"], enabled=True)
        await sara.sign_in("sara", "changed it 1")
        await console.post("accounts/update", id=made["id"], expires_at=1)
        assert (await sara.refused("home/status", "GET"))["code"] == "signed_out"
        await console.post("accounts/update", id=made["id"], expires_at=0)
        await sara.sign_in("sara", "changed it 1")
        await console.post("accounts/reset_password", id=made["id"])
        assert (await sara.refused("home/status", "GET"))["code"] == "signed_out"
        assert (await sara.refused("session/sign_in", username="sara", password="changed it 1"))[
            "code"
        ] == "wrong_credentials"


@pytest.mark.slow
async def test_no_value_breaks_a_service(console: RunningConsole) -> None:
    """Every parameter of every service gets what does not fit it: never an answer that something broke."""
    odd: tuple[Any, ...] = (
        None,
        True,
        -1,
        2**63,
        1.5,
        "",
        " ",
        "x" * 5000,
        "a\u202eb\u0000",
        "' OR 1=1 --",
        "${EXTEN}",
        "۱۲۳",
        "000000000000000000000000",
        [],
        [None],
        [{}],
        {"$gt": ""},
        {"a": {"b": [1]}},
    )
    for service in declared_services():
        names = [bound.wire for bound in service.request.fields]
        if service.path.startswith("session/") or not names:
            continue
        for value in odd:
            values = dict.fromkeys(names, value)
            if service.method == "GET":
                values = {name: str(value) for name in names}
            answer = await console.send(service.method, service.path, values)
            assert answer.status_code != 500, f"{service.path} with {value!r}"


async def test_a_busy_store_is_told(chain: RunningConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process holds the write lock, whoever signs in is asked to come again."""
    assert isinstance(chain.database, SqliteDatabase)
    monkeypatch.setattr("tamas.store.database.SQLITE_BUSY_LIMIT", 0.2)
    with sqlite3.connect(chain.database.path, isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        refused = await chain.refused("session/sign_in", username="admin", password=PASSWORD)
        holder.execute("ROLLBACK")
    assert (refused["status"], refused["code"]) == (503, "store_busy")
    await chain.sign_in("admin")


def opened(console: RunningConsole, path: str = "/api/console/v1/stream", **headers: str) -> connect:
    """A stream of whoever has the cookie, from a page of the given origin."""
    return connect(f"ws://127.0.0.1:{console.port}{path}", additional_headers=headers, proxy=None)


async def test_a_page_of_ours_opens_a_stream(console: RunningConsole) -> None:
    """It knows who opened it, and notices when the session has ended."""
    stream: ClientConnection
    async with opened(console, Cookie=console.cookie, Origin=console.url) as stream:
        assert await stream.recv() == "admin"
        await stream.send("still?")
        assert await stream.recv() == "admin"
        await console.post("session/sign_out")
        await stream.send("still?")
        assert await stream.recv() == "(ended)"


async def test_nobody_else_opens_a_stream(console: RunningConsole) -> None:
    """Another site with the browser's cookie, a page without one, one whose password is still the first."""
    fresh = await console.visitor()
    await console.account("fresh", must_change_password=True)
    await fresh.sign_in("fresh")
    own = {"Cookie": console.cookie, "Origin": console.url}
    attempts: tuple[dict[str, str], ...] = (
        own | {"Origin": "https://evil.example"},
        own | {"Origin": "null"},
        own | {"Origin": f"https://127.0.0.1:{console.port}"},
        own | {"Sec-Fetch-Site": "cross-site"},
        {"Cookie": console.cookie},
        {"Origin": console.url},
        own | {"Cookie": "tamas_session=guessed"},
        own | {"Cookie": fresh.cookie},
        own | {"path": "/api/console/v1/other"},
        own | {"path": "/console"},
        own | {"path": "/api/v4/setting/ping/act"},
    )
    for attempt in attempts:
        with pytest.raises(InvalidStatus) as refused:
            async with opened(console, **attempt):
                pytest.fail(f"{attempt} opened a stream")
        assert refused.value.response.status_code == 403
