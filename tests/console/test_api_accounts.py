"""Maintenance > API Accounts: what is set there is in force at the account's next request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from console._console import RunningConsole
from tamas.console.passwords import MIN_PASSWORD
from tamas.sa.permissions import Permissions
from tamas.store.clock import MICROSECONDS, now
from tamas.store.schema import api_accounts, api_log

USER: Mapping[str, str] = {"name": "Sara", "number": "201", "secret": "a-long-secret"}
CHOSEN = "chosen by a person"


async def call(
    console: RunningConsole, service: str, secrets: Mapping[str, Any], **body: Any
) -> tuple[int, Any]:
    """Status and message of a request to the Simotel API with an account's secrets."""
    headers = {"X-APIKEY": secrets["token"]} if secrets.get("token") else {}
    auth = (
        httpx.BasicAuth(secrets["username"], secrets["password"])
        if secrets.get("password") is not None
        else None
    )
    async with httpx.AsyncClient(base_url=console.url, auth=auth, trust_env=False, timeout=10) as client:
        answer = await client.post(f"/api/v4/{service}", json=body, headers=headers)
    return answer.status_code, answer.json()["message"]


async def rows(console: RunningConsole, **query: Any) -> list[dict[str, Any]]:
    """The list."""
    listed: list[dict[str, Any]] = (await console.get("api_accounts/list", **query))["rows"]
    return listed


async def test_an_account_for_one_service_can_do_that_and_nothing_else(console_both: RunningConsole) -> None:
    """It adds an extension; whatever else it asks for is refused, also what does not exist."""
    console = console_both
    made = await console.post(
        "api_accounts/add", username="crm", auth="basic", permissions=["/pbx/users/add"]
    )
    assert (await call(console, "pbx/users/add", made, **USER))[0] == 200
    for service in ("pbx/users/search", "pbx/trunks/add", "setting/ping/act", "call/originate/act"):
        assert await call(console, service, made, alike=True) == (403, f'"/{service}";Access denied')
    assert (await call(console, "no/such/service", made))[0] == 501


async def test_changes_are_in_force_at_the_next_request(console_both: RunningConsole) -> None:
    """Taking a right away, giving it back, disabling, renaming and a new password each count at once."""
    console = console_both
    made = await console.post(
        "api_accounts/add", username="crm", auth="basic", permissions=["/setting/ping/act"]
    )
    ping = "setting/ping/act"

    async def status() -> int:
        return (await call(console, ping, made))[0]

    async def change(**values: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await console.post("api_accounts/update", id=made["id"], **values)
        return answer

    assert await status() == 200
    await change(permissions=["/pbx/users/add"])
    assert await status() == 403
    await change(permissions=["/setting/*"])
    assert await status() == 200
    await change(enabled=False)
    assert await status() == 401
    await change(enabled=True)
    assert await status() == 200
    assert await change(password=CHOSEN) == {
        "id": made["id"],
        "username": "crm",
        "password": None,
        "token": None,
    }
    assert await status() == 401
    made["password"] = CHOSEN
    assert await status() == 200
    await change(username="erp")
    assert await status() == 401
    made["username"] = "erp"
    assert await status() == 200
    await console.post("api_accounts/remove", id=made["id"])
    assert await status() == 401


async def test_allowed_addresses_are_in_force_at_the_next_request(console_both: RunningConsole) -> None:
    """Taking our address off the list ends it for everybody there, at once; putting it back as well."""
    console = console_both
    made = await console.post("api_accounts/add", username="crm", auth="basic", permissions=["*"])

    async def allow(*addresses: str, everybody: bool = False) -> None:
        await console.post(
            "settings/simotel_api_update",
            allow_all_ips=everybody,
            allowed_ips=list(addresses),
            accept_lockout=True,
        )

    assert (await call(console, "setting/ping/act", made))[0] == 200
    await allow("10.0.0.0/8")
    assert await call(console, "setting/ping/act", made) == (403, "IP is not permitted")
    await allow("127.0.0.1")
    assert (await call(console, "setting/ping/act", made))[0] == 200
    await allow()
    assert (await call(console, "setting/ping/act", made))[0] == 403
    await allow(everybody=True)
    assert (await call(console, "setting/ping/act", made))[0] == 200


async def test_a_mode_gets_the_secrets_it_needs(console_both: RunningConsole) -> None:
    """Changing the mode makes what is missing, shown once; what is not needed works no more, ever."""
    console = console_both
    first = await console.post("api_accounts/add", username="crm", auth="basic", permissions=["*"])
    assert first["password"]
    assert first["token"] is None

    async def status(**secrets: Any) -> int:
        return (await call(console, "setting/ping/act", {"username": "crm", **secrets}))[0]

    both = await console.post("api_accounts/update", id=first["id"], auth="both")
    assert both["password"] is None, "the account has one"
    assert await status(password=first["password"]) == 401
    assert await status(password=first["password"], token=both["token"]) == 200
    again = await console.post("api_accounts/update", id=first["id"], auth="both", enabled=True)
    assert (again["password"], again["token"]) == (None, None)
    only_token = await console.post("api_accounts/update", id=first["id"], auth="token")
    assert (only_token["password"], only_token["token"]) == (None, None)
    assert await status(token=both["token"]) == 200
    back = await console.post("api_accounts/update", id=first["id"], auth="basic")
    assert back["password"] != first["password"]
    assert await status(password=first["password"]) == 401
    assert await status(token=both["token"]) == 401
    assert await status(password=back["password"]) == 200


async def test_secrets_are_replaced_one_by_one(console_both: RunningConsole) -> None:
    """A new token leaves the password alone and the other way round; the old one ends at once."""
    console = console_both
    made = await console.post("api_accounts/add", username="crm", auth="both", permissions=["*"])
    token = await console.post("api_accounts/rotate", id=made["id"], what="token")
    assert token["password"] is None
    assert (await call(console, "setting/ping/act", made))[0] == 401
    made |= {"token": token["token"]}
    assert (await call(console, "setting/ping/act", made))[0] == 200
    both = await console.post("api_accounts/rotate", id=made["id"], what="both")
    assert (await call(console, "setting/ping/act", made))[0] == 401
    assert (await call(console, "setting/ping/act", both))[0] == 200
    await console.post("api_accounts/update", id=made["id"], auth="token")
    refused = await console.refused("api_accounts/rotate", id=made["id"], what="password")
    assert (refused["status"], refused["code"], refused["field"]) == (422, "invalid", "what")


async def test_secrets_are_nowhere_else(console_both: RunningConsole) -> None:
    """No list and no entry of the activity log holds a secret or its hash; that one was set is told."""
    console = console_both
    made = await console.post("api_accounts/add", username="crm", auth="both", permissions=["*"])
    await console.post("api_accounts/update", id=made["id"], password=CHOSEN)
    rotated = await console.post("api_accounts/rotate", id=made["id"], what="token")
    async with console.database.read() as connection:
        row = await connection.row(api_accounts.select())
    assert row is not None
    log = await console.get("activity/list", page="maintenance.api_accounts")
    told = [(entry["action"], entry["subject"], entry["after"]) for entry in reversed(log["rows"])]
    facts = {"username": "crm", "auth": "both", "enabled": True, "permissions": ["*"]}
    assert told == [
        ("add", "crm", facts),
        ("update", "crm", facts | {"password_set": True}),
        ("rotate", "crm", facts | {"token_set": True}),
    ]
    shown = repr(log) + repr(await rows(console))
    secrets = (made["password"], made["token"], CHOSEN, rotated["token"], row["password_hash"])
    for secret in (*secrets, row["token_hash"]):
        assert str(secret) not in shown
        assert str(secret) not in repr((row["username"], row["permissions"]))


async def test_the_activity_log_has_before_and_after(console: RunningConsole) -> None:
    """A change is noted with what it was; one that changes nothing is not."""
    made = await console.post(
        "api_accounts/add", username="crm", auth="basic", permissions=["/pbx/users/add"]
    )
    await console.post("api_accounts/update", id=made["id"], permissions=["*"], enabled=False)
    await console.post("api_accounts/update", id=made["id"], enabled=False)
    await console.post("api_accounts/remove", id=made["id"])
    removed, changed, _ = (await console.get("activity/list", page="maintenance.api_accounts"))["rows"]
    assert changed["before"] == {
        "username": "crm",
        "auth": "basic",
        "enabled": True,
        "permissions": ["/pbx/users/add"],
    }
    assert changed["after"] == changed["before"] | {"enabled": False, "permissions": ["*"]}
    assert (removed["action"], removed["before"], removed["after"]) == ("remove", changed["after"], None)


@pytest.mark.parametrize(
    ("values", "status", "code", "field"),
    [
        ({"username": "a b"}, 422, "invalid", "username"),
        ({"username": "a:b"}, 422, "invalid", "username"),
        ({"username": ""}, 422, "missing", "username"),
        ({"username": "taken"}, 409, "name_exists", "username"),
        ({"auth": "digest"}, 422, "invalid", "auth"),
        ({"password": "short"}, 422, "weak_password", "password"),
        ({"password": "a-new-name"}, 422, "weak_password", "password"),
        ({"password": "with a \u0000 in it"}, 422, "invalid", "password"),
        ({"auth": "token", "password": CHOSEN}, 422, "invalid", "password"),
        ({"permissions": []}, 422, "invalid", "permissions"),
        ({"permissions": ["/pbx/us*"]}, 422, "invalid", "permissions"),
        ({"permissions": "*"}, 200, "", ""),
        ({"permissions": [{}]}, 422, "invalid", "permissions"),
        ({"enabled": "perhaps"}, 422, "invalid", "enabled"),
    ],
)
async def test_what_cannot_be_an_account(
    console: RunningConsole, values: Mapping[str, Any], status: int, code: str, field: str
) -> None:
    """Each mistake is told with its field, and nothing is made."""
    await console.post("api_accounts/add", username="taken", auth="basic", permissions=["*"])
    asked = {"username": "a-new-name", "auth": "basic", "permissions": ["*"], **values}
    if status == 200:
        await console.post("api_accounts/add", **asked)
        return
    refused = await console.refused("api_accounts/add", **asked)
    assert (refused["status"], refused["code"], refused["field"]) == (status, code, field)
    if code == "weak_password":
        assert refused["params"]["minimum"] == MIN_PASSWORD
    assert [row["username"] for row in await rows(console)] == ["taken"]


async def test_an_account_that_is_gone(console: RunningConsole) -> None:
    """Changing, renewing and removing what does not exist is told as such; so is a name that is taken."""
    gone = "0" * 24
    for path, values in (
        ("api_accounts/update", {"enabled": False}),
        ("api_accounts/rotate", {"what": "both"}),
        ("api_accounts/remove", {}),
    ):
        refused = await console.refused(path, id=gone, **values)
        assert (refused["status"], refused["code"]) == (404, "not_found")
    assert (await console.refused("api_accounts/get", "GET", id=gone))["code"] == "not_found"
    one = await console.post("api_accounts/add", username="one", auth="basic", permissions=["*"])
    await console.post("api_accounts/add", username="two", auth="basic", permissions=["*"])
    refused = await console.refused("api_accounts/update", id=one["id"], username="two", enabled=False)
    assert (refused["status"], refused["code"]) == (409, "name_exists")
    assert [row["enabled"] for row in await rows(console)] == [True, True], "nothing of it was done"


async def test_two_changes_at_once(console_both: RunningConsole) -> None:
    """Each of them is done whole or refused whole: never one's mode with the other's secrets."""
    console = console_both
    made = await console.post("api_accounts/add", username="crm", auth="basic", permissions=["*"])
    answers = await asyncio.gather(
        *(
            console.send("POST", "api_accounts/update", {"id": made["id"], "auth": mode})
            for mode in ("token", "both", "token", "both")
        )
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert any(answer.status_code == 200 for answer in answers)
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["error"]["code"] == "changed_meanwhile"
    async with console.database.read() as connection:
        row = await connection.row(api_accounts.select())
    assert row is not None
    assert row["token_hash"]
    assert (row["password_hash"] is None) == (row["auth"] == "token")


async def test_the_list_counts_today(console_both: RunningConsole) -> None:
    """Requests since midnight in the configured time zone, and those it was refused; services by number."""
    console = console_both
    made = await console.post(
        "api_accounts/add", username="crm", auth="basic", permissions=["/setting/*", "/pbx/users/add"]
    )
    await console.post("api_accounts/add", username="idle", auth="token", permissions=["*"], enabled=False)
    assert (await call(console, "setting/ping/act", made))[0] == 200
    assert (await call(console, "pbx/users/search", made))[0] == 403
    await console.sa.gateway.log.flush()
    async with console.database.write() as tx:
        yesterday = now() - 25 * 3600 * MICROSECONDS
        await tx.execute(
            api_log.insert().values(
                at=yesterday,
                request_id="r",
                account="crm",
                address="10.0.0.1",
                service="setting/ping/act",
                method="POST",
                status=403,
                success=0,
                duration=1,
            )
        )
    crm, idle = await rows(console)
    assert (crm["username"], crm["requests_today"], crm["refused_today"]) == ("crm", 2, 1)
    assert (crm["services_allowed"], crm["last_used_at"] is None) == (2, False)
    assert await console.get("api_accounts/get", id=crm["id"]) == crm
    assert (idle["requests_today"], idle["enabled"], idle["last_used_at"]) == (0, False, None)
    assert idle["services_allowed"] == idle["services_total"]
    assert [row["username"] for row in await rows(console, sort="last_used_at")] == ["idle", "crm"]
    assert [row["username"] for row in await rows(console, search="CR")] == ["crm"]


async def test_services_come_from_the_registry(console: RunningConsole) -> None:
    """Every service is there once under its address; presets name services that exist."""
    answer = await console.get("api_accounts/services")
    listed = [one["permission"] for group in answer["groups"] for one in group["services"]]
    assert sorted(listed) == sorted(declared.permission for declared in console.api.gateway._sa_services)
    assert all(
        one["permission"].startswith(group["path"] + "/")
        for group in answer["groups"]
        for one in group["services"]
    )
    assert not [group["title"] for group in answer["groups"] if "_" in group["title"]]
    presets = {preset["id"]: preset["permissions"] for preset in answer["presets"]}
    assert presets["everything"] == ["*"]
    assert "/pbx/users/search" in presets["read_only"]
    assert not [name for name in presets["read_only"] if name.endswith(("/add", "/update", "/remove"))]
    assert "/call/originate/act" in presets["click_to_call"]
    assert set(presets["click_to_call"]) | set(presets["read_only"]) <= set(listed)
    assert Permissions(presets["click_to_call"]).allow("/setting/ping/act")


async def test_each_service_can_be_tried(console: RunningConsole) -> None:
    """Its example is the one of the API's own document; what is sent as a form says so."""
    async with httpx.AsyncClient(base_url=console.url, trust_env=False, timeout=10) as client:
        paths = (await client.get("/api/v4/openapi.json")).json()["paths"]
    services = await console.get("api_accounts/services")
    for permission in [one["permission"] for group in services["groups"] for one in group["services"]]:
        example = await console.get("api_accounts/example", permission=permission)
        content = paths[permission]["post"].get("requestBody", {}).get("content", {})
        assert example["form"] == ("multipart/form-data" in content)
        if "application/json" in content:
            assert example["values"] == content["application/json"]["example"]
        elif not example["form"]:
            assert example["values"] == {}
    upload = await console.get("api_accounts/example", permission="/pbx/announcements/upload")
    assert upload["form"]
    assert upload["values"]["file"].startswith("@")
    refused = await console.refused("api_accounts/example", "GET", permission="/no/such/service")
    assert (refused["status"], refused["code"]) == (404, "not_found")


async def test_who_may_only_read_changes_nothing(console: RunningConsole) -> None:
    """The right to read shows the page; making, changing and removing need the right to update."""
    reader = await console.browser(rights={"maintenance.api_accounts": ["read"]})
    assert (await reader.get("api_accounts/list"))["rows"] == []
    assert await reader.get("api_accounts/services")
    for path in ("add", "update", "rotate", "remove"):
        assert (await reader.refused(f"api_accounts/{path}"))["status"] == 403
    stranger = await console.browser(rights={"home": ["read"]})
    assert (await stranger.refused("api_accounts/list", "GET"))["status"] == 403
