"""Debian's rule for naming the package of a shared library."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SONAME = re.compile(r"(?P<base>.+?)\.so(?:\.(?P<version>.+))?")


def packages_named_for(soname: str, packages: Iterable[str]) -> list[str]:
    """Return those of `packages` whose name says that they bring the library `soname`.

    Debian Policy 8.1: the name is the library's name followed by its version, with a hyphen between when the
    name ends in a digit (`libssl.so.3` is in `libssl3`, `libsqlite3.so.0` in `libsqlite3-0`); a suffix may
    follow (`libssl3t64`, `libxslt1.1`). The result is a guess: only the package's contents tell.
    """
    match = _SONAME.fullmatch(soname)
    if match is None:
        return []
    base = match["base"].lower().replace("_", "-")
    version = match["version"] or ""
    stem = f"{base}-{version}" if base[-1].isdigit() and version else base + version
    return [name for name in packages if name.startswith(stem) and not name[len(stem) :][:1].isdigit()]
