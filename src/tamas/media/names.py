"""Names of kept files: chosen by us, unique, harmless everywhere, and still telling what the client sent.

``file-<UTC yyyymmddhhmmss>-<5 digits>-<slug>_.<ext>``; source: SA catalogue, quirks of the uploads.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

MAX_SLUG = 40
NUMBERS = 100_000
MICROSECONDS = 1_000_000
STORED_NAME = re.compile(r"(?:[a-z]{1,8}_)?file-[0-9]{14}-[0-9]{5}-[A-Za-z0-9-]{1,40}_\.[a-z0-9]{1,5}")
"""What every such name looks like."""

_ALIEN = re.compile(r"[^A-Za-z0-9-]+")
_LAST_PART = re.compile(r"[^/\\]*$")


def stored_name(
    original: str, *, extension: str, prefix: str = "", at: int | None = None, number: int | None = None
) -> str:
    """A name for a file that is to be kept. Two calls give two names, nearly always.

    :param original: the client's name for it; only its ASCII letters, digits and hyphens matter.
    :param extension: of the content, without the dot.
    :param prefix: such as ``sen_``.
    :param at: microseconds since the epoch, in place of now.
    :param number: whose last five digits stand in it, in place of random ones.
    """
    last = _LAST_PART.search(original)
    slug = _ALIEN.sub("", last.group() if last else "").strip("-")[:MAX_SLUG] or "file"
    moment = datetime.now(UTC) if at is None else datetime.fromtimestamp(at // MICROSECONDS, UTC)
    five = (secrets.randbelow(NUMBERS) if number is None else number) % NUMBERS
    return f"{prefix}file-{moment:%Y%m%d%H%M%S}-{five:05}-{slug}_.{extension}"
