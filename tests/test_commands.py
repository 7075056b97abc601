"""The command line beside a running server: what it changes is obeyed at once."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.commands import Ended, command_process
from support.server import TamasServer
from tamas.store.schema import SCHEMA_VERSION

pytestmark = pytest.mark.engine

PING = "/api/v4/setting/ping/act"


async def ping(server: TamasServer, **options: Any) -> httpx.Response:
    """Ask for a ping with credentials of the test's own."""
    async with httpx.AsyncClient(base_url=server.base_url, timeout=10) as client:
        return await client.post(PING, **options)


async def test_an_account_can_be_used_as_soon_as_it_is_made(server: TamasServer) -> None:
    """One object with everything a script needs, and it works at once in its mode."""
    made = await server.cli("account", "add", "crm", "--auth", "both", "--allow", "/setting/*")
    assert set(made) == {"id", "username", "password", "token", "auth", "permissions"}
    assert (made["username"], made["auth"], made["permissions"]) == ("crm", "both", ["/setting/*"])
    basic, token = (made["username"], made["password"]), {"X-APIKEY": made["token"]}
    assert (await ping(server, auth=basic, headers=token)).json()["success"] == 1
    assert (await ping(server, auth=basic)).status_code == 401
    assert (await ping(server, headers=token)).status_code == 401


async def test_a_given_password_is_taken_as_it_is(server: TamasServer) -> None:
    """Scripts may choose the password; what has none gets a generated one."""
    made = await server.cli("account", "add", "chosen", "--password", "per:cent%and ü")
    assert made["password"] == "per:cent%and ü"
    assert made["token"] is None
    assert (await ping(server, auth=("chosen", "per:cent%and ü"))).json()["success"] == 1


@pytest.mark.slow
async def test_disabling_enabling_rotating_and_removing_take_effect_on_the_next_request(
    server: TamasServer,
) -> None:
    """A running server, whose caches are warm, obeys each command at once."""
    made = await server.cli("account", "add", "turns")
    old = ("turns", made["password"])
    assert (await ping(server, auth=old)).status_code == 200
    await server.cli("account", "disable", "turns")
    assert (await ping(server, auth=old)).status_code == 401
    await server.cli("account", "enable", "turns")
    assert (await ping(server, auth=old)).status_code == 200
    rotated = await server.cli("account", "rotate", "turns")
    assert rotated["password"] != made["password"]
    assert (await ping(server, auth=old)).status_code == 401
    assert (await ping(server, auth=("turns", rotated["password"]))).status_code == 200
    listed = {row["username"]: row for row in await server.cli("account", "list")}
    assert listed["turns"]["enabled"] is True
    assert not any("hash" in key or "password" in key for key in listed["turns"])
    await server.cli("account", "remove", "turns")
    assert (await ping(server, auth=("turns", rotated["password"]))).status_code == 401


@pytest.mark.slow
async def test_allowed_addresses_are_obeyed_at_once(server: TamasServer) -> None:
    """Taking this machine off the list shuts it out; allowing all lets it in again."""
    account = server.account
    assert account is not None
    credentials: dict[str, Any] = {
        "auth": (account.username, account.password),
        "headers": account.headers(),
    }
    try:
        await server.cli("settings", "set", "sa.allowed_ips", "192.0.2.1", "2001:db8::/32")
        assert (await server.cli("settings", "get", "sa.allowed_ips")) == {
            "sa.allowed_ips": ["192.0.2.1", "2001:db8::/32"]
        }
        answer = await ping(server, **credentials)
        assert (answer.status_code, answer.json()["message"]) == (403, "IP is not permitted")
        await server.cli("settings", "set", "sa.allow_all_ips", "true")
        assert (await ping(server, **credentials)).status_code == 200
    finally:
        await server.cli("settings", "set", "sa.allow_all_ips", "false")
        await server.cli("settings", "set", "sa.allowed_ips", "127.0.0.1", "::1")
    assert (await ping(server, **credentials)).status_code == 200


@pytest.mark.slow
async def test_the_calendar_changes_the_dates_of_rows(server: TamasServer) -> None:
    """The same row, written in two calendars and in another zone."""
    data = await server.api("pbx/queues/add", {"name": "Calendar", "number": "7001"})
    search = {"alike": False, "conditions": {"number": "7001"}}
    try:
        assert (await server.api("pbx/queues/search", search))[0]["date"].startswith("20")
        await server.cli("settings", "set", "calendar", "jalali")
        await server.cli("settings", "set", "timezone", "Asia/Tehran")
        assert re.match(r"14\d\d-", (await server.api("pbx/queues/search", search))[0]["date"])
    finally:
        await server.cli("settings", "set", "calendar", "gregorian")
        await server.cli("settings", "set", "timezone", "UTC")
    await server.api("pbx/queues/remove", {"_id": data["_id"]})


async def test_a_secret_is_sealed_and_never_shown(server: TamasServer) -> None:
    """The password of the mail server: no command shows it, and no byte of the store holds it."""
    secret = "m4il-pass-314159"
    assert await server.cli("settings", "set", "smtp.password", secret) == {"smtp.password": "******"}
    try:
        assert (await server.cli("settings", "get"))["smtp.password"] == "******"
        stored = [await asyncio.to_thread(file.read_bytes) for file in server.state_dir.glob("tamas.db*")]
        assert stored
        assert not any(secret.encode() in content for content in stored)
        assert secret not in server.log
    finally:
        assert await server.cli("settings", "set", "smtp.password", "") == {"smtp.password": ""}


@pytest.mark.slow
async def test_leniency_is_a_switch(server: TamasServer) -> None:
    """What the SA requires is required, until the switch is on."""
    assert account_of(server)
    answer = await server.client.post("/api/v4/pbx/users/search", json={})
    assert answer.json()["message"] == "Field 'alike':value is missing"
    await server.cli("settings", "set", "sa.lenient", "true")
    try:
        assert (await server.client.post("/api/v4/pbx/users/search", json={})).json()["success"] == 1
    finally:
        await server.cli("settings", "set", "sa.lenient", "false")


def account_of(server: TamasServer) -> str:
    """Name of the account that the server fixture made."""
    assert server.account is not None
    return server.account.username


async def test_doctor_finds_a_healthy_instance_healthy(server: TamasServer) -> None:
    """Every check is ok while it runs, its own ports included."""
    findings = await server.cli("doctor")
    assert {finding["check"] for finding in findings} >= {
        "state directory",
        "disk",
        "ports",
        "asterisk",
        "sounds",
        "database",
        "server",
    }
    assert [finding for finding in findings if finding["verdict"] == "problem"] == []
    assert any("is ready at" in finding["text"] for finding in findings)


async def test_the_api_log_can_be_searched_and_holds_no_secrets(server: TamasServer) -> None:
    """Requests appear soon, with account, status and the field at fault; nothing of their bodies."""
    secret = "s3cret-that-must-not-be-logged"
    await server.client.post("/api/v4/pbx/users/add", json={"name": "x", "number": "a b", "secret": secret})
    from support.waiting import eventually

    async def logged() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await server.cli("api-log", "--service", "pbx/users/add")
        return rows

    row = (await eventually(logged, within=5))[0]
    assert (row["account"], row["status"], row["success"]) == (account_of(server), 200, 0)
    assert row["error_field"] == "number"
    store = server.state_dir / "tamas.db"
    assert secret.encode() not in store.read_bytes() + store.with_name("tamas.db-wal").read_bytes()
    assert secret not in server.log_tail


async def test_version_says_what_runs(server: TamasServer) -> None:
    """For scripts and bug reports."""
    version = await server.cli("version")
    assert re.fullmatch(r"\d+\.\d+\.\d+", version["tamas"])
    assert version["schema"] == SCHEMA_VERSION


async def test_a_lost_console_password_can_be_replaced(server: TamasServer) -> None:
    """The first password waits in a private file; a reset removes it."""
    file = server.state_dir / "secrets" / "console-first-password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = file.read_text().strip()
    assert first not in server.log_tail
    reset = await server.cli("console", "reset-password", "admin")
    assert reset["username"] == "admin"
    assert reset["password"] != first
    assert not file.exists()


def tamas(*words: str, state: Path, **environment: str) -> Ended:
    """Run a command for an instance that is not running."""
    env = os.environ | {"TAMAS_STATE_DIR": str(state), **environment}
    return command_process().run_now(words, env=env, cwd=state.parent, seconds=60)


def test_a_command_is_a_program(tmp_path: Path) -> None:
    """As a shell starts it."""
    done = subprocess.run(
        [sys.executable, "-m", "tamas", "version", "--json"],
        env=os.environ | {"TAMAS_STATE_DIR": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["schema"] == SCHEMA_VERSION


def test_commands_work_before_the_first_start(tmp_path: Path) -> None:
    """An account can be made while no server has ever run."""
    state = tmp_path / "state"
    made = tamas("account", "add", "early", "--json", state=state)
    assert made.returncode == 0, made.stderr
    assert '"username": "early"' in made.stdout
    assert stat.S_IMODE((state / "tamas.db").stat().st_mode) == 0o600


@pytest.mark.slow
def test_permissions_that_open_nothing_are_told_of(tmp_path: Path) -> None:
    """A misspelt service is a warning beside the answer; one that is there, and a group of them, are none."""
    state = tmp_path / "state"
    made = tamas(
        "account", "add", "a", "--allow", "/pbx/user/add", "--allow", "pbx/users", "--json", state=state
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["permissions"] == ["/pbx/user/add", "/pbx/users/*"]
    assert "no service matches /pbx/user/add" in made.stderr
    assert "/pbx/users/*" not in made.stderr


@pytest.mark.slow
def test_the_api_log_of_a_stretch_of_time(tmp_path: Path) -> None:
    """Moments are times, in UTC where they name no zone, or how long ago."""
    state = tmp_path / "state"
    assert tamas("account", "list", "--json", state=state).returncode == 0
    moments = ("2026-01-01T00:00:00", "2026-01-01T01:00:00+00:00", "2026-01-01T03:00:00Z")
    with closing(sqlite3.connect(state / "tamas.db")) as store, store:
        for moment in (*moments, None):
            at = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() if moment else time.time()
            store.execute(
                "INSERT INTO api_log (at, request_id, address, service, method, status, duration)"
                " VALUES (?, ?, '127.0.0.1', 'x', 'POST', 200, 1)",
                (int(at * 1e6), moment or "now"),
            )

    def found(*words: str) -> list[str]:
        rows = json.loads(tamas("api-log", *words, "--json", state=state).stdout)
        return [row["request_id"] for row in rows]

    assert found("--since", "1h") == ["now"]
    assert found("--until", "15m") == list(reversed(moments))
    assert found("--since", "2026-01-01 01:00", "--until", "2026-01-01T03:00:00Z") == [moments[1]]
    assert found("--since", "2026-01-01T04:30:00+03:30", "--until", "2026-01-02") == [moments[2], moments[1]]
    wrong = tamas("api-log", "--since", "yesterday", "--json", state=state)
    assert (wrong.returncode, "yesterday" in wrong.stdout) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("account", "disable", "nobody", "--json"), "nobody"),
        (("account", "add", "bad name", "--json"), "name"),
        (("account", "add", "x", "--allow", "no slash", "--json"), "no slash"),
        (("settings", "set", "sa.lenient", "perhaps", "--json"), "perhaps"),
        (("settings", "get", "nothing", "--json"), "nothing"),
        (("calls", "show", "1.1", "--json"), "1.1"),
    ],
)
def test_mistakes_are_told_in_words(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """Exit status 1 and one JSON object; never a traceback."""
    failed = tamas(*words, state=tmp_path / "state")
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr + failed.stdout
    assert '"error"' in failed.stdout
    assert said in failed.stdout


def test_doctor_says_what_is_wrong_and_how_to_mend_it(tmp_path: Path) -> None:
    """An open database file, a taken port and an unusable Asterisk: exit status 1, each with its remedy."""
    import socket

    state = tmp_path / "state"
    assert tamas("settings", "get", "--json", state=state).returncode == 0
    (state / "tamas.db").chmod(0o644)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        found = tamas(
            "doctor", "--json", state=state, TAMAS_HTTP_PORT=port, TAMAS_ASTERISK="/no/such/asterisk"
        )
    assert found.returncode == 1
    problems = {f["check"]: f for f in json.loads(found.stdout) if f["verdict"] == "problem"}
    assert "tamas.db" in problems["permissions"]["text"]
    assert problems["permissions"]["remedy"].startswith("chmod")
    assert "TAMAS_HTTP_PORT" in problems["ports"]["remedy"]
    assert "/no/such/asterisk" in problems["asterisk"]["text"]
