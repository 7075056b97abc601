"""Call forwarding of an extension whose phone did not take the call (``forward_policy``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

MAX_HOPS: Final = 5
"""Forwards of one call."""

_CONDITION: Final[Mapping[str, str]] = {
    "BUSY": "Busy",
    "NOANSWER": "No Answer",
    "CHANUNAVAIL": "UnAvailable",
    "CONGESTION": "UnAvailable",
}


def forward_target(policy: str, status: str, hops: tuple[str, ...]) -> str | None:
    """Where a call goes on after its Dial failed; ``None``: nowhere.

    The key of the condition wins over ``All``. A target that was rung before, or one forward too many, ends
    the call.

    :param policy: JSON object with the SA's keys ``Busy``, ``No Answer``, ``UnAvailable``, ``All``.
    :param status: DIALSTATUS.
    :param hops: extensions that were rung, the one with the policy last.
    """
    condition = _CONDITION.get(status)
    if condition is None or len(hops) > MAX_HOPS:
        return None
    keys = msgspec.json.decode(policy) if policy else {}
    target = keys.get(condition) or keys.get("All") or ""
    if not isinstance(target, str) or not target or target in hops:
        return None
    return target
