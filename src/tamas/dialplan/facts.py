"""What the flow knows about a call and Asterisk does not, stated as CEL user events.

They lie in the database next to Asterisk's own events, so they outlive us; records reads them there:

- of the call: ``type``, ``src``, ``dst``, ``did``, ``entry`` and ``exit`` (trunks), ``context``, ``queue``,
  ``failed`` (why nobody was connected), ``definite=1`` (its own answer counts as one), ``burst=1`` (it is
  one of many from one area), ``blacklist=1`` (a Black List found the caller), ``spy`` (whose call is listened
  to)
- of a channel: ``step`` (a node of the plan begins) with ``name`` and ``at`` (microseconds since the epoch)
- of a channel, at the moment it is stated: ``record`` (name of a recording that begins), ``agent`` (who
  answered for a queue), ``queue_status`` (how a wait ended), ``poll`` with ``label`` (points that the caller
  gave)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote_plus

EVENT: Final = "TAMAS"
"""Name of the CEL user event."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~-]*")
MAX_LENGTH: Final = 900
"""Of the encoded facts; the column holds 1024 characters, some of which Asterisk adds."""


def encode_facts(facts: Mapping[str, str]) -> str:
    """Facts as a query string, safe inside any application's arguments; empty values are left out.

    Facts that make it too long are left out, the last ones first.
    """
    pairs = [_pair(key, value) for key, value in facts.items() if value]
    return next(_joined([pair for pair in pairs if len(pair) <= MAX_LENGTH]), "")


def encode_pairs(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Facts in order as query strings, as many as are needed for all of them."""
    return _joined([_pair(key, _cut(value)) for key, value in pairs])


def _joined(pairs: Sequence[str]) -> Iterator[str]:
    chunk = ""
    for pair in pairs:
        if chunk and len(chunk) + 1 + len(pair) > MAX_LENGTH:
            yield chunk
            chunk = pair
        else:
            chunk = f"{chunk}&{pair}" if chunk else pair
    if chunk:
        yield chunk


def _pair(key: str, value: str) -> str:
    """As ``urlencode`` writes it, which takes ten times as long for what needs no quoting."""
    return f"{key}={value if _PLAIN.fullmatch(value) else quote_plus(value)}"


def _cut(value: str) -> str:
    """What of a value fits into one event beside its key."""
    if len(value) <= MAX_LENGTH // 2 and _PLAIN.fullmatch(value):
        return value
    while len(quote_plus(value)) > MAX_LENGTH // 2:
        value = value[: len(value) // 2]
    return value
