"""Maintenance > Accounts and Activity: people, their types, and the trace they leave."""

from __future__ import annotations

import asyncio

import pyotp
from sqlalchemy import insert, select

from console._console import RunningConsole
from support.console import PASSWORD
from tamas.console.accounts import reset_password
from tamas.console.activity_retention import prune_activity
from tamas.console.rights import READ, UPDATE
from tamas.store.changes import Changes
from tamas.store.clock import DAY, MICROSECONDS, now
from tamas.store.database import Database
from tamas.store.runtime_settings import set_runtime_setting
from tamas.store.schema import console_activity


async def row_of(console: RunningConsole, username: str) -> dict[str, object]:
    """An account in the list."""
    rows = (await console.get("accounts/list", search=username))["rows"]
    return next(row for row in rows if row["username"] == username)


async def test_an_account_from_its_making_to_its_end(console_both: RunningConsole) -> None:
    """Made with a generated password, signed in to, changed, locked, removed; the list shows each."""
    console = console_both
    made = await console.post("accounts/add", username="sara", name="سارا", account_type="supervisor")
    sara = await console.visitor()
    assert (await sara.sign_in("sara", made["password"]))["session"]["must_change_password"] is True
    row = await row_of(console, "sara")
    assert row["id"] == made["id"]
    assert (row["name"], row["account_type_title"], row["sessions"]) == ("سارا", "Supervisor", 1)
    assert row["enabled"] is True
    assert row["expires_at"] is None
    assert row["last_sign_in_at"] is not None
    assert await console.get("accounts/get", id=made["id"]) == row
    later = (now() // MICROSECONDS + 3600) * 1000
    await console.post("accounts/update", id=made["id"], account_type="agent", expires_at=later)
    row = await row_of(console, "sara")
    assert (row["account_type"], row["expires_at"], row["name"]) == ("agent", later, "سارا")
    await console.post("accounts/update", id=made["id"], expires_at=0, enabled=False)
    row = await row_of(console, "sara")
    assert (row["enabled"], row["expires_at"], row["sessions"]) == (False, None, 0)
    await console.post("accounts/remove", id=made["id"])
    assert (await console.get("accounts/list"))["total"] == 1
    assert (await console.refused("accounts/update", id=made["id"], name="x"))["code"] == "not_found"
    assert (await console.refused("accounts/remove", id=made["id"]))["code"] == "not_found"
    assert (await console.refused("accounts/get", "GET", id=made["id"]))["code"] == "not_found"


async def test_what_an_account_cannot_be(console: RunningConsole) -> None:
    """A name twice or with blanks, an unknown type, a password that is too easy."""
    good = {"username": "sara", "account_type": "agent"}
    await console.post("accounts/add", **good)
    for values, status, code, field in (
        (good, 409, "name_exists", "username"),
        (good | {"username": "with blank"}, 422, "invalid", "username"),
        (good | {"username": "new", "account_type": "king"}, 422, "invalid", "account_type"),
        (good | {"username": "new", "password": "short"}, 422, "weak_password", "password"),
        (good | {"username": "long-enough", "password": "LONG-ENOUGH"}, 422, "weak_password", "password"),
    ):
        refused = await console.refused("accounts/add", **values)
        assert (refused["status"], refused["code"], refused["field"]) == (status, code, field)


async def test_the_last_administrator_stays(console_both: RunningConsole) -> None:
    """They can neither be disabled, removed, demoted nor expire, also not by an administrator who will; of
    two at the same moment one stays."""
    console = console_both
    admin = await row_of(console, "admin")
    expiring = await console.account("expiring", expires_at=now() + 3600 * MICROSECONDS)
    temporary = await console.visitor()
    await temporary.sign_in("expiring")
    for path, values in (
        ("accounts/update", {"enabled": False}),
        ("accounts/update", {"account_type": "supervisor"}),
        ("accounts/update", {"expires_at": (now() // 1000) + 10**9}),
        ("accounts/remove", {}),
    ):
        refused = await temporary.refused(path, id=admin["id"], **values)
        assert (refused["status"], refused["code"]) == (409, "last_administrator")
    second = await console.account("second")
    browser = await console.visitor()
    await browser.sign_in("second")
    answers = await asyncio.gather(
        browser.send("POST", "accounts/remove", {"id": admin["id"]}),
        console.send("POST", "accounts/update", {"id": second, "account_type": "agent"}),
    )
    assert sorted(answer.status_code for answer in answers) in ([204, 401], [204, 403], [204, 409])
    left = (await (browser if answers[0].status_code == 204 else console).get("accounts/list"))["rows"]
    assert {row["account_type"] for row in left if row["id"] != expiring} >= {"administrator"}


async def test_nobody_locks_themselves_out(console: RunningConsole) -> None:
    """Of their own account people change the name and end the sessions; the rest is for others, or for their
    profile, which asks for the password. Of their own type, they cannot take the right to give it back."""
    await console.account("second")
    admin = await row_of(console, "admin")
    for path, values in (
        ("accounts/update", {"enabled": False, "name": "Not even this"}),
        ("accounts/update", {"account_type": "supervisor"}),
        ("accounts/update", {"expires_at": (now() // 1000) + 10**9}),
        ("accounts/reset_password", {}),
        ("accounts/reset_totp", {}),
        ("accounts/remove", {}),
    ):
        refused = await console.refused(path, id=admin["id"], **values)
        assert (refused["status"], refused["code"]) == (409, "own_account"), path
    same = {"account_type": "administrator", "enabled": True, "expires_at": 0}
    await console.post("accounts/update", id=admin["id"], name="The boss", **same)
    assert await row_of(console, "admin") == admin | {"name": "The boss"}

    keeper = await console.browser(rights={"maintenance.accounts": [READ, UPDATE], "home": [READ]})
    types = (await keeper.get("account_types/list"))["rows"]
    own = next(one for one in types if not one["builtin"])
    for rights in ({"home": [READ]}, {"maintenance.accounts": [READ]}):
        refused = await keeper.refused("account_types/update", id=own["id"], rights=rights)
        assert (refused["status"], refused["code"]) == (409, "own_type")
    await keeper.post("account_types/update", id=own["id"], rights={"maintenance.accounts": [UPDATE]})


async def test_access_is_cut_and_given_again(console: RunningConsole) -> None:
    """Sessions end, a new password or the loss of the second step lets somebody in who was locked out."""
    account_id = await console.account("sara", "agent")
    sara = await console.visitor()
    sara.csrf = (await sara.sign_in("sara"))["session"]["csrf"]
    begun = await sara.post("session/totp_begin", password=PASSWORD)
    await sara.post("session/totp_confirm", code=pyotp.TOTP(begun["secret"]).now())
    await console.post("accounts/cut_access", id=account_id)
    assert (await sara.get("session/current"))["signed_in"] is False
    assert (await sara.refused("session/sign_in", username="sara", password=PASSWORD))["code"] == (
        "code_required"
    )
    await console.post("accounts/reset_totp", id=account_id)
    await sara.sign_in("sara")
    given = (await console.post("accounts/reset_password", id=account_id))["password"]
    assert (await sara.get("session/current"))["signed_in"] is False
    assert (await sara.sign_in("sara", given))["session"]["must_change_password"] is True


async def test_the_command_lets_a_locked_out_administrator_in(console: RunningConsole) -> None:
    """A new password alone leaves the second step; without it both are done with."""
    begun = await console.post("session/totp_begin", password=PASSWORD)
    await console.post("session/totp_confirm", code=pyotp.TOTP(begun["secret"]).now())
    state = console.settings.state_dir
    first = await reset_password(console.database, console.changes, state, "admin")
    visitor = await console.visitor()
    refused = await visitor.refused("session/sign_in", username="admin", password=first)
    assert refused["code"] == "code_required"
    again = await reset_password(console.database, console.changes, state, "admin", without_second_step=True)
    await visitor.sign_in("admin", again)


async def test_account_types(console_both: RunningConsole) -> None:
    """Made, changed, in use, removed; ours are there, the administrator's cannot be changed, none removed."""
    console = console_both
    types = await console.get("account_types/list")
    assert [one["name"] for one in types["rows"]] == ["administrator", "supervisor", "agent", "auditor"]
    assert all(one["builtin"] for one in types["rows"])
    assert types["rows"][0]["accounts"] == 1
    assert {"id": "calls", "rights": ["read", "update", "play"]} in types["pages"]
    administrator, supervisor = types["rows"][0]["id"], types["rows"][1]["id"]
    fixed = await console.refused("account_types/update", id=administrator, title="King")
    assert (fixed["status"], fixed["code"]) == (409, "fixed")
    assert (await console.refused("account_types/remove", id=supervisor))["code"] == "fixed"
    await console.post("account_types/update", id=supervisor, rights={"home": ["read"]})

    made = await console.post("account_types/add", title="Night", rights={"calls": ["play"]})
    rows = (await console.get("account_types/list"))["rows"]
    night = next(row for row in rows if row["id"] == made["id"])
    assert night["rights"] == {"calls": ["read", "play"]}  # whoever can do anything there can see it
    await console.account("sara", night["name"])
    assert (await console.refused("account_types/remove", id=made["id"]))["code"] == "in_use"
    await console.post("accounts/remove", id=(await row_of(console, "sara"))["id"])
    await console.post("account_types/remove", id=made["id"])
    assert (await console.refused("account_types/remove", id=made["id"]))["code"] == "not_found"
    odd: tuple[object, ...] = (
        {"nowhere": ["read"]},
        {"home": ["fly"]},
        {"home": "read"},
        [["home"]],
        {"home": [{}]},
    )
    for rights in odd:
        refused = await console.refused("account_types/add", title="Odd", rights=rights)
        assert (refused["code"], refused["field"]) == ("invalid", "rights")


async def test_nobody_grants_more_than_they_have(console: RunningConsole) -> None:
    """Whoever only keeps accounts makes no administrator: neither anew, nor of an old account, nor by a type,
    nor by taking one's password."""
    keeper = await console.browser(rights={"maintenance.accounts": [READ, UPDATE], "home": [READ]})
    types = (await keeper.get("account_types/list"))["rows"]
    own = next(one for one in types if not one["builtin"])
    admin = await row_of(console, "admin")
    for path, values in (
        ("accounts/add", {"username": "x", "account_type": "administrator"}),
        ("accounts/update", {"id": admin["id"], "enabled": False}),
        ("accounts/reset_password", {"id": admin["id"]}),
        ("accounts/reset_totp", {"id": admin["id"]}),
        ("accounts/cut_access", {"id": admin["id"]}),
        ("accounts/remove", {"id": admin["id"]}),
        ("account_types/add", {"title": "x", "rights": {"pbx.users": ["read"]}}),
        ("account_types/update", {"id": own["id"], "rights": {"pbx.users": ["read"]}}),
        ("account_types/update", {"id": types[1]["id"], "title": "Mine"}),
    ):
        refused = await keeper.refused(path, **values)
        assert (refused["status"], refused["code"]) == (403, "more_rights"), path
    helper = await keeper.post("accounts/add", username="helper", account_type=own["name"])
    refused = await keeper.refused("accounts/update", id=helper["id"], account_type="administrator")
    assert refused["code"] == "more_rights"
    await keeper.post("accounts/update", id=helper["id"], name="A helper")


async def test_changes_leave_a_trace_without_secrets(console_both: RunningConsole) -> None:
    """Each with who, from where, before and after; refused ones and those that change nothing leave none."""
    console = console_both
    made = await console.post("accounts/add", username="sara", account_type="agent", password=PASSWORD)
    await console.post("accounts/update", id=made["id"], name="Sara")
    await console.post("accounts/update", id=made["id"], name="Sara")
    await console.refused("accounts/update", id=made["id"], account_type="king")
    reset = await console.post("accounts/reset_password", id=made["id"])
    await console.post("accounts/remove", id=made["id"])
    answer = await console.get("activity/list", page="maintenance.accounts")
    rows = answer["rows"]
    assert answer["more"] is False
    assert [row["action"] for row in rows] == ["remove", "reset_password", "update", "add"]
    assert {(row["account"], row["address"]) for row in rows} == {("admin", "127.0.0.1")}
    removed, _, updated, added = rows
    assert added["before"] is None
    assert added["after"]["account_type"] == "Agent"
    assert (updated["before"]["name"], updated["after"]["name"]) == ("", "Sara")
    assert (removed["before"]["username"], removed["after"]) == ("sara", None)
    assert abs(removed["at"] - now() // 1000) < 60_000
    assert PASSWORD not in str(rows)
    assert reset["password"] not in str(rows)


async def test_the_activity_log_is_searched(console_both: RunningConsole) -> None:
    """By account, page, time and part of a text, page by page, the latest first."""
    console = console_both
    for number in range(5):
        await console.post("account_types/add", title=f"Night 10%_{number}", rights={})
    first = await console.get("activity/list", search="10%_", count=2)
    assert [row["subject"] for row in first["rows"]] == ["Night 10%_4", "Night 10%_3"]
    assert first["more"] is True
    second = await console.get("activity/list", search="10%_", count=3, before_id=first["rows"][-1]["id"])
    assert [row["subject"] for row in second["rows"]] == ["Night 10%_2", "Night 10%_1", "Night 10%_0"]
    assert second["more"] is False
    assert (await console.get("activity/list", account="nobody"))["rows"] == []
    assert await console.get("activity/filters") == {"accounts": ["admin"]}
    assert (await console.get("activity/list", account="admin", count=1))["rows"] == [first["rows"][0]]
    at = second["rows"][0]["at"]
    within = await console.get("activity/list", page="maintenance.accounts", since=at, until=at + 1)
    assert "Night 10%_2" in [row["subject"] for row in within["rows"]]
    assert (await console.get("activity/list", until=at - 3_600_000))["rows"] == []


async def test_old_entries_of_the_activity_log_go(database: Database) -> None:
    """What is older than the setting says goes, in batches; by itself entries stay for a year."""
    today = now()
    entry = {"account": "admin", "address": "::1", "page": "home", "action": "update", "subject": ""}
    async with database.write() as tx:
        await tx.execute(
            insert(console_activity),
            [entry | {"at": today - age * DAY} for age in (0, 89, 91, 364, 366, 500, 900)],
        )
    assert await prune_activity(database, batch=2) == 3
    await set_runtime_setting(database, Changes(database), "activity.days", 90)
    assert await prune_activity(database, batch=2) == 2
    assert await prune_activity(database) == 0
    async with database.read() as connection:
        rows = await connection.rows(select(console_activity.c.at).order_by(console_activity.c.id))
    assert [row["at"] for row in rows] == [today, today - 89 * DAY]


async def test_accounts_are_listed_in_pages(console: RunningConsole) -> None:
    """Search, order, window and total."""
    for name in ("bravo", "alpha", "delta", "charlie"):
        await console.account(name, "agent")
    listed = await console.get("accounts/list", search="AGENT", sort="username", count=2, start=1)
    assert [row["username"] for row in listed["rows"]] == ["bravo", "charlie"]
    assert (listed["total"], listed["start"]) == (4, 1)
    backwards = await console.get("accounts/list", sort="created_at", descending=True)
    assert backwards["rows"][0]["username"] == "charlie"
    refused = await console.refused("accounts/list", "GET", sort="password_hash")
    assert (refused["code"], refused["field"]) == ("invalid", "sort")
