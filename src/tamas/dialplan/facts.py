"""What the flow knows about a call and Asterisk does not, stated as CEL user events.

They lie in the database next to Asterisk's own events, so they outlive us; records reads them there:

- of the call: ``type``, ``src``, ``dst``, ``did``, ``entry`` and ``exit`` (trunks), ``context``, ``queue``,
  ``failed`` (why nobody was connected), ``definite=1`` (its own answer counts as one), ``burst=1`` (it is
  one of many from one area)
- of a channel, at the moment it is stated: ``record`` (name of a recording that begins), ``agent`` (who
  answered for a queue), ``queue_status`` (how a wait ended), ``step`` with ``name`` (a step of the flow
  begins that is no Dial and no Queue), ``poll`` with ``label`` (points that the caller gave)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

EVENT: Final = "TAMAS"
"""Name of the CEL user event."""
MAX_LENGTH: Final = 900
"""Of the encoded facts; the column holds 1024 characters, some of which Asterisk adds."""


def encode_facts(facts: Mapping[str, str]) -> str:
    """Facts as a query string, safe inside any application's arguments; empty values are left out.

    Facts that make it too long are left out, the last ones first.
    """
    kept = [(key, value) for key, value in facts.items() if value]
    while len(encoded := urlencode(kept)) > MAX_LENGTH:
        kept.pop()
    return encoded
