"""The FastAGI server under real calls; faults Asterisk cannot make on demand come from stand-in peers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from engine._ami_fixtures import Engine, Running, local_call, running, start_engine
from support.waiting import eventually
from tamas.engine import fastagi
from tamas.engine.fastagi import (
    AgiCallEnded,
    AgiCommandFailed,
    AgiHangup,
    AgiProtocolError,
    AgiRaw,
    AgiReply,
    AgiSession,
    AgiTimeout,
    AgiUnsafeValue,
    FastAgiServer,
    join_arguments,
    parse_reply,
    quote_word,
)

pytestmark = pytest.mark.timeout(60)

OPENING = b"agi_network: yes\nagi_network_script: x\nagi_channel: Stand/in-1\nagi_uniqueid: 1.1\n\n"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One Asterisk for the tests of this module."""
    yield from start_engine(tmp_path_factory.mktemp("agi"))


@contextlib.asynccontextmanager
async def served(
    engine: Engine, handler: Callable[[AgiSession], Awaitable[None]]
) -> AsyncIterator[tuple[Running, FastAgiServer]]:
    """An AGI server on the engine's port, and a manager client that sees its calls' events."""
    server = FastAgiServer(handler, port=engine.agi_port)
    assert await server.start() == engine.agi_port
    try:
        async with running(engine) as peer:
            await peer.client.wait_connected(10)
            yield peer, server
            for channel in await peer.client.list_action("CoreShowChannels", {}):
                with contextlib.suppress(Exception):
                    await peer.client.action("Hangup", {"Channel": channel["Channel"]})
    finally:
        await server.close(grace=0)
    assert server.active == 0


async def in_call(
    engine: Engine, steps: Callable[[AgiSession], Awaitable[None]], *, extension: str = "steps"
) -> None:
    """Run ``steps`` in a real call and raise what they raised."""
    outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def handle(session: AgiSession) -> None:
        try:
            await steps(session)
        except BaseException as error:
            if not outcome.done():
                outcome.set_exception(error)
            raise
        outcome.set_result(None)

    async with served(engine, handle) as (peer, _):
        await local_call(peer.client, extension)
        await asyncio.wait_for(outcome, 20)
        await peer.event("UserEvent", UserEvent="AfterAgi")


# Words and replies


@pytest.mark.parametrize(
    ("word", "sent"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("two words", '"two words"'),
        ('say "x"', '"say \\"x\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("tab\there", '"tab\there"'),
    ],
)
def test_words_are_quoted_as_the_agi_parser_reads_them(word: str, sent: str) -> None:
    """Only plain words go unquoted; quotes and backslashes are escaped inside quotes."""
    assert quote_word(word) == sent


@pytest.mark.parametrize("word", ["a\nb", "a\rb", "a\0b"])
def test_words_that_no_quoting_can_carry_are_refused(word: str) -> None:
    """A line break would start a second command."""
    with pytest.raises(AgiUnsafeValue):
        quote_word(word)


@pytest.mark.parametrize(
    "argument",
    ["a,b", "a(b", "a[b", 'a"b', "a\\b", "${EPOCH}", "$[1+1]", "a\nb", "a\x07b", "(a),b", "),("],
)
def test_arguments_that_change_their_number_or_meaning_are_refused(argument: str) -> None:
    """Commas, open brackets, quotes, backslashes, expressions and control characters need AgiRaw."""
    with pytest.raises(ValueError, match="argument"):
        join_arguments([argument, "next"])
    assert join_arguments([AgiRaw(argument), "next"]) == f"{argument},next"


def test_arguments_that_stay_whole_are_joined() -> None:
    """Balanced options, non-ASCII text and empty arguments go through."""
    assert join_arguments(["PJSIP/100&PJSIP/101", "30", "gS(1)L(60000:5000)", "", "سلام"]) == (
        "PJSIP/100&PJSIP/101,30,gS(1)L(60000:5000),,سلام"
    )
    assert join_arguments(["U(sub,x)"]) == "U(sub,x)"


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("200 result=1", AgiReply(code=200, result="1")),
        ("200 result=-1", AgiReply(code=200, result="-1")),
        ("200 result=1 ()", AgiReply(code=200, result="1", value="")),
        ("200 result=1 (a (b) c)", AgiReply(code=200, result="1", value="a (b) c")),
        ("200 result= (timeout)", AgiReply(code=200, result="", value="timeout")),
        ("200 result=42# (timeout)", AgiReply(code=200, result="42#", value="timeout")),
        ("200 result=49 endpos=1600", AgiReply(code=200, result="49", endpos=1600)),
        ("200 result=1 (x) endpos=5", AgiReply(code=200, result="1", value="x", endpos=5)),
        ("200 result=1 (x) endpos=5)", AgiReply(code=200, result="1", value="x) endpos=5")),
        ("200 result=1 (a\nb)", AgiReply(code=200, result="1", value="a\nb")),
        ("510 Invalid or unknown command", AgiReply(code=510, result="", value="Invalid or unknown command")),
    ],
)
def test_replies_are_read(text: str, reply: AgiReply) -> None:
    """Every form of reply that res_agi writes."""
    assert parse_reply(text) == reply


@pytest.mark.parametrize("text", ["", "hello", "20 result=1", "result=1", "200 OK", "100 Trying"])
def test_what_is_no_reply_is_refused(text: str) -> None:
    """Anything else is a protocol error, never a guess."""
    with pytest.raises(AgiProtocolError):
        parse_reply(text)


# Real calls


@pytest.mark.engine
async def test_session_knows_its_call(engine: Engine) -> None:
    """Path, query and arguments of AGI() arrive decoded; unknown caller data is empty."""
    sessions: list[AgiSession] = []

    async def handle(session: AgiSession) -> None:
        sessions.append(session)

    async with served(engine, handle) as (peer, _):
        await local_call(peer.client, "with-query")
        after = await peer.event("UserEvent", UserEvent="AfterAgi")
    (session,) = sessions
    assert session.script == "a b/س"
    assert session.query == {"node": "7", "text": "x&y"}
    assert session.arguments == ("first", "", "third")
    assert session.channel == after["Channel"]
    assert session.uniqueid == after["Uniqueid"]
    assert (session.context, session.extension, session.language) == ("agi", "with-query", "en")
    assert (session.caller_number, session.caller_name, session.dialed) == ("", "", "")
    assert session.environment["agi_network"] == "yes"
    assert after["Status"] == "SUCCESS"


@pytest.mark.engine
@pytest.mark.parametrize(
    "value",
    [
        "",
        " lead and trail ",
        "quote \" and '",
        "back\\slash \\\\ \\n \\",
        "comma, (paren [bracket",
        "${EPOCH} $[1+1] ${SHELL(id)}",
        "سلام 😀 ß",
        "tab\there",
        "200 result=1 (x) endpos=5",
        "x" * 1022,
        "س" * 700,
        "y" * 2000,
    ],
)
async def test_values_survive_the_way_there_and_back(engine: Engine, value: str) -> None:
    """Quotes, backslashes, commas, expressions, non-ASCII and long values are stored and read unchanged."""

    async def steps(session: AgiSession) -> None:
        await session.set_variable("V", value)
        assert await session.get_variable("V") == value

    await in_call(engine, steps)


@pytest.mark.engine
async def test_variables_and_functions(engine: Engine) -> None:
    """Unset is None and not empty; functions are read and written; expressions are expanded on request."""

    async def steps(session: AgiSession) -> None:
        assert await session.get_variable("NEVER_SET") is None
        assert await session.get_variable("ORIGINAL") == "steps"
        await session.set_variable("CALLERID(name)", 'Zoë, "the" caller')
        assert await session.get_variable("CALLERID(name)") == 'Zoë, "the" caller'
        assert await session.get_full_variable("<${CALLERID(name)}|${ORIGINAL}>") == (
            '<Zoë, "the" caller|steps>'
        )
        assert await session.get_full_variable("${URIDECODE(line%0Abreak)}") == "line\nbreak"
        assert await session.get_variable("NOSUCHFUNCTION(x)") is None
        for name in ("A B", "A\nB", "", "A(${X})", "A)"):
            with pytest.raises(AgiUnsafeValue):
                await session.get_variable(name)
        with pytest.raises(AgiUnsafeValue):
            await session.set_variable("V", "x" * 2040)
        with pytest.raises(AgiUnsafeValue):
            await session.set_variable("V", "\ud800")
        # Nothing of the refused ones was sent: the wire is still in step.
        assert await session.get_variable("ORIGINAL") == "steps"

    await in_call(engine, steps)


@pytest.mark.engine
async def test_applications_run_and_get_their_arguments_unexpanded(engine: Engine) -> None:
    """EXEC runs an application with its arguments as given, ${} included; a missing one is an error."""

    async def steps(session: AgiSession) -> None:
        assert await session.execute("Set", AgiRaw("A=${EPOCH},b")) == "0"
        assert await session.get_variable("A") == "${EPOCH},b"
        assert await session.execute("NoOp") == "0"
        with pytest.raises(AgiCommandFailed, match="no such application") as missing:
            await session.execute("NoSuchApplication", "x")
        assert missing.value.code == 200
        with pytest.raises(AgiUnsafeValue):
            await session.execute("Dial,x")
        with pytest.raises(AgiCommandFailed) as unknown:
            await session.command("NO", "SUCH", "COMMAND")
        assert unknown.value.code == 510
        with pytest.raises(AgiCommandFailed, match="Proper usage") as usage:
            await session.command("SET", "VARIABLE", "X")
        assert usage.value.code == 520
        assert await session.get_variable("A") == "${EPOCH},b"

    await in_call(engine, steps)


@pytest.mark.engine
async def test_channel_with_agiexecfull_expands(engine: Engine) -> None:
    """The one case in which EXEC expands ${}: why the docs forbid AGIEXECFULL."""

    async def steps(session: AgiSession) -> None:
        await session.execute("Set", AgiRaw("A=${ORIGINAL}"))
        assert await session.get_variable("A") == "with-full"

    outcome: list[BaseException | None] = []

    async def handle(session: AgiSession) -> None:
        try:
            await steps(session)
        except BaseException as error:
            outcome.append(error)
            raise
        outcome.append(None)

    async with served(engine, handle) as (peer, _):
        await local_call(peer.client, "with-full")
        await eventually(lambda: bool(outcome))
    assert outcome == [None]


@pytest.mark.engine
async def test_dial_that_ends_the_call_is_told_from_a_hangup(engine: Engine) -> None:
    """Dial without g answers -1 though the caller is there: a subclass of AgiHangup, the wire usable."""

    async def steps(session: AgiSession) -> None:
        with pytest.raises(AgiCallEnded):
            await session.execute("Dial", "Local/brief@calls", "10")
        assert not session.hung_up.is_set()
        assert await session.get_variable("DIALSTATUS") == "ANSWER"
        assert await session.execute("Dial", "Local/brief@calls", "10", "g") == "0"

    await in_call(engine, steps)


@pytest.mark.engine
async def test_sounds_and_digits(engine: Engine) -> None:
    """Sounds play to their end or to a digit; digits are collected; a missing sound is an error."""
    outcome: list[object] = []

    async def handle(session: AgiSession) -> None:
        try:
            await session.answer()
            outcome.append(await session.stream_file("short"))
            outcome.append(await session.wait_for_digit(0.05))
            with pytest.raises(AgiCommandFailed, match="could not be played"):
                await session.stream_file("no-such-sound")
            outcome.append(await session.get_data("long", timeout=5, max_digits=10))
            outcome.append(await session.get_data("short", timeout=0.05, max_digits=10))
        except BaseException as error:
            outcome.append(error)
            raise
        outcome.append("end")

    async with served(engine, handle) as (peer, _):
        await local_call(peer.client, "sounds", far="digits")
        await eventually(lambda: "end" in outcome, within=20)
    assert outcome == [None, None, "42", "", "end"]


@pytest.mark.engine
async def test_digit_stops_a_sound(engine: Engine) -> None:
    """A digit among the escape digits ends the sound and is returned."""
    outcome: list[object] = []

    async def handle(session: AgiSession) -> None:
        outcome.append(await session.stream_file("long", "123#4"))

    async with served(engine, handle) as (peer, _):
        await local_call(peer.client, "sounds", far="digits")
        await eventually(lambda: bool(outcome), within=20)
    assert outcome == ["4"]


@pytest.mark.engine
@pytest.mark.parametrize("blocked", ["Wait", "GET DATA", "elsewhere", "stubborn"])
async def test_hangup_ends_the_session_within_a_second(engine: Engine, blocked: str) -> None:
    """The caller hangs up while the handler is blocked: it hears of it, the connection is closed in time."""
    sessions: list[AgiSession] = []
    ends: list[str] = []

    async def handle(session: AgiSession) -> None:
        sessions.append(session)
        try:
            if blocked == "Wait":
                await session.execute("Wait", "600")
            elif blocked == "GET DATA":
                await session.get_data("long", timeout=60, max_digits=5)
            elif blocked == "elsewhere":
                await asyncio.sleep(60)
            else:
                await session.hung_up.wait()
                assert await session.get_variable("ORIGINAL", dead=True) == "blocked"
                ends.append("last words")
                await session.get_variable("ORIGINAL")
        except AgiCallEnded:
            ends.append("wrong")
        except AgiHangup:
            ends.append("hangup")
            raise
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    async with served(engine, handle) as (peer, server):
        await local_call(peer.client, "blocked")
        await eventually(lambda: bool(sessions))
        (session,) = sessions
        if blocked in ("Wait", "GET DATA"):
            await eventually(lambda: not session._link._idle.is_set(), what="a pending command")
        began = time.monotonic()
        await peer.client.action("Hangup", {"Channel": session.channel})
        # The channel itself is gone only when we have closed the socket.
        await peer.event("Hangup", Uniqueid=session.uniqueid, within=1.0)
        await eventually(lambda: server.active == 0, within=1.0)
        assert time.monotonic() - began < 1.0
        await peer.event("UserEvent", UserEvent="HangupReached", Source="blocked")
    expected = {"elsewhere": ["cancelled"], "stubborn": ["last words", "hangup"]}
    assert ends == expected.get(blocked, ["hangup"])


@pytest.mark.engine
async def test_failing_handler_is_logged_and_its_connection_closed(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """A handler's bug is logged with channel, unique id and script, and the dialplan goes on."""

    async def handle(session: AgiSession) -> None:
        raise RuntimeError("the flow is broken")

    async with served(engine, handle) as (peer, server):
        await local_call(peer.client, "broken")
        after = await peer.event("UserEvent", UserEvent="AfterAgi")
        assert after["Status"] == "SUCCESS"
        await eventually(lambda: server.active == 0)
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    text = record.getMessage()
    assert after["Channel"] in text
    assert after["Uniqueid"] in text
    assert "'broken'" in text
    assert "the flow is broken" in caplog.text


@pytest.mark.engine
async def test_command_given_up_does_not_shift_later_replies(engine: Engine) -> None:
    """After a time-out the next command waits for the old one's end and gets its own reply."""

    async def steps(session: AgiSession) -> None:
        with pytest.raises(AgiTimeout):
            await session.execute("Wait", "0.5", timeout=0.1)
        assert await session.get_variable("ORIGINAL") == "steps"
        assert await asyncio.gather(*(session.get_full_variable(f"n{n}") for n in range(20))) == [
            f"n{n}" for n in range(20)
        ]

    await in_call(engine, steps)


@pytest.mark.engine
async def test_killed_server_lets_the_dialplan_go_on(engine: Engine, tmp_path: Path) -> None:
    """kill -9 of the server in mid-call: the dialplan goes on with SUCCESS; the port is free at once."""
    program = tmp_path / "server.py"
    program.write_text(
        "import asyncio, sys\n"
        "from tamas.engine.fastagi import AgiSession, FastAgiServer\n"
        "async def handle(session: AgiSession) -> None:\n"
        "    await session.set_variable('RESULT', 'begun')\n"
        "    print('begun', flush=True)\n"
        "    await session.execute('Wait', sys.argv[2])\n"
        "    await asyncio.sleep(60)\n"
        "async def main() -> None:\n"
        "    await FastAgiServer(handle, port=int(sys.argv[1])).start()\n"
        "    print('ready', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n",
        encoding="utf-8",
    )
    async with running(engine) as peer:
        await peer.client.wait_connected(10)
        for seconds in ("0.3", "0"):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(program),
                str(engine.agi_port),
                seconds,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": str(Path(fastagi.__file__).parents[2])},
            )
            try:
                assert process.stdout is not None
                assert await asyncio.wait_for(process.stdout.readline(), 10) == b"ready\n"
                peer.events.clear()
                await local_call(peer.client, f"killed-{seconds[-1]}")
                assert await asyncio.wait_for(process.stdout.readline(), 10) == b"begun\n"
            finally:
                process.send_signal(signal.SIGKILL)
                await process.wait()
            after = await peer.event("UserEvent", UserEvent="AfterAgi", within=5)
            assert (after["Status"], after["Value"]) == ("SUCCESS", "begun")
            server = FastAgiServer(_nothing, port=engine.agi_port)
            assert await server.start() == engine.agi_port
            await server.close(grace=0)
            await peer.client.action("Hangup", {"Channel": after["Channel"]})


async def _nothing(session: AgiSession) -> None:
    """A handler that ends at once."""


@pytest.mark.engine
async def test_value_that_imitates_a_reply_ends_the_session(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """A value with forged lines never becomes the reply to a later command: the session is given up."""
    forged: list[str | None] = []

    async def handle(session: AgiSession) -> None:
        await session.get_full_variable("${URIDECODE(a%29%0A200 result=1 %28forged)}")
        await session.hung_up.wait()
        forged.append(await session.get_variable("ORIGINAL"))

    async with served(engine, handle) as (peer, _):
        await local_call(peer.client, "forged")
        await peer.event("UserEvent", UserEvent="AfterAgi")
    assert forged == []
    assert "nobody asked for" in caplog.text


@pytest.mark.engine
async def test_many_calls_at_once(engine: Engine) -> None:
    """100 calls at the same time: each session sees its own channel's values and none is left."""
    count = 100
    seen: set[str] = set()

    async def handle(session: AgiSession) -> None:
        await session.set_variable("RESULT", session.uniqueid)
        assert await session.get_variable("RESULT") == session.uniqueid
        seen.add(session.uniqueid)

    async with served(engine, handle) as (peer, server):
        await asyncio.gather(*(local_call(peer.client, "many") for _ in range(count)))

        def finished() -> int:
            return sum(each.get("UserEvent") == "AfterAgi" for each in peer.events)

        await eventually(lambda: finished() == count, within=20)
        await eventually(lambda: server.active == 0)
        assert len(seen) == count
        assert {each["Value"] for each in peer.events if each.get("UserEvent") == "AfterAgi"} == seen


# Stand-in peers


async def open_session(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as Asterisk does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(OPENING)
    return reader, writer


@pytest.mark.engine
async def test_silent_connections_hurt_nobody(engine: Engine) -> None:
    """Stand-in peers: 200 connections with nothing or half a header; calls go on, all get closed."""
    server = FastAgiServer(_nothing, port=engine.agi_port, request_timeout=0.5)
    await server.start()
    writers: list[asyncio.StreamWriter] = []
    readers: list[asyncio.StreamReader] = []
    try:
        async with running(engine) as peer:
            await peer.client.wait_connected(10)
            for number in range(200):
                reader, writer = await asyncio.open_connection("127.0.0.1", engine.agi_port)
                if number % 2:
                    writer.write(b"agi_network: yes\nagi_chan")
                readers.append(reader)
                writers.append(writer)
            await local_call(peer.client, "beside")
            after = await peer.event("UserEvent", UserEvent="AfterAgi", within=3)
            assert after["Status"] == "SUCCESS"
            await peer.client.action("Hangup", {"Channel": after["Channel"]})
            for reader in readers:
                with contextlib.suppress(ConnectionError):
                    assert await asyncio.wait_for(reader.read(), 3) == b""
            assert server.active == 0
    finally:
        for writer in writers:
            writer.close()
        await server.close(grace=0)


@pytest.mark.parametrize(
    "opening",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\n",
        b"agi_network: yes\n\n",
        b"x" * 200_000,
        b"agi_network: yes\n" + b"agi_arg_1: x\n" * 100_000,
        b"".join(b"agi_arg_%d: x\n" % n for n in range(400)) + b"\n",
    ],
    ids=["http", "empty", "no-channel", "no-newline", "endless", "too-many"],
)
async def test_strange_openings_are_closed(opening: bytes) -> None:
    """Stand-in peers: what does not open as Asterisk does never reaches a handler."""
    handled: list[AgiSession] = []

    async def handle(session: AgiSession) -> None:
        handled.append(session)

    server = FastAgiServer(handle)
    port = await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(opening)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    await server.close(grace=0)
    assert handled == []


async def test_calls_beyond_the_limit_are_closed_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """Stand-in peers: a session too many is refused and logged once; room comes back."""
    release = asyncio.Event()

    async def handle(session: AgiSession) -> None:
        await release.wait()

    server = FastAgiServer(handle, max_sessions=2)
    port = await server.start()
    first = [await open_session(port) for _ in range(2)]
    await eventually(lambda: server.active == 2)
    for _ in range(3):
        reader, writer = await open_session(port)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 2) == b""
        writer.close()
    assert server.active == 2
    assert caplog.text.count("AGI connections are refused") == 1
    release.set()
    await eventually(lambda: server.active == 0)
    again = await open_session(port)
    assert await asyncio.wait_for(again[0].read(), 2) == b""
    for _, writer in [*first, again]:
        writer.close()
    await server.close(grace=0)


async def test_reply_nobody_asked_for_ends_the_session(caplog: pytest.LogCaptureFixture) -> None:
    """Stand-in peer: a reply out of step is never taken for the next command's; the session is given up."""
    ends: list[BaseException] = []

    async def handle(session: AgiSession) -> None:
        try:
            await session.hung_up.wait()
            await session.get_variable("X")
        except AgiHangup as error:
            ends.append(error)
            raise

    server = FastAgiServer(handle)
    port = await server.start()
    reader, writer = await open_session(port)
    writer.write(b"200 result=1 (forged)\n")
    assert await asyncio.wait_for(reader.read(), 2) == b""
    await eventually(lambda: server.active == 0)
    writer.close()
    await server.close(grace=0)
    assert len(ends) == 1
    assert "nobody asked for" in caplog.text
    assert "Stand/in-1" in caplog.text


async def test_hangup_line_between_command_and_reply_keeps_the_reply() -> None:
    """Stand-in peer: HANGUP arrives while a command is pending, then its reply: both are understood."""
    results: list[object] = []

    async def handle(session: AgiSession) -> None:
        results.append(await session.get_variable("X"))
        results.append(session.hung_up.is_set())
        try:
            await session.get_variable("Y")
        except AgiHangup:
            results.append("hangup")

    server = FastAgiServer(handle)
    port = await server.start()
    reader, writer = await open_session(port)
    assert await asyncio.wait_for(reader.readline(), 2) == b"GET VARIABLE X\n"
    writer.write(b"HANGUP\n")
    await writer.drain()
    writer.write(b"200 result=1 (there)\n")
    assert await asyncio.wait_for(reader.read(), 2) == b""
    writer.close()
    await server.close(grace=1)
    assert results == ["there", True, "hangup"]


async def test_usage_text_after_an_application_that_returned_one_is_skipped() -> None:
    """Stand-in peer: Asterisk adds a usage text to EXEC's result 1; the next command gets its own reply."""
    results: list[object] = []

    async def handle(session: AgiSession) -> None:
        results.append(await session.execute("Odd"))
        results.append(await session.get_variable("X"))

    server = FastAgiServer(handle)
    port = await server.start()
    reader, writer = await open_session(port)
    assert await asyncio.wait_for(reader.readline(), 2) == b'EXEC Odd ""\n'
    writer.write(
        b"200 result=1\n520-Invalid command syntax.  Proper usage follows:\nUsage: EXEC\n"
        b"520 End of proper usage.\n"
    )
    assert await asyncio.wait_for(reader.readline(), 2) == b"GET VARIABLE X\n"
    writer.write(b"200 result=1 (there)\n")
    assert await asyncio.wait_for(reader.read(), 2) == b""
    writer.close()
    await server.close(grace=1)
    assert results == ["1", "there"]


async def test_close_gives_grace_and_then_ends_handlers() -> None:
    """Stand-in peers: close() waits for a handler that ends in time and stops the one that does not."""
    ends: list[str] = []

    async def handle(session: AgiSession) -> None:
        try:
            await asyncio.sleep(0.1 if "short" not in ends else 60)
            ends.append("finished")
        except asyncio.CancelledError:
            ends.append("stopped")
            raise

    server = FastAgiServer(handle)
    port = await server.start()
    peers = [await open_session(port)]
    await eventually(lambda: server.active == 1)
    ends.append("short")
    peers.append(await open_session(port))
    await eventually(lambda: server.active == 2)
    began = time.monotonic()
    await server.close(grace=0.3)
    assert time.monotonic() - began < 1.5
    assert server.active == 0
    assert ends == ["short", "finished", "stopped"]
    for reader, writer in peers:
        assert await asyncio.wait_for(reader.read(), 2) == b""
        writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
