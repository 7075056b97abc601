"""Reading the free-form option lines (``key=value``) of extensions, trunks and queues.

The lines keep the vocabulary of Asterisk's old SIP driver. Those with a known counterpart are applied, the
others are kept in the store and reported as ignored (see ``docs/asterisk.md``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MoreOptions:
    """What a text of option lines says."""

    applied: Mapping[str, str]
    """Known keys in lower case, their values stripped; of a repeated key the last line counts."""
    ignored: tuple[str, ...]
    """The other lines, as written, in order."""


def read_more_options(text: str, *, known: Collection[str]) -> MoreOptions:
    """Sort option lines into known and ignored ones.

    Empty lines and comments (``;`` or ``#``) are neither. ``key => value`` means the same as ``key=value``.

    :param known: keys in lower case that the caller can translate.
    """
    applied: dict[str, str] = {}
    ignored: list[str] = []
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line[0] in ";#":
            continue
        key, equals, value = line.partition("=")
        key = key.strip().lower()
        if equals and key in known:
            applied[key] = value.removeprefix(">").strip()
        else:
            ignored.append(line)
    return MoreOptions(applied=applied, ignored=tuple(ignored))
