"""``tamas events``: what was told, to whom, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from tamas.commands.opened import OpenedStore, opened_store
from tamas.commands.output import AsJson, console, fail, print_json, print_table, run, time_text
from tamas.engine.sip_secrets import open_seal
from tamas.events.catalogue import EVENTS
from tamas.events.demand import Listening
from tamas.events.history import Which, count_owed, list_attempts, list_dead, list_events, replay
from tamas.events.receivers import (
    Receiver,
    ReceiverError,
    add_receiver,
    checked_events,
    get_receiver,
    list_receivers,
    remove_receiver,
    set_receiver,
)
from tamas.events.sending import Outcome
from tamas.events.signature import key_of, new_secret
from tamas.events.trial import send_trial
from tamas.outgoing.addresses import is_plainly_internal
from tamas.store.database import Row
from tamas.store.runtime_settings import load_runtime_settings

app = typer.Typer(no_args_is_help=True, help="Events: receivers, deliveries, replay.")
receivers = typer.Typer(no_args_is_help=True, help="Where events are sent.")
app.add_typer(receivers, name="receivers")

FOLLOW_SECONDS = 0.3
"""How often the outbox is looked at."""

Name = Annotated[str, typer.Argument(help="Name of the receiver.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many.")]
Events = Annotated[list[str] | None, typer.Option("--event", help="Only these events; may be repeated.")]
Since = Annotated[datetime | None, typer.Option(help="From this time on, UTC.")]
Until = Annotated[datetime | None, typer.Option(help="Before this time, UTC.")]
Address = Annotated[str | None, typer.Option(help="http or https.")]
Version = Annotated[str | None, typer.Option(help="G4 or Rest4 (the event's name in the path).")]
Method = Annotated[str | None, typer.Option(help="GET (all in the query) or POST (JSON).")]
Shape = Annotated[str | None, typer.Option(help="vendor: as the Simotel API; own: one JSON object.")]
Username = Annotated[str | None, typer.Option(help="For HTTP Basic; empty: none.")]
Password = Annotated[
    str | None, typer.Option(help="For HTTP Basic; - asks for it, so that no list of processes shows it.")
]
Sign = Annotated[bool | None, typer.Option("--sign/--no-sign", help="Sign after Standard Webhooks.")]
Secret = Annotated[str | None, typer.Option(help="Of the signature (whsec_…); default: a new one.")]
LocalTime = Annotated[
    bool | None, typer.Option("--local-time/--utc", help="Times in the time zone of the settings, or UTC.")
]
Timeout = Annotated[float | None, typer.Option(help="Seconds that it may take to answer.")]
Internal = Annotated[
    bool | None,
    typer.Option("--allow-internal/--no-internal", help="May be on this machine or in a private network."),
]


def _micros(at: datetime | None) -> int | None:
    return None if at is None else round(at.replace(tzinfo=at.tzinfo or UTC).timestamp() * 1e6)


def _which(
    events: list[str] | None,
    since: datetime | None,
    until: datetime | None,
    first: int | None = None,
    last: int | None = None,
    *,
    dead: bool = False,
) -> Which:
    names = checked_events(events, shape="own") if events else ()
    return Which(first=first, last=last, since=_micros(since), until=_micros(until), names=names, dead=dead)


def _event(row: Row) -> dict[str, Any]:
    return {
        "position": row["position"],
        "at": time_text(row["created_at"]),
        "event": row["name"],
        "fields": msgspec.json.decode(row["fields"]),
    }


@app.command()
def tail(
    limit: Limit = 20,
    event: Events = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON value for each event.")] = False,
) -> None:
    """Show the last events of the outbox, whether anybody received them or not."""

    def show(rows: Sequence[Row]) -> None:
        for row in rows:
            shown = _event(row)
            text = msgspec.json.encode(shown if as_json else shown["fields"]).decode()
            line = text if as_json else f"{shown['position']:>8}  {shown['at']}  {shown['event']:<16} {text}"
            console.print(line, markup=False, soft_wrap=True)

    async def work() -> None:
        async with opened_store() as store, store.database.read() as connection:
            rows = await list_events(connection, _which(event, None, None), limit=limit)
            show(rows)
            last = rows[-1]["position"] if rows else 0
            listening = Listening(store.database)
            while follow:
                await listening.note()
                await asyncio.sleep(FOLLOW_SECONDS)
                async with store.database.read() as again:
                    rows = await list_events(again, _which(event, None, None, last + 1), limit=1000)
                show(rows)
                last = rows[-1]["position"] if rows else last

    try:
        run(work, as_json=as_json)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@app.command(name="replay")
def replay_(
    receiver: Name,
    position: Annotated[int | None, typer.Option(help="This event.")] = None,
    event: Events = None,
    since: Since = None,
    until: Until = None,
    dead: Annotated[bool, typer.Option("--dead", help="Only what was given up for it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send events to a receiver once more: one, those of a time, or those that were given up."""
    if position is None and since is None and until is None and not dead:
        fail("say which: --position, --since, --until or --dead", as_json=as_json, status=2)

    async def work() -> int:
        async with opened_store() as store:
            async with store.database.read() as connection:
                found = await get_receiver(connection, receiver)
            which = _which(event, since, until, position, position, dead=dead)
            return await replay(store.database, found, which)

    count = run(work, as_json=as_json)
    if as_json:
        print_json({"receiver": receiver, "events": count})
    else:
        console.print(f"{count} events will be sent to {receiver} again.", markup=False)


@app.command(name="test")
def trial(
    receiver: Name,
    event: Annotated[str, typer.Option(help="Which event, with sample values.")] = "Ping",
    as_json: AsJson = False,
) -> None:
    """Send a sample to a receiver now, and tell what it answered."""

    async def work() -> Outcome:
        (name,) = checked_events([event], shape="own")
        async with opened_store() as store:
            async with store.database.read() as connection:
                found = await get_receiver(connection, receiver)
            runtime = await load_runtime_settings(store.database)
            seal = open_seal(store.settings.state_dir)
            return await send_trial(found, name, runtime=runtime, open_secret=seal.open_text)

    outcome = run(work, as_json=as_json)
    if as_json:
        print_json(msgspec.to_builtins(outcome))
    elif outcome.error is None:
        console.print(f"{receiver} took it: status {outcome.status}, {outcome.ms} ms.", markup=False)
    else:
        console.print(f"{receiver} did not take it: {outcome.error} ({outcome.ms} ms).", markup=False)
    if outcome.error is not None:
        raise typer.Exit(1)


OfReceiver = Annotated[str | None, typer.Option(help="Only those of this receiver.")]
Listing = Callable[..., Coroutine[Any, Any, Sequence[Row]]]


@app.command()
def deliveries(receiver: OfReceiver = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """Show the last tries to deliver, newest first."""
    columns = ("at", "receiver", "position", "event", "status", "ms", "error")
    _list(list_attempts, receiver, limit, columns, empty="Nothing was sent yet.", as_json=as_json)


@app.command()
def dead(receiver: OfReceiver = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """Show what was given up, newest first; `tamas events replay NAME --dead` sends it again."""
    columns = ("owed_at", "receiver", "position", "event", "tries", "reason")
    _list(list_dead, receiver, limit, columns, empty="Nothing was given up.", as_json=as_json)


def _list(
    listing: Listing, receiver: str | None, limit: int, columns: Sequence[str], *, empty: str, as_json: bool
) -> None:
    """Print rows of a listing; the first column is a time."""

    async def work() -> Sequence[Row]:
        async with opened_store() as store, store.database.read() as connection:
            found = None if receiver is None else await get_receiver(connection, receiver)
            return await listing(connection, found, limit=limit)

    at = columns[0]
    rows = [{**row, at: time_text(row[at])} for row in run(work, as_json=as_json)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, columns, empty=empty)


# -- receivers -------------------------------------------------------------------------------------------


def _shown(receiver: Receiver, owed: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": receiver.name,
        "enabled": receiver.enabled,
        "address": receiver.address,
        "shape": receiver.shape,
        "version": receiver.version,
        "method": receiver.method,
        "events": [name for name in EVENTS if name in receiver.events],
        "username": receiver.username,
        "signed": bool(receiver.secret),
        "local_time": receiver.local_time,
        "timeout": receiver.timeout_ms / 1000,
        "allow_internal": receiver.allow_internal,
        "pending": owed[0],
        "dead": owed[1],
    }
    if receiver.switched_off_at is not None:
        row["switched_off_at"] = time_text(receiver.switched_off_at)
        row["switched_off_reason"] = receiver.switched_off_reason
    return row


def _print_receivers(rows: Sequence[dict[str, Any]]) -> None:
    shown = [
        {
            **row,
            "enabled": "yes" if row["enabled"] else row.get("switched_off_reason") or "no",
            "form": "own" if row["shape"] == "own" else f"{row['version']} {row['method']}",
            "events": len(row["events"]),
        }
        for row in rows
    ]
    columns = ("name", "enabled", "address", "form", "events", "pending", "dead")
    print_table(shown, columns, empty="There is no receiver.")


def _values(store: OpenedStore, given: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Columns of a receiver from what was given, and the new secret of its signature in clear."""
    values = {name: given[name] for name in ("address", "username", "local_time", "allow_internal")}
    for name, allowed in (
        ("version", ("G4", "Rest4")),
        ("method", ("GET", "POST")),
        ("shape", ("vendor", "own")),
    ):
        if given[name] is not None:
            words = {word.lower(): word for word in allowed}
            if given[name].lower() not in words:
                raise ReceiverError(f"{name} is one of {', '.join(allowed)}")
            values[name] = words[given[name].lower()]
    if given["timeout"] is not None:
        values["timeout_ms"] = round(given["timeout"] * 1000)
    password = given["password"]
    if password is not None:
        if password == "-":  # noqa: S105 - the word for asking
            password = typer.prompt("Password", hide_input=True)
        values["password"] = open_seal(store.settings.state_dir).seal_text(password) if password else ""
    secret: str | None = None
    if given["secret"] is not None or given["sign"]:
        secret = given["secret"] or new_secret()
        key_of(secret)
        values["secret"] = open_seal(store.settings.state_dir).seal_text(secret)
    elif given["sign"] is False:
        values["secret"] = ""
    return {name: value for name, value in values.items() if value is not None}, secret


def _print_receiver(receiver: Receiver, secret: str | None, *, as_json: bool) -> None:
    shown = _shown(receiver) | ({"secret": secret} if secret else {})
    if as_json:
        print_json(shown)
        return
    _print_receivers([shown])
    if secret:
        console.print(f"Secret of its signatures, shown only now: {secret}", markup=False)
    if is_plainly_internal(receiver.address) and not receiver.allow_internal:
        console.print(
            "Its address is internal: nothing is sent there unless --allow-internal says so.", markup=False
        )


@receivers.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the receivers, and how much they are owed."""

    async def work() -> list[dict[str, Any]]:
        async with opened_store() as store, store.database.read() as connection:
            owed = await count_owed(connection)
            return [_shown(one, owed.get(one.id, (0, 0))) for one in await list_receivers(connection)]

    rows = run(work, as_json=as_json)
    if as_json:
        print_json(rows)
    else:
        _print_receivers(rows)


@receivers.command()
def add(
    name: Name,
    address: Annotated[str, typer.Argument(help="http or https.")],
    version: Version = None,
    method: Method = None,
    shape: Shape = None,
    event: Events = None,
    username: Username = None,
    password: Password = None,
    sign: Sign = None,
    secret: Secret = None,
    local_time: LocalTime = None,
    timeout: Timeout = None,
    allow_internal: Internal = None,
    as_json: AsJson = False,
) -> None:
    """Add a receiver: by default G4, POST, every event of the vendor's, not signed; own ones are signed."""
    given = dict(locals())

    async def work() -> tuple[Receiver, str | None]:
        async with opened_store() as store:
            if (shape or "").lower() == "own" and sign is None:
                given["sign"] = True
            values, made = _values(store, given)
            events = checked_events(event or [], shape=values.get("shape", "vendor"))
            found = await add_receiver(store.database, store.changes, name=name, events=events, **values)
            return found, made

    found, made = run(work, as_json=as_json)
    _print_receiver(found, made, as_json=as_json)


@receivers.command(name="set")
def set_(
    name: Name,
    address: Address = None,
    version: Version = None,
    method: Method = None,
    shape: Shape = None,
    event: Events = None,
    username: Username = None,
    password: Password = None,
    sign: Sign = None,
    secret: Secret = None,
    local_time: LocalTime = None,
    timeout: Timeout = None,
    allow_internal: Internal = None,
    as_json: AsJson = False,
) -> None:
    """Change what is given of a receiver; events are replaced as a whole."""
    given = dict(locals())

    async def work() -> tuple[Receiver, str | None]:
        async with opened_store() as store:
            values, made = _values(store, given)
            if event:
                values["events"] = checked_events(event, shape="own")
            return await set_receiver(store.database, store.changes, name, **values), made

    found, made = run(work, as_json=as_json)
    _print_receiver(found, made, as_json=as_json)


def _switch(name: str, *, enabled: bool, as_json: bool) -> None:
    async def work() -> Receiver:
        async with opened_store() as store:
            return await set_receiver(store.database, store.changes, name, enabled=enabled)

    _print_receiver(run(work, as_json=as_json), None, as_json=as_json)


@receivers.command()
def enable(name: Name, as_json: AsJson = False) -> None:
    """Send to a receiver; it gets what it is still owed, and what is told from now on."""
    _switch(name, enabled=True, as_json=as_json)


@receivers.command()
def disable(name: Name, as_json: AsJson = False) -> None:
    """Stop sending to a receiver."""
    _switch(name, enabled=False, as_json=as_json)


@receivers.command()
def remove(name: Name, as_json: AsJson = False) -> None:
    """Remove a receiver with all it is owed."""

    async def work() -> None:
        async with opened_store() as store:
            await remove_receiver(store.database, store.changes, name)

    run(work, as_json=as_json)
    if as_json:
        print_json({"name": name, "removed": True})
    else:
        console.print(f"Receiver {name} is removed.", markup=False)
