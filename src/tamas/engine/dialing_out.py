"""What is called beyond a trunk, and how Asterisk is asked for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tamas.store.views import trunk_endpoint

DIALABLE: Final = re.compile(r"[+*#0-9A-Za-z]{1,32}")
"""What can be dialed at all; everything else is an unallocated number."""
ANONYMOUS: Final = "anonymous"
"""User part of a hidden SIP address (RFC 3323)."""

_SIP_USER: Final = re.compile(r"[A-Za-z0-9_.+*#-]{1,32}")


def is_barred(number: str, prefixes: Sequence[str]) -> bool:
    """Whether a number begins with one of the prefixes that may not be dialed (``calls.barred_prefixes``)."""
    return number.startswith(tuple(prefixes))


def trunk_string(trunk: str, number: str) -> str:
    """What Dial calls for a number beyond a trunk."""
    return f"PJSIP/{number}@{trunk_endpoint(trunk)}"


def caller_id_header(shown: str) -> str:
    """A caller id in the form ``"name" <number>``, which Asterisk takes apart again.

    A text that can stand in a SIP address is shown as number too, because many phones show only that. Else
    the number is :data:`ANONYMOUS`: without any, Asterisk would show the first party's own.
    """
    return f'"{shown}" <{shown if _SIP_USER.fullmatch(shown) else ANONYMOUS}>'
