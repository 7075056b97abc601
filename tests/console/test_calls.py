"""Calls now: what is in progress, starting and ending calls, and records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import insert, select

from console._console import RunningConsole
from support.console import PREFIX
from tamas.engine.ami import AmiActionFailed, AmiError, AmiMessage
from tamas.engine.watch.view import CallView, Party, Step
from tamas.store.ids import new_id
from tamas.store.schema import calls, extensions, originates, trunks

AT = 1_763_870_000_000_000
"""2025-11-23 03:53:20 UTC, microseconds."""
ID = "1763870000.12"


class Manager:
    """A manager connection: channels that are there, and what it was asked to do with them."""

    connected = True

    def __init__(self, channels: Mapping[str, str] | None = None, error: AmiError | None = None) -> None:
        self.channels = dict(channels or {})
        """Linked ids by channel."""
        self.error = error
        self.hung_up: list[str] = []
        self.originated: list[Mapping[str, Any]] = []

    async def list_action(self, name: str, fields: object, **_limits: object) -> list[AmiMessage]:
        """The channels."""
        assert name == "CoreShowChannels"
        return [AmiMessage([("Channel", name), ("Linkedid", id_)]) for name, id_ in self.channels.items()]

    async def action(self, name: str, fields: Mapping[str, Any]) -> AmiMessage:
        """Hang a channel up, or start one."""
        if name == "Originate":
            if self.error is not None:
                raise self.error
            self.originated.append(fields)
        else:
            assert (name, fields["Cause"]) == ("Hangup", "16")
            if self.channels.pop(fields["Channel"], None) is None:
                raise refused("No such channel")
            self.hung_up.append(fields["Channel"])
            self.channels.pop(fields["Channel"].replace(";1", ";2"), None)
        return AmiMessage([("Response", "Success")])


def refused(text: str) -> AmiActionFailed:
    """Asterisk does not do it."""
    return AmiActionFailed("Originate", AmiMessage([("Response", "Error"), ("Message", text)]))


def party(number: str, name: str = "") -> Party:
    """An extension that talks."""
    return Party(number=number, name=name, kind="extension", trunk=None, state="up")


def talk(call_id: str = ID) -> CallView:
    """A call between 201 and 202."""
    return CallView(
        id=call_id,
        originated_call_id="orig.call.1.1",
        started_at=AT,
        answered_at=AT + 2_000_000,
        ended_at=None,
        state="talking",
        cause=None,
        caller=party("201", "<b>Sara</b>"),
        callee=party("202"),
        queue=None,
        story=(Step(at=AT, what="ringing", party="201"),),
    )


async def extension(console: RunningConsole, number: str, **values: Any) -> None:
    """An extension, as rows go."""
    row = {"id": new_id(), "name": number, "number": number, "secret_ha1": "", "secret_sealed": b""}
    async with console.database.write() as tx:
        await tx.execute(insert(extensions).values(**row, created_at=AT, updated_at=AT, **values))


async def trunk(console: RunningConsole, name: str, **values: Any) -> None:
    """A trunk, as rows go."""
    async with console.database.write() as tx:
        await tx.execute(
            insert(trunks).values(id=new_id(), name=name, created_at=AT, updated_at=AT, **values)
        )


async def record(console: RunningConsole, serial: int, **values: Any) -> str:
    """A record of a call. :returns: its id."""
    row = {
        "id": f"{serial:024x}",
        "cuid": f"1763870000.{serial}",
        "type": "local",
        "src": "201",
        "dst": "202",
        "started_at": AT,
        "ended_at": AT + 9_000_000,
        "wait": 2_500_000,
        "billsec": 6_500_000,
        "disposition": "ANSWERED",
        **values,
    }
    async with console.database.write() as tx:
        await tx.execute(insert(calls).values(**row))
    return str(row["id"])


async def activity(console: RunningConsole) -> list[tuple[str, str]]:
    """Actions on the page with their subjects, the first first."""
    rows = (await console.get("activity/list", page="calls"))["rows"]
    return [(row["action"], row["subject"]) for row in reversed(rows)]


async def test_calls_in_progress_are_told(console: RunningConsole) -> None:
    """As the engine shows them, times in milliseconds, names as they are."""
    assert await console.get("calls/current") == {"engine_ready": True, "calls": []}
    console.live.seen.in_progress = [talk()]
    (call,) = (await console.get("calls/current"))["calls"]
    assert call == {
        "id": ID,
        "originated_call_id": "orig.call.1.1",
        "started_at": AT // 1000,
        "answered_at": AT // 1000 + 2000,
        "ended_at": None,
        "state": "talking",
        "cause": None,
        "caller": {"number": "201", "name": "<b>Sara</b>", "kind": "extension", "trunk": None, "state": "up"},
        "callee": {"number": "202", "name": "", "kind": "extension", "trunk": None, "state": "up"},
        "queue": None,
        "story": [{"at": AT // 1000, "what": "ringing", "party": "201", "cause": None}],
    }
    console.live.seen.ready = False
    assert (await console.get("calls/current"))["engine_ready"] is False


async def test_every_party_is_hung_up(console: RunningConsole) -> None:
    """All channels of the call and no others; one that ended with another is no failure."""
    manager = Manager(
        {"PJSIP/201-1": ID, "Local/202@x-1;1": ID, "Local/202@x-1;2": ID, "PJSIP/300-1": "1763870000.99"}
    )
    console.engine.client = manager
    console.live.seen.in_progress = [talk()]
    await console.post("calls/hang_up", id=ID)
    assert manager.hung_up == ["PJSIP/201-1", "Local/202@x-1;1"]
    assert list(manager.channels) == ["PJSIP/300-1"]
    gone = await console.refused("calls/hang_up", id=ID)
    assert (gone["status"], gone["code"]) == (404, "not_found")
    assert await activity(console) == [("hang_up", "201 → 202")]


async def test_a_call_is_started(console_both: RunningConsole) -> None:
    """The same as over the Simotel API: a row, then the engine; its ids lead to the call and its record."""
    console = console_both
    console.engine.client = manager = Manager()
    await extension(console, "201")
    made = await console.post("calls/originate", caller="201", callee="202")
    async with console.database.read() as connection:
        row = await connection.row(select(originates))
    assert row is not None
    assert made == {"originated_call_id": row["originated_call_id"], "call_id": row["uniqueid"]}
    assert (row["account"], row["caller_id"], row["context"], row["timeout"]) == (
        "console:admin",
        "201",
        "main_routing",
        30,
    )
    (fields,) = manager.originated
    assert (fields["Channel"], fields["Exten"], fields["ChannelId"]) == ("PJSIP/201", "202", row["uniqueid"])
    assert await activity(console) == [("originate", "201 → 202")]


async def test_all_that_can_be_asked_of_a_call(console_both: RunningConsole) -> None:
    """A caller outside over a trunk, what is shown, how long it rings and how long they may talk: seconds."""
    console = console_both
    console.engine.client = manager = Manager()
    await trunk(console, "carrier1")
    await console.post(
        "calls/originate",
        caller="09120000000",
        callee="202",
        caller_id="Sara",
        trunk_name="carrier1",
        timeout=45,
        call_limit=600,
    )
    (fields,) = manager.originated
    assert fields["Timeout"] == "45000"
    assert fields["CallerID"] == '"Sara" <Sara>'
    assert "TAMAS_LIMIT=600" in fields["Variable"]
    await console.post(
        "calls/originate", caller="09120000000", callee="202", trunk_name="carrier1", timeout=0
    )
    assert manager.originated[1]["Timeout"] == "30000"


async def test_who_has_a_long_name_can_call_too(console_both: RunningConsole) -> None:
    """The record of who asked has less room than a name."""
    console = console_both
    console.engine.client = Manager()
    await extension(console, "201")
    await console.account("a" * 64)
    browser = await console.visitor()
    await browser.sign_in("a" * 64)
    await browser.post("calls/originate", caller="201", callee="202")


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"caller": ""}, "missing", "caller"),
        ({"caller": "20 1"}, "invalid", "caller"),
        ({"callee": "202&203"}, "invalid", "callee"),
        ({"callee": None}, "missing", "callee"),
        ({"caller_id": "a;b"}, "invalid", "caller_id"),
        ({"context": "no_such"}, "invalid", "context"),
        ({"context": "../x"}, "invalid", "context"),
        ({"caller": "0912", "trunk_name": "no_such"}, "invalid", "trunk_name"),
        ({"caller": "0912"}, "invalid", "trunk_name"),
        ({"timeout": 601}, "invalid", "timeout"),
        ({"timeout": -1}, "invalid", "timeout"),
        ({"call_limit": 86_401}, "invalid", "call_limit"),
    ],
)
async def test_what_cannot_be_called(
    console: RunningConsole, values: Mapping[str, Any], code: str, field: str
) -> None:
    """Each mistake is told with its field; no row is written and the engine hears of nothing."""
    console.engine.client = manager = Manager()
    await extension(console, "201")
    refusal = await console.refused("calls/originate", **{"caller": "201", "callee": "202", **values})
    assert (refusal["status"], refusal["code"], refusal["field"]) == (422, code, field)
    assert manager.originated == []
    async with console.database.read() as connection:
        assert await connection.row(select(originates)) is None
    assert await activity(console) == []


async def test_an_engine_that_is_away_or_refuses(console_both: RunningConsole) -> None:
    """Nothing is written while it is away; what it refused has a record that says so."""
    console = console_both
    await extension(console, "201")
    for path, values in (
        ("calls/originate", {"caller": "201", "callee": "202"}),
        ("calls/hang_up", {"id": ID}),
    ):
        refusal = await console.refused(path, **values)
        assert (refusal["status"], refusal["code"]) == (503, "engine_away")
    console.engine.client = Manager(error=refused("no"))
    refusal = await console.refused("calls/originate", caller="201", callee="202")
    assert (refusal["status"], refusal["code"]) == (503, "engine_away")
    (row,) = (await console.get("calls/recent"))["rows"]
    assert (row["src"], row["dst"], row["disposition"]) == ("201", "202", "FAILED")
    assert "refused" in row["reason"]
    assert await console.get("calls/record", originated_call_id=row["originated_call_id"]) == row


async def test_what_a_call_can_name(console_both: RunningConsole) -> None:
    """Outgoing routes there are, the usual one first; trunks that can be used."""
    console = console_both
    await extension(console, "201", context="abroad")
    await trunk(console, "carrier2")
    await trunk(console, "carrier1")
    await trunk(console, "off", active="no")
    assert await console.get("calls/choices") == {
        "contexts": ["main_routing", "abroad"],
        "trunks": ["carrier1", "carrier2"],
    }


async def test_records_are_told_whole(console_both: RunningConsole) -> None:
    """By the engine's id and by that of the originate; times and durations in milliseconds."""
    console = console_both
    row = await record(
        console,
        7,
        src_name="<b>Sara</b>",
        answered_at=AT + 2_500_000,
        hangup_cause=16,
        originated_call_id="orig.call.1.7",
        outgoing_point="carrier1",
    )
    expected = {
        "id": row,
        "call_id": "1763870000.7",
        "type": "local",
        "src": "201",
        "src_name": "<b>Sara</b>",
        "dst": "202",
        "did": "",
        "started_at": AT // 1000,
        "answered_at": AT // 1000 + 2500,
        "ended_at": AT // 1000 + 9000,
        "wait_ms": 2500,
        "billsec_ms": 6500,
        "disposition": "ANSWERED",
        "hangup_cause": 16,
        "reason": None,
        "recorded": False,
        "entry_point": None,
        "outgoing_point": "carrier1",
        "queue": None,
        "agent": None,
        "originated_call_id": "orig.call.1.7",
    }
    assert await console.get("calls/record", call_id="1763870000.7") == expected
    assert await console.get("calls/record", originated_call_id="orig.call.1.7") == expected
    for query in ({"call_id": "1.1"}, {"originated_call_id": "orig.call.1.1"}):
        refusal = await console.refused("calls/record", "GET", **query)
        assert (refusal["status"], refusal["code"]) == (404, "not_found")
    assert (await console.refused("calls/record", "GET"))["code"] == "missing"


async def test_recent_records(console_both: RunningConsole) -> None:
    """Page by page, the latest first; those of one number whoever called; one call, if it is written yet."""
    console = console_both
    for serial in range(1, 6):
        await record(
            console, serial, src="300" if serial == 2 else "201", dst="300" if serial == 4 else "202"
        )
    first = await console.get("calls/recent", count=3)
    second = await console.get("calls/recent", count=3, before=first["rows"][-1]["id"])
    ids = [[row["call_id"].rpartition(".")[2] for row in page["rows"]] for page in (first, second)]
    assert ids == [["5", "4", "3"], ["2", "1"]]
    assert (first["more"], second["more"]) == (True, False)
    found = (await console.get("calls/recent", number="300"))["rows"]
    assert [row["call_id"] for row in found] == ["1763870000.4", "1763870000.2"]
    one = await console.get("calls/recent", call_id="1763870000.3")
    assert ([row["call_id"] for row in one["rows"]], one["more"]) == (["1763870000.3"], False)
    assert await console.get("calls/recent", call_id="1763870000.9") == {"rows": [], "more": False}
    assert (await console.refused("calls/recent", "GET", before="x"))["field"] == "before"


async def test_a_recording_is_sent_in_parts(console_both: RunningConsole) -> None:
    """Whole, or from where a player wants it; only to those who may listen."""
    console = console_both
    name = "20251123_1763870000.8.wav"
    folder = console.settings.state_dir / "recordings" / "20251123"
    folder.mkdir(parents=True)
    sound = bytes(range(256)) * 40
    (folder / name).write_bytes(sound)
    await record(console, 8, record=name)
    url = f"{PREFIX}calls/recording?call_id=1763870000.8"
    whole = await console.http.get(url)
    assert (whole.status_code, whole.content) == (200, sound)
    assert whole.headers["content-type"] == "audio/wav"
    assert whole.headers["content-disposition"] == f'inline; filename="{name}"'
    assert whole.headers["accept-ranges"] == "bytes"
    part = await console.http.get(url, headers={"Range": "bytes=100-299"})
    assert (part.status_code, part.content) == (206, sound[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(sound)}"
    end = await console.http.get(url, headers={"Range": "bytes=-10"})
    assert (end.status_code, end.content) == (206, sound[-10:])
    beyond = await console.http.get(url, headers={"Range": f"bytes={len(sound)}-"})
    assert beyond.status_code == 416
    reader = await console.browser(rights={"calls": ["read", "update"]})
    assert (await reader.refused("calls/recording", "GET", call_id="1763870000.8"))["status"] == 403
    assert (await reader.get("calls/record", call_id="1763870000.8"))["recorded"] is True


async def test_no_other_file_is_sent(console: RunningConsole) -> None:
    """Neither what is not there, nor what a row or a link names outside the recordings."""
    recordings = console.settings.state_dir / "recordings"
    secret = console.settings.state_dir / "secrets" / "seal.key"
    secret.write_text("secret")
    (recordings / "20251123").mkdir(parents=True)
    (recordings / "20251123" / "20251123_1763870000.4.wav").symlink_to(secret)
    (recordings / "20251123" / "20251123_1763870000.5.wav").mkdir()
    await record(console, 1)
    await record(console, 2, record="../secrets/seal.key")
    await record(console, 3, record="20251123_1763870000.3.wav")
    await record(console, 4, record="20251123_1763870000.4.wav")
    await record(console, 5, record="20251123_1763870000.5.wav")
    for call_id in (*(f"1763870000.{serial}" for serial in range(1, 6)), "../../secrets/seal.key", "9.9"):
        refusal = await console.refused("calls/recording", "GET", call_id=call_id)
        assert (refusal["status"], refusal["code"]) == (404, "not_found"), call_id


async def test_who_may_only_look(console: RunningConsole) -> None:
    """The right to read shows calls and records; starting and ending calls need the right to update."""
    reader = await console.browser(rights={"calls": ["read"]})
    for path in ("calls/current", "calls/recent", "calls/choices"):
        assert await reader.get(path)
    assert (await reader.refused("calls/originate", caller="201", callee="202"))["status"] == 403
    assert (await reader.refused("calls/hang_up", id=ID))["status"] == 403
    stranger = await console.browser(rights={"home": ["read"]})
    for path in ("current", "recent", "choices", "record", "recording"):
        assert (await stranger.refused(f"calls/{path}", "GET"))["status"] == 403
