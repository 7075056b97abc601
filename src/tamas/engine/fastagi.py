"""FastAGI server: one TCP connection for each call that reaches ``AGI(agi://…)`` in the dialplan.

A handler coroutine gets an ``AgiSession`` and drives the call by AGI commands, one at a time, because
Asterisk stalls on a second command that arrives together with the first. When it returns or raises, or the
caller hangs up, the connection is closed and Asterisk goes on in its dialplan with ``AGISTATUS=SUCCESS`` (or
ends the call).
See https://docs.asterisk.org/Configuration/Interfaces/Asterisk-Gateway-Interface-AGI/ and res/res_agi.c.

What is safe to send
    ``SET VARIABLE`` stores its value as it is; nothing in it is expanded, then or when it is read. ``EXEC``
    hands its text to the application without expanding ``${…}``, unless the channel has ``AGIEXECFULL`` set,
    which our dialplan never does. But some applications expand their arguments themselves (Exec,
    MixMonitor's command), and every application splits at commas: that is why ``AgiSession.execute``
    refuses arguments that could be read differently. ``GET FULL VARIABLE`` expands everything: give it
    constants only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote

from tamas.errors import TamasError

log = logging.getLogger(__name__)

MAX_LINE_BYTES: Final = 64 * 1024
"""Longest line accepted from Asterisk."""
MAX_REPLY_BYTES: Final = 256 * 1024
"""Longest reply accepted: values with line breaks and usage texts have several lines."""
MAX_REPLY_LINES: Final = 1_000
MAX_REQUEST_LINES: Final = 256
MAX_REQUEST_BYTES: Final = 64 * 1024
"""Largest set of ``agi_`` lines a connection may begin with."""
MAX_COMMAND_BYTES: Final = 2_046
"""Asterisk reads a command into 2,048 bytes; the rest of a longer one would become the next command."""
SHORT_VALUE_BYTES: Final = 1_023
"""``GET VARIABLE`` cuts a value here without saying so; ``GET FULL VARIABLE`` does not."""
MAX_COMMAND_WORDS: Final = 120
"""Asterisk drops words after the 127th."""
MAX_OPENING: Final = 1_000
"""Connections that may be busy sending their ``agi_`` lines at the same time."""
LISTEN_BACKLOG: Final = 1_024

HANGUP_SECONDS: Final = 0.5
"""From the caller's hangup to the closing of the connection: time for a pending reply and last words."""
LEAVE_SECONDS: Final = 0.25
"""From the closing of the connection to the cancellation of the handler."""

STOP_SECONDS: Final = 5.0
"""Longest wait for cancelled handlers when the server closes."""

FINAL_CODE: Final = 200
"""Replies below it only say that a command has begun."""
_UNSAFE: Final = re.compile(r"[\r\n\0]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_BARE_WORD: Final = re.compile(r"[A-Za-z0-9_*#/.:@=+-]+")
_VARIABLE: Final = re.compile(r"[A-Za-z0-9_]{1,80}(\([^()\"\\$\x00-\x1f\x7f]*\))?")
_APPLICATION: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_REPLY: Final = re.compile(
    r"(?P<code>\d{3}) result=(?P<result>[^ (]*)(?: \((?P<value>.*)\))?(?: endpos=(?P<endpos>\d+))?(?: .*)?",
    re.DOTALL,
)
_REFUSAL: Final = re.compile(r"5\d\d[ -]")
_OPEN_VALUE: Final = re.compile(r"\d{3} result=[^ (]* \(")
_VALUE_END: Final = re.compile(r"\)(?: endpos=\d+)?(?: results=.*)?$")

Handler = Callable[["AgiSession"], Awaitable[None]]


class AgiError(TamasError):
    """Something failed between us and a call's AGI connection."""


class AgiHangup(AgiError):
    """The channel has hung up, or its connection is gone."""


class AgiCallEnded(AgiHangup):
    """The application asks to end the call though the channel is still up (Dial without ``g``, Hangup)."""


class AgiTimeout(AgiError):
    """Asterisk did not reply to an AGI command within the time limit."""


class AgiProtocolError(AgiError):
    """The peer does not speak AGI within our limits."""


class AgiUnsafeValue(AgiError, ValueError):
    """A word cannot be sent without changing the command's meaning."""


class AgiCommandFailed(AgiError):
    """Asterisk refused a command (510 unknown, 511 not on a dead channel, 520 usage) or could not do it."""

    def __init__(self, command: str, reason: str, code: int) -> None:
        self.command = command
        self.reason = reason
        self.code = code
        super().__init__(f"{command}: {code} {reason}")


class AgiRaw(str):
    """An argument for ``AgiSession.execute`` that its writer has made safe: commas and quotes go through."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class AgiReply:
    """A reply of Asterisk, such as ``200 result=1 (value) endpos=8000``."""

    code: int
    result: str
    value: str | None = None
    """The text in parentheses, without them."""
    endpos: int | None = None
    """Where a sound stopped, samples."""
    text: str = field(default="", compare=False, repr=False)
    """All of it as Asterisk sent it."""


def quote_word(word: str) -> str:
    """Return a word as Asterisk's AGI parser reads it back unchanged.

    Raises ``AgiUnsafeValue`` for CR, LF and NUL, which no quoting can carry.
    """
    if _UNSAFE.search(word) is not None:
        raise AgiUnsafeValue("an AGI command cannot carry line breaks or NUL")
    if _BARE_WORD.fullmatch(word) is not None:
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def join_arguments(arguments: Sequence[str]) -> str:
    """Return an application's arguments joined by commas, each of which the application will see as given.

    Refused with ``AgiUnsafeValue``, unless wrapped in ``AgiRaw``: control characters, quotes, backslashes,
    ``${`` and ``$[``, commas outside parentheses, and parentheses or brackets left open (application
    arguments are split as ``AST_STANDARD_APP_ARGS`` does). ``&``, ``|``, ``^`` and ``/`` mean something to
    some applications: who puts a foreign value beside them checks it against what it should be.
    """
    for argument in arguments:
        if isinstance(argument, AgiRaw):
            continue
        if _CONTROL.search(argument) is not None:
            raise AgiUnsafeValue("an application's argument contains a control character")
        if any(sign in argument for sign in ('"', "\\", "${", "$[")):
            raise AgiUnsafeValue("an application's argument contains a quote, a backslash or an expression")
        if not _stays_one_argument(argument):
            raise AgiUnsafeValue("an application's argument would be split or run into the next one")
    return ",".join(arguments)


def _stays_one_argument(argument: str) -> bool:
    parentheses = brackets = 0
    for sign in argument:
        if sign == "(":
            parentheses += 1
        elif sign == ")":
            parentheses = max(0, parentheses - 1)
        elif sign == "[":
            brackets += 1
        elif sign == "]":
            brackets = max(0, brackets - 1)
        elif sign == "," and not parentheses and not brackets:
            return False
    return not parentheses and not brackets


def parse_reply(text: str) -> AgiReply:
    """Read a complete reply; raises ``AgiProtocolError`` for anything else."""
    match = _REPLY.fullmatch(text)
    if match is not None:
        endpos = match["endpos"]
        return AgiReply(
            code=int(match["code"]),
            result=match["result"],
            value=match["value"],
            endpos=None if endpos is None else int(endpos),
            text=text,
        )
    if _REFUSAL.match(text) is not None:
        return AgiReply(code=int(text[:3]), result="", value=text[4:], text=text)
    raise AgiProtocolError("Asterisk sent a line that is no AGI reply")


class _Link:
    """The wire of one session: one command at a time, and the lines that Asterisk sends unasked."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hung_up = asyncio.Event()
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()
        self._command = ""
        self._reply: asyncio.Future[AgiReply] | None = None
        self._lines: list[str] = []
        self._usage_follows = False
        self._ended = False

    async def exchange(self, name: str, data: bytes, *, dead: bool) -> AgiReply:
        """Send a command when the one before has its reply, and return its own reply."""
        async with self._turn:
            # A command given up by its caller still has its reply to come.
            await self._idle.wait()
            if self._ended or (self.hung_up.is_set() and not dead):
                raise AgiHangup(f"{name}: the channel has hung up")
            self._command = name
            self._reply = asyncio.get_running_loop().create_future()
            self._idle.clear()
            self._writer.write(data)
            return await self._reply

    async def listen(self) -> None:
        """Read until the connection ends, or until a moment after the caller's hangup.

        Raises ``AgiProtocolError`` when the peer breaks the protocol or a limit.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as limit:
                while True:
                    line = await self._reader.readuntil(b"\n")
                    self._receive(line[:-1].decode("utf-8", "replace"))
                    if self.hung_up.is_set() and limit.when() is None:
                        limit.reschedule(loop.time() + HANGUP_SECONDS)
        except asyncio.LimitOverrunError as error:
            raise AgiProtocolError("Asterisk sent a line that is too long") from error
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            return

    def end(self) -> None:
        """Close the connection; whoever waits for a reply gets ``AgiHangup``."""
        self._ended = True
        self.hung_up.set()
        self._idle.set()
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(AgiHangup("the AGI connection ended"))
        self._writer.close()

    def _receive(self, line: str) -> None:
        if line == "HANGUP":
            self.hung_up.set()
            return
        self._lines.append(line)
        text = "\n".join(self._lines)
        if not _is_complete(text):
            if len(self._lines) > MAX_REPLY_LINES or len(text) > MAX_REPLY_BYTES:
                raise AgiProtocolError("Asterisk sent a reply that is too long")
            return
        self._lines.clear()
        reply = parse_reply(text)
        if reply.code < FINAL_CODE:
            return  # "100 Trying..." of GOSUB; its reply comes when the subroutine returns
        extra_usage = self._usage_follows and reply.code == 520
        self._usage_follows = False
        if extra_usage:
            return
        if self._idle.is_set() or self._reply is None:
            raise AgiProtocolError("Asterisk sent a reply that nobody asked for")
        # Asterisk takes an application's result 1 for a usage error and sends the usage text after the reply.
        self._usage_follows = self._command == "EXEC" and reply.result == "1"
        self._idle.set()
        if not self._reply.done():
            self._reply.set_result(reply)


def _is_complete(text: str) -> bool:
    """Whether no further line belongs to this reply: values may contain line breaks, usage texts do."""
    if text.startswith("520-"):
        return text.rpartition("\n")[2].startswith("520 ")
    return _OPEN_VALUE.match(text) is None or _VALUE_END.search(text) is not None


class AgiSession:
    """One call in the hands of a handler.

    Commands raise ``AgiHangup`` once the caller has hung up; the handler then has half a second for last
    words (commands with ``dead=True``, such as reading DIALSTATUS) before the connection is closed, and is
    cancelled shortly after. Text that is not UTF-8 arrives with U+FFFD.
    """

    def __init__(self, environment: Mapping[str, str], link: _Link) -> None:
        self.environment: Mapping[str, str] = MappingProxyType(dict(environment))
        """The ``agi_`` lines as sent, keys with their prefix."""
        path, _, query = environment.get("agi_network_script", "").partition("?")
        self.script: str = unquote(path, errors="replace")
        """Path of ``agi://host/path``, percent-decoded, without the leading slash."""
        self.query: Mapping[str, str] = MappingProxyType(dict(parse_qsl(query, keep_blank_values=True)))
        """What follows the ``?``, decoded; of a repeated key the last value."""
        self.arguments: Sequence[str] = _arguments(environment)
        """Further arguments of ``AGI()``."""
        self.hung_up: asyncio.Event = link.hung_up
        """Set when the channel has hung up or the connection is gone."""
        self._link = link

    @property
    def channel(self) -> str:
        """Name of the channel, such as ``PJSIP/100-00000001``."""
        return self.environment.get("agi_channel", "")

    @property
    def uniqueid(self) -> str:
        """The channel's unique id, ``epoch.serial``."""
        return self.environment.get("agi_uniqueid", "")

    @property
    def caller_number(self) -> str:
        """The caller's number as the network gave it, empty when it gave none. Not to be trusted."""
        return self._known("agi_callerid")

    @property
    def caller_name(self) -> str:
        """The caller's name as the network gave it, empty when it gave none. Not to be trusted."""
        return self._known("agi_calleridname")

    @property
    def dialed(self) -> str:
        """The number first dialed (DNID), empty when there is none."""
        return self._known("agi_dnid")

    @property
    def extension(self) -> str:
        """The extension in the dialplan."""
        return self.environment.get("agi_extension", "")

    @property
    def context(self) -> str:
        """The context in the dialplan."""
        return self.environment.get("agi_context", "")

    @property
    def language(self) -> str:
        """The channel's language for prompts."""
        return self.environment.get("agi_language", "")

    def _known(self, key: str) -> str:
        value = self.environment.get(key, "")
        return "" if value == "unknown" else value

    async def command(self, *words: str, timeout: float | None = None, dead: bool = False) -> AgiReply:
        """Send a command and return its reply, which has code 200.

        Each word is quoted as needed. ``timeout`` in seconds; None, because Dial and Queue run for hours. A
        command given up (time limit, cancellation) still runs in Asterisk: the next one waits for its end.
        ``dead`` allows the command on a channel that has hung up, as long as the connection is open.
        Raises ``AgiHangup``, ``AgiCommandFailed``, ``AgiTimeout``, ``AgiUnsafeValue`` (nothing was sent).
        """
        name = words[0]
        line = " ".join(map(quote_word, words))
        try:
            data = line.encode() + b"\n"
        except UnicodeEncodeError as error:
            raise AgiUnsafeValue(f"a word of {name} is not valid Unicode") from error
        if len(data) > MAX_COMMAND_BYTES or len(words) > MAX_COMMAND_WORDS:
            raise AgiUnsafeValue(f"Asterisk reads at most {MAX_COMMAND_BYTES} bytes of the command {name}")
        try:
            async with asyncio.timeout(timeout):
                reply = await self._link.exchange(name, data, dead=dead)
        except TimeoutError as error:
            raise AgiTimeout(f"{name}: no reply within {timeout:g} s") from error
        if reply.code == 200:
            return reply
        if reply.code == 511 and self.hung_up.is_set():
            raise AgiHangup(f"{name}: the channel has hung up")
        raise AgiCommandFailed(name, reply.value or "refused", reply.code)

    async def forward(self, line: str) -> str:
        """Send a command that somebody else wrote, as it is, and return the reply as Asterisk sent it.

        For AGI scripts of administrators; the line is not looked at, but for what would break the connection.
        Raises ``AgiHangup``, and ``AgiUnsafeValue`` for line breaks, NUL and lines that are too long.
        """
        if _UNSAFE.search(line) is not None or not line.strip():
            raise AgiUnsafeValue("an AGI command is one line")
        data = line.encode() + b"\n"
        if len(data) > MAX_COMMAND_BYTES:
            raise AgiUnsafeValue(f"Asterisk reads at most {MAX_COMMAND_BYTES} bytes of a command")
        name = line.split(maxsplit=1)[0].strip('"').upper()
        return (await self._link.exchange(name, data, dead=False)).text

    async def execute(
        self, application: str, *arguments: str, timeout: float | None = None, dead: bool = False
    ) -> str:
        """Run a dialplan application and return its result, mostly ``0``.

        ``arguments`` are joined by commas and must keep their number, see ``join_arguments``. What the
        application did is in its status variable (DIALSTATUS, QUEUESTATUS). ``dead`` is that of ``command``.
        Raises ``AgiCommandFailed`` when Asterisk has no such application, ``AgiHangup`` when the channel hung
        up, its subclass ``AgiCallEnded`` when the application only asked to end the call, and what
        ``command`` raises.
        """
        if _APPLICATION.fullmatch(application) is None:
            raise AgiUnsafeValue(f"{application!r} cannot be the name of an application")
        words = ("EXEC", application, join_arguments(arguments))
        reply = await self.command(*words, timeout=timeout, dead=dead)
        if reply.result == "-2":
            raise AgiCommandFailed(f"EXEC {application}", "no such application", reply.code)
        if reply.result == "-1":
            await self._check_alive(f"EXEC {application}")
            raise AgiCallEnded(f"{application} asked to end the call")
        return reply.result

    async def get_variable(self, name: str, *, dead: bool = False) -> str | None:
        """Return a channel variable or function such as ``CHANNEL(state)``; None when it is not set.

        A value may have several lines, but one with a line that ends in ``)`` before the last looks like a
        shorter value to whoever reads it; the rest then ends the session (``AgiProtocolError``, logged).
        """
        reply = await self.command("GET", "VARIABLE", _checked_variable(name), dead=dead)
        if reply.result == "0":
            return None
        value = reply.value or ""
        if len(value.encode()) >= SHORT_VALUE_BYTES:
            return await self.get_full_variable(f"${{{name}}}", dead=dead)
        return value

    async def get_full_variable(self, expression: str, *, dead: bool = False) -> str | None:
        """Return an expression such as ``${CALLERID(num)}-${EPOCH}`` with everything in it expanded.

        Functions in it run, so it must be a constant, never text from outside.
        """
        reply = await self.command("GET", "FULL", "VARIABLE", expression, dead=dead)
        return None if reply.result == "0" else reply.value or ""

    async def set_variable(self, name: str, value: str, *, dead: bool = False) -> None:
        """Set a channel variable or writable function; the value is stored as it is, ``${`` included.

        Name and value together have about 2,000 bytes (``AgiUnsafeValue`` when longer); a value cannot
        contain line breaks or NUL.
        """
        await self.command("SET", "VARIABLE", _checked_variable(name), value, dead=dead)

    async def answer(self) -> None:
        """Answer the channel, if it is not answered yet."""
        if (await self.command("ANSWER")).result == "-1":
            await self._fail("ANSWER", "the channel could not be answered")

    async def hangup(self) -> None:
        """Hang the channel up; the handler should return then."""
        await self.command("HANGUP", dead=True)

    async def stream_file(self, name: str, escape_digits: str = "", *, offset: int = 0) -> str | None:
        """Play a sound (name without extension) from an offset in samples.

        Returns the digit of ``escape_digits`` that stopped it, None when it came to its end. Raises
        ``AgiCommandFailed`` when there is no such sound.
        """
        reply = await self.command("STREAM", "FILE", name, escape_digits, str(offset))
        return await self._digit("STREAM FILE", reply, "the sound could not be played")

    async def get_data(self, name: str, *, timeout: float, max_digits: int) -> str:
        """Play a sound and collect digits until ``#``, ``max_digits``, or ``timeout`` seconds of silence.

        Returns the digits without ``#``, empty when the caller pressed none.
        """
        reply = await self.command("GET", "DATA", name, str(round(timeout * 1000)), str(max_digits))
        if reply.result == "-1":
            await self._fail("GET DATA", "the sound could not be played")
        return reply.result

    async def say(
        self, what: Literal["DIGITS", "NUMBER", "DATETIME"], text: str, escape_digits: str = "", *more: str
    ) -> str | None:
        """Speak a text of digits, in the channel's language; a date is in seconds since the epoch.

        ``more`` is what the command takes further: of a date its format. Returns as ``stream_file``.
        """
        reply = await self.command("SAY", what, text, escape_digits, *more)
        return await self._digit(f"SAY {what}", reply, "it could not be said")

    async def wait_for_digit(self, timeout: float) -> str | None:
        """Wait for one digit, at most ``timeout`` seconds; None when none came."""
        reply = await self.command("WAIT", "FOR", "DIGIT", str(round(timeout * 1000)))
        return await self._digit("WAIT FOR DIGIT", reply, "waiting failed")

    async def _digit(self, command: str, reply: AgiReply, reason: str) -> str | None:
        if reply.result == "-1":
            await self._fail(command, reason)
        if not reply.result.isascii() or not reply.result.isdigit():
            raise AgiProtocolError(f"{command}: the result is no number")
        return None if reply.result == "0" else chr(int(reply.result))

    async def _fail(self, command: str, reason: str) -> None:
        await self._check_alive(command)
        raise AgiCommandFailed(command, reason, 200)

    async def _check_alive(self, command: str) -> None:
        """Raise ``AgiHangup`` when a result of -1 came from a hangup.

        Asterisk announces a hangup only when it looks for the next command; one that does nothing makes it
        look.
        """
        if not self.hung_up.is_set():
            with contextlib.suppress(AgiCommandFailed):
                await self.command("NOOP", dead=True)
        if self.hung_up.is_set():
            raise AgiHangup(f"{command}: the channel has hung up")


def _checked_variable(name: str) -> str:
    if _VARIABLE.fullmatch(name) is None:
        raise AgiUnsafeValue(f"{name!r} cannot be the name of a channel variable")
    return name


def _arguments(environment: Mapping[str, str]) -> tuple[str, ...]:
    arguments: list[str] = []
    while (value := environment.get(f"agi_arg_{len(arguments) + 1}")) is not None:
        arguments.append(value)
    return tuple(arguments)


async def _read_environment(reader: asyncio.StreamReader) -> dict[str, str]:
    """Read the ``agi_`` lines with which Asterisk opens a session."""
    environment: dict[str, str] = {}
    size = 0
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as error:
            raise AgiProtocolError("the opening line is too long") from error
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise AgiProtocolError("the connection ended before the session began") from error
        size += len(line)
        if line == b"\n":
            break
        name, colon, value = line[:-1].decode("utf-8", "replace").partition(": ")
        if not colon or not name.startswith("agi_"):
            raise AgiProtocolError("the peer does not open as Asterisk does")
        if size > MAX_REQUEST_BYTES or len(environment) >= MAX_REQUEST_LINES:
            raise AgiProtocolError("the opening is too long")
        environment[name] = value
    if "agi_channel" not in environment:
        raise AgiProtocolError("the opening names no channel")
    return environment


class FastAgiServer:
    """Accepts AGI connections and runs ``handler`` for each.

    A handler's exception other than ``AgiHangup`` is logged with channel, unique id and script. However a
    handler ends, its connection is closed. At most ``max_sessions`` calls are served at a time; connections
    beyond them are closed at once, which Asterisk takes for an AGI that ended. A connection must have sent
    its ``agi_`` lines ``request_timeout`` seconds after it was accepted.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        max_sessions: int = 5_000,
        request_timeout: float = 5.0,
    ) -> None:
        self._handler = handler
        self._host = host
        self._port = port
        self._max_sessions = max_sessions
        self._request_timeout = request_timeout
        self._server: asyncio.Server | None = None
        self._opening: set[asyncio.Task[None]] = set()
        self._sessions: set[asyncio.Task[None]] = set()
        self._full = False

    @property
    def active(self) -> int:
        """Number of calls being served."""
        return len(self._sessions)

    async def start(self) -> int:
        """Listen, and return the port (chosen when given as 0). Raises ``OSError`` when it is taken."""
        self._server = await asyncio.start_server(
            self._accept,
            self._host,
            self._port,
            limit=MAX_LINE_BYTES,
            backlog=LISTEN_BACKLOG,
            reuse_address=True,
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self, *, grace: float) -> None:
        """Accept no more, let running handlers end for ``grace`` seconds, then end them."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._opening:
            task.cancel()
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=grace)
        for task in self._sessions:
            task.cancel()
        if remaining := self._opening | self._sessions:
            await asyncio.wait(remaining, timeout=STOP_SECONDS)
        if self._sessions:
            log.error("%d AGI handlers did not stop when they were cancelled", self.active)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None or len(self._opening) >= MAX_OPENING or self.active >= self._max_sessions:
            writer.transport.abort()
            if self._server is not None and not self._full:
                self._full = True
                log.error("AGI connections are refused: %d calls are being served", self.active)
            return
        self._full = False
        task = asyncio.create_task(self._serve(reader, writer))
        self._opening.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        self._sessions.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("serving an AGI connection failed", exc_info=error)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self._request_timeout):
                environment = await _read_environment(reader)
        except (AgiProtocolError, TimeoutError) as error:
            log.warning(
                "an AGI connection was closed before it began: %s", error or "it said nothing in time"
            )
            writer.transport.abort()
            return
        except BaseException:
            writer.transport.abort()
            raise
        task = asyncio.current_task()
        if task is not None:
            self._opening.discard(task)
            self._sessions.add(task)
        link = _Link(reader, writer)
        await self._run(AgiSession(environment, link), link)

    async def _run(self, session: AgiSession, link: _Link) -> None:
        """Run the handler until it ends or the call does; the connection is closed in every case."""
        listening = asyncio.create_task(link.listen())
        handling = asyncio.create_task(self._handle(session))
        try:
            await asyncio.wait({listening, handling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            link.end()
            listening.cancel()
            if not handling.done():
                await _dismiss(handling)
            await asyncio.wait({listening})
            self._report(session, listening, handling)

    async def _handle(self, session: AgiSession) -> None:
        await self._handler(session)

    def _report(
        self, session: AgiSession, listening: asyncio.Task[None], handling: asyncio.Task[None]
    ) -> None:
        where = (session.channel, session.uniqueid, session.script)
        if not listening.cancelled() and (error := listening.exception()) is not None:
            log.error("the AGI session of %s (%s, script %r) was given up: %s", *where, error)
        if handling.cancelled():
            log.debug("the AGI handler of %s (%s, script %r) was stopped", *where)
        elif (error := handling.exception()) is not None and not isinstance(error, AgiHangup):
            log.error("the AGI handler of %s (%s, script %r) failed", *where, exc_info=error)


async def _dismiss(handling: asyncio.Task[None]) -> None:
    """Let a handler notice the end of its call, then cancel it, and wait until it is gone."""
    try:
        await asyncio.wait({handling}, timeout=LEAVE_SECONDS)
    finally:
        handling.cancel()
        await asyncio.wait({handling})
