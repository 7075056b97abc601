"""Process settings: environment variables over ``tamas.toml`` over defaults.

These decide where a process runs (directories, ports, database). What an administrator changes while it
runs lives in the store instead, see :mod:`tamas.store.runtime_settings`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Final, Literal, get_args

from tamas.errors import SetupError
from tamas.store_address import StoreAddressError, parse_address

LogFormat = Literal["text", "json"]
Network = IPv4Network | IPv6Network

CONFIG_FILES = (Path("tamas.toml"), Path("/etc/tamas/tamas.toml"))
"""Where settings are looked for when ``TAMAS_CONFIG`` names no file; the first that exists counts."""

MIN_RTP_PORTS = 4
"""One bridged call needs two RTP and two RTCP ports."""


class SettingsError(SetupError):
    """A process setting has a value that cannot be used; the text names the setting."""


@dataclass(frozen=True, kw_only=True)
class PortRange:
    """An inclusive range of UDP ports."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a Tamas process has to know before it opens its store."""

    state_dir: Path
    """Holds the SQLite store, generated secrets, recordings and what Asterisk needs. Mode 0700."""
    cache_dir: Path
    """Holds what can be fetched again (Asterisk, SIPp); shared by all instances of a user."""
    database_url: str
    """``sqlite:///PATH`` or ``postgresql+asyncpg://USER:PASSWORD@HOST:PORT/NAME?sslmode=MODE``."""
    http_host: str
    http_port: int
    http_tls_cert: Path | None
    http_tls_key: Path | None
    trusted_proxies: tuple[Network, ...]
    """Networks whose ``X-Forwarded-For`` is believed."""
    sip_host: str
    """Address that SIP and RTP bind to; ``0.0.0.0`` is every IPv4 address."""
    sip_port: int
    rtp_ports: PortRange
    asterisk: Path | None
    """An installed Asterisk to use in place of the fetched one."""
    log_format: LogFormat
    fallback_number: str
    """Extension that rings when the call flow is unreachable and the dialed number is no extension."""
    console_style_page: bool
    """Whether the console shows its style page, for whoever works on the console."""
    user: str
    """System user that ``serve`` becomes when root starts it."""

    @property
    def tls(self) -> bool:
        return self.http_tls_cert is not None

    @property
    def http_address(self) -> str:
        """URL at which this process answers, for people and scripts on this machine."""
        host = "127.0.0.1" if self.http_host in ("0.0.0.0", "::", "") else self.http_host  # noqa: S104
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls else 'http'}://{host}:{self.http_port}"


_PREFIX: Final = "TAMAS_"
_NAMES: Final = frozenset(field.name for field in fields(Settings))


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """Names of variables that look like settings and are none: misspelt, or of another version.

    :param environment: variables to look at in place of ``os.environ``.
    """
    env = os.environ if environment is None else environment
    known = {f"{_PREFIX}{name.upper()}" for name in _NAMES} | {"TAMAS_CONFIG"}
    return sorted(name for name in env if name.startswith(_PREFIX) and name not in known)


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of this process.

    :param environment: variables to read in place of ``os.environ``.
    :raises SettingsError: a value is malformed, or ``TAMAS_CONFIG`` names a file that cannot be read.
    """
    env = os.environ if environment is None else environment
    values = _file_values(env)
    for name in _NAMES:
        if value := env.get(_PREFIX + name.upper()):
            values[name] = value
    return _build(values, env)


def _file_values(env: Mapping[str, str]) -> dict[str, str]:
    named = env.get("TAMAS_CONFIG")
    candidates = (Path(named),) if named else CONFIG_FILES
    for path in candidates:
        if not named and not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                content = tomllib.load(file)
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"{path}: {error}") from error
        if unknown := sorted(content.keys() - _NAMES):
            raise SettingsError(f"{path}: there is no setting {', '.join(unknown)}")
        return {key: _as_text(path, key, value) for key, value in content.items()}
    return {}


def _as_text(path: Path, key: str, value: object) -> str:
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    raise SettingsError(f"{path}: {key} must be text, a number or a list")


def default_state_dir(environment: Mapping[str, str] | None = None) -> Path:
    """Where state lies when nothing says otherwise: a system directory for root, else the user's own."""
    return _own_directory(environment, Path("/var/lib"), "XDG_STATE_HOME", ".local/state")


def default_cache_dir(environment: Mapping[str, str] | None = None) -> Path:
    """Where fetched things lie when nothing says otherwise."""
    return _own_directory(environment, Path("/var/cache"), "XDG_CACHE_HOME", ".cache")


def _own_directory(
    environment: Mapping[str, str] | None, system: Path, variable: str, below_home: str
) -> Path:
    env = os.environ if environment is None else environment
    home = Path(env.get("HOME") or "/")
    return (system if os.geteuid() == 0 else Path(env.get(variable) or home / below_home)) / "tamas"


def _build(values: Mapping[str, str], env: Mapping[str, str]) -> Settings:
    state_dir = Path(values.get("state_dir", default_state_dir(env))).absolute()
    cache_dir = Path(values.get("cache_dir", default_cache_dir(env)))
    certificate, key = values.get("http_tls_cert"), values.get("http_tls_key")
    if bool(certificate) != bool(key):
        raise SettingsError("TAMAS_HTTP_TLS_CERT and TAMAS_HTTP_TLS_KEY go together")
    return Settings(
        state_dir=state_dir,
        cache_dir=cache_dir.absolute(),
        database_url=_database_url(values.get("database_url", ""), state_dir),
        http_host=_address("http_host", values.get("http_host", "127.0.0.1")),
        http_port=_port("http_port", values.get("http_port", "8080")),
        http_tls_cert=Path(certificate).absolute() if certificate else None,
        http_tls_key=Path(key).absolute() if key else None,
        trusted_proxies=_networks("trusted_proxies", values.get("trusted_proxies", "")),
        sip_host=_address("sip_host", values.get("sip_host", "0.0.0.0")),  # noqa: S104 - phones come from outside
        sip_port=_port("sip_port", values.get("sip_port", "5060")),
        rtp_ports=_port_range("rtp_ports", values.get("rtp_ports", "10000-20000")),
        asterisk=Path(values["asterisk"]).absolute() if values.get("asterisk") else None,
        log_format=_log_format(values.get("log_format", "text")),
        fallback_number=_digits("fallback_number", values.get("fallback_number", "")),
        console_style_page=_yes_no("console_style_page", values.get("console_style_page", "no")),
        user=values.get("user", "tamas"),
    )


def _database_url(text: str, state_dir: Path) -> str:
    if not text:
        return f"sqlite:///{state_dir / 'tamas.db'}"
    try:
        return parse_address(text).render_as_string(hide_password=False)
    except StoreAddressError as error:
        raise SettingsError(f"TAMAS_DATABASE_URL: {error}") from error


def _address(name: str, text: str) -> str:
    if text == "localhost":
        return "127.0.0.1"
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise SettingsError(f"TAMAS_{name.upper()}: {text!r} is not an IP address") from error


def _port(name: str, text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise SettingsError(f"TAMAS_{name.upper()}: {text!r} is not a port (1 to 65535)")


def _port_range(name: str, text: str) -> PortRange:
    first, dash, last = text.partition("-")
    if not dash:
        raise SettingsError(f"TAMAS_{name.upper()}: {text!r} is not a range like 10000-20000")
    ports = PortRange(first=_port(name, first.strip()), last=_port(name, last.strip()))
    if ports.last - ports.first + 1 < MIN_RTP_PORTS:
        raise SettingsError(f"TAMAS_{name.upper()}: {text!r} holds fewer than {MIN_RTP_PORTS} ports")
    return ports


def _networks(name: str, text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise SettingsError(f"TAMAS_{name.upper()}: {error}") from error


def _log_format(text: str) -> LogFormat:
    for known in get_args(LogFormat):
        if text == known:
            return known  # type: ignore[no-any-return]
    raise SettingsError(f"TAMAS_LOG_FORMAT: {text!r} is neither text nor json")


def _yes_no(name: str, text: str) -> bool:
    if text not in ("yes", "no"):
        raise SettingsError(f"TAMAS_{name.upper()}: {text!r} is neither yes nor no")
    return text == "yes"


def _digits(name: str, text: str) -> str:
    if text and not (text.isascii() and text.isdigit()):
        raise SettingsError(f"TAMAS_{name.upper()}: {text!r} is not a number")
    return text
