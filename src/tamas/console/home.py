"""Home: how engine, database and disk are, what went wrong of late, and what to do next on a fresh system."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select, text, update

from tamas import __version__
from tamas.console.context import ConsoleContext
from tamas.console.folder_sizes import FolderSizes
from tamas.console.problems import Level, latest_problems
from tamas.console.rights import HOME, READ
from tamas.console.service import service
from tamas.console.times import milliseconds
from tamas.console.today import today_since
from tamas.engine.engine import EngineState
from tamas.engine.layout import EngineLayout
from tamas.engine.watch.view import EngineView
from tamas.sa.fields import NoParameters
from tamas.store.database import Database, Dialect, SqliteDatabase
from tamas.store.schema import api_log, calls, console_accounts, extensions, queue_members, queues, trunks

SHOWN_PROBLEMS = 20
FIRST_EXTENSIONS = 2
"""Extensions that a call needs."""

_sizes = FolderSizes()


class EngineHealth(msgspec.Struct, kw_only=True):
    """Asterisk."""

    ready: bool
    """Whether calls can be made."""
    state: EngineState | None
    """``null``: it is being fetched, or nobody knows."""
    version: str | None
    since: int | None
    problem: str | None


class DatabaseHealth(msgspec.Struct, kw_only=True):
    """The store."""

    ready: bool
    kind: Dialect
    size_bytes: int | None
    problem: str | None


class Disk(msgspec.Struct, kw_only=True):
    """Where state and recordings lie."""

    total_bytes: int
    free_bytes: int
    recordings_bytes: int | None
    """As measured some minutes ago at most; ``null`` before it is known."""
    path: str


class ShownProblem(msgspec.Struct, kw_only=True):
    """Something the log said."""

    at: int
    """When it was said last."""
    source: str
    level: Level
    text: str
    count: int


class Counts(msgspec.Struct, kw_only=True):
    """What there is, and what happened since midnight."""

    extensions: int
    registered: int
    trunks: int
    """Active ones."""
    trunks_ok: int
    queues: int
    agents: int
    """Who is signed in to any queue."""
    calls_now: int
    calls_today: int
    api_requests_today: int


class Steps(msgspec.Struct, kw_only=True):
    """What to do on a fresh system."""

    extensions: int
    """Of two."""
    phone: bool
    """Whether a phone is registered, or was."""
    call: bool
    """Whether there ever was a call."""
    done: bool
    """Nothing is left to do, or whoever is signed in does not want to see it any more."""


class HomeStatus(msgspec.Struct, kw_only=True):
    """Everything on the page."""

    version: str
    engine: EngineHealth
    database: DatabaseHealth
    disk: Disk
    problems: list[ShownProblem]
    counts: Counts
    steps: Steps


@dataclass(frozen=True, kw_only=True)
class _Stored:
    """What the store knows."""

    extensions: int
    numbers: Sequence[str]
    """Of active extensions."""
    trunks: Sequence[str]
    """Names of active trunks."""
    queues: int
    agents: int
    calls_today: int
    requests_today: int
    any_call: bool
    dismissed: bool
    bytes: int


@service("home/status", page=HOME, right=READ, summary="Tell how the contact center is")
async def status(context: ConsoleContext, _request: NoParameters) -> HomeStatus:
    """Look at everything once."""
    view = await context.live.view()
    stored = await context.database.long_read(
        lambda connection: _read(
            connection, today_since(context.runtime), context.me.account_id, context.database
        )
    )
    counts = _counts(stored, view)
    found = await latest_problems(context.database, limit=SHOWN_PROBLEMS)
    return HomeStatus(
        version=__version__,
        engine=_engine(context),
        database=DatabaseHealth(
            ready=True, kind=context.database.dialect, size_bytes=stored.bytes, problem=None
        ),
        disk=await _disk(context),
        problems=[
            ShownProblem(
                at=milliseconds(problem.last_at),
                source=problem.source,
                level=problem.level,
                text=problem.text,
                count=problem.count,
            )
            for problem in found
        ],
        counts=counts,
        steps=_steps(stored, counts),
    )


@service(
    "home/dismiss_steps",
    page=HOME,
    right=READ,
    method="POST",
    summary="Show the first steps to whoever is signed in no more",
)
async def dismiss_steps(context: ConsoleContext, _request: NoParameters) -> None:
    """Note it with the account."""
    async with context.database.write() as tx:
        await tx.execute(
            update(console_accounts)
            .where(console_accounts.c.id == context.me.account_id)
            .values(steps_dismissed=True)
        )


def _engine(context: ConsoleContext) -> EngineHealth:
    ready = context.engine.ready
    told = context.engine.status()
    problem = told.problem if told is not None else None
    return EngineHealth(
        ready=ready,
        state="running" if ready else None if told is None else told.state,
        version=None if told is None else told.version,
        since=None if told is None else milliseconds(told.since),
        problem=problem if ready or problem else "Asterisk is starting or away",
    )


def _read(connection: Connection, since: int, account_id: str, database: Database) -> _Stored:
    def count(statement: Select[Any]) -> int:
        return int(connection.scalar(statement) or 0)

    def texts(statement: Select[Any]) -> list[str]:
        return list(connection.scalars(statement))

    own = select(console_accounts.c.steps_dismissed).where(console_accounts.c.id == account_id)
    return _Stored(
        extensions=count(select(func.count()).select_from(extensions)),
        numbers=texts(select(extensions.c.number).where(extensions.c.active == "yes")),
        trunks=texts(select(trunks.c.name).where(trunks.c.active == "yes")),
        queues=count(select(func.count()).select_from(queues)),
        agents=count(select(func.count(queue_members.c.membername.distinct()))),
        calls_today=count(select(func.count()).where(calls.c.started_at >= since)),
        requests_today=count(select(func.count()).where(api_log.c.at >= since)),
        any_call=connection.scalar(select(calls.c.id).limit(1)) is not None,
        dismissed=bool(connection.scalar(own)),
        bytes=_database_bytes(connection, database),
    )


def _database_bytes(connection: Connection, database: Database) -> int:
    if isinstance(database, SqliteDatabase):
        # What was written last lies in the log beside the file until it is carried over.
        return sum(map(_file_bytes, (database.path, database.path.with_name(f"{database.path.name}-wal"))))
    return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def _file_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _counts(stored: _Stored, view: EngineView) -> Counts:
    return Counts(
        extensions=stored.extensions,
        registered=sum(view.phone(number).registered for number in stored.numbers),
        trunks=len(stored.trunks),
        trunks_ok=sum(view.trunk(name).state == "ok" for name in stored.trunks),
        queues=stored.queues,
        agents=stored.agents,
        calls_now=sum(call.state != "ended" for call in view.calls()),
        calls_today=stored.calls_today,
        api_requests_today=stored.requests_today,
    )


def _steps(stored: _Stored, counts: Counts) -> Steps:
    made = min(counts.extensions, FIRST_EXTENSIONS)
    phone = counts.registered > 0 or stored.any_call
    done = made == FIRST_EXTENSIONS and phone and stored.any_call
    return Steps(extensions=made, phone=phone, call=stored.any_call, done=done or stored.dismissed)


async def _disk(context: ConsoleContext) -> Disk:
    folder = context.settings.state_dir
    usage = await asyncio.to_thread(shutil.disk_usage, folder)
    return Disk(
        total_bytes=usage.total,
        free_bytes=usage.free,
        recordings_bytes=await _sizes.bytes(EngineLayout(state_dir=folder).recordings),
        path=str(folder),
    )
