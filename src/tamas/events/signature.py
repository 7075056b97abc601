"""Signatures after the Standard Webhooks scheme: a receiver can tell that a request is ours, and is new.

HMAC-SHA-256 over ``id.timestamp.body``. Source: Standard Webhooks specification, "Signature scheme".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

from tamas.errors import TamasError

PREFIX: Final = "whsec_"
KEY_BYTES: Final = 32
"""Of keys that are made here; the scheme allows 24 to 64."""


class SecretUnusable(TamasError):
    """A secret is none of the scheme."""


def new_secret() -> str:
    """A fresh secret, as receivers want it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The key in a secret. :raises SecretUnusable: it is none, or too short or long."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SecretUnusable(f"a secret is {PREFIX} and base64") from error
    if not 24 <= len(key) <= 64:
        raise SecretUnusable("a secret has 24 to 64 bytes")
    return key


def signature_headers(secret: str, event_id: str, at: int, body: bytes) -> list[tuple[str, str]]:
    """The three headers of the scheme.

    :param at: epoch seconds.
    :raises SecretUnusable: the secret is none.
    """
    signed = f"{event_id}.{at}.".encode() + body
    digest = base64.b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256)).decode()
    return [
        ("webhook-id", event_id),
        ("webhook-timestamp", str(at)),
        ("webhook-signature", f"v1,{digest}"),
    ]
