"""Secrets typed on a keypad."""

from __future__ import annotations

import pytest

from tamas.dialplan.typed_secrets import is_secret, keypad
from tamas.store.database import Database
from tamas.store.guesses import TRIES


@pytest.mark.parametrize(
    ("secret", "typed"),
    [
        ("1234", "1234"),
        ("Secret-201", "732738*201"),
        ("pqrsWXYZ", "77779999"),
        ("a#b", "2*2"),
        ("گذر", "***"),
    ],
)
def test_a_secret_is_spelled_on_the_keys(secret: str, typed: str) -> None:
    """Letters are their key, other signs the star, because a telephone has nothing else."""
    assert keypad(secret) == typed


async def test_guesses_are_counted_over_calls(database: Database) -> None:
    """After three wrong ones even the right one is refused there, while another telephone still gets in."""

    async def attempt(typed: str, origin: str) -> bool:
        return await is_secret(database, "4711", typed, subject="node:n", origin=origin)

    for _ in range(TRIES):
        assert not await attempt("0000", "201")
    assert not await attempt("4711", "201")
    assert await attempt("4711", "202")


async def test_a_right_secret_forgets_the_wrong_ones(database: Database) -> None:
    """Who mistypes twice and is right then has all tries again."""
    for typed in ("1", "2", "4711", "1", "2", "4711"):
        right = await is_secret(database, "4711", typed, subject="node:n", origin="")
        assert right == (typed == "4711")


async def test_nothing_is_no_secret(database: Database) -> None:
    """An extension without a secret cannot be entered by typing nothing."""
    assert not await is_secret(database, "", "", subject="extension:201", origin="201")
