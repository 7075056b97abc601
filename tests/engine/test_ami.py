"""The manager client against a real Asterisk; faults it cannot make on demand come from stand-in peers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine._ami_fixtures import (
    Engine,
    Running,
    local_call,
    make_engine,
    running,
    stand_in,
    start_engine,
)
from support.waiting import eventually
from tamas.engine import ami
from tamas.engine.ami import (
    AmiActionFailed,
    AmiClient,
    AmiDisconnected,
    AmiError,
    AmiLoginRefused,
    AmiMessage,
    AmiOverloaded,
    AmiTimeout,
    AmiUnsafeValue,
    encode_action,
    variable_assignment,
)
from tamas.outgoing.backoff import BackOff

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
QUICK = BackOff(first=0.01, cap=0.05)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One Asterisk for the tests of this module."""
    yield from start_engine(tmp_path_factory.mktemp("ami"))


def stand_in_client(
    port: int, on_event: Callable[[AmiMessage], None] = lambda event: None, **options: object
) -> AmiClient:
    """A client of a stand-in peer, which does not say FullyBooted."""
    arguments: dict[str, object] = {
        "host": "127.0.0.1",
        "port": port,
        "username": "any",
        "secret": "any",
        "on_event": on_event,
        "event_mask": "call",
        "backoff": QUICK,
    }
    return AmiClient(**(arguments | options))  # type: ignore[arg-type]


async def read_action(reader: asyncio.StreamReader) -> AmiMessage:
    """Read an action as Asterisk would."""
    return AmiMessage.parse((await reader.readuntil(b"\r\n\r\n"))[:-4])


async def accept_login(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greet and let the client in."""
    writer.write(GREETING)
    login = await read_action(reader)
    writer.write(f"Response: Success\r\nActionID: {login['actionid']}\r\n\r\n".encode())


# Messages


def test_header_names_match_in_any_case() -> None:
    """Asterisk writes Uniqueid here and UniqueID there: both are found, the name as sent is kept."""
    message = AmiMessage.parse(b"Event: Newchannel\r\nUniqueid: 1.2\r\nCallerIDName: \r\nNote: a: b")
    assert message.event == "Newchannel"
    assert message["UNIQUEID"] == "1.2"
    assert message["calleridname"] == ""
    assert message["note"] == "a: b"
    assert "uniqueID" in message
    assert "nothing" not in message
    assert list(message) == ["Event", "Uniqueid", "CallerIDName", "Note"]
    assert dict(message)["Uniqueid"] == "1.2"
    assert message.get("absent") is None


def test_repeated_headers_keep_every_value() -> None:
    """A header that comes twice gives its first value, and all of them on request."""
    message = AmiMessage.parse(b"Event: X\r\nVariable: a=1\r\nvariable: b=2\r\nEvent: Hangup")
    assert message["Variable"] == "a=1"
    assert message.all("VARIABLE") == ["a=1", "b=2"]
    assert message.all("none") == []
    assert message.event == "X"
    assert len(message) == 2


@pytest.mark.parametrize("value", ["a\r\nAction: Logoff", "a\nb", "a\rb", "a\0b", "\ud800", "x" * 2000])
def test_unsafe_values_are_refused(value: str) -> None:
    """Line breaks, NUL, broken Unicode and lines longer than Asterisk reads never reach the wire."""
    with pytest.raises(AmiUnsafeValue):
        encode_action("UserEvent", "1", {"Data": value})
    with pytest.raises(ValueError, match="Data"):
        encode_action("UserEvent", "1", {"Data": ["fine", value]})


@pytest.mark.parametrize("name", ["A\r\nB", "A:B", "", "A B", "Action", "actionid"])
def test_unsafe_header_names_are_refused(name: str) -> None:
    """A header name that is empty, splits the header, or is ours to set is refused."""
    with pytest.raises(AmiUnsafeValue):
        encode_action("UserEvent", "1", {name: "x"})


def test_unsafe_action_and_too_many_headers_are_refused() -> None:
    """The action's own name is checked too, and so is the number of lines."""
    with pytest.raises(AmiUnsafeValue):
        encode_action("Ping\r\nAction: Logoff", "1", {})
    with pytest.raises(AmiUnsafeValue):
        encode_action("Ping", "1", {"Variable": ["a=1"] * 127})


# A real Asterisk


@pytest.mark.engine
async def test_command_output_comes_back_as_text(engine: Engine) -> None:
    """A CLI command's lines arrive in order with their indentation; an unknown command is an error."""
    async with running(engine) as peer:
        await peer.client.wait_connected(10)
        assert (await peer.client.command("core show version")).startswith("Asterisk 22.")
        assert "\n" in await peer.client.command("core show channels")
        with pytest.raises(AmiActionFailed, match="No such command"):
            await peer.client.command("no such thing")
        with pytest.raises(AmiUnsafeValue):
            await peer.client.command("core show version\r\n\r\nAction: Logoff")


@pytest.mark.engine
async def test_failed_action_tells_asterisks_reason(engine: Engine) -> None:
    """Response: Error becomes an exception with Asterisk's message and its whole answer."""
    async with running(engine) as peer:
        await peer.client.wait_connected(10)
        with pytest.raises(AmiActionFailed) as caught:
            await peer.client.action("Hangup", {"Channel": "PJSIP/nobody-1"})
        assert caught.value.message == "No such channel"
        assert caught.value.response["Response"] == "Error"


@pytest.mark.engine
async def test_thousand_actions_get_their_own_answers(engine: Engine) -> None:
    """1000 actions in flight at once: each future gets the answer to its own action."""
    async with running(engine) as peer:
        await peer.client.wait_connected(10)
        await asyncio.gather(
            *(
                peer.client.action("Setvar", {"Variable": f"GLOBAL_{n}", "Value": f"value {n}"})
                for n in range(0, 1000, 10)
            )
        )
        answers = await asyncio.gather(
            *(peer.client.action("Getvar", {"Variable": f"GLOBAL_{n}"}, timeout=20) for n in range(1000))
        )
        assert [answer["Variable"] for answer in answers] == [f"GLOBAL_{n}" for n in range(1000)]
        assert [answer["Value"] for answer in answers[::10]] == [f"value {n}" for n in range(0, 1000, 10)]


@pytest.mark.engine
async def test_list_action_collects_its_events(engine: Engine) -> None:
    """A list action gives its events without the closing one, and they stay out of the event callback."""
    async with running(engine) as peer:
        await peer.client.wait_connected(10)
        queues = await peer.client.list_action("QueueStatus", {})
        assert {each["Queue"] for each in queues if each.event == "QueueParams"} == {"sales", "support"}
        assert all(each.event != "QueueStatusComplete" for each in queues)
        assert peer.find("QueueParams") is None
        assert await peer.client.list_action("QueueStatus", {"Queue": "nowhere"}) == []
        with pytest.raises(AmiActionFailed):
            await peer.client.list_action("NoSuchAction", {})


@pytest.mark.engine
async def test_originate_result_is_an_event(engine: Engine) -> None:
    """OriginateResponse has a Response header and the action's id: it is an event all the same."""
    async with running(engine) as peer:
        await peer.client.wait_connected(10)
        response = await peer.client.action(
            "Originate",
            {
                "Channel": "Local/nowhere@calls",
                "Context": "calls",
                "Exten": "silence",
                "Priority": "1",
                "Async": "true",
            },
        )
        assert response.event is None
        event = await peer.event("OriginateResponse")
        assert event["Response"] == "Failure"
        assert event["ActionID"] == response["ActionID"]


@pytest.mark.engine
async def test_only_the_events_that_are_wanted_are_sent(engine: Engine) -> None:
    """Two kinds are asked for by name: of a call, nothing else comes; lists are complete all the same."""
    async with running(engine, only_events=("Hangup", "OriginateResponse")) as peer:
        await peer.client.wait_connected(10)
        peer.events.clear()
        await peer.client.action(
            "Originate",
            {
                "Channel": "Local/brief@calls",
                "Context": "calls",
                "Exten": "brief",
                "Priority": "1",
                "Async": "true",
            },
        )
        await peer.event("Hangup")
        assert (await peer.event("OriginateResponse"))["Response"] == "Success"
        assert {event.event for event in peer.events} == {"Hangup", "OriginateResponse"}
        commands = await peer.client.list_action("CoreShowChannels")
        assert isinstance(commands, list)


@pytest.mark.engine
async def test_repeated_variable_headers_reach_the_channel(engine: Engine) -> None:
    """A sequence becomes repeated headers; commas, quotes and backslashes survive."""
    value = 'a,b "c" \\ (d, ${EPOCH} سلام'
    async with running(engine) as peer:
        await peer.client.wait_connected(10)
        await peer.client.action(
            "Originate",
            {
                "Channel": "Local/silence@calls/n",
                "Context": "calls",
                "Exten": "silence",
                "Priority": "1",
                "Async": "true",
                "Variable": [variable_assignment("FIRST", value), variable_assignment("SECOND", "two")],
            },
        )
        channel = (await peer.event("OriginateResponse", Response="Success"))["Channel"]
        first = await peer.client.action("Getvar", {"Channel": channel, "Variable": "FIRST"})
        second = await peer.client.action("Getvar", {"Channel": channel, "Variable": "SECOND"})
        assert (first["Value"], second["Value"]) == (value, "two")
        await peer.client.action("Hangup", {"Channel": channel})
    with pytest.raises(AmiUnsafeValue):
        variable_assignment("A=1,B", "x")


@pytest.mark.engine
async def test_longest_line_and_most_headers_are_taken(engine: Engine) -> None:
    """What the limits allow, Asterisk reads whole; they are as wide as they can be."""
    async with running(engine) as peer:
        await peer.client.wait_connected(10)
        data = "x" * (ami.MAX_SENT_LINE_BYTES - len("Data: "))
        await peer.client.action("UserEvent", {"UserEvent": "Long", "Data": data})
        assert (await peer.event("UserEvent", UserEvent="Long"))["Data"] == data
        values = [str(n) for n in range(ami.MAX_SENT_LINES - 3)]
        await peer.client.action("UserEvent", {"UserEvent": "Many", "Value": values})
        assert (await peer.event("UserEvent", UserEvent="Many")).all("Value") == values


@pytest.mark.engine
async def test_refused_login_is_reported_at_once_and_logged_once(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong secret ends the wait with a typed error; the client tries on without filling the log."""
    caplog.set_level(logging.DEBUG, logger="tamas.engine.ami")
    client = engine.client(secret="wrong", backoff=QUICK)
    task = asyncio.create_task(client.run())
    try:
        began = time.monotonic()
        with pytest.raises(AmiLoginRefused, match="Authentication failed"):
            await client.wait_connected(10)
        assert time.monotonic() - began < 5
        with pytest.raises(AmiDisconnected):
            await client.action("Ping")
        with pytest.raises(AmiLoginRefused):
            await client.wait_connected(1)
        await eventually(lambda: "still no manager connection" in caplog.text)
    finally:
        await client.close()
        await asyncio.wait_for(task, 5)
    warnings = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "wrong" not in caplog.text


@pytest.mark.engine
async def test_reconnects_when_asterisk_dies_and_returns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Asterisk is killed and started again: waiting actions fail, the client comes back, each logged once."""
    caplog.set_level(logging.INFO, logger="tamas.engine.ami")
    engine = make_engine(tmp_path)
    engine.start()
    prepared: list[str] = []
    lost: list[int] = []
    peer: Running

    async def prepare() -> None:
        prepared.append((await peer.client.action("CoreStatus"))["CoreStartupTime"])

    peer = running(engine, on_connect=prepare, on_disconnect=lambda: lost.append(1), backoff=QUICK)
    try:
        async with peer:
            await peer.client.wait_connected(20)
            assert peer.client.connected
            hanging = asyncio.create_task(peer.client.list_action("WaitEvent", {"Timeout": "30"}, timeout=60))
            await peer.client.action("Ping")
            engine.kill()
            with pytest.raises(AmiError):
                await asyncio.wait_for(hanging, 5)
            await eventually(lambda: bool(lost))
            assert not peer.client.connected
            with pytest.raises(AmiDisconnected):
                await peer.client.action("Ping")
            engine.start()
            await peer.client.wait_connected(20)
            assert (await peer.client.action("Ping"))["Ping"] == "Pong"
            assert len(prepared) == 2
            assert len(lost) == 1
    finally:
        engine.kill()
    levels = [each.levelname for each in caplog.records if each.name == "tamas.engine.ami"]
    # Down before Asterisk listened, up, down when it died, up again.
    assert levels == ["WARNING", "INFO", "WARNING", "INFO"]


@pytest.mark.engine
async def test_faulty_handler_costs_neither_reader_nor_events(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """A handler that raises on one event is logged with the event's name and still gets the next ones."""
    seen: list[str] = []

    def handle(event: AmiMessage) -> None:
        if event.event == "UserEvent":
            seen.append(event["UserEvent"])
            if event["UserEvent"] == "Bad":
                raise RuntimeError("handler is broken")

    client = engine.client(on_event=handle)
    task = asyncio.create_task(client.run())
    try:
        await client.wait_connected(10)
        for name in ("Bad", "Good"):
            await client.action("UserEvent", {"UserEvent": name})
        await eventually(lambda: seen == ["Bad", "Good"])
        assert client.connected
    finally:
        await client.close()
        await task
    assert "handling the manager event UserEvent failed" in caplog.text
    assert "handler is broken" in caplog.text


@pytest.mark.engine
async def test_closing_ends_the_task_and_refuses_further_actions(engine: Engine) -> None:
    """After close() the run task has returned and actions fail at once; so does cancelling the task."""
    async with running(engine) as peer:
        await peer.client.wait_connected(10)
    with pytest.raises(AmiDisconnected):
        await peer.client.action("Ping")
    assert not peer.client.connected
    client = engine.client()
    task = asyncio.create_task(client.run())
    await client.wait_connected(10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not client.connected


@pytest.mark.engine
async def test_call_events_arrive_in_order(engine: Engine) -> None:
    """A real call's events come in the order Asterisk sent them."""
    async with running(engine) as peer:
        await peer.client.wait_connected(10)
        await local_call(peer.client, "nobody-listens")
        done = await peer.event("UserEvent", UserEvent="AfterAgi", Exten="nobody-listens")
        # Exten of the channel comes first and wins over the header that the dialplan added.
        assert done["Status"] == "FAILURE"
        await peer.client.action("Hangup", {"Channel": done["Channel"]})
        await peer.event("Hangup", Uniqueid=done["Uniqueid"])
        names = [each.event for each in peer.events if each.get("Uniqueid") == done["Uniqueid"]]
        assert names[0] == "Newchannel"
        assert names.index("UserEvent") < names.index("Hangup")


# Stand-in peers: faults that a real Asterisk does not make on demand


@pytest.mark.parametrize(
    ("flood", "reason"),
    [
        (b"x" * 65536, "line that is too long"),
        (b"Junk: y\r\n" * 6000, "message that is too long"),
    ],
    ids=["no-newline", "no-end-of-message"],
)
async def test_flooding_server_is_disconnected(
    flood: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Stand-in peer: a server that floods without ending a line or a message is cut off."""
    ended = asyncio.Event()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept_login(reader, writer)
        try:
            while True:
                writer.write(flood)
                await writer.drain()
        finally:
            ended.set()

    async with stand_in(server) as port:
        client = stand_in_client(port)
        task = asyncio.create_task(client.run())
        await asyncio.wait_for(ended.wait(), 10)
        await eventually(lambda: reason in caplog.text)
        await client.close()
        await task


async def test_end_in_the_middle_of_a_message_fails_the_waiting_action(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Stand-in peer: EOF behind half a message fails the action at once; no half event comes."""
    events: list[AmiMessage] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept_login(reader, writer)
        await read_action(reader)
        writer.write(b"Event: Whole\r\nA: 1\r\n\r\nEvent: Half\r\nA: 1\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with stand_in(server) as port:
        client = stand_in_client(port, events.append, backoff=BackOff(first=30, cap=30))
        task = asyncio.create_task(client.run())
        await client.wait_connected(5)
        with pytest.raises(AmiDisconnected, match="middle of a message"):
            await client.action("Ping", timeout=10)
        assert [each.event for each in events] == ["Whole"]
        await eventually(lambda: "middle of a message" in caplog.text)
        await client.close()
        await task


async def test_silent_server_times_out_and_is_left() -> None:
    """Stand-in peer: a server that takes actions and says nothing: typed time-out, then a new connection."""
    logins = 0

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal logins
        await accept_login(reader, writer)
        logins += 1
        await reader.read()

    async with stand_in(server) as port:
        client = stand_in_client(port, idle_seconds=0.2)
        task = asyncio.create_task(client.run())
        await client.wait_connected(5)
        with pytest.raises(AmiTimeout):
            await client.action("Ping", timeout=0.05)
        await eventually(lambda: logins >= 2)
        await client.close()
        await task


async def test_late_answer_does_not_reach_another_action() -> None:
    """Stand-in peer: the answer to an action that timed out is dropped, the next action gets its own."""

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept_login(reader, writer)
        first = await read_action(reader)
        second = await read_action(reader)
        for each, text in ((first, "late"), (second, "right")):
            answer = f"Response: Success\r\nActionID: {each['ActionID']}\r\nMessage: {text}\r\n\r\n"
            # Bytes may come in any portions.
            for at in range(0, len(answer), 7):
                writer.write(answer[at : at + 7].encode())
                await writer.drain()
        await reader.read()

    async with stand_in(server) as port:
        client = stand_in_client(port)
        task = asyncio.create_task(client.run())
        await client.wait_connected(5)
        with pytest.raises(AmiTimeout):
            await client.action("One", timeout=0.05)
        assert (await client.action("Two", timeout=5))["Message"] == "right"
        await client.close()
        await task


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-other\r\n", b"x" * 200_000])
async def test_peer_that_is_no_manager_is_never_sent_the_secret(greeting: bytes) -> None:
    """Stand-in peer: closing, foreign and endless greetings end the try before any login is sent."""
    received: list[bytes] = []
    tries = 0

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        writer.write(greeting)
        if greeting:
            received.append(await reader.read())

    async with stand_in(server) as port:
        client = stand_in_client(port)
        task = asyncio.create_task(client.run())
        await eventually(lambda: tries >= 2)
        with pytest.raises(AmiTimeout):
            await client.wait_connected(0.05)
        await client.close()
        await task
    assert not any(received)


async def test_pending_actions_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-in peer: beyond the limit of unanswered actions the next is refused, and room comes back."""
    monkeypatch.setattr(ami, "MAX_PENDING_ACTIONS", 5)

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept_login(reader, writer)
        await reader.read()

    async with stand_in(server) as port:
        client = stand_in_client(port)
        task = asyncio.create_task(client.run())
        await client.wait_connected(5)
        results = await asyncio.gather(
            *(client.action("Ping", timeout=0.1) for _ in range(8)), return_exceptions=True
        )
        assert [type(each) for each in results] == [AmiTimeout] * 5 + [AmiOverloaded] * 3
        with pytest.raises(AmiTimeout):
            await client.action("Ping", timeout=0.01)
        await client.close()
        await task


async def test_failed_preparation_leads_to_a_new_connection(caplog: pytest.LogCaptureFixture) -> None:
    """Stand-in peer: when on_connect raises, the client is not connected, says why, and tries again."""
    tries = 0

    async def prepare() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("state could not be read")

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept_login(reader, writer)
        await reader.read()

    async with stand_in(server) as port:
        client = stand_in_client(port, on_connect=prepare)
        task = asyncio.create_task(client.run())
        await client.wait_connected(5)
        assert tries == 2
        await client.close()
        await task
    assert "state could not be read" in caplog.text
