"""Settings that an administrator changes while Tamas runs. Each is declared once, here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from tamas.errors import TamasError
from tamas.store.changes import Changes
from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.schema import runtime_settings

_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@\\]{1,255}")
"""As browsers send it (RFC 6454, section 6.2), of whatever scheme."""
_MAPPED_BITS: Final = 96
"""Length of the prefix ``::ffff:0:0``."""

_CALLER_NUMBER: Final = re.compile(r"\+?[0-9]{1,20}")
_DIALED: Final = re.compile(r"[+*#0-9A-Za-z]{1,32}")

MAX_UPLOAD: Final = 100 * 1024 * 1024
"""Bytes beyond which no upload may be allowed to go."""


SEALED: Final = "sealed:"
"""What the value of a secret setting begins with; the rest is for whoever has the key."""
MASK: Final = "******"
"""Shown in place of a secret that is set."""

_MAIL_ADDRESS: Final = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9.-]{1,190}")
_DIAL_CODE: Final = re.compile(r"[1-9][0-9]{0,3}")
_API_ACCOUNT: Final = re.compile(r"[^:\x00-\x1f\x7f]{1,128}")
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")


class SettingError(TamasError):
    """A setting is unknown, or its value cannot be used; the text says which and why.

    :param item: of a list, the item that cannot be used.
    """

    def __init__(self, text: str, *, item: str | None = None) -> None:
        super().__init__(text)
        self.item = item
        self.key: str | None = None
        """The setting at fault."""


@dataclass(frozen=True, kw_only=True)
class SettingSpec:
    """One setting: what it means, its default, and how a given value is checked and brought into shape."""

    key: str
    default: Any
    description: str
    check: Callable[[Any], Any]
    secret: bool = False
    """Whether its value is sealed, and never shown."""


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in {"true", "yes", "1", "on"}:
        return True
    if text in {"false", "no", "0", "off"}:
        return False
    raise SettingError(f"{value!r} is neither true nor false")


def _networks(value: Any) -> list[str]:
    items = value if isinstance(value, list) else str(value).replace(",", " ").split()
    networks = []
    for item in items:
        try:
            network = _plain(ip_network(str(item).strip(), strict=False))
        except ValueError as error:
            raise SettingError(f"{item!r} is neither an address nor a network", item=str(item)) from error
        text = str(network.network_address) if network.num_addresses == 1 else str(network)
        if text not in networks:
            networks.append(text)
    return networks


def _plain(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """An IPv4 network that is written as IPv6 (RFC 4291, section 2.5.5.2) in its own form."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))


def _origins(value: Any) -> list[str]:
    items = value if isinstance(value, list) else str(value).split()
    origins = []
    for item in items:
        text = str(item).strip().lower().removesuffix("/")
        if text != "*" and _ORIGIN.fullmatch(text) is None:
            raise SettingError(f"{item!r} is no origin such as https://crm.example.com", item=str(item))
        if text not in origins:
            origins.append(text)
    return origins


def _numbers(value: Any) -> list[str]:
    items = value if isinstance(value, list) else str(value).replace(",", " ").split()
    numbers = []
    for item in items:
        text = str(item).strip()
        if _DIALED.fullmatch(text) is None:
            raise SettingError(f"{item!r} is no number that can be dialed", item=str(item))
        if text not in numbers:
            numbers.append(text)
    return numbers


def _caller_number(value: Any) -> str:
    text = str(value).strip()
    if _CALLER_NUMBER.fullmatch(text) is None:
        raise SettingError(f"{value!r} is no number of 1 to 20 digits")
    return text


def _one_of(*choices: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        text = str(value).strip().lower()
        if text in choices:
            return text
        raise SettingError(f"{value!r} is none of {', '.join(choices)}")

    return check


def _timezone(value: Any) -> str:
    try:
        return str(ZoneInfo(str(value)))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingError(f"{value!r} is not a time zone of the IANA database") from error


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        try:
            number = int(str(value))
        except ValueError as error:
            raise SettingError(f"{value!r} is not a whole number") from error
        if not low <= number <= high:
            raise SettingError(f"{number} is not between {low} and {high}")
        return number

    return check


def _seconds(low: float, high: float) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        try:
            number = float(str(value))
        except ValueError as error:
            raise SettingError(f"{value!r} is no number of seconds") from error
        if not low <= number <= high:  # also false for "nan"
            raise SettingError(f"{number:g} is not between {low:g} and {high:g}")
        return number

    return check


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[Any], str]:
    """A text of a certain form, or ``""``."""

    def check(value: Any) -> str:
        text = str(value).strip()
        if text and pattern.fullmatch(text) is None:
            raise SettingError(f"{text!r} is no {what}")
        return text

    return check


def _line(value: Any) -> str:
    text = str(value)
    if len(text) > 255 or not text.isprintable():
        raise SettingError("that is no line of text")
    return text


def _sealed(value: Any) -> str:
    """Keeps a secret from being stored as it is."""
    if value and not str(value).startswith(SEALED):
        raise SettingError("a secret has to be sealed before it is stored")
    return str(value)


SETTINGS: dict[str, SettingSpec] = {
    spec.key: spec
    for spec in (
        SettingSpec(
            key="sa.allow_all_ips",
            default=False,
            check=_boolean,
            description="Whether any address may call the Simotel API.",
        ),
        SettingSpec(
            key="sa.allowed_ips",
            default=["127.0.0.1", "::1"],
            check=_networks,
            description="Addresses and networks that may call the Simotel API.",
        ),
        SettingSpec(
            key="sa.lenient",
            default=False,
            check=_boolean,
            description="Whether clients may leave out what the Simotel API requires.",
        ),
        SettingSpec(
            key="sa.cors_origins",
            default=[],
            check=_origins,
            description="Origins whose browser pages may call the Simotel API; * stands for all.",
        ),
        SettingSpec(
            key="calendar",
            default="gregorian",
            check=_one_of("gregorian", "jalali"),
            description="Calendar of dates in Simotel API answers.",
        ),
        SettingSpec(
            key="timezone",
            default="UTC",
            check=_timezone,
            description="Time zone of dates in Simotel API answers and filters.",
        ),
        SettingSpec(
            key="api_log.days",
            default=30,
            check=_whole(1, 3650),
            description="Days that the API log is kept.",
        ),
        SettingSpec(
            key="api_log.rows",
            default=1_000_000,
            check=_whole(1000, 100_000_000),
            description="Rows that the API log keeps at most.",
        ),
        SettingSpec(
            key="activity.days",
            default=365,
            check=_whole(1, 3650),
            description="Days that the activity log of the console is kept.",
        ),
        SettingSpec(
            key="calls.barred_prefixes",
            default=["00", "+"],
            check=_numbers,
            description="Beginnings of numbers that nobody may dial: by default those of calls abroad, where "
            "fraud goes.",
        ),
        SettingSpec(
            key="call_limit.warning_seconds",
            default=20,
            check=_whole(0, 600),
            description="Seconds before a limited call ends at which a beep warns; 0: no beep.",
        ),
        SettingSpec(
            key="call_limit.repeat_seconds",
            default=10,
            check=_whole(0, 600),
            description="Seconds between repeated warning beeps; 0: once.",
        ),
        SettingSpec(
            key="recordings.format",
            default="mp3",
            check=_one_of("mp3", "wav"),
            description="Form in which recordings of calls are kept, of calls that begin from now on.",
        ),
        SettingSpec(
            key="recordings.dual_channel",
            default=True,
            check=_boolean,
            description="Whether recordings are also kept with one party per channel, in twice their space.",
        ),
        SettingSpec(
            key="recordings.days",
            default=0,
            check=_whole(0, 36_500),
            description="Days that recordings are kept; 0: no limit.",
        ),
        SettingSpec(
            key="recordings.disk_percent",
            default=80,
            check=_whole(0, 100),
            description="Percent of the disk that recordings may take, else the oldest go; 0: no limit.",
        ),
        SettingSpec(
            key="voicemail.max_seconds",
            default=180,
            check=_whole(5, 3600),
            description="Seconds that a message in a mailbox may have.",
        ),
        SettingSpec(
            key="voicemail.min_seconds",
            default=1,
            check=_whole(0, 60),
            description="Seconds below which a message is none and is not kept.",
        ),
        SettingSpec(
            key="voicemail.silence_seconds",
            default=10,
            check=_whole(0, 120),
            description="Seconds of silence that end a message; 0: silence does not.",
        ),
        SettingSpec(
            key="voicemail.max_messages",
            default=100,
            check=_whole(1, 10_000),
            description="Messages that a mailbox holds at most.",
        ),
        SettingSpec(
            key="smtp.host",
            default="",
            check=_matching(_HOST, "host"),
            description="Mail server that takes what Tamas sends; empty: no mail is sent.",
        ),
        SettingSpec(
            key="smtp.port",
            default=587,
            check=_whole(1, 65_535),
            description="Port of the mail server.",
        ),
        SettingSpec(
            key="smtp.security",
            default="starttls",
            check=_one_of("starttls", "tls", "none"),
            description="How the connection is encrypted: from its second step on, from its begin, or not.",
        ),
        SettingSpec(
            key="smtp.account",
            default="",
            check=_line,
            description="Account at the mail server; empty: it asks for none.",
        ),
        SettingSpec(
            key="smtp.password",
            default="",
            check=_sealed,
            secret=True,
            description="Password of that account.",
        ),
        SettingSpec(
            key="smtp.sender",
            default="",
            check=_matching(_MAIL_ADDRESS, "mail address"),
            description="Address that mail comes from; empty: the account, if that is an address.",
        ),
        SettingSpec(
            key="component_api.method",
            default="post",
            check=_one_of("post", "get"),
            description="How web services of the call flow are asked: post, a JSON body; get, the query.",
        ),
        SettingSpec(
            key="component_api.username",
            default="",
            check=_matching(_API_ACCOUNT, "user name without a colon"),
            description="User name that those web services are told (HTTP Basic); empty: none.",
        ),
        SettingSpec(
            key="component_api.password",
            default="",
            check=_sealed,
            secret=True,
            description="Password of that user.",
        ),
        SettingSpec(
            key="component_api.timeout_seconds",
            default=1.0,
            check=_seconds(0.1, 30),
            description="Seconds that a call waits for such a web service.",
        ),
        SettingSpec(
            key="component_api.allow_internal",
            default=True,
            check=_boolean,
            description="Whether they may be on this machine and in networks that are not the internet's.",
        ),
        SettingSpec(
            key="uploads.audio_bytes",
            default=5_242_880,
            check=_whole(1024, MAX_UPLOAD),
            description="Bytes that an uploaded sound may have.",
        ),
        SettingSpec(
            key="uploads.fax_bytes",
            default=1_048_576,
            check=_whole(1024, MAX_UPLOAD),
            description="Bytes that an uploaded document may have.",
        ),
        SettingSpec(
            key="uploads.csv_bytes",
            default=512_000,
            check=_whole(1024, MAX_UPLOAD),
            description="Bytes that an uploaded table may have.",
        ),
        SettingSpec(
            key="fax.numbers",
            default=[],
            check=_numbers,
            description="Numbers that receive faxes, as they are dialed or as trunks bring them.",
        ),
        SettingSpec(
            key="fax.received_format",
            default="pdf",
            check=_one_of("pdf", "tiff"),
            description="Form in which received faxes are handed out.",
        ),
        SettingSpec(
            key="fax.caller_id",
            default="000",
            check=_caller_number,
            description="Number that outgoing faxes show: as caller ID and as station ID.",
        ),
        SettingSpec(
            key="fax.answer_seconds",
            default=60,
            check=_whole(5, 600),
            description="Seconds that an outgoing fax waits for an answer.",
        ),
        SettingSpec(
            key="fax.seconds_before_send",
            default=1,
            check=_whole(0, 60),
            description="Seconds between the answer, or the last digit, and the fax.",
        ),
        SettingSpec(
            key="fax.seconds_before_digits",
            default=1,
            check=_whole(0, 60),
            description="Seconds between the answer and the digits of an inner extension.",
        ),
        SettingSpec(
            key="fax.seconds_after_digits",
            default=3,
            check=_whole(0, 60),
            description="Seconds that an inner extension gets to answer.",
        ),
        SettingSpec(
            key="fax.digit_gap_ms",
            default=500,
            check=_whole(50, 5000),
            description="Milliseconds between the digits of an inner extension.",
        ),
        SettingSpec(
            key="fax.transport",
            default="auto",
            check=_one_of("auto", "audio"),
            description="auto: T.38 where trunk and far end can, else G.711; audio: G.711 only.",
        ),
        SettingSpec(
            key="fax.excluded_prefixes",
            default=[],
            check=_numbers,
            description="Beginnings of numbers to which no fax is sent.",
        ),
        SettingSpec(
            key="fax.abandon_seconds",
            default=300,
            check=_whole(60, 7200),
            description="Seconds after which the call of an outgoing fax is given up; each page adds two "
            "minutes.",
        ),
        SettingSpec(
            key="fax.calls_per_trunk",
            default=2,
            check=_whole(1, 100),
            description="Outgoing faxes at the same time over one trunk.",
        ),
        SettingSpec(
            key="numbers.country_code",
            default="",
            check=_matching(_DIAL_CODE, "dial code of a country, such as 98"),
            description="Dial code of this country, without + or 00; empty: numbers keep theirs.",
        ),
        SettingSpec(
            key="numbers.region_code",
            default="",
            check=_matching(_DIAL_CODE, "dial code of a region, such as 21"),
            description="Dial code of this region, without the leading 0; empty: numbers keep theirs.",
        ),
        SettingSpec(
            key="disa.max_digits",
            default=11,
            check=_whole(1, 32),
            description="Digits that a caller may dial at the dial tone of DISA.",
        ),
        SettingSpec(
            key="burst.enabled",
            default=False,
            check=_boolean,
            description="Whether many calls from one area in a short time are recognised by themselves.",
        ),
        SettingSpec(
            key="burst.prefix_length",
            default=4,
            check=_whole(1, 20),
            description="First digits of a caller's number that make an area.",
        ),
        SettingSpec(
            key="burst.count",
            default=10,
            check=_whole(1, 100_000),
            description="Calls from one area that make a burst.",
        ),
        SettingSpec(
            key="burst.minutes",
            default=10,
            check=_whole(1, 1440),
            description="Minutes in which they come.",
        ),
        SettingSpec(
            key="burst.excepted",
            default=[],
            check=_numbers,
            description="Beginnings of numbers that are neither counted nor recognised, such as 09.",
        ),
        SettingSpec(
            key="burst.announcement",
            default="",
            check=_line,
            description="Announcement that callers of a burst hear; empty: none.",
        ),
        SettingSpec(
            key="autodialer.caller_id",
            default="1000",
            check=_caller_number,
            description="Number that calls of campaigns show; carriers may refuse what is none of theirs.",
        ),
        SettingSpec(
            key="autodialer.ring_seconds",
            default=45,
            check=_whole(5, 300),
            description="Seconds that a campaign lets a number ring.",
        ),
        SettingSpec(
            key="autodialer.max_calls",
            default=0,
            check=_whole(0, 10_000),
            description="Calls of all campaigns at the same time; 0: what the trunk managers allow.",
        ),
        SettingSpec(
            key="autodialer.max_per_number_per_day",
            default=0,
            check=_whole(0, 1000),
            description="Calls of campaigns that one number may get within 24 hours; 0: no limit.",
        ),
        SettingSpec(
            key="events.days",
            default=7,
            check=_whole(4, 3650),
            description="Days that events and tries to deliver them are kept; they are tried for three.",
        ),
        SettingSpec(
            key="events.rows",
            default=2_000_000,
            check=_whole(10_000, 1_000_000_000),
            description="Events, and tries to deliver them, that are kept at most.",
        ),
        SettingSpec(
            key="events.allow_internal",
            default=False,
            check=_boolean,
            description="Whether every receiver of events may be on this machine and in networks that are "
            "not the internet's; else only those that say so.",
        ),
    )
}
"""Every setting by its key."""


async def load_runtime_settings(database: Database) -> dict[str, Any]:
    """All settings, defaults filled in."""
    values = {key: spec.default for key, spec in SETTINGS.items()}
    async with database.read() as connection:
        for row in await connection.rows(select(runtime_settings.c.key, runtime_settings.c.value)):
            if row["key"] in values:
                values[row["key"]] = msgspec.json.decode(row["value"])
    return values


async def set_runtime_setting(database: Database, changes: Changes, key: str, value: Any) -> Any:
    """Change one setting; every process obeys it from its next request on.

    :returns: the value as it was stored.
    :raises SettingError: unknown key or unusable value.
    """
    return (await set_runtime_settings(database, changes, {key: value}))[key]


async def set_runtime_settings(
    database: Database, changes: Changes, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Change several settings in one transaction, or none of them.

    :returns: the values as they were stored.
    :raises SettingError: unknown key or unusable value.
    """
    checked = {key: checked_setting(key, value) for key, value in values.items()}
    insert = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
    at = now()
    async with database.write() as tx:
        for key, value in checked.items():
            row = {"value": msgspec.json.encode(value).decode(), "updated_at": at}
            await tx.execute(
                insert(runtime_settings)
                .values(key=key, **row)
                .on_conflict_do_update(index_elements=["key"], set_=row)
            )
        await changes.bump(tx)
    return checked


def checked_setting(key: str, value: Any) -> Any:
    """A value for a setting, brought into the shape in which it is stored.

    :raises SettingError: unknown key or unusable value.
    """
    spec = SETTINGS.get(key)
    if spec is None:
        raise SettingError(f"there is no setting {key!r}; known: {', '.join(sorted(SETTINGS))}")
    try:
        return spec.check(value)
    except SettingError as error:
        error.key = key
        raise
