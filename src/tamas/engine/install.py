"""Which Asterisk runs: an installed one when it will do, else one fetched into a private prefix.

Asterisk 22.10.1 is the oldest that will do (fixes of crashes and of security holes, and ``password_digest``
in PJSIP's auth objects). Distributions carry older ones or none, so usually it comes from Debian testing or
unstable through `tamas.engine.debian_prefix`, without root and without touching the system.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tamas.engine.debian_prefix import (
    Prefix,
    PrefixError,
    PrefixRequest,
    Progress,
    cached_prefix,
    ensure_prefix,
)
from tamas.engine.modules import OPTIONAL_MODULES, REQUIRED_MODULES, missing_modules, present_modules
from tamas.errors import SetupError, TamasError

_log = logging.getLogger(__name__)

MINIMUM_VERSION = (22, 10, 1)
KNOWN_GOOD_VERSIONS = ("22.10.1",)
"""Versions that the test-suite ran on. Later ones of the same major version are used with a notice."""

OdbcDriver = Literal["sqlite", "postgresql"]

_VERSION_TIME_LIMIT = 10.0
_DRIVER_FILES: dict[OdbcDriver, str] = {"sqlite": "libsqlite3odbc.so", "postgresql": "psqlodbca.so"}
_MODULE_DIRS = ("lib/*-linux-gnu/asterisk/modules", "lib/asterisk/modules", "lib64/asterisk/modules")
_DRIVER_DIRS = ("lib/*-linux-gnu/odbc", "lib/odbc", "lib64/odbc", "lib/*-linux-gnu", "lib", "lib64")
_DOCUMENTATION = "documentation/core-en_US.xml"
_MINIMUM_TEXT = ".".join(map(str, MINIMUM_VERSION))


class AsteriskUnusableError(SetupError):
    """An installed Asterisk will not do; the text says why."""


class AsteriskUnavailableError(TamasError):
    """No Asterisk could be had; the text says what was tried and what to do."""


@dataclass(frozen=True, kw_only=True)
class AsteriskInstall:
    """An Asterisk that is ready to be configured and started. Nothing in it is ever written to."""

    version: str
    """As Asterisk counts: ``22.10.1``."""
    origin: str
    """Where it came from, for people."""
    command: tuple[str, ...]
    """The words that start the program; its own options follow."""
    modules_dir: Path
    """``astmoddir``."""
    modules: tuple[str, ...]
    """The modules to load, in order, without ``.so``: every required one, and the optional ones present."""
    data_dir: Path
    """``astdatadir``."""
    sounds_dir: Path
    """Holds ``en/`` with the English prompts."""
    moh_dir: Path | None
    """Music on hold, if any came along."""
    odbc_drivers: Mapping[OdbcDriver, Path]
    library_path: tuple[Path, ...]
    """Folders of the private libraries; empty for an installed Asterisk."""
    environment: Mapping[str, str]
    """Variables that Asterisk needs besides those of its configuration."""


def parse_version(text: str) -> tuple[int, int, int] | None:
    """Return the version in what ``asterisk -V`` or a Debian package says, None when it is no release.

    ``Asterisk 22.10.1~dfsg`` and ``1:22.10.1+dfsg-1`` give ``(22, 10, 1)``.
    """
    match = re.match(r"(?:Asterisk |\d+:)?(\d+)\.(\d+)(?:\.(\d+))?(?![\w.]|[-~](?:rc|beta))", text.strip())
    return None if match is None else (int(match[1]), int(match[2]), int(match[3] or 0))


def refusal_of_version(text: str) -> str | None:
    """Say why the Asterisk that calls itself `text` will not do, or None when it will."""
    version = parse_version(text)
    if version is not None and version[0] == MINIMUM_VERSION[0] and version >= MINIMUM_VERSION:
        return None
    wanted = f"Tamas needs Asterisk {MINIMUM_VERSION[0]}, {_MINIMUM_TEXT} or later"
    return f"it is {text.strip() or 'of unknown version'}; {wanted}"


def find_asterisk(configured: Path | None) -> AsteriskInstall | None:
    """Return an installed Asterisk that will do: the `configured` program, else the first one on PATH.

    Raises `AsteriskUnusableError` when `configured` will not do. An unusable one on PATH is only logged.
    """
    if configured is not None:
        return _inspect(configured)
    search_path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin"
    program = shutil.which("asterisk", path=search_path)
    if program is None:
        return None
    try:
        return _inspect(Path(program))
    except AsteriskUnusableError as error:
        _log.info("not using the installed Asterisk: %s", error)
        return None


def find_cached_asterisk(cache_dir: Path) -> AsteriskInstall | None:
    """Return the Asterisk that was fetched into `cache_dir` before, if any; nothing is fetched.

    Raises `PrefixError` when it is damaged.
    """
    prefix = cached_prefix(asterisk_request(), cache_dir)
    return None if prefix is None else _from_prefix(prefix)


def ensure_asterisk(cache_dir: Path, configured: Path | None, progress: Progress) -> AsteriskInstall:
    """Return an Asterisk that will do: an installed one, else the cached one, else fetch it.

    Raises `AsteriskUnusableError` when `configured` will not do, `AsteriskUnavailableError` when none can
    be had.
    """
    install = find_asterisk(configured)
    if install is None:
        try:
            install = _from_prefix(ensure_prefix(asterisk_request(), cache_dir, progress=progress))
        except PrefixError as error:
            raise AsteriskUnavailableError(f"{error}\n{_what_to_do()}") from error
    if install.version not in KNOWN_GOOD_VERSIONS:
        _log.warning(
            "Asterisk %s is newer than those Tamas was tested with (%s)",
            install.version,
            ", ".join(KNOWN_GOOD_VERSIONS),
        )
    return install


def ensure_tool(cache_dir: Path, package: str, program: str, progress: Progress) -> tuple[str, ...]:
    """Return the words that start `program` (such as ``usr/bin/wrk``) of the Debian package `package`.

    One of that name on PATH is not used, so that everybody measures with the same. Raises `PrefixError`.
    """
    request = PrefixRequest(name=package, packages=(package,), roots=(program,))
    return ensure_prefix(request, cache_dir, progress=progress).command(program)


def ensure_sipp(cache_dir: Path, progress: Progress) -> tuple[str, ...]:
    """Return the words that start SIPp, fetched when it is not cached; raises `PrefixError`."""
    return ensure_tool(cache_dir, "sip-tester", "usr/bin/sipp", progress)


def asterisk_request(architecture: str = "") -> PrefixRequest:
    """Return what a private prefix must hold for Asterisk; `architecture` is empty for this machine's."""
    module = "usr/lib/*/asterisk/modules/{}.so".format
    data = "usr/share/asterisk"
    return PrefixRequest(
        name="asterisk",
        packages=(
            "asterisk",
            "asterisk-modules",
            "asterisk-core-sounds-en-wav",
            "asterisk-moh-opsound-wav",
            "libsqliteodbc",
            "odbc-postgresql",
        ),
        roots=(
            "usr/sbin/asterisk",
            *(f"usr/lib/*/odbc/{file}" for file in _DRIVER_FILES.values()),
            *map(module, REQUIRED_MODULES),
        ),
        optional_roots=tuple(map(module, OPTIONAL_MODULES)),
        # Made by the installation script of asterisk-core-sounds-en; without it Playback fails silently.
        links=((f"{data}/sounds/en", "en_US_f_Allison"),),
        unwanted=(
            "etc",
            "usr/lib/systemd",
            *(f"{data}/{name}" for name in ("conf", "firmware", "phoneprov", "rest-api", "static-http")),
            "var",
        ),
        edition=_MINIMUM_TEXT,
        refusal=lambda versions: refusal_of_version(versions.get("asterisk", "")),
        architecture=architecture,
    )


def _from_prefix(prefix: Prefix) -> AsteriskInstall:
    package_version = prefix.versions["asterisk"]
    libraries = prefix.library_path[0]
    modules_dir = libraries / "asterisk/modules"
    data_dir = prefix.root / "usr/share/asterisk"
    return AsteriskInstall(
        version=".".join(map(str, parse_version(package_version) or MINIMUM_VERSION)),
        origin=f"Debian {prefix.suite}, {package_version} ({prefix.architecture}), in {prefix.root.parent}",
        command=prefix.command("usr/sbin/asterisk"),
        modules_dir=modules_dir,
        modules=present_modules(modules_dir),
        data_dir=data_dir,
        sounds_dir=data_dir / "sounds",
        moh_dir=data_dir / "moh",
        odbc_drivers={name: libraries / "odbc" / file for name, file in _DRIVER_FILES.items()},
        library_path=prefix.library_path,
        # The prefix's C library would else look for character set converters of the system's.
        environment={"GCONV_PATH": str(libraries / "gconv")},
    )


def _inspect(program: Path) -> AsteriskInstall:
    """Return the installed Asterisk `program`; raises `AsteriskUnusableError` with every reason found."""
    said = _version_line(program)
    if reason := refusal_of_version(said):
        raise AsteriskUnusableError(f"{program} cannot be used: {reason}")
    top = program.resolve().parent.parent
    modules_dir = _first(top, _MODULE_DIRS, "app_dial.so")
    data_dir = _first(top, ("share/asterisk", "var/lib/asterisk"), _DOCUMENTATION) or _first(
        Path("/"), ("var/lib/asterisk",), _DOCUMENTATION
    )
    drivers: dict[OdbcDriver, Path] = {}
    reasons: list[str] = []
    for name, file in _DRIVER_FILES.items():
        if folder := _first(top, _DRIVER_DIRS, file) or _first(Path("/usr"), _DRIVER_DIRS, file):
            drivers[name] = folder / file
        else:
            reasons.append(f"the ODBC driver for {name} ({file}) is not installed")
    if modules_dir is None:
        reasons.append(f"its modules are not below {top}")
    elif absent := missing_modules(modules_dir):
        reasons.append(f"it lacks the modules {', '.join(absent)}")
    if data_dir is None:
        reasons.append(
            f"its data directory with {_DOCUMENTATION} is neither below {top} nor /var/lib/asterisk"
        )
    elif not any((data_dir / "sounds/en").glob("beep.*")):
        reasons.append(f"the English prompts are not in {data_dir / 'sounds/en'}")
    if reasons or modules_dir is None or data_dir is None:
        raise AsteriskUnusableError(f"{program} cannot be used: {'; '.join(reasons)}")
    moh_dir = data_dir / "moh"
    return AsteriskInstall(
        version=".".join(map(str, parse_version(said) or MINIMUM_VERSION)),
        origin=f"installed as {program}",
        command=(str(program),),
        modules_dir=modules_dir,
        modules=present_modules(modules_dir),
        data_dir=data_dir,
        sounds_dir=data_dir / "sounds",
        moh_dir=moh_dir if moh_dir.is_dir() else None,
        odbc_drivers=drivers,
        library_path=(),
        environment={},
    )


def _version_line(program: Path) -> str:
    try:
        done = subprocess.run(
            [str(program), "-V"],
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=_VERSION_TIME_LIMIT,
        )
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise AsteriskUnusableError(f"{program} cannot be used: it does not run ({error})") from error
    if done.returncode != 0:
        raise AsteriskUnusableError(
            f"{program} cannot be used: asked for its version it ended with status {done.returncode}"
        )
    return done.stdout


def _first(top: Path, folders: tuple[str, ...], holding: str) -> Path | None:
    """Return the first of `folders` (globs below `top`) in which the path `holding` exists."""
    found = (folder for pattern in folders for folder in sorted(top.glob(pattern)))
    return next((folder for folder in found if (folder / holding).exists()), None)


def _what_to_do() -> str:
    return (
        f"Give this machine a way to a Debian mirror (apt's proxy settings are used), or install Asterisk "
        f"{MINIMUM_VERSION[0]}, {_MINIMUM_TEXT} or later, and set TAMAS_ASTERISK to its program. As the last "
        f"resort build it from source: install the development files of unixODBC, SRTP, SpanDSP and SQLite "
        f"and the packages libsqliteodbc and odbc-postgresql, unpack asterisk-{_MINIMUM_TEXT}.tar.gz of "
        f"https://downloads.asterisk.org/pub/telephony/asterisk/releases/, run './configure "
        f"--with-pjproject-bundled --with-jansson-bundled', 'make' and 'sudo make install', and set "
        f"TAMAS_ASTERISK=/usr/sbin/asterisk."
    )
