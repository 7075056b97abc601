"""Problems of late: what the log said is in the store, once each, without anything secret, and bounded."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import OperationalError

from support.waiting import eventually
from tamas.console.problems import KEPT, KEPT_DAYS, MAX_TEXT, Problem, collected_problems, latest_problems
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database
from tamas.store.schema import problems

log = logging.getLogger("tamas.test")
pytestmark = pytest.mark.usefixtures("no_task_left", "quick")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that are long for people are short here."""
    monkeypatch.setattr("tamas.console.problems.GATHER_SECONDS", 0.01)
    monkeypatch.setattr("tamas.console.problems.RETRY_SECONDS", 0.05)


async def stored(database: Database) -> list[Problem]:
    """All of them."""
    return await latest_problems(database, limit=KEPT * 2)


async def until(database: Database, check: Callable[[list[Problem]], bool]) -> list[Problem]:
    """The stored problems once they are as wanted."""

    found: list[Problem] = []

    async def there() -> bool:
        found[:] = await stored(database)
        return check(found)

    await eventually(there, within=5, what="the stored problems")
    return found


async def test_what_is_logged_is_stored(database: Database) -> None:
    """Warnings and errors of ours with source, level and time; neither lesser ones nor those of others."""
    began = now()
    async with collected_problems(database):
        log.info("nothing wrong")
        logging.getLogger("uvicorn").warning("not ours")
        log.warning("the %s is %d %% full", "disk", 95)
        logging.getLogger("tamas.asterisk").error("chan_pjsip.c: something")
        found = await until(database, lambda all_: len(all_) == 2)
    assert [(one.source, one.level, one.text, one.count) for one in reversed(found)] == [
        ("tamas.test", "warning", "the disk is 95 % full", 1),
        ("tamas.asterisk", "error", "chan_pjsip.c: something", 1),
    ]
    assert all(began <= one.first_at == one.last_at <= now() for one in found)


async def test_equal_problems_are_counted(database: Database) -> None:
    """Whether they come together or apart: one problem, from when to when, as bad as the worst of them."""
    async with collected_problems(database):
        for _ in range(3):
            log.warning("again")
        (first,) = await until(database, lambda all_: sum(one.count for one in all_) == 3)
        assert first.level == "warning"
        log.error("again")
        log.warning("again")
        (later,) = await until(database, lambda all_: sum(one.count for one in all_) == 5)
    assert later.level == "error"
    assert later.first_at == first.first_at
    assert later.last_at > first.last_at


async def test_workers_count_together(database: Database) -> None:
    """Two processes that meet the same problem make one of it."""
    async with collected_problems(database), collected_problems(database):
        log.warning("everywhere")
        await until(database, lambda all_: [one.count for one in all_] == [2])


async def test_only_the_message_goes_in(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what an exception carries nor further lines nor control characters; request ids make no
    difference.
    """
    # What pytest keeps of the log is sent between processes, which half a surrogate pair cannot be.
    monkeypatch.setattr(logging.getLogger("tamas"), "propagate", False)
    async with collected_problems(database):
        try:
            int("secret-4711")
        except ValueError:
            log.exception("request %s to %s failed", "0123456789abcdef012345", "x")
            log.exception("request %s to %s failed", "fedcba9876543210fedcba", "x")
        log.warning("first line\nSELECT secret-4711")
        log.warning("with \x00 and \x1b[31m and \ud800 in it", extra={"password": "secret-4711"})
        log.warning("long %s", "x" * 2000)
        found = await until(database, lambda all_: len(all_) == 4)
    texts = {one.text: one.count for one in found}
    assert texts["request … to x failed"] == 2
    assert "first line" in texts
    assert "with   and  [31m and   in it" in texts
    assert max(map(len, texts)) == MAX_TEXT
    assert "secret" not in repr(found)


async def test_records_that_cannot_be_written(
    sqlite_database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake in a log line does not break whoever wrote it, nor the problems after it."""
    monkeypatch.setattr(logging.getLogger("tamas"), "propagate", False)  # pytest's own handler would raise
    async with collected_problems(sqlite_database):
        log.warning("%d", "no number")
        log.warning("fine")
        await until(sqlite_database, lambda all_: [one.text for one in all_] == ["fine"])
    assert "Logging error" in capsys.readouterr().err


async def test_records_of_threads(sqlite_database: Database) -> None:
    """A thread's warning arrives like any other."""
    async with collected_problems(sqlite_database):
        thread = threading.Thread(target=log.warning, args=("from a thread",))
        thread.start()
        thread.join()
        await until(sqlite_database, lambda all_: [one.text for one in all_] == ["from a thread"])


async def test_they_are_bounded(database: Database) -> None:
    """The latest are kept, for some weeks; a flood of different ones takes no more room than that."""
    day = 86_400 * MICROSECONDS
    async with database.write() as tx:
        for days in (KEPT_DAYS + 1, KEPT_DAYS - 1):
            at = now() - days * day
            row = {"source": "tamas.old", "level": "error", "text": f"{days}", "first_at": at, "last_at": at}
            await tx.execute(insert(problems).values(**row))
    async with collected_problems(database):
        log.warning("now")
        expected = ["now", str(KEPT_DAYS - 1)]
        await until(database, lambda all_: [one.text for one in all_] == expected)
        for number in range(KEPT + 50):
            log.warning("flood %d", number)
        await until(database, lambda all_: len(all_) == KEPT)
    assert "now" not in {one.text for one in await stored(database)}


class Broken:
    """A database whose writes fail until it is mended."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect
        self.tries = 0
        self.mended = False

    def write(self) -> AbstractAsyncContextManager[Any]:
        """Fail, and log it as those do who meet a broken store."""
        self.tries += 1
        if self.mended:
            return self._database.write()
        return self._fail()

    @asynccontextmanager
    async def _fail(self) -> Any:
        log.warning("the store is away")
        raise OperationalError("INSERT secret-4711", {}, Exception("no answer"))
        yield


async def test_a_store_that_is_away(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Problems wait, its own among them; it is asked now and then, not in a loop; then all are there."""
    pauses: list[float] = []
    monkeypatch.setattr("tamas.console.problems.RETRY_SECONDS", 0.2)
    sleep: Callable[..., Awaitable[None]] = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr("tamas.console.problems.asyncio.sleep", noted)
    broken = Broken(sqlite_database)
    async with collected_problems(broken):  # type: ignore[arg-type]
        log.error("it began")
        await eventually(lambda: broken.tries >= 3, within=5, what="three tries")
        assert pauses.count(0.2) >= broken.tries - 1, "between tries there is a pause"
        broken.mended = True
        found = await until(sqlite_database, lambda all_: len(all_) == 2)
    counts = {one.text: one.count for one in found}
    assert counts["it began"] == 1
    assert counts["the store is away"] >= 2


async def test_nothing_is_lost_at_the_end(database: Database) -> None:
    """What was logged just before the process stops is stored; what comes after is not collected."""
    async with collected_problems(database):
        log.warning("the last words")
    log.warning("too late")
    assert [one.text for one in await stored(database)] == ["the last words"]


async def test_a_store_that_is_away_keeps_nobody_from_stopping(sqlite_database: Database) -> None:
    """The end waits for it no longer than a moment."""
    broken = Broken(sqlite_database)
    async with asyncio.timeout(5), collected_problems(broken):  # type: ignore[arg-type]
        log.warning("unheard")
    async with sqlite_database.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM problems")) == 0
