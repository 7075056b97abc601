"""Which services an API account may call: patterns over permission names such as ``/pbx/users/add``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tamas.errors import TamasError

EVERYTHING = "*"
_PATTERN = re.compile(r"\*|/\*|(?:/[a-z0-9_]+)+(?:/\*)?")
_REMEMBERED = 4096
"""Permission names whose verdict one account remembers."""


class BadPermission(TamasError):
    """A text is no permission pattern."""


def checked_patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    """Bring patterns into shape: ``*`` (everything), ``/pbx/*`` or ``/pbx/users/add``, doubles dropped.

    A missing first slash is added.

    :raises BadPermission: one is malformed, or there is none.
    """
    checked: dict[str, None] = {}
    for given in patterns:
        text = given.strip()
        if text and text != EVERYTHING and not text.startswith("/"):
            text = "/" + text
        if not _PATTERN.fullmatch(text):
            raise BadPermission(f"{given!r} is no permission; write *, /pbx/users/* or /pbx/users/add")
        checked[EVERYTHING if text == "/*" else text] = None
    if not checked:
        raise BadPermission("an account needs at least one permission; write * for all services")
    return tuple(checked)


class Permissions:
    """The patterns of one account, ready to be asked."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(patterns)
        self._everything = EVERYTHING in self.patterns
        self._exact = frozenset(self.patterns)
        self._prefixes = tuple(pattern[:-1] for pattern in self.patterns if pattern.endswith("/*"))
        self._known: dict[str, bool] = {}

    def allow(self, permission: str) -> bool:
        """Whether a service with this permission name may be called."""
        if self._everything:
            return True
        known = self._known.get(permission)
        if known is None:
            known = permission in self._exact or permission.startswith(self._prefixes)
            if len(self._known) < _REMEMBERED:
                self._known[permission] = known
        return known
