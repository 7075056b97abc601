"""``tamas scripts`` and ``tamas burst-rule``."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tamas.cli import app

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on an instance of its own and gives its JSON."""
    monkeypatch.setenv("TAMAS_STATE_DIR", str(tmp_path / "state"))

    def call(*words: str, status: int = 0) -> Any:
        done = CliRunner().invoke(app, [*words, "--json"])
        assert done.exit_code == status, done.output
        return json.loads(done.stdout)

    return call


def test_a_script_is_kept_and_removed(run: Run, tmp_path: Path) -> None:
    """The name that a plan uses comes from the file's, and nobody else can read the copy."""
    file = tmp_path / "Main menu.py"
    file.write_text("#!/usr/bin/python3\n")
    name = run("scripts", "add", str(file))["name"]
    assert name.startswith("main-menu-py-")
    assert [script["name"] for script in run("scripts", "list")] == [name]
    kept = tmp_path / "state" / "scripts"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert stat.S_IMODE((kept / name).stat().st_mode) == 0o600
    assert run("scripts", "remove", name)["removed"]
    assert run("scripts", "list") == []


def test_what_is_no_script(run: Run, tmp_path: Path) -> None:
    """A text file and a name that is not there are told in words."""
    file = tmp_path / "notes.txt"
    file.write_text("hello")
    assert "#!" in run("scripts", "add", str(file), status=1)["error"]
    assert "no script" in run("scripts", "remove", "../x", status=1)["error"]


def test_rules_come_and_go(run: Run) -> None:
    """A rule takes its pre-codes as words or with commas, and goes by its title."""
    run("burst-rule", "add", "outage north", "8812,8813", "0311", "--announcement", "sorry")
    run("burst-rule", "add", "later", "8899", "--disabled")
    listed = run("burst-rule", "list")
    assert [(rule["title"], rule["pre_codes"], rule["enabled"]) for rule in listed] == [
        ("outage north", ["8812", "8813", "0311"], True),
        ("later", ["8899"], False),
    ]
    assert run("burst-rule", "remove", "outage north")["removed"]
    assert [rule["title"] for rule in run("burst-rule", "list")] == ["later"]


@pytest.mark.parametrize(("words", "reason"), [(("x", "881"), "four digits"), ((" ", "8812"), "title")])
def test_rules_that_are_refused(run: Run, words: tuple[str, ...], reason: str) -> None:
    """A pre-code that would take half a city, and a rule without a name."""
    assert reason in run("burst-rule", "add", *words, status=1)["error"]
    assert "no burst rule" in run("burst-rule", "remove", "nothing", status=1)["error"]
