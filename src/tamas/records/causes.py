"""Why a call did not connect: from Asterisk's hangup causes and dial states to disposition and plain words.

Sources: ITU-T Q.850 (cause values), Asterisk's ``causes.h``; SA catalogue, ``cdr_row`` (dispositions). What
arrives was seen on Asterisk 22.10 with PJSIP: 486 gives 17, 603 gives 21, 480 gives 19, 503 gives 34, an
unknown or unregistered endpoint gives 3, the caller's CANCEL gives 127, and Dial's own time limit gives 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Disposition = Literal["ANSWERED", "NO ANSWER", "BUSY", "FAILED"]

UNALLOCATED = 1
NO_ROUTE = 3
NORMAL_CLEARING = 16
USER_BUSY = 17
NO_RESPONSE = 18
NO_ANSWER = 19
ABSENT = 20
REJECTED = 21
CONGESTION = 34

_NOT_ANSWERED: dict[int, str] = {
    NO_RESPONSE: "the phone gave no reply",
    NO_ANSWER: "nobody answered",
    REJECTED: "the call was rejected",
    26: "the call was answered elsewhere",
}
_FAILED: dict[int, str] = {
    UNALLOCATED: "the number does not exist",
    2: "there is no route to the destination's network",
    NO_ROUTE: "the destination is unknown or has no phone registered",
    ABSENT: "the destination has no phone registered",
    22: "the number has changed",
    23: "the call was redirected elsewhere",
    27: "the destination is out of order",
    28: "the number is incomplete or malformed",
    29: "the destination does not support this call",
    31: "the network ended the call",
    CONGESTION: "no line was free, or the far end refused the call",
    38: "the network is out of order",
    41: "the network failed for a moment",
    42: "the network is overloaded",
    44: "the requested line is not available",
    50: "the caller may not use this service",
    52: "outgoing calls are barred",
    54: "incoming calls are barred",
    58: "the two sides have no codec in common",
    66: "this kind of call is not supported",
    88: "the destination cannot take this kind of call",
    102: "the far end did not reply in time",
    111: "the far end broke the signalling protocol",
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a call that did not connect ended."""

    disposition: Disposition
    reason: str


def outcome_of_cause(cause: int) -> Outcome | None:
    """What a Q.850 cause says by itself; ``None`` when it says nothing (normal clearing, unknown)."""
    if cause == USER_BUSY:
        return Outcome(disposition="BUSY", reason="the line is busy")
    if cause in _NOT_ANSWERED:
        return Outcome(disposition="NO ANSWER", reason=_NOT_ANSWERED[cause])
    if cause in _FAILED:
        return Outcome(disposition="FAILED", reason=_FAILED[cause])
    return None


def outcome_of_dial(status: str, cause: int) -> Outcome | None:
    """What ``DIALSTATUS`` says, made precise by the cause; ``None`` when nothing was dialed."""
    by_cause = outcome_of_cause(cause)
    if status == "BUSY":
        return Outcome(disposition="BUSY", reason="the line is busy")
    if status == "NOANSWER":
        if by_cause is not None and by_cause.disposition == "NO ANSWER":
            return by_cause
        return Outcome(disposition="NO ANSWER", reason="nobody answered")
    if status in ("CONGESTION", "CHANUNAVAIL", "INVALIDARGS"):
        if by_cause is not None and by_cause.disposition == "FAILED":
            return by_cause
        return Outcome(disposition="FAILED", reason=_FAILED[CONGESTION if status == "CONGESTION" else ABSENT])
    return by_cause
