"""A contact center as it looks in the middle of a working day, for the pictures of the console's pages.

Texts are long, Persian, mixed in direction or, where they may be (names that reach Asterisk may not), markup:
whatever a page has to get along with.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx

from support.console import PASSWORD, Browser
from support.server import TamasServer
from support.waiting import eventually
from tamas.demo.phone import AutoAnswer, Phone, close_phones, open_phones

MARKUP = "<img src=x onerror=alert(1)>"
LONG = "Regional Coordination Office for International Shipping and Customs (2nd Floor)"
PEOPLE = (
    "Sara Mohammadi",
    "رضا کریمی",
    LONG,
    "Nobody's Desk #5",
    "Zoë O’Brien-Łukasiewicz",
    "دفتر هماهنگی حمل‌ونقل بین‌المللی و امور گمرکی، طبقهٔ دوم",
    "Support 24/7 (پشتیبانی)",
    "Accounting + Billing / 100%",
    "نرگس حسینی",
    "Front Desk",
    "Mehdi Ahmadi",
    "فاطمه موسوی",
)
FIRST = 101
"""Number of the first of :data:`PEOPLE`; the others follow it."""
PHONES = (101, 102, 103, 104, 105)
"""Those that registered: two talk, one waits in a queue, one is rung, one is idle."""
SALES, SERVICE, NIGHT = "700", "701", "702"
EXTENSION_101, EXTENSION_102, WAITING, RUNG, IDLE = (str(number) for number in PHONES)


@asynccontextmanager
async def working_day(server: TamasServer, console: Browser, sipp: Sequence[str]) -> AsyncIterator[None]:
    """Fill a fresh server, and keep its calls going for as long as the block runs."""
    phones = await _extensions(server, sipp)
    try:
        await open_phones(list(phones.values()))
        for phone in phones.values():
            await phone.register()
        await _trunks(server)
        await _queues(server)
        await _accounts(console)
        await _requests(server)
        await _finished_call(server, phones)
        await _calls_in_progress(server, phones)
        yield
    finally:
        await close_phones(list(phones.values()))


async def _extensions(server: TamasServer, sipp: Sequence[str]) -> dict[str, Phone]:
    phones = {}
    for number, name in enumerate(PEOPLE, FIRST):
        secret = secrets.token_urlsafe(12)
        await server.api(
            "pbx/users/add",
            {
                "name": name,
                "number": str(number),
                "secret": secret,
                "call_record": "yes" if number % 3 == 0 else "no",
                "active": "no" if number == FIRST + 10 else "yes",
                "email": "someone@example.org" if number % 2 else "",
            },
        )
        if number in PHONES:
            manner = AutoAnswer() if str(number) == EXTENSION_102 else None
            phones[str(number)] = Phone(
                number=str(number), secret=secret, server=server.sip, tone_hz=440, sipp=sipp, manner=manner
            )
    return phones


async def _trunks(server: TamasServer) -> None:
    for name, more in (
        ("tehran-sip", {"host": "127.0.0.20", "qualify": "no"}),
        ("provider-with-a-rather-long-name", {"host": "127.0.0.21", "qualify": "yes"}),
        ("backup", {"host": "127.0.0.22", "active": "no"}),
        (
            "registered-elsewhere",
            {"host": "127.0.0.23", "register_string": "02188880000:wrong-secret@127.0.0.23:5060"},
        ),
    ):
        await server.api(
            "pbx/trunks/add",
            {
                "trunk_type": "SIP",
                "name": name,
                "active": "yes",
                "port": "5060",
                "insecure": "port,invite",
                "disallow": "all",
                "allow": "ulaw",
                **more,
            },
        )


async def _queues(server: TamasServer) -> None:
    for number, name, more in (
        (SALES, "Sales", {"strategy": "rrmemory"}),
        (SERVICE, "پشتیبانی و خدمات پس از فروش", {"strategy": "leastrecent"}),
        (
            NIGHT,
            "Night desk for everything that comes after eight in the evening",
            {"strategy": "ringall", "call_record": "yes"},
        ),
    ):
        await server.api(
            "pbx/queues/add",
            {"name": name, "number": number, "joinempty": "yes", "leavewhenempty": "no", **more},
        )
    for queue, agent in ((SALES, RUNG), (SALES, IDLE), (SERVICE, EXTENSION_101), (SERVICE, EXTENSION_102)):
        await server.api("pbx/queues/addagent", {"queue": queue, "source": agent, "agent": agent})
    await server.api("pbx/queues/pauseagent", {"queue": SALES, "agent": IDLE, "reason": "ناهار و نماز"})


async def _accounts(console: Browser) -> None:
    for username, auth, permissions, enabled in (
        ("crm", "basic", ["/pbx/*", "/call/originate/act"], True),
        ("click-to-call", "token", ["/call/originate/act"], True),
        ("reporting-warehouse-nightly-import", "both", ["/pbx/users/search"], True),
        ("former-supplier", "basic", ["*"], False),
    ):
        await console.post(
            "api_accounts/add",
            username=username,
            auth=auth,
            permissions=permissions,
            enabled=enabled,
            **({} if auth == "token" else {"password": PASSWORD}),
        )
    for username, name, account_type in (
        ("sara", "Sara Mohammadi", "supervisor"),
        ("reza", f"رضا کریمی {MARKUP}", "administrator"),
        ("auditor.external", LONG[:60], "auditor"),
        ("former.colleague", "", "agent"),
    ):
        made = await console.post("accounts/add", username=username, name=name, account_type=account_type)
        if username == "auditor.external":
            await console.post("accounts/update", id=made["id"], expires_at=1_700_000_000_000)
        if username == "former.colleague":
            await console.post("accounts/update", id=made["id"], enabled=False)
    made = await console.post(
        "account_types/add",
        title="مسئول شیفت شب",
        description="Runs the queues at night and looks after phones that do not register.",
        rights={"home": ["read"], "calls": ["read"], "pbx.users": ["read"], "pbx.queues": ["read", "update"]},
    )
    await console.post(
        "account_types/update",
        id=made["id"],
        description="Runs the queues at night.",
        rights={"home": ["read"], "calls": ["read", "play"], "pbx.queues": ["read"]},
    )


async def _requests(server: TamasServer) -> None:
    """What the API log shows: requests that worked, that failed, and that were refused."""
    assert server.account is not None
    own = httpx.BasicAuth(server.account.username, server.account.password)
    crm = httpx.BasicAuth("crm", PASSWORD)
    for _ in range(6):
        await server.api("pbx/users/search", {"alike": True, "conditions": {"name": "", "number": "10"}})
    for path, body, auth in (
        ("pbx/users/add", {"number": str(FIRST), "name": "Twice", "secret": "Secret-1234"}, own),
        ("pbx/users/add", {"number": "x", "name": MARKUP}, own),
        ("call/originate/act", {"caller": "101"}, crm),
        ("setting/ping/act", {}, httpx.BasicAuth("nobody", "wrong")),
        ("no/such/service", {}, own),
    ):
        await server.client.post(f"/api/v4/{path}", json=body, auth=auth)


async def _finished_call(server: TamasServer, phones: dict[str, Phone]) -> None:
    call = await phones[EXTENSION_101].call(EXTENSION_102)
    await call.until_talking()
    await phones[EXTENSION_101].hang_up()
    await call.until_ended()

    async def recorded() -> bool:
        return bool(await server.calls())

    await eventually(recorded, within=15, what="the record of a finished call")


async def _calls_in_progress(server: TamasServer, phones: dict[str, Phone]) -> None:
    talk = await phones[EXTENSION_101].call(EXTENSION_102)
    await talk.until_talking()
    waiting = await phones[WAITING].call(NIGHT)
    await waiting.until_talking()
    await phones[IDLE].call(RUNG)
    await phones[RUNG].incoming()
