"""Home: how things are, and what to do next on a fresh system."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from console._console import RunningConsole
from tamas import __version__
from tamas.console import folder_sizes
from tamas.console.folder_sizes import FolderSizes
from tamas.console.today import today_since
from tamas.engine.engine import EngineStatus
from tamas.engine.watch.view import CallView, Party, PhoneView, TrunkView
from tamas.sa.api_log import Entry
from tamas.store.clock import now
from tamas.store.ids import new_id
from tamas.store.schema import calls, extensions, problems, queue_members, queues, trunks

REGISTERED = PhoneView(registered=True, state="idle", calls=0)


async def status(console: Any) -> dict[str, Any]:
    """Everything on the page."""
    answer: dict[str, Any] = await console.get("home/status")
    return answer


async def add(console: RunningConsole, table: Any, **values: Any) -> None:
    """A row."""
    at = now()
    given = {"id": new_id(), "created_at": at, "updated_at": at, **values}
    async with console.database.write() as tx:
        await tx.execute(insert(table).values(**{k: v for k, v in given.items() if k in table.c}))


async def extension(console: RunningConsole, number: str, **values: Any) -> None:
    """An extension."""
    await add(console, extensions, name=number, number=number, secret_ha1="", secret_sealed=b"", **values)


async def record(console: RunningConsole, started_at: int) -> None:
    """A call that is over."""
    await add(
        console,
        calls,
        cuid=str(started_at),
        type="local",
        src="1",
        dst="2",
        started_at=started_at,
        ended_at=started_at,
        wait=0,
        billsec=0,
        disposition="BUSY",
    )


async def test_a_fresh_system(console_both: RunningConsole) -> None:
    """Nothing is there yet, the engine is away, and the first steps are all to be done."""
    console = console_both
    told = await status(console)
    assert told["version"] == __version__
    assert told["engine"] == {
        "ready": False,
        "state": None,
        "version": None,
        "since": None,
        "problem": "Asterisk is starting or away",
    }
    assert (told["database"]["ready"], told["database"]["kind"]) == (True, console.database.dialect)
    assert told["database"]["size_bytes"] > 10_000
    usage = shutil.disk_usage(console.settings.state_dir)
    assert told["disk"]["total_bytes"] == usage.total
    assert abs(told["disk"]["free_bytes"] - usage.free) < 2**30
    assert told["disk"]["path"] == str(console.settings.state_dir)
    assert told["problems"] == []
    assert set(told["counts"].values()) == {0}
    assert told["steps"] == {"extensions": 0, "phone": False, "call": False, "done": False}


async def test_the_first_steps_are_ticked_off(console_both: RunningConsole) -> None:
    """Two extensions, a registered phone, a call; what was done once stays done, whatever phones do later."""
    console = console_both

    async def steps() -> dict[str, Any]:
        found: dict[str, Any] = (await status(console))["steps"]
        return found

    await extension(console, "201")
    assert (await steps())["extensions"] == 1
    for number in ("202", "203"):
        await extension(console, number)
    assert (await steps()) == {"extensions": 2, "phone": False, "call": False, "done": False}
    console.live.seen.phones["202"] = REGISTERED
    assert (await steps()) == {"extensions": 2, "phone": True, "call": False, "done": False}
    await record(console, 1)
    done = {"extensions": 2, "phone": True, "call": True, "done": True}
    assert await steps() == done
    console.live.seen.phones.clear()
    assert await steps() == done


async def test_whoever_knows_their_way_sends_the_steps_away(console_both: RunningConsole) -> None:
    """They are done for that account, also with the right to read only, and for nobody else."""
    console = console_both
    reader = await console.browser(rights={"home": ["read"]})
    await reader.post("home/dismiss_steps")
    assert (await status(reader))["steps"]["done"] is True
    assert (await status(console))["steps"]["done"] is False


async def test_what_there_is_and_what_happened_today(console_both: RunningConsole) -> None:
    """Counts of the store and of what can be seen of the engine; today begins at midnight."""
    console = console_both
    await extension(console, "201")
    await extension(console, "202")
    await extension(console, "203", active="no")
    console.live.seen.phones = {"201": REGISTERED, "203": REGISTERED}
    for name, active in (("up", "yes"), ("down", "yes"), ("off", "no")):
        await add(console, trunks, name=name, active=active)
    console.live.seen.trunks = {
        name: TrunkView(state=state, registration="none", calls=0)  # type: ignore[arg-type]
        for name, state in (("up", "ok"), ("down", "unavailable"), ("off", "deactivated"))
    }
    for number in ("700", "701"):
        await add(console, queues, name=number, number=number)
        await add(
            console,
            queue_members,
            queue_name=number,
            interface="i",
            membername="201",
            state_interface="s",
            joined_at=now(),
        )
    midnight = today_since({"timezone": "UTC"})
    await record(console, midnight)
    await record(console, midnight - 1)
    for at in (midnight - 1, midnight, now()):
        console.sa.gateway.log.add(Entry(at, "r", None, "10.0.0.1", "x", "GET", 401, 0, "", None, 1))
    await console.sa.gateway.log.flush()
    console.live.seen.in_progress = [in_progress("talking"), in_progress("ended")]
    assert (await status(console))["counts"] == {
        "extensions": 3,
        "registered": 1,
        "trunks": 2,
        "trunks_ok": 1,
        "queues": 2,
        "agents": 1,
        "calls_now": 1,
        "calls_today": 1,
        "api_requests_today": 2,
    }


def in_progress(state: Any) -> CallView:
    """A call."""
    return CallView(
        id=state,
        originated_call_id=None,
        started_at=1,
        answered_at=None,
        ended_at=None,
        state=state,
        cause=None,
        caller=Party(number="201", name="", kind="extension", trunk=None, state="up"),
        callee=None,
        queue=None,
        story=(),
    )


async def test_the_engine_is_told_as_its_supervisor_sees_it(
    console: RunningConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """State, version, since when, and what is wrong even while it runs."""
    told = EngineStatus(
        state="restarting", pid=1, version="22.1.0", adopted=False, since=5_000_000, problem="Asterisk ended"
    )
    monkeypatch.setattr(console.engine, "status", lambda: told)
    assert (await status(console))["engine"] == {
        "ready": False,
        "state": "restarting",
        "version": "22.1.0",
        "since": 5000,
        "problem": "Asterisk ended",
    }
    console.engine.client = object()
    engine = (await status(console))["engine"]
    assert (engine["ready"], engine["state"], engine["problem"]) == (True, "running", "Asterisk ended")


async def test_problems_are_shown(console_both: RunningConsole) -> None:
    """The latest first, each with when it was said last and how often."""
    console = console_both
    for number in range(25):
        async with console.database.write() as tx:
            await tx.execute(
                insert(problems).values(
                    source="tamas.x",
                    level="error",
                    text=f"<b>{number}</b>",
                    first_at=1,
                    last_at=number * 1_000_000,
                    count=number + 1,
                )
            )
    shown = (await status(console))["problems"]
    assert len(shown) == 20
    assert shown[0] == {"at": 24_000, "source": "tamas.x", "level": "error", "text": "<b>24</b>", "count": 25}
    assert [one["at"] for one in shown] == [number * 1000 for number in range(24, 4, -1)]


async def test_who_may_see_it(console: RunningConsole) -> None:
    """It is a page like any other."""
    stranger = await console.browser(rights={"calls": ["read"]})
    assert (await stranger.refused("home/status", "GET"))["status"] == 403
    assert (await stranger.refused("home/dismiss_steps"))["status"] == 403


async def test_recordings_are_measured_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files at any depth count, links do not; a measurement is used until it is old."""
    sizes = FolderSizes()
    assert await sizes.bytes(tmp_path / "missing") == 0
    (tmp_path / "20251123").mkdir()
    (tmp_path / "20251123" / "a.wav").write_bytes(b"x" * 1000)
    (tmp_path / "b.wav").write_bytes(b"x" * 10)
    (tmp_path / "c.wav").symlink_to(tmp_path / "b.wav")
    assert await sizes.bytes(tmp_path) == 1010
    (tmp_path / "b.wav").unlink()
    assert await sizes.bytes(tmp_path) == 1010
    monkeypatch.setattr(folder_sizes, "FRESH_SECONDS", -1)
    assert await sizes.bytes(tmp_path) == 1000
