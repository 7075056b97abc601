"""Packages of a Debian archive, fetched with apt's own tools without touching the system.

A private apt configuration points every directory into a working directory and starts from an empty
package status, so that no root is needed and the host's own packages play no part. Signatures are always
checked against the Debian archive keyring; only the validity date of the archive's Release file may be past,
because mirrors that are frozen or lag behind are common and the signature still proves who made the list.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tamas.errors import TamasError

PUBLIC_MIRROR = "http://deb.debian.org/debian"
"""Debian's own front door, used when the host's apt knows no Debian archive."""
KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
APT_TIME_LIMIT = 900.0
"""Seconds that one apt command may take; a stalled connection ends much earlier by apt's own limit."""
CONNECTION_TIME_LIMIT = 30
"""Seconds that apt waits on a silent connection."""

_FOLDERS = (
    "cache/archives/partial",
    "debs",
    "etc/apt.conf.d",
    "etc/preferences.d",
    "etc/sources.list.d",
    "etc/trusted.gpg.d",
    "state/lists/partial",
)
_TOOLS = ("apt-get", "apt-config", "dpkg-deb")
# How the host reaches its mirror (proxy, certificates, address family) holds for us too; nothing else does.
_HOST_SETTING = re.compile(r"Acquire::(https?(::.*)?|Retries|ForceIPv4|ForceIPv6|Check-Date)\s")
_PRINTED_FILE = re.compile(r"'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+) ")


class ArchiveError(TamasError):
    """A Debian archive is of no use: unreachable, not signed as it must be, or without a wanted package."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A Debian archive and the keys that its lists must be signed with."""

    uri: str
    keyring: Path


@dataclass(frozen=True, kw_only=True)
class PackageFile:
    """One package file as the archive offers it."""

    name: str
    version: str
    size: int
    """Bytes to fetch."""


def host_archives() -> tuple[Archive, ...]:
    """Return the Debian archives to try, the mirror of the host's own apt configuration first.

    Raises `ArchiveError` when apt's tools or the Debian archive keyring are not installed.
    """
    absent = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if absent:
        raise ArchiveError(f"this machine has no {', '.join(absent)}; they come with Debian and Ubuntu")
    keyring = next((path for path in KEYRINGS if path.exists()), None)
    if keyring is None:
        raise ArchiveError(
            f"the keys of the Debian archive are not installed ({KEYRINGS[0]}); "
            "install the package debian-archive-keyring"
        )
    uris = [*_host_mirrors(), PUBLIC_MIRROR]
    return tuple(Archive(uri=uri, keyring=keyring) for uri in dict.fromkeys(uris))


def _host_mirrors() -> list[str]:
    """Return the URIs of the Debian archives (not the security ones) that the host's apt uses."""
    columns = "$(REPO_URI)|$(RELEASE)|$(ORIGIN)|$(LABEL)"
    # Without release info apt also names archives whose lists were never fetched, as in a fresh container.
    listed = _run(
        ["apt-get", "indextargets", "--no-release-info", "--format", columns, "Created-By: Packages"]
    )
    mirrors: list[str] = []
    for line in listed.splitlines():
        uri, release, origin, label = line.split("|")
        unknown = origin.startswith("$(")
        address = urlsplit(uri)
        named_debian = address.path.rstrip("/").endswith("/debian") and "security" not in release
        if address.scheme != "cdrom" and (named_debian if unknown else origin == label == "Debian"):
            mirrors.append(uri.rstrip("/"))
    return mirrors


class PrivateApt:
    """apt for one suite of one archive and one architecture, with all of its state in `directory`."""

    def __init__(self, directory: Path, *, archive: Archive, suite: str, architecture: str) -> None:
        self.archive = archive
        self.suite = suite
        self.architecture = architecture
        self._downloads = directory / "debs"
        self._configuration = directory / "apt.conf"
        for folder in _FOLDERS:
            (directory / folder).mkdir(parents=True)
        (directory / "status").touch()
        (directory / "etc/sources.list").write_text(
            f"deb [arch={architecture} signed-by={archive.keyring}] {archive.uri} {suite} main\n"
        )
        self._configuration.write_text(self._settings(directory))

    def _settings(self, directory: Path) -> str:
        host = "\n".join(
            line for line in _run(["apt-config", "dump"]).splitlines() if _HOST_SETTING.match(line)
        )
        return f"""
Acquire::Retries "2";
Acquire::http::Timeout "{CONNECTION_TIME_LIMIT}";
Acquire::https::Timeout "{CONNECTION_TIME_LIMIT}";
{host}
Acquire::Check-Valid-Until "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
Acquire::PDiffs "false";
APT::Architecture "{self.architecture}";
APT::Architectures {{ "{self.architecture}"; }};
APT::Get::AllowUnauthenticated "false";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Sandbox::User "root"; // means: fetch as the user we are
APT::Update::Error-Mode "any";
Dir::Cache "{directory}/cache";
Dir::Cache::srcpkgcache "";
Dir::Etc "{directory}/etc";
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Dir::Log "{directory}";
Dir::State "{directory}/state";
Dir::State::status "{directory}/status";
"""

    def update(self) -> None:
        """Fetch the package lists and check their signature; raises `ArchiveError`."""
        self._apt("update")

    def resolve(self, packages: Sequence[str]) -> dict[str, PackageFile]:
        """Return, by name, what a machine with nothing installed would fetch to install `packages`.

        Raises `ArchiveError` when a package is missing or cannot be installed.
        """
        printed = self._apt("install", "--yes", "--print-uris", *packages)
        closure: dict[str, PackageFile] = {}
        for match in _PRINTED_FILE.finditer(printed):
            name, version, _ = unquote(match["file"]).rsplit("_", 2)
            closure[name] = PackageFile(name=name, version=version, size=int(match["size"]))
        return closure

    def download(self, packages: Sequence[PackageFile]) -> dict[str, Path]:
        """Fetch the files of `packages`, each checked against the signed list, and return them by name.

        Raises `ArchiveError`.
        """
        self._apt("download", *(f"{package.name}={package.version}" for package in packages))
        found = {path.name.split("_", 1)[0]: path for path in self._downloads.glob("*.deb")}
        absent = [package.name for package in packages if package.name not in found]
        if absent:
            raise ArchiveError(f"apt fetched no file for {', '.join(absent)}")
        return {package.name: found[package.name] for package in packages}

    def _apt(self, *words: str) -> str:
        environment = os.environ | {"APT_CONFIG": str(self._configuration)}
        return _run(["apt-get", "-qq", *words], environment=environment, directory=self._downloads)


def contents(package: Path) -> set[str]:
    """Return the paths (relative, without a leading `./`) inside the package file `package`."""
    # A line reads: mode owner/group size date time ./path[ -> target]
    lines = _run(["dpkg-deb", "--contents", str(package)]).splitlines()
    return {line.split(maxsplit=5)[5].split(" -> ")[0].removeprefix("./") for line in lines}


def unpack(package: Path, directory: Path) -> set[str]:
    """Unpack `package` into `directory` and return the paths it brought, as `contents` names them."""
    printed = _run(["dpkg-deb", "--vextract", str(package), str(directory)])
    return {line.removeprefix("./") for line in printed.splitlines()}


def dependencies(package: Path) -> set[str]:
    """Return the names of all packages that `package` names as dependencies, alternatives included."""
    fields = _run(["dpkg-deb", "--showformat", "${Depends}, ${Pre-Depends}", "--show", str(package)])
    return {name for word in re.split(r"[,|]", fields) if (name := re.split(r"[\s(:]", word.strip())[0])}


def host_architecture() -> str:
    """Return Debian's name of this machine's architecture; raises `ArchiveError` where dpkg is absent."""
    if shutil.which("dpkg") is None:
        raise ArchiveError("this machine has no dpkg; it comes with Debian and Ubuntu")
    return _run(["dpkg", "--print-architecture"]).strip()


def _run(
    command: Sequence[str], *, environment: dict[str, str] | None = None, directory: Path | None = None
) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            cwd=directory,
            env=(os.environ if environment is None else environment) | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=APT_TIME_LIMIT,
        )
    except subprocess.TimeoutExpired as error:
        raise ArchiveError(f"{command[0]} took longer than {APT_TIME_LIMIT:.0f} s and was stopped") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise ArchiveError(f"{command[0]} failed: {'; '.join(said) or f'exit status {done.returncode}'}")
    return done.stdout
