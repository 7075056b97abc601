"""Caller numbers in the forms people of a country know: with all prefixes, and as dialed within the region.

Trunks hand numbers over as they like: ``+982188…``, ``00982188…``, ``982188…``, ``02188…``, ``2188…`` or
``88…``. Rules about areas have to see one form of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

LONGEST_LOCAL: Final = 8
"""Digits of a number within its region; no numbering plan has longer ones."""
LONGEST_NATIONAL: Final = 10
"""Digits without the leading 0; what is longer and begins with the country's code begins with it."""

_FILLING: Final = re.compile(r"[\s().-]")
_DIGITS: Final = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class NationalNumber:
    """One number in two forms."""

    national: str
    """With the leading 0; of another country with 00 and its code."""
    local: str
    """Without the region's code when it belongs to this region, else as ``national``."""

    def begins_with(self, prefix: str) -> bool:
        """Whether it begins so, in either form."""
        return self.local.startswith(prefix) or self.national.startswith(prefix)


def national_number(number: str, *, country: str, region: str) -> NationalNumber | None:
    """Bring a number into both forms; ``None`` when it is none (hidden, or a name).

    :param country: dial code without ``+`` and ``00``; ``""``: unknown.
    :param region: dial code without the leading 0; ``""``: unknown.
    """
    text = _FILLING.sub("", number)
    digits = "00" + text[1:] if text.startswith("+") else text
    if _DIGITS.fullmatch(digits) is None:
        return None
    if country:
        if digits.startswith("00" + country):
            digits = "0" + digits.removeprefix("00" + country).removeprefix("0")
        elif digits.startswith(country) and len(digits) > LONGEST_NATIONAL:
            digits = "0" + digits.removeprefix(country)
    if not digits.startswith("0"):
        is_local = len(digits) <= LONGEST_LOCAL
        digits = f"0{region}{digits}" if is_local and region else digits if is_local else "0" + digits
    own = "0" + region
    local = digits.removeprefix(own) if region and digits.startswith(own) else digits
    return NationalNumber(national=digits, local=local or digits)
