"""What must hold for the repository as a whole."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]
PUBLIC_HOSTS = {"deb.debian.org", "github.com"}
"""Of what is fetched in the open."""
COMMON_PARENTS = {"/", "/root", "/home", "/opt", "/srv", "/usr/local/src", "/usr/src", "/var/lib", "/tmp"}
SIZE_LIMIT = 200_000
"""No file of the repository is larger; what others made is fetched, not kept."""


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=False, timeout=30
    )
    if listed.returncode != 0:
        pytest.skip("this is no git checkout, but an unpacked archive")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def _lines() -> Iterator[tuple[Path, int, str]]:
    for path in _tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            yield path.relative_to(ROOT), number, line


def _index_hosts() -> set[str]:
    """Hosts of the package indexes that this machine is set up to use, public ones left out."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    hosts = {urlsplit(url).hostname for url in re.findall(r"(?:https?|file)://[^\s'\"]+", told.stdout)}
    return {host for host in hosts if host and host not in PUBLIC_HOSTS | {"localhost"}}


@pytest.mark.slow
def test_rooms_import_only_downward() -> None:
    """The contracts under [tool.importlinter] hold."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(linter), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_link_is_tracked() -> None:
    """A symbolic link leads somewhere on the machine of whoever made it."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--stage"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if listed.returncode != 0:
        pytest.skip("this is no git checkout, but an unpacked archive")
    assert [line for line in listed.stdout.splitlines() if line.startswith("120000")] == []


def test_no_file_names_this_machine() -> None:
    """No path of this checkout or private package index is written into a file."""
    parent = str(ROOT.parent)
    names = {str(ROOT)} | ({f"{parent}/"} if parent not in COMMON_PARENTS else set()) | _index_hosts()
    found = [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, number, line in _lines()
        if any(name in line for name in names)
    ]
    assert not found, "\n".join(found)


def test_no_large_or_foreign_files() -> None:
    """Programs, archives and big files are not kept in the repository."""
    found = [
        f"{path.relative_to(ROOT)} ({path.stat().st_size} bytes)"
        for path in _tracked()
        if path.stat().st_size > SIZE_LIMIT
        or path.suffix in {".deb", ".so", ".whl", ".gz", ".xz", ".zip", ".exe", ".db"}
        or path.read_bytes()[:4] == b"\x7fELF"
    ]
    assert not found, found


def test_each_locked_requirement_has_a_hash() -> None:
    """An installation takes exactly the files that were locked."""
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        entries = [
            line
            for line in path.read_text().replace("\\\n", " ").splitlines()
            if re.match(r"[A-Za-z0-9]", line)
        ]
        assert entries, path
        without = [
            entry.split()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry
        ]
        assert not without, f"{path.name}: {without}"


def test_each_dependency_is_locked() -> None:
    """Every dependency of pyproject.toml appears in the lock it belongs to."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for lock, wanted in (
        ("base.txt", project["dependencies"]),
        ("dev.txt", project["optional-dependencies"]["dev"]),
    ):
        locked = set(
            re.findall(r"^([a-z0-9][a-z0-9._-]*)==", (ROOT / "requirements" / lock).read_text(), re.MULTILINE)
        )
        names = {re.split(r"[\[<>=~! ]", requirement)[0].lower() for requirement in wanted}
        assert names <= locked, f"{lock} lacks {names - locked}"


def test_each_locked_npm_package_has_a_hash() -> None:
    """The console is built from exactly the packages that were locked, from whichever registry they come."""
    packages = json.loads((ROOT / "web/package-lock.json").read_text())["packages"]
    fetched = {name: package for name, package in packages.items() if name and not package.get("link")}
    assert fetched
    without = [
        name for name, package in fetched.items() if not package.get("integrity", "").startswith("sha512-")
    ]
    assert not without, without
    bound = [name for name, package in fetched.items() if "resolved" in package]
    assert not bound, f"web/.npmrc leaves addresses out of the lock: {bound}"
