"""What receivers get: each event of the catalogue in both versions and by both methods, and our own shape."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from conformance.catalogue import load
from tamas.events.catalogue import EVENTS, VENDOR_EVENTS, checked_fields
from tamas.events.outbox import Event
from tamas.events.receivers import Receiver
from tamas.events.rendering import Told, request_for
from tamas.events.signature import signature_headers

RECEIVER = Receiver(id="0" * 24, name="crm", address="http://crm.test/hook?key=a%20b", events=frozenset())
CATALOGUE: Mapping[str, Mapping[str, Any]] = {event["name"]: event for event in load("events.yaml")["events"]}


def _given(kind: str, value: Any) -> Any:
    """The value that is emitted so that a sample comes out."""
    if kind in ("datetime_us", "datetime"):
        at = datetime.fromisoformat(value).replace(tzinfo=UTC)
        return int(at.replace(microsecond=0).timestamp()) * 1_000_000 + at.microsecond
    if kind == "epoch_float":
        return round(value * 1_000_000)
    if kind == "boolword":
        return value == "True"
    if kind == "digits":
        return int(value)
    return value


def sample(name: str) -> Told:
    """An event with the values of the catalogue's samples, as it is in the outbox."""
    fields = {}
    for field in CATALOGUE[name]["fields"]:
        if field["name"] in ("event_name", "event", "cuid") and name != "VoiceMail":
            continue
        if field["name"] == "event_name":
            continue
        value = field["example"]
        if field["name"] == "tries":
            value = [{**item, "starttime": _given("datetime", item["starttime"])} for item in value]
        fields[field["name"]] = _given(field["type"], value)
    checked = msgspec.json.encode(checked_fields(name, fields)).decode()
    return Told(position=7, name=name, created_at=1_610_778_618_000_000, fields=checked)


def expected(name: str) -> dict[str, Any]:
    """The payload as the catalogue prints it, with second spellings."""
    payload: dict[str, Any] = {}
    for field in CATALOGUE[name]["fields"]:
        value = field["example"]
        # The store keeps microseconds.
        payload[field["name"]] = round(value, 6) if field["type"] == "epoch_float" else value
    for field in CATALOGUE[name]["fields"]:
        if field.get("table_name") and field["name"] != "event_name":
            payload[field["table_name"]] = field["example"]
    if "dialer" in payload:
        payload["dialing"] = payload["dialer"]
    return payload


def test_the_catalogue_is_whole() -> None:
    """All 19 events are declared, with all their fields and the enums they print; ours are apart."""
    assert list(CATALOGUE) == list(VENDOR_EVENTS)
    assert set(EVENTS) - set(VENDOR_EVENTS) == {"RecordingReady", "OriginateResult"}
    for name, event in CATALOGUE.items():
        declared = {field.name: field for field in EVENTS[name].fields}
        for field in event["fields"]:
            if field["name"] in ("event_name", "event", "cuid"):
                continue
            assert declared[field["name"]].type == field["type"] or field["type"] == "string"
            assert set(field.get("values", ())) <= set(declared[field["name"]].values)


@pytest.mark.parametrize("name", VENDOR_EVENTS)
@pytest.mark.parametrize("version", ["G4", "Rest4"])
def test_posted(name: str, version: Any) -> None:
    """A JSON body with the names and values of the samples; Rest4 has the name in the path, as written."""
    receiver = replace(RECEIVER, version=version)
    request = request_for(sample(name), receiver, zone=UTC, password="", secret="", at=0)
    assert request.method == "POST"
    path = f"/hook/{name}" if version == "Rest4" else "/hook"
    assert str(request.url) == f"http://crm.test{path}?key=a%20b"
    assert ("Content-Type", "application/json") in request.headers
    assert request.content is not None
    assert json.loads(request.content) == expected(name)


@pytest.mark.parametrize("name", VENDOR_EVENTS)
@pytest.mark.parametrize("version", ["G4", "Rest4"])
def test_in_the_query(name: str, version: Any) -> None:
    """By GET every field is a query parameter beside those of the address; what has parts is JSON text."""
    receiver = replace(RECEIVER, version=version, method="GET")
    request = request_for(sample(name), receiver, zone=UTC, password="", secret="", at=0)
    assert (request.method, request.content) == ("GET", None)
    assert request.url.path == (f"/hook/{name}" if version == "Rest4" else "/hook")
    query = dict(request.url.params)
    assert query.pop("key") == "a b"
    wanted = expected(name)
    assert query.keys() == wanted.keys()
    for key, value in wanted.items():
        assert (query[key] if isinstance(value, str) else json.loads(query[key])) == value


def test_fields_stand_in_the_order_of_the_samples() -> None:
    """``event_name`` first, then the sample's fields, second spellings at the end."""
    request = request_for(sample("Cdr"), RECEIVER, zone=UTC, password="", secret="", at=0)
    names = list(json.loads(request.content or b""))
    assert names[:3] == ["event_name", "starttime", "endtime"]
    assert names[-2:] == ["start_time", "end_time"]
    assert names.index("cuid") == names.index("unique_id") + 1


def test_local_times() -> None:
    """With the local-time switch on, texts carry the time zone of the settings; epoch seconds do not."""
    zone = ZoneInfo("Asia/Tehran")
    request = request_for(sample("Cdr"), RECEIVER, zone=zone, password="", secret="", at=0)
    assert json.loads(request.content or b"")["starttime"] == "2021-01-16 10:00:37.471398"
    trunk = request_for(sample("TrunkNewState"), RECEIVER, zone=zone, password="", secret="", at=0)
    assert json.loads(trunk.content or b"")["last_time"] == 1675683148.922821


def test_signed_in_and_signed() -> None:
    """User and password as HTTP Basic; a signature over what is sent, with the id that every try carries."""
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    receiver = replace(RECEIVER, username="crm", shape="own")
    event = sample("Cdr")
    request = request_for(event, receiver, zone=UTC, password="päss:word", secret=secret, at=1_700_000_000)
    headers = dict(request.headers)
    assert headers["Authorization"] == "Basic " + base64.b64encode("crm:päss:word".encode()).decode()
    assert headers["webhook-id"] == event.id == f"{1_610_778_618:08x}" + "0" * 15 + "7"
    signed = f"{event.id}.1700000000.".encode() + (request.content or b"")
    digest = base64.b64encode(hmac.new(b"k" * 32, signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"


def test_published_signature() -> None:
    """The vector that the libraries of Standard Webhooks test themselves with."""
    headers = dict(
        signature_headers(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            b'{"test": 2432232314}',
        )
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_our_own_shape() -> None:
    """One object: what it is, its id, when, and the fields once, numbers as numbers, times in RFC 3339."""
    receiver = replace(RECEIVER, shape="own", method="GET", version="Rest4")
    request = request_for(sample("CdrQueue"), receiver, zone=UTC, password="", secret="", at=0)
    assert (request.method, request.url.path) == ("POST", "/hook")
    body = json.loads(request.content or b"")
    assert list(body) == ["id", "position", "type", "timestamp", "data"]
    assert body["type"] == "CdrQueue"
    assert body["timestamp"] == "2021-01-16T06:30:18.000000Z"
    assert body["data"]["billsec"] == 31
    assert body["data"]["starttime"] == "2021-01-16T07:29:53.310319Z"
    assert body["data"]["detail"][0]["tries"] == 1
    assert "cuid" not in body["data"]


def test_absent_fields_stay_absent() -> None:
    """``None`` is not sent, and neither is a second spelling of it."""
    fields = msgspec.json.encode(
        checked_fields("NewState", {"exten": "991", "state": "Idle", "dialer": None})
    )
    event = Told(position=1, name="NewState", created_at=0, fields=fields.decode())
    request = request_for(event, RECEIVER, zone=UTC, password="", secret="", at=0)
    assert json.loads(request.content or b"") == {"event_name": "NewState", "exten": "991", "state": "Idle"}


def test_a_slip_in_the_program_is_noticed() -> None:
    """An unknown event or field is refused where it is emitted."""
    with pytest.raises(ValueError, match="no event"):
        checked_fields("CDR", {})
    with pytest.raises(ValueError, match="srcc"):
        checked_fields("Cdr", {"srcc": "1"})


def test_what_keeps_its_order() -> None:
    """Events of a call keep theirs; without a call, those of the same extension or trunk."""
    assert Event(name="NewState", fields={"exten": "9"}, call="1.2").order_key == "1.2"
    assert Event(name="NewState", fields={"exten": "9"}).order_key == "exten:9"
    assert Event(name="Ping").order_key == ""
