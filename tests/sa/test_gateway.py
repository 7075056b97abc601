"""The chain: every row of the SA's response table, in its order, over real HTTP."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa._server import RunningSa, running_sa
from tamas.sa.gateway import path_below_prefix
from tamas.sa.setting.ping import PONG

PING = "/api/v4/setting/ping/act"
ADD = "/api/v4/pbx/users/add"
SEARCH = "/api/v4/pbx/users/search"
GOOD_USER = {"name": "User2", "number": "999"}


def refused(answer: httpx.Response, status: int, message: str) -> None:
    """The answer is exactly this row of the table."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == json.dumps(
        {"success": 0, "message": message, "data": None}, separators=(",", ":"), ensure_ascii=False
    )


async def test_success_has_the_envelope_in_order(sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """A service that did its work: keys in the catalogue's order, a request id in the header."""
    answer = await sa.http.post(PING, auth=caller)
    assert answer.status_code == 200
    assert answer.text == json.dumps({"success": 1, "message": PONG, "data": None}, separators=(",", ":"))
    assert len(answer.headers["x-request-id"]) <= 32


async def test_outside_the_prefix_there_is_a_plain_404(sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """An address outside the API is answered by a web server, not by the API."""
    for path in ("/", "/api", "/api/v3/setting/ping/act", "/api/v4.1/setting/ping/act", "/api/v45"):
        answer = await sa.http.post(path, auth=caller)
        assert answer.status_code == 404
        assert not answer.headers["content-type"].startswith("application/json")


async def test_address_comes_before_credentials(own_sa: RunningSa) -> None:
    """An address that is not allowed is told so, whatever it sends."""
    await own_sa.set("sa.allowed_ips", ["192.0.2.0/24", "2001:db8::/32"])
    refused(await own_sa.http.post(PING), 403, "IP is not permitted")
    refused(await own_sa.http.post("/api/v4/no/such/service"), 403, "IP is not permitted")
    assert (await own_sa.http.get("/docs")).status_code == 403
    await own_sa.set("sa.allow_all_ips", True)
    refused(await own_sa.http.post(PING), 401, "BasicAuth or ApiKey is missing")


async def test_credentials_come_before_the_service(sa: RunningSa) -> None:
    """Unknown callers learn nothing about which services exist."""
    refused(await sa.http.post("/api/v4/no/such/service"), 401, "BasicAuth or ApiKey is missing")
    refused(
        await sa.http.post("/api/v4/no/such/service", auth=("x", "y")), 401, "BasicAuth or ApiKey is invalid"
    )


async def test_unknown_service_comes_before_permission(sa: RunningSa) -> None:
    """An unknown service is 501 even for an account that may call nearly nothing."""
    made = await sa.account("trunks", permissions=["/pbx/trunks/*"])
    auth = httpx.BasicAuth(made.username, made.password or "")
    for path in ("no/such/service", "", "pbx", "pbx/users/adds", "pbx/users/ADD", "pbx/users/add/x", "..%2f"):
        refused(await sa.http.post(f"/api/v4/{path}", auth=auth), 501, "Requested service does not exist")


async def test_permission_comes_before_method(sa: RunningSa) -> None:
    """The denied text names the permission in quotes, also when the method would be wrong."""
    made = await sa.account("trunks-ping", permissions=["/pbx/trunks/*", "/setting/ping/act"])
    auth = httpx.BasicAuth(made.username, made.password or "")
    refused(await sa.http.patch(ADD, auth=auth), 403, '"/pbx/users/add";Access denied')
    assert (await sa.http.post(PING, auth=auth)).status_code == 200


async def test_permission_wildcards(sa: RunningSa) -> None:
    """``/pbx/users/*`` opens every service of that resource and no other."""
    made = await sa.account("users", permissions=["/pbx/users/*"])
    auth = httpx.BasicAuth(made.username, made.password or "")
    assert (await sa.http.post(ADD, auth=auth, json=GOOD_USER)).json()["success"] == 1
    refused(await sa.http.post(PING, auth=auth), 403, '"/setting/ping/act";Access denied')


@pytest.mark.parametrize(
    ("path", "accepted"),
    [
        (ADD, {"POST", "PUT"}),
        (SEARCH, {"POST", "PUT", "GET"}),
        ("/api/v4/pbx/users/remove", {"POST", "PUT", "DELETE"}),
        (PING, {"POST", "PUT", "GET"}),
        ("/api/v4/pbx/queues/batchaddagent", {"POST", "PUT"}),
        ("/api/v4/test/file/download", {"POST", "PUT", "GET"}),
    ],
)
async def test_methods_by_kind_of_service(
    sa: RunningSa, caller: httpx.BasicAuth, path: str, accepted: set[str]
) -> None:
    """Each kind of service takes its methods and answers 405 to all others."""
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"):
        answer = await sa.http.request(method, path, auth=caller)
        assert (answer.status_code != 405) == (method in accepted), method
        if method not in accepted and method != "HEAD":
            refused(answer, 405, "Method not allowed")
            assert set(answer.headers["allow"].split(", ")) == accepted


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=UTF-8", 200),
        ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonx", 415),
        ("", 415),
        (None, 415),
    ],
)
async def test_media_types(
    sa: RunningSa, caller: httpx.BasicAuth, content_type: str | None, status: int
) -> None:
    """Only JSON is accepted where there is a body; a body without a type is refused too."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await sa.http.post(ADD, auth=caller, content=json.dumps(GOOD_USER).encode(), headers=headers)
    assert answer.status_code == status
    if status == 415:
        refused(answer, 415, "Unsupported Media Type")

    async def chunks() -> Any:
        yield json.dumps(GOOD_USER).encode()

    answer = await sa.http.post(ADD, auth=caller, content=chunks(), headers=headers)
    assert answer.status_code == status


async def test_no_body_needs_no_media_type(sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """No body, an empty one and PHP's empty map count as an empty object."""
    missing = "Field 'name':value is missing"
    refused(await sa.http.post(ADD, auth=caller), 200, missing)
    refused(await sa.http.post(ADD, auth=caller, headers={"Content-Type": "text/plain"}), 200, missing)
    for body in (b"", b"{}", b"[]", b" \r\n", b" [ ] ", b"\xef\xbb\xbf{}"):
        answer = await sa.http.post(
            ADD, auth=caller, content=body, headers={"Content-Type": "application/json"}
        )
        refused(answer, 200, missing)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b"1",
        b'"text"',
        b"null",
        b"true",
        b"[1]",
        b"{}{}",
        b'{"a":1,"a":2}',
        b'{"name":{"a":1,"a":2}}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\x01"}',
        b'{"a":"\xff"}',
        "{}".encode("utf-16"),
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\x00",
    ],
    ids=lambda body: repr(body[:20]),
)
async def test_unparseable_bodies(sa: RunningSa, caller: httpx.BasicAuth, body: bytes) -> None:
    """What is no strict JSON object is 400, whatever is wrong with it, and leaves no trace in the log."""
    answer = await sa.http.post(ADD, auth=caller, content=body, headers={"Content-Type": "application/json"})
    refused(answer, 400, "Unable to parse content")


async def test_unparseable_comes_after_media_type(sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """Nonsense of a wrong media type is refused for its type."""
    answer = await sa.http.post(ADD, auth=caller, content=b"{", headers={"Content-Type": "text/plain"})
    refused(answer, 415, "Unsupported Media Type")


async def test_required_fields_come_before_values(sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """A missing field is found before a bad value of another, and named in the header as well."""
    body = {"name": "\x07", "number": ""}
    answer = await sa.http.post(ADD, auth=caller, json=body)
    refused(answer, 200, "Field 'number':value is missing")
    assert answer.headers["x-error-field"] == "number"


async def test_bad_values_are_failed_operations(sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """A value that does not fit fails the operation; the header names the field by its dotted name."""
    body = GOOD_USER | {"forward_policy": {"No Answer": "12x"}}
    answer = await sa.http.post(ADD, auth=caller, json=body)
    refused(answer, 200, "Requested operation failed")
    assert answer.headers["x-error-field"] == "forward_policy.No Answer"


async def test_failures_of_services_are_http_200(sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """A business failure carries its own text and stays HTTP 200."""
    answer = await sa.http.post(ADD, auth=caller, json=GOOD_USER | {"number": 409})
    refused(answer, 200, "This number already exists")
    assert answer.headers["x-error-field"] == "number"


async def test_missing_file_has_no_envelope(sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """A download whose file is gone is a 404 without envelope."""
    answer = await sa.http.get("/api/v4/test/file/download", auth=caller)
    assert (answer.status_code, answer.content) == (404, b"")


async def test_unexpected_errors_tell_nothing(
    sa: RunningSa, caller: httpx.BasicAuth, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in a service is a 500 in the envelope; details stand in our log, under the request's id."""
    with caplog.at_level(logging.ERROR):
        answer = await sa.http.post("/api/v4/test/broken/act", auth=caller)
    refused(answer, 500, "Requested operation failed")
    assert "detail" in caplog.text
    assert answer.headers["x-request-id"] in caplog.text


async def test_paths_are_tolerant(sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """Doubled slashes, a slash at the end and the prefix in capitals reach the service."""
    for path in (
        "//api/v4/setting/ping/act",
        "/api/v4//setting//ping/act",
        "/API/v4/setting/ping/act/",
        "/Api/V4/setting/ping/act//",
        "///api///v4///setting///ping///act///",
    ):
        answer = await sa.http.post(f"{sa.url}{path}", auth=caller)
        assert answer.json()["success"] == 1, path


async def test_query_of_a_get(sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """A GET takes parameters from the query (objects as JSON text or one by one) or from a JSON body."""
    for query in (
        {"alike": "true", "conditions": '{"number":"12"}'},
        {"alike": "1", "conditions.number": "12"},
        {"alike": "yes", "conditions[number]": "12"},
        {"alike": "yes", "conditions": "", "conditions.number": "12"},
        {"alike": "yes", "conditions.number": "12", "conditions": ""},
    ):
        answer = await sa.http.get(SEARCH, params=query, auth=caller)
        assert answer.json()["data"] == [{"alike": True, "number": "12", "account": "caller"}], query
    answer = await sa.http.request("GET", SEARCH, json={"alike": False}, auth=caller)
    assert answer.json()["data"][0]["alike"] is False
    refused(
        await sa.http.get(SEARCH, params={"alike": "1", "conditions": "{"}, auth=caller),
        400,
        "Unable to parse content",
    )
    refused(
        await sa.http.post(SEARCH, params={"alike": "1"}, auth=caller), 200, "Field 'alike':value is missing"
    )


async def test_lenient_mode_is_one_switch(own_sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """What lenient clients leave out is refused until ``sa.lenient`` is on, and at once accepted then."""
    remove = "/api/v4/pbx/users/remove"
    batch = {"queue_number": "900", "agents": ["101", 102]}
    refused(await own_sa.http.post(SEARCH, json={}, auth=caller), 200, "Field 'alike':value is missing")
    refused(
        await own_sa.http.post(remove, json={"number": "1"}, auth=caller), 200, "Field '_id':value is missing"
    )
    answer = await own_sa.http.post("/api/v4/pbx/queues/batchaddagent", json=batch, auth=caller)
    assert answer.json()["success"] == 0
    await own_sa.set("sa.lenient", True)
    assert (await own_sa.http.post(SEARCH, json={}, auth=caller)).json()["data"][0]["alike"] is False
    assert (await own_sa.http.post(remove, json={"number": "1"}, auth=caller)).json()["success"] == 1
    answer = await own_sa.http.post("/api/v4/pbx/queues/batchaddagent", json=batch, auth=caller)
    assert answer.json()["data"]["Data"] == [
        {"queue": "900", "source": "101", "agent": "101", "ok": 1},
        {"queue": "900", "source": "102", "agent": "102", "ok": 1},
    ]


async def test_preflight_only_for_listed_origins(own_sa: RunningSa) -> None:
    """A browser's preflight is answered without credentials, but only for origins of the list."""
    headers = {"Origin": "https://crm.example", "Access-Control-Request-Method": "POST"}
    refused(await own_sa.http.options(PING, headers=headers), 401, "BasicAuth or ApiKey is missing")
    await own_sa.set("sa.cors_origins", ["https://crm.example"])
    answer = await own_sa.http.options(PING, headers=headers)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "https://crm.example"
    assert "X-APIKEY" in answer.headers["access-control-allow-headers"]
    answer = await own_sa.http.post(PING, headers={"Origin": "https://crm.example"})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "https://crm.example"
    answer = await own_sa.http.options(PING, headers=headers | {"Origin": "https://other.example"})
    assert answer.status_code == 401
    assert "access-control-allow-origin" not in answer.headers


async def test_large_bodies(sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """A body beyond 1 MiB is unparseable, announced or in chunks; the connection serves on."""
    headers = {"Content-Type": "application/json"}
    fits = json.dumps(GOOD_USER | {"ignored": "x" * 1_000_000}).encode()
    assert (await sa.http.post(ADD, auth=caller, content=fits, headers=headers)).json()["success"] == 1
    large = b'{"ignored":"' + b"x" * 10_000_000 + b'"}'
    refused(
        await sa.http.post(ADD, auth=caller, content=large, headers=headers), 400, "Unable to parse content"
    )

    async def chunks() -> Any:
        for start in range(0, len(large), 100_000):
            yield large[start : start + 100_000]

    refused(
        await sa.http.post(ADD, auth=caller, content=chunks(), headers=headers),
        400,
        "Unable to parse content",
    )
    assert (await sa.http.post(PING, auth=caller)).json()["success"] == 1


async def test_client_address_behind_a_proxy(sqlite_url: str) -> None:
    """A trusted proxy's word about the client counts, the client's own does not."""
    async with running_sa(sqlite_url, environment={"TAMAS_TRUSTED_PROXIES": "127.0.0.0/8,10.0.0.1"}) as sa:
        await sa.set("sa.allowed_ips", ["192.0.2.7", "2001:db8::/32"])
        for forwarded, allowed in (
            ("192.0.2.7", True),
            ("192.0.2.7, 10.0.0.1", True),
            ("203.0.113.9, 192.0.2.7", True),
            ("192.0.2.7, 203.0.113.9", False),
            ("192.0.2.7, 203.0.113.9, 10.0.0.1", False),
            ("::ffff:192.0.2.7", True),
            ("[2001:db8::1]:4321", True),
            ("192.0.2.7:1234", True),
            ("192.0.2.7, nonsense", False),
            ("", False),
        ):
            answer = await sa.http.post(PING, headers={"X-Forwarded-For": forwarded})
            assert (answer.status_code == 401) == allowed, forwarded
        entries = await sa.logged(limit=100)
        assert {"192.0.2.7", "203.0.113.9", "2001:db8::1"} <= {entry.address for entry in entries}
    async with running_sa(sqlite_url) as sa:
        answer = await sa.http.post(PING, headers={"X-Forwarded-For": "192.0.2.7"})
        refused(answer, 403, "IP is not permitted")


@given(st.text())
def test_any_path_has_a_place(path: str) -> None:
    """Any text is either outside the API or a path without slashes at its ends."""
    below = path_below_prefix("/" + path)
    assert below is None or (below == below.strip("/") and "//" not in below)


@given(st.lists(st.sampled_from(["pbx", "users", "add"]), min_size=1, max_size=4), st.integers(1, 3))
def test_slashes_never_change_the_service(parts: list[str], slashes: int) -> None:
    """However many slashes separate the parts, the same service is meant."""
    between = "/" * slashes
    assert path_below_prefix(between.join(["", "aPi", "V4", *parts, ""])) == "/".join(parts)
