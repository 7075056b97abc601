"""``tamas events``: receivers, trials, what was told, and replay."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import pytest
from typer.testing import CliRunner, Result

from support.receivers import delivering, numbered, state, tell
from support.waiting import eventually
from tamas.cli import app
from tamas.store.database import open_database


class Tamas(Protocol):
    """Runs a command on an instance without a server."""

    def __call__(self, *words: str) -> Result: ...


@pytest.fixture
def tamas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tamas:
    """``tamas("events", "receivers", "list", "--json")``."""
    monkeypatch.setenv("TAMAS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("TAMAS_DATABASE_URL", raising=False)

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["events", *words])

    return run


@pytest.fixture
def crm() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Address of a web server, and what it was sent."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.append(
                {"path": self.path, "signed": "webhook-signature" in self.headers} | json.loads(body)
            )
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", taken
        server.shutdown()
        thread.join()


def test_receivers(tamas: Tamas) -> None:
    """A receiver is added, changed, switched and removed; secrets are shown once; what is wrong is told."""
    made = json.loads(tamas("receivers", "add", "crm", "https://crm.test/x", "--json").stdout)
    assert (made["version"], made["method"], made["shape"], made["signed"]) == ("G4", "POST", "vendor", False)
    assert "Ping" in made["events"]
    assert "RecordingReady" not in made["events"]
    own = json.loads(tamas("receivers", "add", "mine", "https://x.test/", "--shape", "own", "--json").stdout)
    assert own["secret"].startswith("whsec_")
    assert "OriginateResult" in own["events"]
    changed = tamas(
        "receivers",
        "set",
        "crm",
        *("--version", "rest4", "--method", "get", "--event", "CDR", "--event", "NewState"),
        *("--username", "me", "--password", "s3cret", "--timeout", "2.5", "--local-time", "--json"),
    )
    found = json.loads(changed.stdout)
    assert (found["version"], found["method"], found["events"]) == ("Rest4", "GET", ["NewState", "Cdr"])
    assert (found["username"], found["timeout"], found["local_time"]) == ("me", 2.5, True)
    assert not json.loads(tamas("receivers", "disable", "crm", "--json").stdout)["enabled"]
    listed = tamas("receivers", "list", "--json").stdout
    assert "s3cret" not in listed
    assert own["secret"] not in listed
    assert [one["name"] for one in json.loads(listed)] == ["crm", "mine"]
    assert "rest4" in tamas("receivers", "list").stdout.lower()
    for words in (
        ("add", "crm", "https://crm.test/"),
        ("add", "x", "ftp://crm.test/"),
        ("add", "x", "https://me:secret@crm.test/"),
        ("add", "x", "https://crm.test/", "--event", "Nothing"),
        ("add", "x", "https://crm.test/", "--timeout", "0"),
        ("add", "x", "https://crm.test/", "--secret", "short"),
        ("set", "nobody", "--method", "GET"),
        ("set", "crm", "--method", "PATCH"),
    ):
        refused = tamas("receivers", *words, "--json")
        assert refused.exit_code == 1, words
        assert json.loads(refused.stdout)["error"]
    assert tamas("receivers", "remove", "crm").exit_code == 0
    assert tamas("receivers", "remove", "crm").exit_code == 1


def test_a_trial(tamas: Tamas, crm: tuple[str, list[dict[str, Any]]]) -> None:
    """A sample arrives at once, in the receiver's form; an address inside needs leave."""
    address, taken = crm
    made = tamas("receivers", "add", "crm", address, "--version", "Rest4")
    assert "--allow-internal" in made.stdout
    assert "may not be connected to" in tamas("test", "crm").stdout
    assert tamas("test", "crm").exit_code == 1
    tamas("receivers", "set", "crm", "--allow-internal", "--sign")
    outcome = json.loads(tamas("test", "crm", "--event", "cdr", "--json").stdout)
    assert (outcome["verdict"], outcome["status"]) == ("delivered", 204)
    (told,) = taken
    assert (told["path"], told["event_name"], told["signed"]) == ("/hook/Cdr", "Cdr", True)


def test_history_and_replay(tamas: Tamas, crm: tuple[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    """What was told is listed, with its tries; one event, or those of a time, are sent again."""
    address, taken = crm
    tamas("receivers", "add", "crm", address, "--allow-internal")

    async def deliver(count: int, *, fresh: bool) -> None:
        database = await open_database(f"sqlite:///{tmp_path / 'state' / 'tamas.db'}")
        async with delivering(database):
            if fresh:
                await tell(database, *numbered("1.1", 3), state("9", "Idle", "1.1"))
            await eventually(lambda: len(taken) == count)
        await database.close()

    asyncio.run(deliver(4, fresh=True))
    told = [json.loads(line) for line in tamas("tail", "--json").stdout.splitlines()]
    assert [(one["position"], one["event"]) for one in told] == [
        *((number, "IncomingCall") for number in (1, 2, 3)),
        (4, "NewState"),
    ]
    assert "NewState" in tamas("tail", "--limit", "1").stdout
    tries = json.loads(tamas("deliveries", "--receiver", "crm", "--json").stdout)
    assert [one["position"] for one in tries] == [4, 3, 2, 1]
    assert all(one["status"] == 204 and one["error"] is None for one in tries)
    assert json.loads(tamas("dead", "--json").stdout) == []
    assert tamas("replay", "crm").exit_code == 2
    assert json.loads(tamas("replay", "crm", "--position", "2", "--json").stdout)["events"] == 1
    since = ("--since", "2020-01-01", "--event", "NewState")
    assert json.loads(tamas("replay", "crm", *since, "--json").stdout)["events"] == 1
    assert json.loads(tamas("replay", "crm", "--until", "2020-01-01", "--json").stdout)["events"] == 0
    assert [one["pending"] for one in json.loads(tamas("receivers", "list", "--json").stdout)] == [2]
    asyncio.run(deliver(6, fresh=False))
    assert [one.get("number") for one in taken] == ["0", "1", "2", None, "1", None]
