"""The second step of signing in: codes of an authenticator app (TOTP, RFC 6238).

A code counts within one time step before and after its own, and once: whoever looks over a shoulder, or
records the line, cannot use it again.
"""

from __future__ import annotations

import hmac
import unicodedata

import pyotp

from tamas.store.clock import MICROSECONDS

ISSUER = "Tamas"
STEP_SECONDS = 30
DIGITS = 6
TOLERANCE = 1
"""Time steps by which the phone's clock may be off."""


def new_key() -> str:
    """A key for an app, base32."""
    return pyotp.random_base32()


def key_uri(key: str, username: str) -> str:
    """The ``otpauth:`` address that apps read as a QR code."""
    return pyotp.TOTP(key).provisioning_uri(name=username, issuer_name=ISSUER)


def accepted_step(key: str, code: str, *, at: int, after: int | None) -> int | None:
    """The time step that a code is of, ``None`` when it does not count.

    :param code: as typed: blanks, and digits of any script.
    :param at: microseconds since the epoch, UTC.
    :param after: the last time step whose code was accepted.
    """
    typed = "".join(str(unicodedata.digit(sign)) for sign in code if sign.isdigit())
    if len(typed) != DIGITS:
        return None
    totp = pyotp.TOTP(key, digits=DIGITS, interval=STEP_SECONDS)
    current = at // (STEP_SECONDS * MICROSECONDS)
    for step in range(current - TOLERANCE, current + TOLERANCE + 1):
        if (after is None or step > after) and hmac.compare_digest(totp.generate_otp(step), typed):
            return step
    return None
