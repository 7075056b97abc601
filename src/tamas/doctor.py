"""Checks of the machine and the instance, in plain words, with how to mend what is wrong."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import shutil
import socket
import stat
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import msgspec
from sqlalchemy import func, select

from tamas.engine.install import AsteriskInstall, find_asterisk, find_cached_asterisk
from tamas.engine.layout import EngineLayout
from tamas.engine.running import read_record
from tamas.errors import TamasError
from tamas.settings import Settings
from tamas.sockets import bind_failure, holds_port
from tamas.state import server_pid
from tamas.store.clock import now
from tamas.store.database import open_database
from tamas.store.schema import SCHEMA_VERSION, api_accounts, api_log
from tamas.store.version import current_version

Verdict = Literal["ok", "warning", "problem"]

LOW_DISK_BYTES = 2 * 1024**3
VERY_LOW_DISK_BYTES = 200 * 1024**2
BUILD_YEAR = 2026
"""A clock before this year is wrong."""
CLOCK_SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
BASIC_LOOKBACK_DAYS = 7


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found."""

    check: str
    verdict: Verdict
    text: str
    remedy: str | None = None


async def examine(settings: Settings) -> list[Finding]:
    """Run every check; a check that fails in an unexpected way is itself a finding."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings += await check(settings)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other checks are still wanted
            text = (
                str(error) if isinstance(error, (OSError, TamasError)) else f"could not be checked: {error!r}"
            )
            findings.append(Finding(check=check.__name__.strip("_"), verdict="problem", text=text))
    return findings


def _ok(check: str, text: str) -> Finding:
    return Finding(check=check, verdict="ok", text=text)


async def _state(settings: Settings) -> list[Finding]:
    path = settings.state_dir
    if not await asyncio.to_thread(path.exists):
        return [_ok("state directory", f"{path} is not there yet; the first start makes it")]
    return await asyncio.to_thread(_examine_state, path)


def _examine_state(path: Path) -> list[Finding]:
    findings = []
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        findings.append(
            Finding(
                check="state directory",
                verdict="problem",
                text=f"{path} cannot be written by this user",
                remedy=f"run as its owner ({path.owner()}) or chown it",
            )
        )
    open_paths = [
        item
        for item in (path, path / "secrets", path / "tamas.db", *(path / "secrets").glob("*"))
        if item.exists() and stat.S_IMODE(item.stat().st_mode) & 0o077
    ]
    findings += [
        Finding(
            check="permissions",
            verdict="problem",
            text=f"{item} can be read by other users of this machine",
            remedy=f"chmod go-rwx {item}",
        )
        for item in open_paths
    ]
    return findings or [_ok("state directory", f"{path}, closed to other users")]


async def _disk(settings: Settings) -> list[Finding]:
    place = settings.state_dir
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    text = f"{free / 1024**3:.1f} GiB free for {settings.state_dir}"
    if free >= LOW_DISK_BYTES:
        return [_ok("disk", text)]
    return [
        Finding(
            check="disk",
            verdict="problem" if free < VERY_LOW_DISK_BYTES else "warning",
            text=text,
            remedy="make room or move TAMAS_STATE_DIR: recordings need 2 MB a minute until converted",
        )
    ]


async def _clock(_settings: Settings) -> list[Finding]:
    if time.gmtime().tm_year < BUILD_YEAR:
        return [
            Finding(
                check="clock",
                verdict="problem",
                text=f"the clock says {time.strftime('%Y-%m-%d', time.gmtime())}",
                remedy="set the clock: call records carry its times",
            )
        ]
    if await asyncio.to_thread(_clock_drifts):
        return [
            Finding(
                check="clock",
                verdict="warning",
                text="nothing shows that the clock is kept right",
                remedy="install systemd-timesyncd or chrony",
            )
        ]
    return [_ok("clock", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))]


def _clock_drifts() -> bool:
    return Path("/run/systemd/system").is_dir() and not CLOCK_SYNCHRONISED.exists()


async def _ports(settings: Settings) -> list[Finding]:
    record = read_record(EngineLayout(state_dir=settings.state_dir).record)
    ours = [pid for pid in (server_pid(settings.state_dir), record.pid if record else None) if pid]
    findings = []
    wanted = (
        ("HTTP", settings.http_host, settings.http_port, socket.SOCK_STREAM, "TAMAS_HTTP_PORT"),
        ("SIP over UDP", settings.sip_host, settings.sip_port, socket.SOCK_DGRAM, "TAMAS_SIP_PORT"),
        ("SIP over TCP", settings.sip_host, settings.sip_port, socket.SOCK_STREAM, "TAMAS_SIP_PORT"),
    )
    for name, host, port, kind, setting in wanted:
        reason = bind_failure(host, port, kind)
        if reason is None:
            findings.append(_ok("ports", f"{name} {host}:{port} is free"))
        elif reason == errno.EADDRINUSE and any(holds_port(pid, port, kind) for pid in ours):
            findings.append(_ok("ports", f"{name} {host}:{port} is in use by this instance"))
        else:
            findings.append(
                Finding(
                    check="ports",
                    verdict="problem",
                    text=f"{name} {host}:{port} cannot be bound: {os.strerror(reason)}",
                    remedy=f"stop what uses it or set {setting}",
                )
            )
    count = settings.rtp_ports.last - settings.rtp_ports.first + 1
    findings.append(_ok("ports", f"RTP {settings.rtp_ports}: room for about {count // 4} bridged calls"))
    return findings


async def _asterisk(settings: Settings) -> list[Finding]:
    install = await asyncio.to_thread(_known_install, settings)
    if install is None:
        return [
            Finding(
                check="asterisk",
                verdict="warning",
                text="no usable Asterisk is on this machine yet",
                remedy="the first start fetches one; to do it now: tamas fetch",
            )
        ]
    findings = [_ok("asterisk", f"Asterisk {install.version} ({install.origin})")]
    greeting = install.sounds_dir / "en"
    if greeting.is_dir() and any(greeting.iterdir()):
        findings.append(_ok("sounds", f"English prompts in {greeting}"))
    else:
        findings.append(
            Finding(
                check="sounds",
                verdict="problem",
                text=f"there are no prompts in {greeting}: callers would hear silence",
                remedy="remove the cache directory and start again, or install Asterisk's core sounds",
            )
        )
    return findings


def _known_install(settings: Settings) -> AsteriskInstall | None:
    return find_asterisk(settings.asterisk) or find_cached_asterisk(settings.cache_dir)


async def _database(settings: Settings) -> list[Finding]:
    version = await current_version(settings.database_url)
    kind = "PostgreSQL" if settings.database_url.startswith("postgresql") else "SQLite"
    if version is None:
        return [_ok("database", f"{kind}, empty; the first start prepares it")]
    if version != SCHEMA_VERSION:
        return [
            Finding(
                check="database",
                verdict="warning",
                text=f"{kind} has schema {version}, this version wants {SCHEMA_VERSION}",
                remedy="the next start upgrades it; take a backup first",
            )
        ]
    return [_ok("database", f"{kind}, schema {version}")]


async def _server(settings: Settings) -> list[Finding]:
    pid = server_pid(settings.state_dir)
    if pid is None:
        return [_ok("server", "not running")]
    import httpx

    try:
        # The certificate may be for a public name; this asks our own process on this machine.
        async with httpx.AsyncClient(verify=False, timeout=5) as client:  # noqa: S501
            answer = await client.get(f"{settings.http_address}/readyz")
    except httpx.HTTPError as error:
        return [
            Finding(
                check="server",
                verdict="problem",
                text=f"process {pid} runs but does not answer at {settings.http_address}: {error!r}",
                remedy="look at its log; its supervisor restarts a worker that stalls",
            )
        ]
    if answer.status_code == httpx.codes.OK:
        return [_ok("server", f"process {pid} is ready at {settings.http_address}")]
    parts = answer.json()
    missing = ", ".join(
        f"{name}: {part.get('detail', 'not ready')}"
        for name, part in parts.items()
        if isinstance(part, dict) and not part.get("ready")
    )
    return [
        Finding(
            check="server",
            verdict="problem",
            text=f"process {pid} is not ready ({missing})",
            remedy="look at the log just after its start",
        )
    ]


async def _plain_basic(settings: Settings) -> list[Finding]:
    """Whether Basic credentials travel unencrypted from elsewhere than loopback."""
    if settings.tls or await current_version(settings.database_url) != SCHEMA_VERSION:
        return []
    database = await open_database(settings.database_url)
    try:
        async with database.read() as connection:
            since = now() - BASIC_LOOKBACK_DAYS * 86400 * 1_000_000
            rows = await connection.rows(
                select(api_log.c.address, api_log.c.account)
                .distinct()
                .join(api_accounts, api_accounts.c.username == api_log.c.account)
                .where(api_accounts.c.auth != "token", api_log.c.at >= since)
            )
            accounts = await connection.scalar(
                select(func.count()).select_from(api_accounts).where(api_accounts.c.auth != "token")
            )
    finally:
        await database.close()
    remote = sorted({row["address"] for row in rows if not ipaddress.ip_address(row["address"]).is_loopback})
    remedy = (
        "set TAMAS_HTTP_TLS_CERT and TAMAS_HTTP_TLS_KEY, or put a TLS proxy in front and name it in "
        "TAMAS_TRUSTED_PROXIES"
    )
    if settings.trusted_proxies:
        text = (
            "passwords come through a proxy; see that it speaks TLS to clients, and that none get around it"
        )
        return [Finding(check="encryption", verdict="warning" if remote else "ok", text=text)]
    if remote:
        text = f"passwords came unencrypted from {', '.join(remote[:5])} in the last week"
        return [Finding(check="encryption", verdict="warning", text=text, remedy=remedy)]
    if accounts and not ipaddress.ip_address(settings.http_host).is_loopback:
        text = f"{accounts} accounts send passwords, and {settings.http_host} takes them unencrypted"
        return [Finding(check="encryption", verdict="warning", text=text, remedy=remedy)]
    return [_ok("encryption", "no password travelled unencrypted over a network in the last week")]


CHECKS: tuple[Callable[[Settings], Awaitable[list[Finding]]], ...] = (
    _state,
    _disk,
    _clock,
    _ports,
    _asterisk,
    _database,
    _server,
    _plain_basic,
)
