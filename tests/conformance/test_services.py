"""Every service of the catalogue that is served, driven over HTTP as the catalogue describes it.

The cases come from the catalogue: each accepted method, each refused one, each required field left out in
turn, each other field left out, and the exact form of the answer. Both stores.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from conformance.catalogue import (
    METHODS,
    NEEDED,
    Endpoint,
    endpoints,
    finished,
    load,
    shape,
    sometimes,
    without,
)
from conformance.world import World

ENDPOINTS = endpoints()
ERRORS = load("errors.yaml")
TABLE = {row["id"]: row for row in ERRORS["table"]}
OBJECT_ID = re.compile(r"[0-9a-f]{24}")
STORED_NAME = re.compile(r"(sen_)?file-\d{14}-\d{5}-[A-Za-z0-9-]+_\.[a-z]+")
CALL_ID = re.compile(r"orig\.call\.\d+\.\d{6}")
VARYING = {"autodialer/groups/update", "autodialer/campaigns/update", "autodialer/reports/info"}
"""Answers whose values are not those of the sample, only their keys and types."""

JALALI_LEAP_YEARS = {1403, 1408, 1412, 1416, 1420, 1424, 1428, 1432, 1436, 1441, 1445, 1449, 1453, 1457}

pytestmark = pytest.mark.engine


def envelope(success: int, message: str | None, data: Any) -> str:
    """The one form of every answer, as text: key order counts."""
    return json.dumps(
        {"success": success, "message": message, "data": data}, separators=(",", ":"), ensure_ascii=False
    )


def assert_refused(answer: httpx.Response, row: str, *, message: str | None = None) -> None:
    """The answer is this row of the response table, to the letter."""
    expected = TABLE[row]
    assert answer.status_code == expected["http"], answer.text
    assert answer.reason_phrase == expected["reason"]
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.text == envelope(0, message if message is not None else expected["message"], None)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_each_accepted_method_does_it(endpoint: Endpoint, world: World) -> None:
    """The service works with every method the catalogue accepts, and answers in the documented form."""
    for method in sorted(endpoint.methods):
        answer = world.send(endpoint, world.request(endpoint), method=method)
        assert answer.status_code == 200, (method, answer.text)
        check_answer(endpoint, answer, world.calendar)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_each_other_method_is_refused(endpoint: Endpoint, world: World) -> None:
    """A method outside the accepted set is 405 and changes nothing."""
    for method in set(METHODS) - endpoint.methods:
        assert_refused(world.call(endpoint.path, {}, method=method), "method")


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if e.query != "never"], ids=str)
def test_parameters_may_come_in_the_query(endpoint: Endpoint, world: World) -> None:
    """Where the catalogue says so, of a GET or of any method: query parameters, objects as JSON text."""
    flat = {
        name: json.dumps(value) if isinstance(value, (dict, list)) else value
        for name, value in world.request(endpoint).items()
    }
    address = f"/api/v4/{endpoint.path}?{urlencode(flat)}"
    answers = [world.client.get(address)]
    if endpoint.query == "any":
        answers += [world.client.post(address, json={}), world.client.put(address)]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        check_answer(endpoint, answer, world.calendar)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_each_required_field_is_required(endpoint: Endpoint, world: World) -> None:
    """A required field that is absent, null or empty is named in the catalogue's words, with status 200."""
    required = [parameter.name for parameter in endpoint.parameters if parameter.required]
    for name in required:
        body = world.request(endpoint)
        for variant in (without(body, name), emptied(body, name, None), emptied(body, name, "")):
            answer = world.send(endpoint, variant)
            text = ERRORS["operation_errors"]["missing_field"]["text"].replace("<field_name>", name)
            assert_refused(answer, "operation_error", message=text)
            assert answer.headers["x-error-field"] == name
    needed = NEEDED.get(endpoint.path)
    if needed:
        for variant in ({}, without(world.request(endpoint), needed)):
            answer = world.send(endpoint, variant)
            text = ERRORS["operation_errors"]["operation_failed"]["text"]
            assert_refused(answer, "operation_error", message=text)
            assert answer.headers["x-error-field"] == needed
    elif not required:
        assert world.send(endpoint, {}).json()["success"] == 1


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_each_other_field_may_be_left_out(endpoint: Endpoint, world: World) -> None:
    """A logical or optional field is never an error when it is missing; unknown fields are ignored."""
    for parameter in endpoint.parameters:
        if not parameter.required and parameter.name != NEEDED.get(endpoint.path):
            answer = world.send(endpoint, without(world.request(endpoint), parameter.name))
            assert done(endpoint, answer), (
                parameter.name,
                answer.text,
                answer.headers.get("x-error-field"),
            )
    unknown = "text" if endpoint.op == "upload" else {"a": [1]}
    answer = world.send(endpoint, world.request(endpoint) | {"no_such_field": unknown})
    assert done(endpoint, answer), answer.text


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_the_chain_refuses_in_its_order(endpoint: Endpoint, world: World, stranger: httpx.Client) -> None:
    """No credentials, wrong ones, no permission, wrong media type, unparseable content: each its own row."""
    address = f"/api/v4/{endpoint.path}"
    with from_an_address_of_its_own(endpoint, world) as client:
        assert_refused(client.post(address, json={}), "auth_missing")
        assert_refused(client.post(address, json={}, auth=("nobody", "wrong")), "auth_invalid")
    denied = TABLE["access_denied"]["message"].replace("<service>", f"/{endpoint.path}")
    assert_refused(stranger.post(address, json={}), "access_denied", message=denied)
    assert_refused(
        world.client.post(address, content=b"a=1", headers={"Content-Type": "text/plain"}), "content_type"
    )
    json_type, form_type = "application/json", "multipart/form-data; boundary=B"
    mine, other = (form_type, json_type) if endpoint.op == "upload" else (json_type, form_type)
    for content in (b"{", b"[1]", b"7", b'"text"', b"null"):
        answer = world.client.post(address, content=content, headers={"Content-Type": mine})
        assert_refused(answer, "unparseable")
        answer = world.client.post(address, content=content, headers={"Content-Type": other})
        assert_refused(answer, "content_type")


def from_an_address_of_its_own(endpoint: Endpoint, world: World) -> httpx.Client:
    """A client without credentials at another loopback address for each service, which failures slow down."""
    transport = httpx.HTTPTransport(
        verify=False,
        local_address=f"127.0.1.{ENDPOINTS.index(endpoint) + 1}",
    )
    return httpx.Client(base_url=world.client.base_url, transport=transport, timeout=20)


def done(endpoint: Endpoint, answer: httpx.Response) -> bool:
    """Whether the service did it: it says so, or sends a file."""
    if endpoint.kind == "bytes":
        return answer.status_code == 200 and answer.headers["content-type"] in endpoint.media_types
    return bool(answer.json()["success"] == 1)


def emptied(body: dict[str, Any], name: str, value: str | None) -> dict[str, Any]:
    """A copy of a request in which one field is null or empty."""
    copy = without(body, name)
    if "[]." in name:
        outer, inner = name.split("[].", 1)
        for item in copy[outer]:
            item[inner] = value
    elif "." in name:
        outer, inner = name.split(".", 1)
        copy[outer][inner] = value
    else:
        copy[name] = value
    return copy


def in_order(data: dict[str, Any]) -> list[tuple[str, Any]]:
    """An object with the order of its keys."""
    return list(data.items())


def check_answer(endpoint: Endpoint, answer: httpx.Response, calendar: str) -> None:
    """The answer has the exact keys, order, types and texts of the catalogue."""
    if endpoint.kind == "bytes":
        assert answer.content
        assert answer.headers["content-type"] in endpoint.media_types
        return
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    assert list(body) == ["success", "message", "data"]
    assert body["success"] == 1, (answer.text, answer.headers.get("x-error-field"))
    assert body["message"] == endpoint.message
    data = body["data"]
    match endpoint.kind:
        case "add":
            assert list(data) == ["_id"]
            assert OBJECT_ID.fullmatch(data["_id"])
        case "write":
            assert data == ""
        case "list":
            assert data, "the search found nothing, so its row was not checked"
            for row in data:
                check_row(row, endpoint, calendar)
        case "page":
            assert list(data) == ["pagination", *endpoint.extra, "data"]
            assert list(data["pagination"]) == ["start", "count", "sorting", "total"]
            assert {name: data[name] for name in endpoint.extra} == endpoint.extra
            assert data["pagination"]["sorting"] == endpoint.sorting
            assert (data["pagination"]["start"], data["pagination"]["count"]) == (0, 20)
            assert 0 < len(data["data"]) <= data["pagination"]["total"]
            for row in data["data"]:
                check_row(row, endpoint, calendar)
        case "ordered":
            assert list(data) == ["last_id", "data"]
            assert data["data"], "the feed is empty, so its row was not checked"
            for row in data["data"]:
                check_row(row, endpoint, calendar)
        case "agent_op":
            assert in_order(data) == in_order(endpoint.data)
        case "agent_batch":
            assert list(data) == list(endpoint.data)
            assert data["ok"] == endpoint.data["ok"]
            (sample,) = endpoint.data["Data"]
            assert len(data["Data"]) == 1
            for item in data["Data"]:
                assert list(item) == list(sample)
                assert [type(value) for value in item.values()] == [type(value) for value in sample.values()]
                assert (item["message"], item["ok"]) == (sample["message"], sample["ok"])
        case "object" if endpoint.op == "upload":
            assert list(data) == list(endpoint.data)
            assert STORED_NAME.fullmatch(data["filename"])
            assert data["filename"].rpartition(".")[2] == endpoint.data["filename"].rpartition(".")[2]
        case "object" if endpoint.path in VARYING:
            assert list(data) == list(endpoint.data)
            assert [type(value) for value in data.values()] == [
                type(value) for value in endpoint.data.values()
            ]
        case "object" if endpoint.path == "call/originate/act":
            assert list(data) == list(endpoint.data)
            assert CALL_ID.fullmatch(data["originated_call_id"])
        case "object":
            assert data == endpoint.data
        case unknown:
            pytest.fail(f"no check for answers of kind {unknown}")


def check_row(row: dict[str, Any], endpoint: Endpoint, calendar: str) -> None:
    """A result row has the sample's keys in the sample's order, values of its types, and today's date."""
    assert endpoint.row is not None
    whole = shape(endpoint.row)
    if row.get("status") == "completed":
        whole = whole | finished(endpoint.row)
    sample = fitted(whole, row, sometimes(endpoint.row))
    assert list(row) == list(sample)
    for key, value in sample.items():
        kind = str if key == "endtime" and endpoint.kind == "ordered" else type(value)
        if key == "ringtime" and row["disposition"] == "ABANDONED":
            kind = type(None)  # no phone rang
        assert type(row[key]) is kind, (key, row[key])
    assert OBJECT_ID.fullmatch(row["_id"])
    said = next(row[key] for key in ("date", "starttime", "end") if key in row)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", said)
    lately = [datetime.now(UTC).date() - timedelta(days=days) for days in (0, 1)]
    assert said[:10] in {text_of(day, calendar) for day in lately}, (calendar, said)


def fitted(sample: dict[str, Any], row: dict[str, Any], may_lack: frozenset[str]) -> dict[str, Any]:
    """The sample as a row of this kind has it: keys named after a value, without what this row may lack."""
    renamed = {sample[key]: row.get(key) for key in ("disposition", "type") if key in sample}
    if "inout_du" in sample:
        renamed["inout_du"] = f"{row.get('type')}_du"
    return {
        renamed.get(key) or key: value for key, value in sample.items() if key in row or key not in may_lack
    }


def text_of(day: date, calendar: str) -> str:
    """A day as rows have it; made here by the arithmetic of the Persian leap years, not by the product."""
    if calendar == "gregorian":
        return day.isoformat()
    since = (day - date(2023, 3, 21)).days  # 1402-01-01
    year = 1402
    while since >= (366 if year in JALALI_LEAP_YEARS else 365):
        since -= 366 if year in JALALI_LEAP_YEARS else 365
        year += 1
    month, rest = (since // 31, since % 31) if since < 186 else (6 + (since - 186) // 30, (since - 186) % 30)
    return f"{year}-{month + 1:02}-{rest + 1:02}"
