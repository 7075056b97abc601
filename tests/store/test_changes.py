"""Noticing changes of accounts and settings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest
from sqlalchemy import make_url

from support.stalling_proxy import stalling_proxy
from support.waiting import eventually
from tamas.store import changes as changes_module
from tamas.store import database as database_module
from tamas.store.changes import Changes
from tamas.store.database import Database, HotQuery, PostgresqlDatabase, open_database
from tamas.store.runtime_settings import (
    SettingError,
    load_runtime_settings,
    set_runtime_setting,
    set_runtime_settings,
)


async def test_a_change_is_seen_by_the_next_look_of_the_same_process(database: Database) -> None:
    """Right after the commit the generation has moved."""
    changes = Changes(database)
    await changes.start()
    before = await changes.generation()
    await set_runtime_setting(database, changes, "calendar", "jalali")
    assert await changes.generation() == before + 1
    await changes.close()


async def test_a_change_is_seen_by_another_process(database_url: str, database: Database) -> None:
    """Another process sees it: on SQLite at its next look, on PostgreSQL when the notification is there."""
    other = await open_database(database_url)
    theirs, ours = Changes(other), Changes(database)
    await theirs.start()
    await ours.start()
    before = await theirs.generation()
    await set_runtime_setting(database, ours, "sa.lenient", "yes")

    async def moved() -> bool:
        return await theirs.generation() == before + 1

    await eventually(moved, within=2)
    assert (await load_runtime_settings(other))["sa.lenient"] is True
    await theirs.close()
    await ours.close()
    await other.close()


async def test_a_rolled_back_change_is_no_change(database: Database) -> None:
    """The generation stays when the transaction fails."""
    changes = Changes(database)
    before = await changes.generation()

    async def fail() -> None:
        async with database.write() as tx:
            await changes.bump(tx)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await changes.generation() == before


async def test_changes_are_seen_while_the_listener_is_down(postgresql_url: str) -> None:
    """With its connection cut, every look goes to the database; the listener comes back."""
    database = await open_database(postgresql_url)
    assert isinstance(database, PostgresqlDatabase)
    changes, writer = Changes(database), Changes(database)
    await changes.start()
    before = await changes.generation()
    await asyncio.sleep(0.2)
    admin = await asyncpg.connect(postgresql_url.replace("+asyncpg", ""))
    cut = await admin.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    assert cut == 1
    await set_runtime_setting(database, writer, "calendar", "jalali")
    assert await changes.generation() == before + 1
    await admin.close()
    await changes.close()
    await database.close()


async def test_a_change_during_a_look_is_not_overwritten(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notification overtakes the older answer: the next look asks again."""
    database = await open_database(postgresql_url)
    assert isinstance(database, PostgresqlDatabase)
    changes, writer = Changes(database), Changes(database)
    await changes.start()
    await eventually(lambda: changes._listening, within=2)
    answer, hot = asyncio.Event(), database.hot

    async def held_up(query: HotQuery, *values: object) -> Sequence[Sequence[object]]:
        rows = await hot(query, *values)
        await answer.wait()
        return rows

    monkeypatch.setattr(database, "hot", held_up)
    changes._forget()
    epoch = changes._epoch
    look = asyncio.create_task(changes.generation())
    await asyncio.sleep(0.05)
    await set_runtime_setting(database, writer, "calendar", "jalali")
    await eventually(lambda: changes._epoch > epoch, within=2)
    answer.set()
    before = await look
    assert await changes.generation() == before + 1
    await changes.close()
    await database.close()


async def test_a_listener_that_hears_nothing_any_more(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server vanished without a word: the listener stops counting, and comes back with the server."""
    for limit in ("CHECK_SECONDS", "ANSWER_SECONDS", "RECONNECT_SECONDS"):
        monkeypatch.setattr(changes_module, limit, 0.2)
    monkeypatch.setattr(database_module, "CONNECT_SECONDS", 0.3)
    async with stalling_proxy(make_url(postgresql_url).port or 0) as proxy:
        url = make_url(postgresql_url).set(port=proxy.port).render_as_string(hide_password=False)
        database = await open_database(url)
        changes = Changes(database)
        returns: list[None] = []
        changes.on_return = lambda: returns.append(None)
        await changes.start()
        await eventually(lambda: changes._listening, within=2)
        proxy.fall_silent()
        await eventually(lambda: not changes._listening, within=2)
        proxy.speak()
        await eventually(lambda: changes._listening, within=3)
        assert returns == [None]
        await changes.close()
        await database.close()


@pytest.mark.parametrize(
    ("key", "value", "stored"),
    [
        ("sa.allow_all_ips", "true", True),
        ("sa.allow_all_ips", "0", False),
        ("sa.allowed_ips", ["10.0.0.7", "192.168.0.0/16", "::1"], ["10.0.0.7", "192.168.0.0/16", "::1"]),
        ("sa.allowed_ips", "10.1.2.3/8, 10.0.0.0/8", ["10.0.0.0/8"]),
        ("sa.allowed_ips", [], []),
        ("sa.allowed_ips", "::ffff:10.0.0.7 ::ffff:10.1.0.0/112", ["10.0.0.7", "10.1.0.0/16"]),
        ("calendar", "jalali", "jalali"),
        ("calendar", " Jalali", "jalali"),
        ("timezone", "Asia/Tehran", "Asia/Tehran"),
        (
            "sa.cors_origins",
            ["https://CRM.example/", "app://local", "*"],
            ["https://crm.example", "app://local", "*"],
        ),
    ],
)
async def test_settings_are_brought_into_shape(
    database: Database, key: str, value: object, stored: object
) -> None:
    """What is stored is what is given back, in one form."""
    assert await set_runtime_setting(database, Changes(database), key, value) == stored
    assert (await load_runtime_settings(database))[key] == stored


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("no.such.setting", "1"),
        ("sa.lenient", "perhaps"),
        ("sa.allowed_ips", ["10.0.0.300"]),
        ("calendar", "mayan"),
        ("timezone", "../etc/passwd"),
        ("timezone", "Moon/Crater"),
        ("api_log.days", "-1"),
        ("sa.cors_origins", ["crm.example"]),
        ("sa.cors_origins", ["https://crm.example/page"]),
    ],
)
async def test_unusable_settings_change_nothing(sqlite_url: str, key: str, value: object) -> None:
    """A refused value leaves settings and generation alone."""
    database = await open_database(sqlite_url)
    changes = Changes(database)
    before = await load_runtime_settings(database), await changes.generation()
    with pytest.raises(SettingError):
        await set_runtime_setting(database, changes, key, value)
    assert (await load_runtime_settings(database), await changes.generation()) == before
    await database.close()


async def test_several_settings_change_together_or_not_at_all(database: Database) -> None:
    """One bad value keeps all others out, and it is named; else all count, and the generation moves once."""
    changes = Changes(database)
    before = await load_runtime_settings(database)
    generation = await changes.generation()
    with pytest.raises(SettingError) as failure:
        await set_runtime_settings(
            database, changes, {"calendar": "jalali", "sa.allowed_ips": ["10.0.0.1", "10.0.0.300"]}
        )
    assert (failure.value.key, failure.value.item) == ("sa.allowed_ips", "10.0.0.300")
    assert await load_runtime_settings(database) == before
    assert await set_runtime_settings(database, changes, {"calendar": "jalali", "api_log.days": 7}) == {
        "calendar": "jalali",
        "api_log.days": 7,
    }
    assert await load_runtime_settings(database) == before | {"calendar": "jalali", "api_log.days": 7}
    assert await changes.generation() == generation + 1
