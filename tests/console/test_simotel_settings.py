"""Maintenance > Settings > Simotel API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from console._console import RunningConsole
from tamas.console.simotel_settings import SHOWN_ADDRESSES, SHOWN_LOCKED_OUT
from tamas.console.today import today_since
from tamas.sa.api_log import Entry
from tamas.store.clock import MICROSECONDS, now
from tamas.store.runtime_settings import SETTINGS, load_runtime_settings

PAGE = "settings/simotel_api"
HOUR = 3600 * MICROSECONDS


async def called(
    console: RunningConsole,
    address: str,
    account: str | None = "crm",
    *,
    times: int = 1,
    at: int | None = None,
) -> None:
    """Write requests into the API log; those without account were refused."""
    for _ in range(times):
        status = 200 if account else 403
        console.sa.gateway.log.add(
            Entry(at or now(), "r", account, address, "x", "POST", status, 1, "", None, 1)
        )
    await console.sa.gateway.log.flush()


async def allow(console: RunningConsole, *addresses: str) -> None:
    """Set the list, whatever it brings about."""
    await console.post(f"{PAGE}_update", allowed_ips=list(addresses), accept_lockout=True)


async def test_settings_are_read_and_changed(console_both: RunningConsole) -> None:
    """What is not set has its default; what is given changes together, the rest stays."""
    console = console_both
    before = await console.get(PAGE)
    assert before["allowed_ips"] == before["defaults"]["allowed_ips"] == ["127.0.0.1", "::1"]
    answer = await console.post(
        f"{PAGE}_update",
        allowed_ips=["10.1.2.3/8", "192.168.0.7"],
        lenient=True,
        cors_origins=["https://CRM.example/"],
        calendar="jalali",
        timezone="Asia/Tehran",
        log_days=7,
        log_rows=5000,
        warning_seconds=0,
        repeat_seconds=5,
    )
    assert answer == await console.get(PAGE)
    assert answer["defaults"] == before["defaults"]
    assert {name: answer[name] for name in answer if name not in ("defaults", "used_today")} == {
        "allow_all_ips": False,
        "allowed_ips": ["10.0.0.0/8", "192.168.0.7"],
        "lenient": True,
        "cors_origins": ["https://crm.example"],
        "calendar": "jalali",
        "timezone": "Asia/Tehran",
        "log_days": 7,
        "log_rows": 5000,
        "warning_seconds": 0,
        "repeat_seconds": 5,
    }
    await console.post(f"{PAGE}_update", lenient=False)
    runtime = await load_runtime_settings(console.database)
    assert (runtime["sa.lenient"], runtime["calendar"], runtime["api_log.days"]) == (False, "jalali", 7)


async def test_the_activity_log_has_what_changed(console: RunningConsole) -> None:
    """Before and after of the settings that were given; nothing when all stays as it is."""
    await console.post(f"{PAGE}_update", calendar="jalali", lenient=False)
    await console.post(f"{PAGE}_update", calendar="jalali")
    (entry,) = (await console.get("activity/list", page="maintenance.settings"))["rows"]
    assert (entry["action"], entry["subject"]) == ("update", "Simotel API")
    assert entry["before"] == {"calendar": "gregorian", "lenient": False}
    assert entry["after"] == {"calendar": "jalali", "lenient": False}


@pytest.mark.parametrize(
    ("values", "field", "item"),
    [
        ({"allowed_ips": ["10.0.0.1", "10.0.0.300"]}, "allowed_ips", "10.0.0.300"),
        ({"allowed_ips": ["<b>"]}, "allowed_ips", "<b>"),
        ({"allowed_ips": [7]}, "allowed_ips", "7"),
        ({"allowed_ips": [None]}, "allowed_ips", None),
        ({"cors_origins": ["crm"]}, "cors_origins", "crm"),
        ({"calendar": "mayan"}, "calendar", None),
        ({"timezone": "Moon/Crater"}, "timezone", None),
        ({"timezone": "../../etc/passwd"}, "timezone", None),
        ({"log_days": 0}, "log_days", None),
        ({"log_rows": 10}, "log_rows", None),
        ({"warning_seconds": 601}, "warning_seconds", None),
        ({"repeat_seconds": -1}, "repeat_seconds", None),
        ({"lenient": "perhaps"}, "lenient", None),
    ],
)
async def test_what_cannot_be_set(
    console: RunningConsole, values: Mapping[str, Any], field: str, item: str | None
) -> None:
    """The field is named, of a list the item too, and nothing at all is changed."""
    refused = await console.refused(f"{PAGE}_update", **{"calendar": "jalali", **values})
    assert (refused["status"], refused["code"], refused["field"]) == (422, "invalid", field)
    assert refused["params"].get("item") == item
    runtime = await load_runtime_settings(console.database)
    assert runtime == {key: spec.default for key, spec in SETTINGS.items()}


async def test_a_lock_out_is_refused_until_it_is_meant(console_both: RunningConsole) -> None:
    """Whoever was let in today and would be no more is named; with the person's word it is done."""
    console = console_both
    await allow(console, "127.0.0.1", "10.0.0.0/8", "192.168.0.0/16")
    await called(console, "10.0.0.5", "crm", times=3)
    await called(console, "10.0.0.5", "erp")
    await called(console, "192.168.0.9", "crm")
    await called(console, "203.0.113.9", None)  # was never let in
    await called(console, "198.51.100.1", "old")  # was let in earlier today, and is locked out already
    refused = await console.refused(f"{PAGE}_update", allowed_ips=["192.168.0.0/16"], lenient=True)
    assert (refused["status"], refused["code"], refused["field"]) == (409, "lockout", "allowed_ips")
    assert refused["params"]["addresses"] == [
        {"address": "10.0.0.5", "account": "crm", "requests": 3},
        {"address": "10.0.0.5", "account": "erp", "requests": 1},
    ]
    runtime = await load_runtime_settings(console.database)
    assert (runtime["sa.allowed_ips"][1], runtime["sa.lenient"]) == ("10.0.0.0/8", False)
    await console.post(f"{PAGE}_update", allowed_ips=["192.168.0.0/16", "10.0.0.5"])
    answer = await console.post(f"{PAGE}_update", allowed_ips=["192.168.0.0/16"], accept_lockout=True)
    assert answer["allowed_ips"] == ["192.168.0.0/16"]


async def test_turning_off_the_switch_for_all_may_lock_out(console: RunningConsole) -> None:
    """With everybody let in, the list alone changes nothing; without, whoever is not on it is locked out."""
    await console.post(f"{PAGE}_update", allow_all_ips=True)
    await called(console, "10.0.0.5")
    await console.post(f"{PAGE}_update", allowed_ips=["127.0.0.1"])
    refused = await console.refused(f"{PAGE}_update", allow_all_ips=False)
    assert refused["code"] == "lockout"
    await console.post(f"{PAGE}_update", allow_all_ips=False, allowed_ips=["10.0.0.0/8"])


async def test_only_today_counts(console: RunningConsole) -> None:
    """Who called before midnight in the configured time zone is not asked about."""
    await allow(console, "10.0.0.0/8")
    midnight = today_since({"timezone": "UTC"})
    await called(console, "10.0.0.5", at=midnight - 1)
    await called(console, "10.0.0.6", at=midnight)
    answer = await console.get("settings/check_addresses", allowed_ips="")
    assert [one["address"] for one in answer["locked_out"]] == ["10.0.0.6"]


def test_where_today_begins() -> None:
    """At midnight of the configured zone, also where that is another day than in UTC."""
    at = 1_700_000_000 * MICROSECONDS  # 2023-11-14 22:13:20 UTC
    assert today_since({"timezone": "UTC"}, at=at) == 1_699_920_000 * MICROSECONDS
    assert today_since({"timezone": "Asia/Tehran"}, at=at) == 1_699_993_800 * MICROSECONDS
    assert at - today_since({"timezone": "Asia/Tehran"}, at=at) < 2 * HOUR


async def test_a_list_is_tried_before_it_is_set(console_both: RunningConsole) -> None:
    """While somebody types: whom it would lock out and what in it is no address; nothing is changed."""
    console = console_both
    await allow(console, "10.0.0.0/8")
    await called(console, "10.0.0.5", times=2)
    check = "settings/check_addresses"
    assert await console.get(check) == {"locked_out": [], "invalid": []}
    assert await console.get(check, allowed_ips="10.0.0.0/24,10.0.0.3x,::1") == {
        "locked_out": [],
        "invalid": ["10.0.0.3x"],
    }
    assert await console.get(check, allowed_ips="10.0.1.0/24") == {
        "locked_out": [{"address": "10.0.0.5", "account": "crm", "requests": 2}],
        "invalid": [],
    }
    assert (await console.get(check, allowed_ips="", allow_all_ips=True))["locked_out"] == []
    assert (await load_runtime_settings(console.database))["sa.allowed_ips"] == ["10.0.0.0/8"]


async def test_who_called_today_is_shown(console_both: RunningConsole) -> None:
    """By address and account with how often and when last; those we know first; whether they may call."""
    console = console_both
    await allow(console, "10.0.0.0/8")
    at = today_since({"timezone": "UTC"})
    await called(console, "10.0.0.5", "crm", times=2, at=at + 5000)
    await called(console, "10.0.0.5", "erp", at=at + 7000)
    await called(console, "203.0.113.9", None, at=at + 9000)
    await called(console, "10.0.0.5", None, at=at + 1000)
    await called(console, "10.0.0.5", "crm", at=at - 1)
    assert (await console.get(PAGE))["used_today"] == [
        {
            "address": "10.0.0.5",
            "account": "erp",
            "requests": 1,
            "last_at": (at + 7000) // 1000,
            "allowed": True,
        },
        {
            "address": "10.0.0.5",
            "account": "crm",
            "requests": 2,
            "last_at": (at + 5000) // 1000,
            "allowed": True,
        },
        {
            "address": "203.0.113.9",
            "account": None,
            "requests": 1,
            "last_at": (at + 9000) // 1000,
            "allowed": False,
        },
        {
            "address": "10.0.0.5",
            "account": None,
            "requests": 1,
            "last_at": (at + 1000) // 1000,
            "allowed": True,
        },
    ]


async def test_many_addresses(console: RunningConsole) -> None:
    """Strangers cannot make the answer long, nor push those we know out of it."""
    await console.post(f"{PAGE}_update", allow_all_ips=True)
    await called(console, "10.0.0.5", "crm", at=today_since({"timezone": "UTC"}))
    for number in range(SHOWN_ADDRESSES + 50):
        console.sa.gateway.log.add(
            Entry(now(), "r", None, f"2001:db8::{number:x}", "x", "POST", 401, 0, "", None, 1)
        )
    for number in range(SHOWN_LOCKED_OUT + 50):
        await called(console, f"10.2.0.{number}", "many")
    used = (await console.get(PAGE))["used_today"]
    assert len(used) == SHOWN_ADDRESSES
    assert ("10.0.0.5", "crm") in {(one["address"], one["account"]) for one in used}
    check = await console.get("settings/check_addresses", allow_all_ips=False, allowed_ips="")
    assert len(check["locked_out"]) == SHOWN_LOCKED_OUT


async def test_who_may_only_read_changes_nothing(console: RunningConsole) -> None:
    """The right to read shows and tries; setting needs the right to update."""
    reader = await console.browser(rights={"maintenance.settings": ["read"]})
    assert await reader.get(PAGE)
    assert await reader.get("settings/check_addresses")
    assert (await reader.refused(f"{PAGE}_update", lenient=True))["status"] == 403
    stranger = await console.browser(rights={"home": ["read"]})
    assert (await stranger.refused(PAGE, "GET"))["status"] == 403
