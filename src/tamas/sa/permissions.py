"""Which services an API account may call: patterns over permission names such as ``/pbx/users/add``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tamas.errors import TamasError

EVERYTHING = "*"
_PATTERN = re.compile(r"(?:/(?:[a-z0-9_]+|\*))+")
_API_PREFIX = re.compile(r"/api/v4(?=/|$)", re.IGNORECASE)
_SERVICE_SEGMENTS = 3
"""A service has at least so many, such as ``/pbx/users/add``; what has fewer names a group of services."""
_REMEMBERED = 4096
"""Permission names whose verdict one account remembers."""


class BadPermission(TamasError):
    """A text is no permission pattern."""


def checked_patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    """Bring patterns into shape, doubles dropped.

    ``*`` stands for everything, at the end for everything below (``/pbx/*``), in between for any one segment
    (``/pbx/*/search``). A group such as ``/pbx/users`` means all of it, ``/pbx/users/*``. A missing first
    slash is added, the prefix ``/api/v4`` and a last slash are taken away.

    :raises BadPermission: one is malformed, or there is none.
    """
    checked = dict.fromkeys(_checked(given) for given in patterns)
    if not checked:
        raise BadPermission("an account needs at least one permission; write * for all services")
    return tuple(checked)


def _checked(given: str) -> str:
    text = given.strip()
    if text and not text.startswith("/"):
        text = "/" + text
    text = _API_PREFIX.sub("", text)
    if len(text) > 1:
        text = text.removesuffix("/")
    if not _PATTERN.fullmatch(text):
        raise BadPermission(f"{given!r} is no permission; write *, /pbx/users/* or /pbx/users/add")
    if text == "/*":
        return EVERYTHING
    return text if text.endswith("/*") or text.count("/") >= _SERVICE_SEGMENTS else text + "/*"


def _expression(pattern: str) -> str:
    """The regular expression of a pattern that was checked."""
    below = pattern.endswith("/*")
    segments = pattern.removesuffix("/*").split("/")
    return "/".join("[^/]+" if segment == "*" else re.escape(segment) for segment in segments) + (
        "/.+" if below else ""
    )


class Permissions:
    """The patterns of one account, ready to be asked."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(patterns)
        self._everything = EVERYTHING in self.patterns
        self._matches = re.compile("|".join(map(_expression, self.patterns))).fullmatch
        self._known: dict[str, bool] = {}

    def allow(self, permission: str) -> bool:
        """Whether a service with this permission name may be called."""
        if self._everything:
            return True
        known = self._known.get(permission)
        if known is None:
            known = self._matches(permission) is not None
            if len(self._known) < _REMEMBERED:
                self._known[permission] = known
        return known
