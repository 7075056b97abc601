"""Watching a real Asterisk: for as long as somebody looks, over a connection that may break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import delete

from engine._rows import add_queue
from support.engine import instance_settings, running_engine
from support.waiting import eventually
from tamas.engine import live
from tamas.engine.ami import AmiClient
from tamas.engine.engine import Engine, EngineNotReady, EngineStatus
from tamas.engine.install import AsteriskInstall
from tamas.engine.watch.watcher import EngineWatch
from tamas.store.database import Database, open_database
from tamas.store.schema import queue_members

pytestmark = pytest.mark.engine


class Access:
    """An engine as services reach it; a test may take it away."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Engine | None = engine

    @property
    def ready(self) -> bool:
        return self.engine is not None and self.engine.ready

    @property
    def ami(self) -> AmiClient:
        if self.engine is None:
            raise EngineNotReady("taken away")
        return self.engine.ami

    def status(self) -> EngineStatus | None:
        return None


@pytest.fixture(scope="module")
async def running(
    tmp_path_factory: pytest.TempPathFactory,
    new_store: Callable[[str, Path], str],
    asterisk_install: AsteriskInstall,
) -> AsyncIterator[tuple[Engine, Database]]:
    """An Asterisk on an empty SQLite store."""
    folder = tmp_path_factory.mktemp("w")
    url = new_store("sqlite", folder)
    database = await open_database(url)
    try:
        async with running_engine(instance_settings(folder, url), asterisk_install) as engine:
            yield engine, database
    finally:
        await database.close()


async def connections(engine: Engine) -> int:
    """Manager connections that Asterisk has, the engine's own among them."""
    shown = await engine.ami.command("manager show connected")
    return shown.count("127.0.0.1")


async def test_there_is_a_connection_only_while_somebody_looks(running: tuple[Engine, Database]) -> None:
    """None before the first look, one for all lookers, none a while after the last; then it begins again."""
    engine, database = running
    watch = EngineWatch(Access(engine), database, linger_seconds=0.5)
    at_first = await connections(engine)
    for _ in range(2):
        views = await asyncio.gather(*(watch.look() for _ in range(5)))
        assert all(view.ready for view in views)
        assert await connections(engine) == at_first + 1
        await eventually(lambda: not watch.watching, within=5, what="the end of watching")
        assert not views[0].ready, "nobody follows it any more"

        async def closed() -> bool:
            return await connections(engine) == at_first

        await eventually(closed, within=5, what="the end of the connection")
    await watch.close()


async def test_subscribers_keep_it_watching(running: tuple[Engine, Database]) -> None:
    """As long as one is there, however long nothing changes."""
    engine, database = running
    watch = EngineWatch(Access(engine), database, linger_seconds=0.2)
    with watch.subscribe() as subscription:
        while not (changes := await subscription.next()).ready:
            assert changes.fresh
        await asyncio.sleep(2)
        assert watch.watching
    await eventually(lambda: not watch.watching, within=5, what="the end of watching")
    await watch.close()


async def test_a_broken_connection_is_a_new_snapshot(running: tuple[Engine, Database]) -> None:
    """Told twice, as lost and as found again, and nothing in between."""
    engine, database = running
    watch = EngineWatch(Access(engine), database)
    try:
        view = await watch.look()
        with watch.subscribe() as subscription:
            assert (await subscription.next()).ready
            assert watch._client is not None
            assert watch._client._connection is not None
            watch._client._connection.abort()
            lost = await asyncio.wait_for(subscription.next(), 5)
            assert (lost.fresh, lost.ready, lost.calls) == (True, view.ready, ())
            while not view.ready:
                assert (await asyncio.wait_for(subscription.next(), 5)).fresh
    finally:
        await watch.close()


async def test_an_engine_that_is_away_is_not_waited_for(running: tuple[Engine, Database]) -> None:
    """A page is answered at once; when the engine is there it is seen without being asked for again."""
    engine, database = running
    access = Access(engine)
    access.engine = None
    watch = EngineWatch(access, database)
    try:
        loop = asyncio.get_running_loop()
        began = loop.time()
        view = await watch.look()
        assert (view.ready, loop.time() - began < 0.5) == (False, True)
        access.engine = engine
        await eventually(lambda: view.ready, within=5, what="the snapshot")
        access.engine = None
        await eventually(lambda: not view.ready, within=5, what="the end of it")
    finally:
        await watch.close()


@pytest.mark.usefixtures("no_task_left")
async def test_closing_ends_everything(running: tuple[Engine, Database]) -> None:
    """In the middle of a snapshot too; nothing can be watched afterwards."""
    engine, database = running
    for pause in (0.0, 0.01, 0.05, 0.3):
        watch = EngineWatch(Access(engine), database)
        looking = asyncio.create_task(watch.look())
        await asyncio.sleep(pause)
        await watch.close()
        assert not (await looking).ready
        assert not (await watch.look()).ready
        assert not watch.watching


async def test_an_agent_who_comes_and_goes_between_two_looks(running: tuple[Engine, Database]) -> None:
    """Whoever joined, took a break and left while nobody compared the rows is not shown for ever."""
    engine, database = running
    watch = EngineWatch(Access(engine), database)
    try:
        view = await watch.look()
        await add_queue(database, "910", ("101",))
        await live.queue_members_changed(engine.ami, "910")
        await live.pause_member(engine.ami, "910", live.member_interface("101"), paused=True)
        await eventually(lambda: view.queue("910").agents, within=5, what="the agent on break")
        async with database.write() as tx:
            await tx.execute(delete(queue_members))
        await live.queue_members_changed(engine.ami, "910")
        await eventually(lambda: not view.queue("910").agents, within=5, what="the end of the agent")
    finally:
        await watch.close()
