"""Signing in and out."""

from __future__ import annotations

from console._console import RunningConsole


async def test_somebody_signs_in_and_out(console_both: RunningConsole) -> None:
    """The answer tells who is signed in; after signing out the same cookie is worth nothing."""
    console = console_both
    current = await console.get("session/current")
    assert current["signed_in"] is True
    assert current["session"]["username"] == "admin"
    assert current["session"]["rights"]["pbx.users"] == ["read", "update"]
    cookie = console.cookie
    await console.post("session/sign_out")
    assert not console.http.cookies
    thief = await console.visitor(Cookie=cookie)
    assert (await thief.get("session/current"))["signed_in"] is False
    assert (await thief.refused("openapi.json", "GET"))["code"] == "signed_out"
