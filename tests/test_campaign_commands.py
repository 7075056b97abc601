"""Commands for campaigns and trunk managers: what they say, refuse and take in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner, Result

from autodialer._stock import sound, trunk
from tamas.cli import app
from tamas.commands.trunk_managers import hours_in_words, times_of
from tamas.store.autodialer_schema import campaigns, dialer_group_numbers, dialer_groups
from tamas.store.database import Database, Row, open_database


class Instance:
    """An instance without a server, with the trunk ``carrier`` and the sound ``Hello``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner = CliRunner()

    def run(self, *words: str, given: bytes | str = "") -> Result:
        """A command."""
        return self._runner.invoke(app, words, input=given)

    def done(self, *words: str, given: bytes | str = "") -> Any:
        """What a command that must succeed prints as JSON."""
        result = self.run(*words, "--json", given=given)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def refused(self, *words: str) -> str:
        """The message of a command that must fail."""
        result = self.run(*words, "--json")
        assert result.exit_code == 1, result.output
        return str(json.loads(result.stdout)["error"])

    def with_store(self, work: Any) -> Any:
        """Do something with the store."""

        async def opened() -> Any:
            database = await open_database(f"sqlite:///{self.folder / 'state' / 'tamas.db'}")
            try:
                return await work(database)
            finally:
                await database.close()

        made: Coroutine[Any, Any, Any] = opened()
        return asyncio.run(made)

    def rows(self, statement: Any) -> list[Row]:
        """Rows of the store."""

        async def read(database: Database) -> list[Row]:
            async with database.read() as connection:
                return await connection.rows(statement)

        found: list[Row] = self.with_store(read)
        return found

    def put(self, **values: Any) -> None:
        """What the dialer does with every campaign."""

        async def write(database: Database) -> None:
            async with database.write() as tx:
                await tx.execute(update(campaigns).values(**values))

        self.with_store(write)


@pytest.fixture
def tamas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """Fresh, and seen in UTC."""
    monkeypatch.setenv("TAMAS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("TAMAS_DATABASE_URL", raising=False)
    instance = Instance(tmp_path)
    instance.done("settings", "set", "timezone", "UTC")
    instance.with_store(trunk)
    instance.with_store(sound)
    return instance


def line(tamas: Instance) -> None:
    tamas.done("trunk-manager", "add", "Line", "--trunk", "carrier")


def test_trunk_managers(tamas: Instance) -> None:
    """Made over a trunk by its name, listed with its hours, changed, removed; what is wrong is said."""
    (made,) = tamas.done("trunk-manager", "add", "Line", "--trunk", "carrier", "--capacity", "5")
    assert (made["trunk"], made["capacity"], made["dial_interval"], made["calls"]) == ("carrier", 5, 1, 0)
    assert len(made["active_times"]) == 7
    assert "always" in tamas.run("trunk-manager", "list").stdout
    (changed,) = tamas.done("trunk-manager", "set", "Line", "--hours", "1-2:9,11-12", "--status", "inactive")
    assert changed["active_times"] == {"1": ["9", "11", "12"], "2": ["9", "11", "12"]}
    assert (changed["status"], changed["capacity"]) == ("inactive", 5)
    assert "1-2:9,11-12" in tamas.run("trunk-manager", "list").stdout
    assert "several" not in tamas.refused("trunk-manager", "set", "Other", "--capacity", "1")
    assert "capacity" in tamas.refused("trunk-manager", "set", made["id"], "--capacity", "-1")
    assert "1-5:9-17" in tamas.refused("trunk-manager", "set", "Line", "--hours", "8:1")
    assert "trunk" in tamas.refused("trunk-manager", "add", "x", "--trunk", "nowhere")
    tamas.done("trunk-manager", "add", "Line", "--trunk", "carrier")
    assert "several" in tamas.refused("trunk-manager", "remove", "Line")
    assert tamas.done("trunk-manager", "remove", made["id"]) == {"id": made["id"], "removed": True}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["always"], "always"),
        (["never"], "never"),
        (["1-5:9-17"], "1-5:9-17"),
        (["6,7:10", "1:10"], "1,6-7:10"),
        (["1:8-9", "2:8", "2:9"], "1-2:8-9"),
        (["1:8", "3:23"], "1:8 3:23"),
    ],
)
def test_hours_are_said_as_they_are_given(texts: list[str], words: str) -> None:
    """And can be given again."""
    assert hours_in_words(times_of(texts)) == words
    assert hours_in_words(times_of(words.split())) == words


def test_a_campaign_from_begin_to_end(tamas: Instance) -> None:
    """Made, stopped, started, shown, run again, removed."""
    line(tamas)
    (made,) = tamas.done(
        "campaign",
        "add",
        "Spring",
        "--trunk-manager",
        "Line",
        "--number",
        "0912 1",
        "--number",
        "09122",
        "--announcement",
        "Hello",
        "--tries",
        "3",
        "--start",
        "2026-11-23 10:00",
        "--end",
        "2026-11-24",
        "--caller-id",
        "021",
        "--detect-machines",
        "--max-abandoned",
        "3",
    )
    assert (made["status"], made["total"], made["done"], made["manager"]) == ("waiting", 2, 0, "Line")
    assert (made["start"], made["end"]) == ("2026-11-23 10:00:00", "2026-11-24 23:59:59")
    (row,) = tamas.rows(select(campaigns))
    kept = {"max_tries": 3, "try_interval": 600, "caller_id": "021", "max_abandoned": 3}
    assert {key: row[key] for key in kept} == kept
    assert row["detects_machines"]
    assert "not completed" in tamas.refused("trunk-manager", "remove", "Line")
    assert tamas.done("campaign", "stop", "Spring")[0]["paused"]
    assert "waiting, stopped" in tamas.run("campaign", "list").stdout
    assert "goes on" in tamas.run("campaign", "start", "Spring").stdout
    assert "already" in tamas.run("campaign", "start", "Spring").stdout
    tamas.put(status="completed", expanded=True)
    assert "completed" in tamas.refused("campaign", "stop", made["id"])
    watched = tamas.run("campaign", "show", "Spring", "--watch")
    assert watched.exit_code == 0
    assert "Spring: completed" in watched.stdout
    (again,) = tamas.done("campaign", "start", "Spring", "--end", "2099-01-01 10:00")
    assert (again["round"], again["status"], again["end"]) == (2, "waiting", "2099-01-01 10:00:00")
    tamas.done("campaign", "remove", "Spring")
    assert tamas.done("campaign", "list") == []


def test_what_a_campaign_needs(tamas: Instance) -> None:
    """What is not there, or does not fit, is said in words, and nothing is made."""
    line(tamas)
    rest = ("x", "--trunk-manager", "Line", "--number", "0911")
    assert "sound" in tamas.refused("campaign", "add", *rest)
    assert "no Autodialer Route nowhere" in tamas.refused("campaign", "add", *rest, "--context", "nowhere")
    sounded = (*rest, "--announcement", "Hello")
    for more, word in (
        (("--number", "nobody"), "nobody"),
        (("--group", "Friends"), "Friends"),
        (("--tries", "0"), "try"),
        (("--start", "tomorrow"), "tomorrow"),
        (("--start", "2026-11-23", "--end", "2026-11-22"), "end"),
        (("--caller-id", "me"), "caller_id"),
        (("--max-abandoned", "101"), "max_abandoned"),
        (("--agent-factor", "0"), "agent_factor"),
    ):
        assert word in tamas.refused("campaign", "add", *sounded, *more)
    assert "Nobody" in tamas.refused("campaign", "show", "Nobody")
    assert tamas.rows(select(campaigns)) == []


def test_an_imported_file(tamas: Instance) -> None:
    """Group and campaign of its name; how many were taken, doubled and rejected is said; also from a pipe."""
    line(tamas)
    file = tamas.folder / "customers.csv"
    file.write_text("number\n0912 1\n۰۹۱۲۱\nnobody\n0913\n")
    rest = ("--trunk-manager", "Line", "--announcement", "Hello")
    made = tamas.done("campaign", "import", str(file), *rest)
    assert {key: made[key] for key in ("accepted", "duplicates", "rejected")} == {
        "accepted": 2,
        "duplicates": 1,
        "rejected": 1,
    }
    (group,) = tamas.rows(select(dialer_groups))
    assert (group["id"], group["name"], group["count"]) == (made["group"], "customers", 2)
    (shown,) = tamas.done("campaign", "show", "customers")
    assert (shown["id"], shown["total"]) == (made["campaign"], 2)
    cards = b"BEGIN:VCARD\r\nTEL;CELL:0914\r\nEND:VCARD\r\n"
    piped = tamas.run("campaign", "import", "-", *rest, "--name", "Piped", given=cards)
    assert "1 numbers accepted, 0 duplicates, 0 rejected" in piped.stdout
    assert {row["name"] for row in tamas.done("campaign", "list")} == {"customers", "Piped"}


def test_a_file_that_is_refused_leaves_nothing(tamas: Instance) -> None:
    """No number in it, not there, or the campaign does not fit: neither group nor numbers stay."""
    line(tamas)
    file = tamas.folder / "x.csv"
    rest = ("--trunk-manager", "Line")
    assert "cannot be read" in tamas.refused(
        "campaign", "import", str(file), *rest, "--announcement", "Hello"
    )
    file.write_text("name\nAli\n")
    assert "no number" in tamas.refused("campaign", "import", str(file), *rest, "--announcement", "Hello")
    file.write_text("0911\n")
    assert "sound" in tamas.refused("campaign", "import", str(file), *rest)
    for table in (campaigns, dialer_groups, dialer_group_numbers):
        assert tamas.rows(select(table)) == []


@pytest.mark.slow
def test_a_million_numbers(tamas: Instance) -> None:
    """Imported within half a minute; the campaign knows how many there are."""
    line(tamas)
    file = tamas.folder / "all.csv"
    file.write_text("".join(f"09{number * 7919 % 10**9:09}\n" for number in range(1_000_000)))
    made = tamas.done(
        "campaign", "import", str(file), "--trunk-manager", "Line", "--announcement", "Hello", "--name", "All"
    )
    assert made["accepted"] == 1_000_000
    assert tamas.done("campaign", "show", "All")[0]["total"] == 1_000_000
