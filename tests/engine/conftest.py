"""Fixtures of the engine's tests."""

from __future__ import annotations

import pytest

from engine._engines import cache_dir
from tamas.engine.install import AsteriskInstall, ensure_asterisk
from tamas.settings import load_settings


@pytest.fixture(scope="session")
def asterisk_install() -> AsteriskInstall:
    """The Asterisk that the product would use, fetched once for a machine."""
    return ensure_asterisk(cache_dir(), load_settings().asterisk, lambda _text: None)
