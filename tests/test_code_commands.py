"""Commands for feature codes, speed dials and groups: what they say, refuse and warn of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import pytest
from typer.testing import CliRunner, Result

from tamas.cli import app


class Tamas(Protocol):
    """Runs a command on an instance without a server."""

    def __call__(self, *words: str, given: str = "") -> Result: ...


@pytest.fixture
def tamas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tamas:
    """``tamas("group", "list", "--json")``."""
    monkeypatch.setenv("TAMAS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("TAMAS_DATABASE_URL", raising=False)
    runner = CliRunner()

    def run(*words: str, given: str = "") -> Result:
        return runner.invoke(app, words, input=given)

    return run


def test_codes_are_kept_by_commands(tamas: Tamas) -> None:
    """A code is added, changed, listed without its password, and removed; what is wrong is told in words."""
    made = tamas("feature-code", "add", "*9", "--type", "who_am_i", "--auth", "password", "--json")
    assert made.exit_code == 1
    assert "password" in json.loads(made.stdout)["error"]
    made = tamas(
        "feature-code",
        "add",
        "*9",
        "--type",
        "who_am_i",
        "--auth",
        "password",
        "--password",
        "2468",
        "--json",
    )
    assert json.loads(made.stdout)["code"] == "*9"
    changed = tamas("feature-code", "change", "*9", "--type", "forward", "--json")
    assert json.loads(changed.stdout)["type"] == "forward"
    listed = tamas("feature-code", "list", "--json").stdout
    assert "2468" not in listed
    assert [row["auth"] for row in json.loads(listed)] == ["password"]
    assert tamas("feature-code", "remove", "*9").exit_code == 0
    assert tamas("feature-code", "remove", "*9").exit_code == 1


def test_speed_dials_are_imported(tamas: Tamas) -> None:
    """Columns in any order when the first line names them; a clash is warned of; a bad line stops all."""
    tamas("feature-code", "add", "72", "--type", "who_am_i")
    done = tamas("speed-dial", "import", "-", "--json", given="code,number,name\n71,0912,Bob\n72,202,Eve\n")
    assert json.loads(done.stdout) == {"added": 2, "changed": 0, "clashes": {"72": "feature code"}}
    assert "72" in done.stderr
    done = tamas("speed-dial", "import", "-", "--json", given="Rob,71,203\nMallory,7x,204\n")
    assert done.exit_code == 1
    assert "entry 2" in json.loads(done.stdout)["error"]
    rows = json.loads(tamas("speed-dial", "list", "--json").stdout)
    assert [(row["code"], row["number"]) for row in rows] == [("71", "0912"), ("72", "202")]


def test_a_group_of_nobody(tamas: Tamas) -> None:
    """An extension that is not there is named."""
    done = tamas("group", "add", "sales", "201", "--json")
    assert done.exit_code == 1
    assert "201" in json.loads(done.stdout)["error"]
    assert json.loads(tamas("group", "list", "--json").stdout) == []
