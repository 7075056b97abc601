"""The store is locked, or goes away and comes back, while calls end."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from faults._scene import Scene, talk, whole

pytestmark = pytest.mark.engine

LOCKED_SECONDS = 5.0
_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@asynccontextmanager
async def _locked(scene: Scene) -> AsyncIterator[None]:
    """Another process holds SQLite's write lock."""
    path = scene.server.state_dir / "tamas.db"
    pipe = asyncio.subprocess.PIPE
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _LOCK, str(path), stdin=pipe, stdout=pipe
    )
    try:
        assert other.stdout is not None
        assert await other.stdout.readline() == b"locked\n"
        yield
    finally:
        await other.communicate(b"")


async def test_locked_sqlite_loses_nothing(scene: Scene) -> None:
    """Calls end and clients write while another process holds the lock: all of it arrives, late."""
    talks = [await talk(scene, str(number), str(number + 1)) for number in (201, 203, 205)]
    async with _locked(scene):
        began = time.monotonic()
        adding = asyncio.create_task(
            scene.server.api(
                "pbx/users/add", {"name": "Late", "number": "297", "secret": "Comes-late-but-comes-1"}
            )
        )
        for _, first, second in talks:
            await first.hang_up()
            await second.until_ended()
        assert (await scene.server.client.get("/readyz")).status_code == 200
        await scene.server.api("setting/ping/act")
        await asyncio.sleep(LOCKED_SECONDS - (time.monotonic() - began))
        assert not adding.done()
    assert await adding
    for originated, _, _ in talks:
        await whole(scene, originated)
    with sqlite3.connect(f"file:{scene.server.state_dir / 'tamas.db'}?mode=ro", uri=True) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    connection.close()
    assert "lost a call record" not in scene.server.log
