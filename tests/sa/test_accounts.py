"""API accounts: secrets shown once and kept as hashes, changes in force at once."""

from __future__ import annotations

import httpx
import pytest
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import select

from sa._server import RunningSa
from tamas.sa.accounts import (
    AccountError,
    AccountExists,
    UnknownAccount,
    create_account,
    hash_of_nobody,
    list_accounts,
    password_hasher,
    remove_account,
    rotate,
    set_enabled,
)
from tamas.sa.permissions import BadPermission, Permissions, checked_patterns
from tamas.store.changes import Changes
from tamas.store.database import Database
from tamas.store.schema import api_accounts

PING = "/api/v4/setting/ping/act"


async def test_secrets_are_made_by_mode_and_never_stored(database: Database) -> None:
    """Mode basic gets a password, token a token, both both; the store holds only hashes."""
    changes = Changes(database)
    basic = await create_account(database, changes, username="b")
    token = await create_account(database, changes, username="t", auth="token")
    both = await create_account(database, changes, username="x", auth="both", permissions=["pbx/users/*"])
    assert (basic.password is None, basic.token is None) == (False, True)
    assert (token.password is None, token.token is None) == (True, False)
    assert both.password
    assert both.token
    assert len(both.token) >= 43
    assert basic.permissions == ("*",)
    assert both.permissions == ("/pbx/users/*",)
    async with database.read() as connection:
        stored = repr(await connection.rows(select(api_accounts)))
    for secret in (basic.password, token.token, both.password, both.token):
        assert str(secret) not in stored
    assert "$argon2id$" in stored
    assert [account.username for account in await list_accounts(database)] == ["b", "t", "x"]


async def test_what_cannot_be_an_account(database: Database) -> None:
    """Bad names, modes, passwords and permissions are refused with their reason, and nothing is made."""
    changes = Changes(database)
    await create_account(database, changes, username="taken")
    with pytest.raises(AccountExists):
        await create_account(database, changes, username="taken")
    for name in ("", "a:b", "a b", "x" * 65, "a\n"):
        with pytest.raises(AccountError, match="name"):
            await create_account(database, changes, username=name)
    with pytest.raises(AccountError, match="digest"):
        await create_account(database, changes, username="a", auth="digest")
    with pytest.raises(AccountError, match="token"):
        await create_account(database, changes, username="a", auth="token", password="p")
    with pytest.raises(AccountError, match="password"):
        await create_account(database, changes, username="a", password="a\nb")
    with pytest.raises(BadPermission):
        await create_account(database, changes, username="a", permissions=["/pbx/us*"])
    assert len(await list_accounts(database)) == 1
    for work in (
        set_enabled(database, changes, "nobody", enabled=False),
        rotate(database, changes, "nobody"),
        remove_account(database, changes, "nobody"),
    ):
        with pytest.raises(UnknownAccount):
            await work


async def test_changes_are_in_force_on_the_next_request(sa_both: RunningSa) -> None:
    """Disabling, enabling, rotating and removing an account count from its next request on."""
    sa = sa_both
    made = await sa.account("x", auth="both")

    async def status(password: str | None, token: str | None) -> int:
        answer = await sa.http.post(PING, auth=("x", password or ""), headers={"X-APIKEY": token or ""})
        return answer.status_code

    assert await status(made.password, made.token) == 200
    await set_enabled(sa.database, sa.changes, "x", enabled=False)
    assert await status(made.password, made.token) == 401
    await set_enabled(sa.database, sa.changes, "x", enabled=True)
    assert await status(made.password, made.token) == 200
    renewed = await rotate(sa.database, sa.changes, "x")
    assert await status(made.password, made.token) == 401
    assert await status(made.password, renewed.token) == 401
    assert await status(renewed.password, made.token) == 401
    assert await status(renewed.password, renewed.token) == 200
    await remove_account(sa.database, sa.changes, "x")
    assert await status(renewed.password, renewed.token) == 401


async def test_last_use_is_written_behind(sa_both: RunningSa) -> None:
    """The time of use is written with the log, once a minute, and does not drop what is remembered."""
    auth = httpx.BasicAuth("caller", "secret-pass")
    generation = await sa_both.changes.generation()
    for _ in range(3):
        assert (await sa_both.http.post(PING, auth=auth)).status_code == 200
    await sa_both.api.gateway.log.flush()
    used = (await list_accounts(sa_both.database))[0].last_used_at
    assert used is not None
    await sa_both.http.post(PING, auth=auth)
    await sa_both.api.gateway.log.flush()
    assert (await list_accounts(sa_both.database))[0].last_used_at == used
    assert await sa_both.changes.generation() == generation


def test_permission_patterns() -> None:
    """A pattern opens exactly what it names."""
    assert checked_patterns([" /* ", "pbx/users/*", "/pbx/users/*"]) == ("*", "/pbx/users/*")
    users = Permissions(["/pbx/users/*", "/setting/ping/act"])
    assert users.allow("/pbx/users/add")
    assert users.allow("/setting/ping/act")
    assert not users.allow("/pbx/usersx/add")
    assert not users.allow("/setting/ping/acts")
    assert not users.allow("/pbx/users")
    assert Permissions(["*"]).allow("/anything")
    for bad in ("", "/", "/pbx/us*", "/PBX/*", "/pbx//users", "**", "/api/v4", "/pbx/users/add x"):
        with pytest.raises(BadPermission):
            checked_patterns([bad])
    with pytest.raises(BadPermission):
        checked_patterns([])


@pytest.mark.parametrize(
    ("given", "kept", "opens", "shuts"),
    [
        ("/api/v4/pbx/users/add", "/pbx/users/add", ["/pbx/users/add"], ["/pbx/users/addx", "/pbx/users"]),
        ("API/V4/pbx/users/*", "/pbx/users/*", ["/pbx/users/add"], ["/pbx/queues/add"]),
        ("/pbx/users", "/pbx/users/*", ["/pbx/users/add"], ["/pbx/usersx/add"]),
        ("/pbx/users/", "/pbx/users/*", ["/pbx/users/add"], []),
        ("pbx", "/pbx/*", ["/pbx/users/add", "/pbx/queues/search"], ["/call/originate/act"]),
        ("/pbx/*/search", "/pbx/*/search", ["/pbx/users/search"], ["/pbx/users/add", "/pbx/a/b/search"]),
        ("/reports/cdr/ordered/id", "/reports/cdr/ordered/id", ["/reports/cdr/ordered/id"], []),
        ("/*/*/search", "/*/*/search", ["/pbx/users/search"], ["/pbx/users/add"]),
        ("/api/v4/*", "*", ["/pbx/users/add", "/a/b/c"], []),
    ],
)
def test_forms_of_a_permission(given: str, kept: str, opens: list[str], shuts: list[str]) -> None:
    """Addresses, groups and single segments are understood as they are meant, and open no more."""
    assert checked_patterns([given]) == (kept,)
    permissions = Permissions(checked_patterns([given, "/setting/ping/act"]))
    assert [name for name in opens if not permissions.allow(name)] == []
    assert [name for name in shuts if permissions.allow(name)] == []


def test_what_an_unknown_user_is_checked_against() -> None:
    """A hash of the costs that stored ones have, which is computed whole and never matches."""
    nobody = hash_of_nobody(password_hasher)
    assert not password_hasher.check_needs_rehash(nobody)
    with pytest.raises(VerifyMismatchError):
        password_hasher.verify(nobody, "")
    assert nobody != hash_of_nobody(password_hasher)
