"""Cheap passwords for gateways in this process: a real hash costs more than most tests.

Servers in processes of their own hash as the product does.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from tamas.sa.accounts import password_hasher

_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Lower the cost of the hasher that every room shares."""
    costly = password_hasher._parameters
    password_hasher._parameters = _CHEAP._parameters
    yield
    password_hasher._parameters = costly
