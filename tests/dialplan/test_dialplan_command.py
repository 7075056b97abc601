"""``tamas dialplan``: from an export to a live plan and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tamas.cli import app

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on an instance of its own: ``run("check", "x.json", status=1)``.

    Gives the JSON, or the text when ``text`` is asked for.
    """
    monkeypatch.setenv("TAMAS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)

    def call(*words: str, status: int = 0, text: bool = False, sent: str | None = None) -> Any:
        options = () if text else ("--json",)
        done = CliRunner().invoke(app, ["dialplan", *words, *options], input=sent)
        assert done.exit_code == status, done.output
        return done.output if text else json.loads(done.stdout)

    return call


def changed(text: str, *, context: str = "night") -> str:
    """An exported plan with another context."""
    assert '"main_routing"' in text
    return text.replace('"main_routing"', json.dumps(context))


def test_export_edit_check_import_publish_restore(run: Run, tmp_path: Path) -> None:
    """The whole way of a change, and back."""
    assert run("export", "-o", "plan.json") == {"file": "plan.json"}
    file = tmp_path / "plan.json"
    exported = file.read_text()
    assert json.loads(exported)["format"] == 1
    assert run("import", "plan.json") == {"version": 0, "changed": False, "live": True, "findings": []}
    file.write_text(changed(exported))
    assert run("check", "plan.json")["good"]
    kept = run("import", "plan.json", "--comment", "for tonight")
    assert (kept["changed"], kept["live"]) == (True, False)
    assert run("export", text=True) == exported
    assert run("publish")["version"] == kept["version"]
    assert run("export", text=True) == changed(exported)
    assert run("export", "--version", "0", text=True) == exported
    back = run("restore", "0")
    assert back["version"] > kept["version"]
    listed = run("versions")
    assert [(each["version"], each["live"], each["account"], each["comment"]) for each in listed] == [
        (back["version"], True, "command line", "version 0 restored"),
        (kept["version"], False, "command line", "for tonight"),
        (0, False, "", "the plan that Tamas brings along"),
    ]
    assert "for tonight" in run("versions", text=True)


def test_importing_and_publishing_at_once(run: Run) -> None:
    """From standard input, as another program would."""
    plan = changed(run("export", text=True))
    assert run("import", "-", "--publish", sent=plan)["live"]
    assert "live" in run("import", "-", "--publish", sent=plan, text=True)
    assert run("export", text=True) == plan


def test_a_plan_with_errors(run: Run, tmp_path: Path) -> None:
    """Each finding is told with node and field, the status is 1, and nothing changes."""
    plan = json.loads(run("export", text=True))
    plan["nodes"].append({"id": "lost", "sheet": "incoming", "type": "Telepathy", "name": "Lost"})
    (tmp_path / "bad.json").write_text(json.dumps(plan))
    told = run("check", "bad.json", status=1)
    assert told["good"] is False
    assert {(each["level"], each["node"], each["field"]) for each in told["findings"]} == {
        ("error", "lost", "type"),
        ("warning", "lost", ""),
    }
    assert "Telepathy" in run("check", "bad.json", status=1, text=True)
    refused = run("import", "bad.json", status=1)
    assert refused["findings"] == told["findings"]
    assert "Telepathy" in run("import", "bad.json", "--publish", status=1, text=True)
    assert [each["version"] for each in run("versions")] == [0]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"nodes": 5}', '{"format": 99}', "[" * 10_000, '{"nodes": [], "extra": 1}', "\x00"],
)
def test_a_file_that_is_no_plan(run: Run, tmp_path: Path, text: str) -> None:
    """It is said in words, also for what is nested without end."""
    (tmp_path / "no.json").write_text(text)
    assert "no.json" in run("check", "no.json", status=1)["error"]


def test_what_is_not_there(run: Run) -> None:
    """Versions, components and variables that nobody made."""
    for words in (
        ("export", "--version", "9"),
        ("publish",),
        ("publish", "9"),
        ("restore", "9"),
        ("components", "Telepathy"),
        ("variables", "remove", "nothing"),
    ):
        assert run(*words, status=1)["error"]


def test_variables(run: Run) -> None:
    """Made, changed, listed with who uses them, kept while they are used."""
    assert run("variables", "set", "ring", "20", "--type", "number") == {
        "name": "ring",
        "value": "20",
        "new": True,
    }
    assert run("variables", "set", "ring", "25", "--description", "how long")["new"] is False
    plan = json.loads(run("export", text=True))
    extension = next(each for each in plan["nodes"] if each["type"] == "Extension")
    extension["params"] = {"timeout": {"$var": "ring"}}
    run("import", "-", "--publish", sent=json.dumps(plan))
    assert run("variables", "list") == [
        {
            "name": "ring",
            "type": "number",
            "value": "25",
            "description": "how long",
            "used_by": [extension["name"]],
        }
    ]
    assert extension["name"] in run("variables", "remove", "ring", status=1)["error"]
    run("restore", "0")
    assert run("variables", "remove", "ring") == {"name": "ring", "removed": True}
    assert "no variable" in run("variables", "list", text=True)


def test_components(run: Run) -> None:
    """A list for people, a page of one, and everything a designer needs."""
    assert "TimeCondition" in run("components", text=True)
    assert "`month_exceptions`" in run("components", "timecondition", text=True)
    forms = {form["type"]: form for form in run("components")}
    assert forms["Extension"]["outputs"] == ["S", "B", "F"]
    assert run("components", "Extension") == forms["Extension"]
