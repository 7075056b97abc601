"""AGI scripts that administrators uploaded: files in one directory, under names that Tamas chose."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tamas.errors import TamasError

MAX_BYTES: Final = 1024 * 1024
MAX_SCRIPTS: Final = 1_000
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}-[0-9a-f]{8}")
"""What a stored script is called; :func:`add_script` makes it."""

_ELF: Final = b"\x7fELF"
_OTHER: Final = re.compile(r"[^a-z0-9_-]+")


class ScriptRefused(TamasError):
    """A script cannot be kept, or there is none of that name; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """A script that is kept."""

    name: str
    size: int
    """Bytes."""
    changed_at: int
    """Microseconds UTC."""


def scripts_directory(state_dir: Path) -> Path:
    """Where the scripts of an instance lie."""
    return state_dir / "scripts"


def add_script(directory: Path, title: str, content: bytes) -> str:
    """Keep a script and return its name, made from a title and a random part.

    :param content: a program of this system, or a script that begins with ``#!`` and an absolute path.
    :raises ScriptRefused: it is neither, too long, or there are too many.
    """
    if len(content) > MAX_BYTES:
        raise ScriptRefused(f"a script has at most {MAX_BYTES} bytes")
    if not content.startswith((b"#!/", b"#! /", _ELF)):
        raise ScriptRefused("a script begins with #! and the path of its interpreter")
    if len(list_scripts(directory)) >= MAX_SCRIPTS:
        raise ScriptRefused(f"there are {MAX_SCRIPTS} scripts already")
    stem = _OTHER.sub("-", title.lower()).strip("-_")[:48] or "script"
    name = f"{stem}-{secrets.token_hex(4)}"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = directory / f".{name}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if os.geteuid() == 0:
        # The server that reads it belongs to whoever the directory does.
        owner = directory.parent.stat()
        for path in (directory, draft):
            os.chown(path, owner.st_uid, owner.st_gid)
    draft.rename(directory / name)
    return name


def list_scripts(directory: Path) -> list[Script]:
    """Every script, by name."""
    if not directory.is_dir():
        return []
    found = []
    for path in sorted(directory.iterdir()):
        if NAME.fullmatch(path.name):
            status = path.stat()
            found.append(Script(name=path.name, size=status.st_size, changed_at=status.st_mtime_ns // 1000))
    return found


def script_file(directory: Path, name: str) -> Path:
    """The file of a script. :raises ScriptRefused: there is none of that name."""
    path = directory / name
    if NAME.fullmatch(name) is None or not path.is_file():
        raise ScriptRefused(f"there is no script {name!r}")
    return path


def remove_script(directory: Path, name: str) -> None:
    """Delete a script; calls that run it go on. :raises ScriptRefused: there is none of that name."""
    script_file(directory, name).unlink(missing_ok=True)
