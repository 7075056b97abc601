"""Client of the Asterisk Manager Interface (AMI) on asyncio streams.

One connection, many actions in flight (matched by ``ActionID``), events handed to one callback in the
order Asterisk sent them. The owner holds ``AmiClient.run()`` in a task; it connects, logs in, reads and
reconnects until ``close()``. See https://docs.asterisk.org/Configuration/Interfaces/Asterisk-Manager-Interface-AMI/.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from tamas.errors import TamasError
from tamas.outgoing.backoff import BackOff

log = logging.getLogger(__name__)

DEFAULT_EVENT_MASK: Final = "system,call,agent,user"
"""Event classes a contact center needs; ``dialplan`` alone would quadruple the events of each call."""

MAX_LINE_BYTES: Final = 64 * 1024
"""Longest line accepted from the server."""
MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
"""Longest message accepted; the largest ones are CLI outputs."""
MAX_MESSAGE_LINES: Final = 50_000
MAX_LIST_EVENTS: Final = 200_000
"""Most events that one list action may answer with."""
MAX_PENDING_ACTIONS: Final = 5_000
MAX_UNSENT_BYTES: Final = 4 * 1024 * 1024
"""Bytes that may wait for a server which does not read."""
MAX_SENT_LINE_BYTES: Final = 1_022
"""Asterisk refuses an action with a longer line."""
MAX_SENT_LINES: Final = 128
"""Asterisk refuses an action with more headers."""

CONNECT_SECONDS: Final = 5.0
"""Time for connection, greeting and login, each."""
BOOT_SECONDS: Final = 60.0
"""Time for a starting Asterisk to load everything; before that, most actions are still unknown to it."""
UNKNOWN_COMMAND_SECONDS: Final = 0.1
"""Wait before a CLI command that Asterisk did not know is tried once more."""
IDLE_SECONDS: Final = 20.0
"""Silence after which the server is asked for a sign of life, and after twice of which it counts as gone."""
STEADY_SECONDS: Final = 5.0
"""A connection that lasted so long makes the next back-off start from the beginning."""
READ_BYTES: Final = 64 * 1024

_GREETING: Final = b"Asterisk Call Manager/"
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]+")
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,80}")
_SPLITS_VARIABLE: Final = re.compile(r"[\\\",]")
_ESCAPED: Final = r"\\\g<0>"
_UNSAFE: Final = re.compile(r"[\r\n\0]")
_NOTHING: Final[Mapping[str, str | Sequence[str]]] = MappingProxyType({})


class AmiError(TamasError):
    """Something failed between us and the Asterisk Manager Interface."""


class AmiDisconnected(AmiError):
    """There is no connection to the Asterisk Manager Interface, or it ended before the answer."""


class AmiTimeout(AmiError):
    """The Asterisk Manager Interface did not answer within the time limit."""


class AmiLoginRefused(AmiError):
    """Asterisk refused the manager's user name or secret."""


class AmiProtocolError(AmiDisconnected):
    """The peer does not speak the manager protocol within our limits, so the connection was ended."""


class AmiOverloaded(AmiError):
    """Too many manager actions are waiting for their answers."""


class AmiUnsafeValue(AmiError, ValueError):
    """A header name or value cannot be sent without changing the message's meaning."""


class AmiActionFailed(AmiError):
    """Asterisk answered ``Response: Error``; ``message`` is its reason, ``response`` the whole answer."""

    def __init__(self, action: str, response: AmiMessage, message: str | None = None) -> None:
        self.message = response.get("Message", "no reason given") if message is None else message
        self.response = response
        super().__init__(f"{action}: {self.message}")


class AmiMessage(Mapping[str, str]):
    """One message of the server: header names in any case, values as sent.

    A header that comes more than once (``ChanVariable``, ``Output``) gives its first value by subscript, so
    that headers appended by a ``UserEvent`` cannot shadow Asterisk's own; ``all()`` gives every value in
    order.
    Bytes that are not UTF-8 arrive as U+FFFD.
    """

    __slots__ = ("_pairs", "_values", "event")

    event: str | None
    """The event's name; ``None`` for the response to an action."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        values: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            if key not in values:
                values[key] = value
        self._pairs = pairs
        self._values = values
        # The OriginateResponse event has a Response header too: what has an Event header is an event.
        self.event = values.get("event")

    @classmethod
    def parse(cls, block: bytes | bytearray) -> AmiMessage:
        """Read the lines of one message, without its closing empty line."""
        pairs: list[tuple[str, str]] = []
        for line in block.decode("utf-8", "replace").split("\r\n"):
            name, colon, value = line.partition(":")
            if colon:
                pairs.append((name, value[1:] if value[:1] == " " else value))
        return cls(pairs)

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        names: dict[str, str] = {}
        for name, _ in self._pairs:
            names.setdefault(name.lower(), name)
        return iter(names.values())

    def __len__(self) -> int:
        return len(self._values)

    def all(self, name: str) -> list[str]:
        """Return every value of a header, in the order sent; an empty list when there is none."""
        key = name.lower()
        return [value for each, value in self._pairs if each.lower() == key]

    @property
    def action_id(self) -> str | None:
        """The action this message belongs to."""
        return self._values.get("actionid")

    def __repr__(self) -> str:
        return f"AmiMessage({list(self._pairs)!r})"


def encode_action(name: str, action_id: str, fields: Mapping[str, str | Sequence[str]]) -> bytes:
    """Return an action as it goes over the wire; a sequence as value becomes a repeated header.

    Asterisk strips blanks around values. Raises ``AmiUnsafeValue`` for CR, LF or NUL anywhere, for odd header
    names, for lines and messages longer than Asterisk reads, and for text that is not Unicode.
    """
    lines = [f"Action: {name}", f"ActionID: {action_id}"]
    for header, value in fields.items():
        if _HEADER_NAME.fullmatch(header) is None or header.lower() in ("action", "actionid"):
            raise AmiUnsafeValue(f"{header!r} cannot be the name of a manager header")
        values = (value,) if isinstance(value, str) else value
        lines.extend(f"{header}: {each}" for each in values)
    if len(lines) > MAX_SENT_LINES:
        raise AmiUnsafeValue(f"Asterisk reads at most {MAX_SENT_LINES} headers of an action")
    encoded = []
    for line in lines:
        label = line.partition(":")[0]
        if _UNSAFE.search(line) is not None:
            raise AmiUnsafeValue(f"the value of {label!r} contains a line break or a NUL")
        try:
            raw = line.encode()
        except UnicodeEncodeError as error:
            raise AmiUnsafeValue(f"the value of {label!r} is not valid Unicode") from error
        if len(raw) > MAX_SENT_LINE_BYTES:
            raise AmiUnsafeValue(f"Asterisk reads at most {MAX_SENT_LINE_BYTES} bytes of the line {label!r}")
        encoded.append(raw)
    return b"\r\n".join(encoded) + b"\r\n\r\n"


def variable_assignment(name: str, value: str) -> str:
    """Return ``name=value`` for one ``Variable`` header of Originate; the channel gets ``value`` as it is.

    Asterisk splits the header at commas and drops quotes and backslashes; they are escaped here. Give several
    assignments as a sequence, one header each. ``${`` in a value is not expanded. Raises ``AmiUnsafeValue``
    for a name that is no variable.
    """
    if _VARIABLE_NAME.fullmatch(name) is None:
        raise AmiUnsafeValue(f"{name!r} cannot be the name of a channel variable")
    return f"{name}={_SPLITS_VARIABLE.sub(_ESCAPED, value)}"


@dataclass(kw_only=True)
class _Listing:
    """The events of one list action, until its last one."""

    done: asyncio.Future[None]
    events: list[AmiMessage] = field(default_factory=list)


class _Connection:
    """One TCP connection: frames messages and matches answers with their actions."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._pending: dict[str, asyncio.Future[AmiMessage]] = {}
        self._listings: dict[str, _Listing] = {}
        # A random part, so that no event of an earlier connection is taken for ours.
        self._prefix = secrets.token_hex(4)
        self._number = 0
        self._end: AmiDisconnected | None = None

    @classmethod
    async def open(cls, host: str, port: int) -> _Connection:
        """Connect and check the greeting; raises ``AmiDisconnected`` or ``AmiTimeout``."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(host, port, limit=MAX_LINE_BYTES)
        except TimeoutError as error:
            raise AmiTimeout("no connection within the time limit") from error
        except OSError as error:
            raise AmiDisconnected(str(error)) from error
        connection = cls(reader, writer)
        try:
            await connection._check_greeting()
        except BaseException:
            connection.abort()
            raise
        return connection

    async def exchange(
        self, name: str, fields: Mapping[str, str | Sequence[str]], *, timeout: float
    ) -> AmiMessage:
        """Send an action and return its response, whatever it says."""
        try:
            async with asyncio.timeout(timeout):
                return await self._exchange(name, self._next_id(), fields)
        except TimeoutError as error:
            raise AmiTimeout(f"{name}: no answer within {timeout:g} s") from error

    async def collect(
        self, name: str, fields: Mapping[str, str | Sequence[str]], *, timeout: float
    ) -> list[AmiMessage]:
        """Send a list action and return its events, without the closing one."""
        action_id = self._next_id()
        listing = _Listing(done=asyncio.get_running_loop().create_future())
        self._listings[action_id] = listing
        try:
            async with asyncio.timeout(timeout):
                response = await self._exchange(name, action_id, fields)
                _raise_if_failed(name, response)
                await listing.done
        except TimeoutError as error:
            raise AmiTimeout(f"{name}: the list was not complete within {timeout:g} s") from error
        finally:
            del self._listings[action_id]
            if listing.done.done() and not listing.done.cancelled():
                listing.done.exception()  # seen, also when the response itself failed
        return listing.events

    async def read(self, on_event: Callable[[AmiMessage], None], *, idle_seconds: float) -> None:
        """Read until the connection ends, which it always reports by raising ``AmiDisconnected``."""
        try:
            await self._read(on_event, idle_seconds)
        except AmiDisconnected as reason:
            self._fail(reason)
            raise
        except OSError as error:
            end = AmiDisconnected(f"the connection broke: {error}")
            self._fail(end)
            raise end from error
        finally:
            self._fail(AmiDisconnected("the connection was given up"))

    def close(self) -> None:
        """End the connection now; whoever waits for an answer gets ``AmiDisconnected``."""
        self._fail(AmiDisconnected("the connection was closed by us"))
        self._writer.close()

    def abort(self) -> None:
        """End the connection without waiting for bytes that the server does not take."""
        self._writer.transport.abort()

    async def _check_greeting(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                greeting = await self._reader.readuntil(b"\r\n")
        except TimeoutError as error:
            raise AmiTimeout("no greeting within the time limit") from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise AmiDisconnected("the connection was closed before the greeting") from error
        except asyncio.LimitOverrunError as error:
            raise AmiProtocolError("the greeting is too long") from error
        if not greeting.startswith(_GREETING):
            raise AmiProtocolError("the peer does not greet as an Asterisk manager")

    def _next_id(self) -> str:
        self._number += 1
        return f"{self._prefix}-{self._number}"

    async def _exchange(
        self, name: str, action_id: str, fields: Mapping[str, str | Sequence[str]]
    ) -> AmiMessage:
        self._send(name, action_id, fields)
        answer: asyncio.Future[AmiMessage] = asyncio.get_running_loop().create_future()
        self._pending[action_id] = answer
        try:
            return await answer
        finally:
            self._pending.pop(action_id, None)

    def _send(self, name: str, action_id: str, fields: Mapping[str, str | Sequence[str]]) -> None:
        data = encode_action(name, action_id, fields)
        if self._end is not None:
            raise AmiDisconnected(str(self._end))
        if (
            len(self._pending) >= MAX_PENDING_ACTIONS
            or self._writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES
        ):
            raise AmiOverloaded("too many manager actions are waiting for their answers")
        self._writer.write(data)

    async def _read(self, on_event: Callable[[AmiMessage], None], idle_seconds: float) -> None:
        buffer = bytearray()
        searched = 0
        asked = False
        while True:
            try:
                async with asyncio.timeout(idle_seconds):
                    chunk = await self._reader.read(READ_BYTES)
            except TimeoutError as error:
                if asked:
                    raise AmiDisconnected(f"no sign of life for {2 * idle_seconds:g} s") from error
                asked = True
                self._send("Ping", self._next_id(), _NOTHING)
                continue
            asked = False
            if not chunk:
                where = " in the middle of a message" if buffer else ""
                raise AmiDisconnected(f"the server closed the connection{where}")
            buffer += chunk
            start = 0
            while (end := buffer.find(b"\r\n\r\n", max(start, searched))) >= 0:
                if end - start > MAX_LINE_BYTES:
                    _check_lines(buffer, start, end)
                self._dispatch(AmiMessage.parse(buffer[start:end]), on_event)
                start = end + 4
            del buffer[:start]
            searched = max(0, len(buffer) - 3)
            if len(buffer) > MAX_LINE_BYTES:
                _check_lines(buffer, 0, len(buffer))

    def _dispatch(self, message: AmiMessage, on_event: Callable[[AmiMessage], None]) -> None:
        action_id = message.action_id
        if message.event is None:
            answer = None if action_id is None else self._pending.get(action_id)
            if answer is not None and not answer.done():
                answer.set_result(message)
            return
        if (
            self._listings
            and action_id is not None
            and (listing := self._listings.get(action_id)) is not None
        ):
            _add_to_listing(listing, message)
            return
        try:
            on_event(message)
        except Exception:
            # One faulty handler must not cost the connection and with it every other event.
            log.exception("handling the manager event %s failed", message.event)

    def _fail(self, end: AmiDisconnected) -> None:
        if self._end is not None:
            return
        self._end = end
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(AmiDisconnected(str(end)))
        for listing in self._listings.values():
            if not listing.done.done():
                listing.done.set_exception(AmiDisconnected(str(end)))


def _check_lines(buffer: bytearray, start: int, end: int) -> None:
    """Raise ``AmiProtocolError`` when the message in ``buffer[start:end]`` breaks a limit."""
    if end - start > MAX_MESSAGE_BYTES or buffer.count(b"\n", start, end) > MAX_MESSAGE_LINES:
        raise AmiProtocolError("the server sent a message that is too long")
    last = start
    while end - last > MAX_LINE_BYTES:
        newline = buffer.rfind(b"\n", last, last + MAX_LINE_BYTES)
        if newline < 0:
            raise AmiProtocolError("the server sent a line that is too long")
        last = newline + 1


def _add_to_listing(listing: _Listing, message: AmiMessage) -> None:
    if listing.done.done():
        return
    if message.get("EventList", "").lower() == "complete":
        listing.done.set_result(None)
    elif message.get("EventList", "").lower() == "cancelled":
        listing.done.set_exception(AmiActionFailed("list", message))
    elif len(listing.events) >= MAX_LIST_EVENTS:
        listing.done.set_exception(AmiOverloaded("the list of events is too long"))
    else:
        listing.events.append(message)


def _is_unknown_command(response: AmiMessage) -> bool:
    return response.get("Response") == "Error" and response.get("Output", "").startswith("No such command")


def _raise_if_failed(name: str, response: AmiMessage) -> None:
    if response.get("Response", "").lower() == "error":
        raise AmiActionFailed(name, response)


class AmiClient:
    """Keeps one logged-in manager connection, for as long as ``run()`` runs.

    ``on_event`` is called for each event, in order, and must return quickly. ``on_connect`` is awaited after
    each login and before ``connected`` becomes true; actions already work in it (this is where state is read
    afresh); when it raises, the connection is given up and tried again. ``on_disconnect`` is called once for
    each login that was lost. ``event_mask`` names the event classes to subscribe to, as in the ``Events``
    action, and ``only_events`` the events of these classes that are sent once we are connected (empty: all).

    Asterisk accepts a login before it has loaded its modules: with the class ``system`` in the mask,
    ``on_connect`` and ``connected`` wait for the event ``FullyBooted``.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        username: str,
        secret: str,
        on_event: Callable[[AmiMessage], None],
        on_connect: Callable[[], Awaitable[None]] | None = None,
        on_disconnect: Callable[[], None] | None = None,
        event_mask: str = DEFAULT_EVENT_MASK,
        only_events: Collection[str] = (),
        backoff: BackOff | None = None,
        draw: Callable[[], float] = random.random,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._host = host
        self._port = port
        self._credentials = {"Username": username, "Secret": secret, "Events": event_mask}
        self._only_events = tuple(only_events)
        self._on_event = on_event
        self._awaits_boot = not {"system", "all", "on"}.isdisjoint(event_mask.replace(" ", "").split(","))
        self._booted = asyncio.Event()
        self._on_connect = on_connect
        self._on_disconnect = on_disconnect
        self._backoff = backoff or BackOff()
        self._draw = draw
        self._idle_seconds = idle_seconds
        self._connection: _Connection | None = None
        self._ready = False
        self._refused: AmiLoginRefused | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        self._closing = asyncio.Event()
        self._running: asyncio.Task[object] | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._reported: type[AmiError] | None = None
        self._level = logging.INFO
        self._failure_level = logging.WARNING

    def beside(
        self,
        *,
        on_event: Callable[[AmiMessage], None],
        on_connect: Callable[[], Awaitable[None]] | None = None,
        on_disconnect: Callable[[], None] | None = None,
        event_mask: str,
        backoff: BackOff | None = None,
    ) -> AmiClient:
        """Another client of the same server, under the same account. Its owner runs and closes it.

        It comes and goes without a word in the log: what is wrong with the server this one reports.
        """
        client = AmiClient(
            host=self._host,
            port=self._port,
            username=self._credentials["Username"],
            secret=self._credentials["Secret"],
            on_event=on_event,
            on_connect=on_connect,
            on_disconnect=on_disconnect,
            event_mask=event_mask,
            backoff=backoff,
        )
        client._level = client._failure_level = logging.DEBUG
        return client

    @asynccontextmanager
    async def apart(self, *, within: float = 5.0) -> AsyncIterator[AmiClient]:
        """A connection of its own to the same server, for commands that it takes long over.

        Asterisk works on the actions of one connection in turn. This one takes no events.

        :param within: seconds until it is logged in. :raises AmiError: it was not.
        """
        client = self.beside(on_event=_ignore_event, event_mask="off")
        running = asyncio.create_task(client.run(), name="ami-apart")
        try:
            await client.wait_connected(within)
            yield client
        finally:
            await client.close()
            await running

    @property
    def connected(self) -> bool:
        """Whether we are logged in and ``on_connect`` is through."""
        return self._ready

    async def wait_connected(self, timeout: float) -> None:
        """Wait for ``connected``, at most ``timeout`` seconds (``AmiTimeout``).

        Raises ``AmiLoginRefused`` at once when the last login was refused, because waiting seldom helps then.
        """
        if self._ready:
            return
        if self._refused is not None:
            raise self._refused
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(timeout):
                await waiter
        except TimeoutError as error:
            raise AmiTimeout(f"no manager connection to {self._peer} within {timeout:g} s") from error
        finally:
            self._waiters.discard(waiter)

    async def run(self) -> None:
        """Connect, log in, read, and connect again for ever; returns after ``close()``."""
        if self._running is not None:
            raise RuntimeError("this manager client is running already")
        self._running = running = asyncio.current_task()
        if running is None:
            raise RuntimeError("a manager client runs in a task")
        loop = asyncio.get_running_loop()
        failures = 0
        try:
            while not self._closing.is_set():
                began = loop.time()
                self._attempt = asyncio.create_task(self._serve())
                try:
                    await self._attempt
                except AmiError as error:
                    self._report_failure(error)
                except asyncio.CancelledError:
                    if self._closing.is_set() and not running.cancelling():
                        break
                    raise
                if loop.time() - began > STEADY_SECONDS:
                    failures = 0
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._backoff.delay(failures, self._draw())):
                        await self._closing.wait()
                failures += 1
        finally:
            self._running = None
            self._wake_waiters(AmiDisconnected("the manager client was closed"))

    async def action(
        self, name: str, fields: Mapping[str, str | Sequence[str]] = _NOTHING, *, timeout: float = 5.0
    ) -> AmiMessage:
        """Send an action and return its response (not its events).

        A sequence as value is sent as a repeated header. Raises ``AmiActionFailed`` when Asterisk answers
        with an error, ``AmiDisconnected``, ``AmiTimeout`` after ``timeout`` seconds, ``AmiOverloaded``, and
        ``AmiUnsafeValue`` before anything is sent.
        """
        response = await self._logged_in().exchange(name, fields, timeout=timeout)
        _raise_if_failed(name, response)
        return response

    async def list_action(
        self, name: str, fields: Mapping[str, str | Sequence[str]] = _NOTHING, *, timeout: float = 10.0
    ) -> list[AmiMessage]:
        """Send an action that answers with a list and return its events, without the closing one.

        These events do not reach ``on_event``. Raises as ``action`` does.
        """
        return await self._logged_in().collect(name, fields, timeout=timeout)

    async def command(self, line: str, *, timeout: float = 10.0) -> str:
        """Run a command of Asterisk's command line and return what it printed, lines joined by ``\\n``.

        Raises ``AmiActionFailed`` (with the output as message) for a command that Asterisk does not know; a
        command that failed in its own words counts as done. Raises otherwise as ``action`` does.
        """
        fields = {"Command": line}
        response = await self._logged_in().exchange("Command", fields, timeout=timeout)
        if _is_unknown_command(response):
            # Asterisk registers its own commands a few milliseconds after it has said FullyBooted.
            await asyncio.sleep(UNKNOWN_COMMAND_SECONDS)
            response = await self._logged_in().exchange("Command", fields, timeout=timeout)
        output = "\n".join(response.all("Output"))
        if response.get("Response", "").lower() == "error":
            raise AmiActionFailed("Command", response, output or None)
        return output

    async def close(self) -> None:
        """End the connection and ``run()``, and wait until it has returned."""
        self._closing.set()
        if self._attempt is not None:
            self._attempt.cancel()
        running = self._running
        if running is not None and running is not asyncio.current_task():
            await asyncio.wait({running})

    @property
    def _peer(self) -> str:
        return f"{self._host}:{self._port}"

    def _logged_in(self) -> _Connection:
        if self._connection is None:
            raise AmiDisconnected("there is no manager connection")
        return self._connection

    async def _serve(self) -> None:
        """Hold one connection from greeting to end; always raises the reason of the end."""
        self._booted.clear()
        connection = await _Connection.open(self._host, self._port)
        reading = asyncio.create_task(connection.read(self._take_event, idle_seconds=self._idle_seconds))
        try:
            await self._log_in(connection)
            if self._awaits_boot:
                await self._wait_booted(reading)
            await self._filter(connection)
            self._connection = connection
            try:
                await self._prepare(reading)
                self._report_success()
                await reading
            finally:
                self._connection = None
                self._ready = False
                self._tell_disconnected()
        finally:
            connection.close()
            connection.abort()
            reading.cancel()
            await asyncio.wait({reading})
            if not reading.cancelled():
                reading.exception()  # seen; the same reason has failed whatever was waiting

    async def _log_in(self, connection: _Connection) -> None:
        response = await connection.exchange("Login", self._credentials, timeout=CONNECT_SECONDS)
        if response.get("Response", "").lower() != "success":
            refused = AmiLoginRefused(
                f"Asterisk at {self._peer} refused the manager login: {response.get('Message', 'no reason')}"
            )
            self._refused = refused
            self._wake_waiters(refused)
            raise refused
        self._refused = None

    async def _filter(self, connection: _Connection) -> None:
        for name in self._only_events:
            fields = {"Operation": "Add", "MatchCriteria": f"action(include),name({name})"}
            _raise_if_failed("Filter", await connection.exchange("Filter", fields, timeout=CONNECT_SECONDS))

    def _take_event(self, event: AmiMessage) -> None:
        if event.event == "FullyBooted":
            self._booted.set()
        self._on_event(event)

    async def _wait_booted(self, reading: asyncio.Task[None]) -> None:
        booted = asyncio.create_task(self._booted.wait())
        await asyncio.wait({booted, reading}, timeout=BOOT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        booted.cancel()
        if reading.done():
            await reading
        if not self._booted.is_set():
            raise AmiTimeout(f"Asterisk was not fully booted within {BOOT_SECONDS:g} s")

    async def _prepare(self, reading: asyncio.Task[None]) -> None:
        """Run ``on_connect`` beside the reader; gives up as soon as either fails."""
        if self._on_connect is None:
            return
        preparing = asyncio.ensure_future(self._on_connect())
        try:
            await asyncio.wait({preparing, reading}, return_when=asyncio.FIRST_COMPLETED)
            if not preparing.done():
                return  # the connection ended; the caller raises its reason
            try:
                preparing.result()
            except AmiError:
                raise
            except Exception as error:
                log.exception("preparing the manager connection to %s failed", self._peer)
                raise AmiDisconnected("the connection could not be prepared") from error
        finally:
            if not preparing.done():
                preparing.cancel()
                await asyncio.wait({preparing})

    def _tell_disconnected(self) -> None:
        if self._on_disconnect is None:
            return
        try:
            self._on_disconnect()
        except Exception:
            # The owner's mistake must not end the attempts to get the connection back.
            log.exception("handling the end of the manager connection to %s failed", self._peer)

    def _report_success(self) -> None:
        self._ready = True
        log.log(self._level, "manager connection to Asterisk at %s is up", self._peer)
        self._reported = None
        self._wake_waiters(None)

    def _report_failure(self, error: AmiError) -> None:
        """Log an outage once, and a refused login once, not each try."""
        kind = AmiLoginRefused if isinstance(error, AmiLoginRefused) else AmiDisconnected
        if self._reported is not kind:
            self._reported = kind
            log.log(
                self._failure_level,
                "no manager connection to Asterisk at %s: %s; trying on",
                self._peer,
                error,
            )
        else:
            log.debug("still no manager connection to Asterisk at %s: %s", self._peer, error)

    def _wake_waiters(self, error: AmiError | None) -> None:
        for waiter in self._waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)


def _ignore_event(_event: AmiMessage) -> None:
    """Of a connection without events."""
