"""Secrets of SIP extensions: the digest that Asterisk checks, and a sealed copy that can be revealed.

Asterisk never sees the secret itself: it gets HA1 (RFC 2617, section 3.2.2.2) through ``password_digest``.
The sealed copy (AES-256-GCM, NIST SP 800-38D) is what a changed number or realm is derived from anew.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tamas.errors import TamasError
from tamas.store.runtime_settings import SEALED
from tamas.store.views import REALM

KEY_BYTES = 32
"""AES-256."""
NONCE_BYTES = 12
"""Recommended length for GCM; drawn anew for each sealing."""


class SealError(TamasError):
    """A sealed secret cannot be opened, or the key file cannot be used."""


def ha1(number: str, secret: str) -> str:
    """The digest of an extension's credentials: MD5 of ``number:realm:secret``, lower-case hexadecimal."""
    return hashlib.md5(f"{number}:{REALM}:{secret}".encode(), usedforsecurity=False).hexdigest()


class SecretSeal:
    """Seals secrets with one key."""

    def __init__(self, key: bytes) -> None:
        """:raises SealError: the key does not have :data:`KEY_BYTES` bytes."""
        if len(key) != KEY_BYTES:
            raise SealError(f"the seal key must have {KEY_BYTES} bytes, not {len(key)}")
        self._cipher = AESGCM(key)

    def seal(self, secret: str) -> bytes:
        """Nonce and ciphertext of a secret; different for each call."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), None)

    def seal_text(self, secret: str) -> str:
        """A secret sealed as text, for places that keep text."""
        return SEALED + base64.b64encode(self.seal(secret)).decode()

    def open_text(self, sealed: str) -> str:
        """What :meth:`seal_text` sealed. :raises SealError: as :meth:`open`, or it is no such text."""
        if not sealed.startswith(SEALED):
            raise SealError("this is no sealed secret")
        try:
            return self.open(base64.b64decode(sealed.removeprefix(SEALED), validate=True))
        except binascii.Error as error:
            raise SealError("a sealed secret is damaged") from error

    def open(self, sealed: bytes) -> str:
        """The secret again.

        :raises SealError: it was sealed with another key, or damaged.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError) as error:
            raise SealError("a sealed secret cannot be opened with this key") from error


def load_or_create_seal_key(path: Path) -> bytes:
    """The key in a file, made on first use (mode 0600); two processes starting at once get the same key.

    :raises SealError: the file is there but does not hold a key.
    """
    if not path.exists():
        _create_key(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise SealError(f"{path} does not hold a key of {KEY_BYTES} bytes")
    return key


def open_seal(state_dir: Path) -> SecretSeal:
    """The seal of an instance, whose key lies in its state directory; it is made on first use.

    :raises SealError: the file of the key holds none.
    """
    return SecretSeal(load_or_create_seal_key(state_dir / "secrets" / "seal.key"))


def _create_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # fails when another process was faster; its key counts
        except FileExistsError:
            return
    finally:
        draft.unlink()
