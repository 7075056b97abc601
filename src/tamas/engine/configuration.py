"""Asterisk's configuration: written once for each start, from process settings only.

What administrators change while it runs is in the store and reaches Asterisk through the views
(:mod:`tamas.store.views`); nothing that comes from outside ever stands in these files. The texts lie in
``templates/``, one file each; :func:`write_configuration` fills them in.
"""

from __future__ import annotations

import hashlib
import os
import re
import resource
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final, NewType

from tamas.engine.fixed_dialplan import agi_url_conf, extensions_conf
from tamas.engine.install import AsteriskInstall
from tamas.engine.layout import EngineLayout
from tamas.engine.modules import CONFIG_FILES_NEEDED
from tamas.engine.music import link_stock_music, stock_folder
from tamas.engine.odbc import OBJECTS, RECORDS, driver_of, odbc_ini, odbcinst_ini
from tamas.errors import TamasError
from tamas.settings import Settings
from tamas.store.views import REALM, STOCK_MUSIC

AMI_USER: Final = "tamas"
LOOPBACK: Final = "127.0.0.1"
SIP_TRANSPORTS: Final = ("udp", "tcp")
"""By which phones reach us, all on one port."""
CEL_EVENTS: Final = (
    "CHAN_START",
    "CHAN_END",
    "ANSWER",
    "HANGUP",
    "BRIDGE_ENTER",
    "BRIDGE_EXIT",
    "APP_START",
    "APP_END",
    "LINKEDID_END",
    "BLINDTRANSFER",
    "ATTENDEDTRANSFER",
    "PICKUP",
    "FORWARD",
    "LOCAL_OPTIMIZE",
    "USER_DEFINED",
)
"""Everything that records are made from, and no more: CEL passes one serial queue."""

MODULES_LEFT_OUT: Final = frozenset({"chan_iax2"})
"""Present but not loaded: IAX2 would listen on port 4569 of every address, and no setting says otherwise."""
MAX_OPEN_FILES: Final = 65_535
"""A bridged call holds some ten descriptors."""
SQLITE_CONNECTIONS: Final = 4
POSTGRESQL_CONNECTIONS: Final = 10
SECRET_BYTES: Final = 32

_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f;]")
_EMPTY: Final = (
    "acl.conf",
    "ccss.conf",
    "cli.conf",
    "dnsmgr.conf",
    "dsp.conf",
    "enum.conf",
    "func_odbc.conf",
    "queuerules.conf",
    "res_fax.conf",
)
"""Read by the core or by modules that are content with nothing, but complain when the file is not there."""

ConfigDigest = NewType("ConfigDigest", str)
"""SHA-256 over everything a running Asterisk was configured with, except what differs
from start to start: its ports and the limit of open files."""


class ConfigurationError(TamasError):
    """Asterisk cannot be configured with these settings; the text says why."""


@dataclass(frozen=True, kw_only=True)
class EnginePorts:
    """TCP ports on loopback over which we and Asterisk talk."""

    ami: int
    agi: int

    @property
    def agi_url(self) -> str:
        """What the dialplan puts before ``/call``."""
        return f"agi://{LOOPBACK}:{self.agi}"


@dataclass(frozen=True, kw_only=True)
class EngineSecrets:
    """Secrets between us and Asterisk, the same for every start of a state directory."""

    ami: str


def load_secrets(layout: EngineLayout) -> EngineSecrets:
    """Read the secrets, making them at the first start.

    :raises ConfigurationError: the file holds something else.
    """
    path = layout.ami_secret
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _write(path.with_suffix(".new"), secrets.token_urlsafe(SECRET_BYTES))
        path.with_suffix(".new").rename(path)
    text = path.read_text().strip()
    if re.fullmatch(r"[A-Za-z0-9_-]{32,}", text) is None:
        raise ConfigurationError(f"{path} does not hold a secret that Tamas wrote; remove it")
    return EngineSecrets(ami=text)


def write_configuration(
    settings: Settings, install: AsteriskInstall, ports: EnginePorts, secrets: EngineSecrets
) -> ConfigDigest:
    """Replace the whole configuration. Asterisk of this state directory must not be running.

    :returns: the digest by which a later start tells whether a running Asterisk has what it would write.
    :raises ConfigurationError: a setting cannot be written, or the ODBC driver is missing.
    :raises tamas.engine.odbc.OdbcSettingError: a part of the database URL cannot be written.
    :raises tamas.engine.layout.RunDirectoryTakenError: see there.
    """
    layout = EngineLayout(state_dir=settings.state_dir)
    layout.make_directories()
    link_stock_music(layout, install)
    etc, odbc = _render(settings, install, ports, secrets, layout, open_files=_open_files())
    _replace_directory(layout.etc, etc)
    _replace_directory(layout.odbc, odbc)
    return configuration_digest(settings, install, secrets)


def write_agi_url(layout: EngineLayout, url: str) -> None:
    """Note, for reloads of the dialplan, where a running Asterisk sends calls from now on."""
    draft = layout.agi_url.with_suffix(".new")
    _write(draft, agi_url_conf(url))
    draft.rename(layout.agi_url)


def configuration_digest(
    settings: Settings, install: AsteriskInstall, secrets: EngineSecrets
) -> ConfigDigest:
    """Return the digest of what :func:`write_configuration` would write. Raises as it does."""
    layout = EngineLayout(state_dir=settings.state_dir)
    digest = hashlib.sha256(repr((install.version, install.command)).encode())
    for files in _render(settings, install, EnginePorts(ami=0, agi=0), secrets, layout, open_files=0):
        digest.update(repr(sorted(files.items())).encode())
    return ConfigDigest(digest.hexdigest())


def engine_environment(install: AsteriskInstall, layout: EngineLayout) -> dict[str, str]:
    """Return the whole environment of the Asterisk process."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(layout.lib),
        "LANG": "C.UTF-8",
        # Every time that Asterisk writes down is UTC.
        "TZ": "UTC",
        "ODBCSYSINI": str(layout.odbc),
        "ODBCINI": str(layout.odbc / "odbc.ini"),
        # How the database's certificate is checked, as our own driver reads it.
        **{name: value for name, value in os.environ.items() if name.startswith("PGSSL")},
        **install.environment,
    }


def _render(
    settings: Settings,
    install: AsteriskInstall,
    ports: EnginePorts,
    secrets: EngineSecrets,
    layout: EngineLayout,
    *,
    open_files: int,
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the files of ``etc`` and of ``odbc``."""
    driver = driver_of(settings.database_url)
    if driver not in install.odbc_drivers:
        raise ConfigurationError(
            f"Asterisk {install.version} ({install.origin}) has no ODBC driver: {driver}"
        )
    values = {
        "etc": layout.etc,
        "lib": layout.lib,
        "db": layout.db,
        "keys": layout.keys,
        "spool": layout.spool,
        "run": layout.run,
        "log": layout.log,
        "log_file": layout.messages.name,
        "modules_dir": install.modules_dir,
        "data_dir": install.data_dir,
        "modules": "\n".join(f"load = {name}.so" for name in install.modules if name not in MODULES_LEFT_OUT),
        "open_files": open_files,
        "realm": REALM,
        "transports": _transports(settings),
        "objects": OBJECTS,
        "records": RECORDS,
        "objects_connections": SQLITE_CONNECTIONS if driver == "sqlite" else POSTGRESQL_CONNECTIONS,
        "records_connections": SQLITE_CONNECTIONS,
        "cel_events": ",".join(CEL_EVENTS),
        "ami_port": ports.ami,
        "ami_user": AMI_USER,
        "ami_secret": secrets.ami,
        "rtp_first": settings.rtp_ports.first,
        "rtp_last": settings.rtp_ports.last,
        "music_classes": _music_classes(layout, install),
    }
    for name, value in values.items():
        if name not in ("modules", "transports", "music_classes") and _UNSAFE.search(str(value)):
            raise ConfigurationError(
                f"{name}: {str(value)!r} cannot be written into Asterisk's configuration"
            )
    etc = dict.fromkeys((*_EMPTY, *CONFIG_FILES_NEEDED), "")
    for template in resources.files("tamas.engine").joinpath("templates").iterdir():
        etc[template.name] = Template(template.read_text("utf-8")).substitute(values)
    etc[layout.agi_url.name] = agi_url_conf(ports.agi_url)
    etc["extensions.conf"] = extensions_conf(
        agi_url_file=layout.agi_url,
        custom_plans=layout.custom_plans,
        fallback_number=settings.fallback_number,
        fax_dir=layout.faxes,
        received_fax_dir=layout.received_faxes,
        dialer_sounds=layout.dialer_sounds,
    )
    odbc = {
        "odbc.ini": odbc_ini(settings.database_url),
        "odbcinst.ini": odbcinst_ini({driver: install.odbc_drivers[driver]}),
    }
    return etc, odbc


def _transports(settings: Settings) -> str:
    host = f"[{settings.sip_host}]" if ":" in settings.sip_host else settings.sip_host
    return "\n\n".join(
        f"[{protocol}]\ntype = transport\nprotocol = {protocol}\nbind = {host}:{settings.sip_port}"
        for protocol in SIP_TRANSPORTS
    )


def _music_classes(layout: EngineLayout, install: AsteriskInstall) -> str:
    if install.moh_dir is None:
        return "; This Asterisk came without music on hold."
    return f"\n[{STOCK_MUSIC}]\nmode = files\ndirectory = {stock_folder(layout)}\nsort = random"


def _open_files() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)


def _replace_directory(directory: Path, files: Mapping[str, str]) -> None:
    """Put a directory with exactly these files in place, so that a reader never sees half of it."""
    fresh, old = directory.with_name(directory.name + ".new"), directory.with_name(directory.name + ".old")
    for leftover in (fresh, old):
        if leftover.exists():
            shutil.rmtree(leftover)
    fresh.mkdir(mode=0o700)
    for name, text in files.items():
        _write(fresh / name, text)
    if directory.exists():
        directory.rename(old)
    fresh.rename(directory)
    if old.exists():
        shutil.rmtree(old)


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
