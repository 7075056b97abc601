"""Secrets of extensions: digest and sealed copy."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tamas.engine.sip_secrets import KEY_BYTES, SealError, SecretSeal, ha1, load_or_create_seal_key


def test_ha1() -> None:
    """The digest is that of `printf 101:tamas:secret | md5sum`, and depends on the number."""
    assert ha1("101", "secret") == "2b3df8f121003183f5a11c84bd130c9f"
    assert ha1("101", "secret") != ha1("102", "secret")


def test_what_is_sealed_opens_again() -> None:
    """Any printable secret survives; two sealings of one secret look different."""
    seal = SecretSeal(bytes(KEY_BYTES))
    for secret in ("x", "پسورد ${}", "a" * 128):
        first, second = seal.seal(secret), seal.seal(secret)
        assert first != second
        assert seal.open(first) == seal.open(second) == secret


def test_damage_and_other_keys_are_noticed() -> None:
    """A changed byte, a cut text and another key do not open."""
    seal = SecretSeal(bytes(KEY_BYTES))
    sealed = seal.seal("secret")
    for broken in (sealed[:-1], sealed[:5], b"", bytes([sealed[0] ^ 1]) + sealed[1:]):
        with pytest.raises(SealError):
            seal.open(broken)
    with pytest.raises(SealError):
        SecretSeal(b"k" * KEY_BYTES).open(sealed)
    with pytest.raises(SealError):
        SecretSeal(b"short")


def test_key_file(tmp_path: Path) -> None:
    """The key is made once, readable by its owner alone, also when many start at the same time."""
    path = tmp_path / "secrets" / "seal.key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(load_or_create_seal_key, [path] * 8))
    assert len(keys) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["seal.key"]
    path.write_bytes(b"too short")
    with pytest.raises(SealError):
        load_or_create_seal_key(path)
