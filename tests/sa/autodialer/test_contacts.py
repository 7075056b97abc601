"""Contacts of the autodialer through the API."""

from __future__ import annotations

import pytest

from sa.autodialer._dialer import NOBODY, Dialer


async def test_a_contact_comes_back(dialer: Dialer) -> None:
    """``autodialer/contacts/add`` and ``search``: what was sent, numbers as they are dialed, by name."""
    await dialer.add("autodialer/contacts/add", name="Sara", number="0912 000-00-02", description="x")
    identity = await dialer.add("autodialer/contacts/add", name="Ali", number="۰۹۱۲۰۰۰۰۰۰۱")
    found = await dialer.search("autodialer/contacts/search", conditions={"name": "", "status": "active"})
    assert found["pagination"] == {"start": 0, "count": 20, "sorting": {"name": 1}, "total": 2}
    assert [row["name"] for row in found["data"]] == ["Ali", "Sara"]
    row = found["data"][0]
    assert list(row) == ["_id", "name", "number", "description", "date"]
    assert (row["_id"], row["number"], row["description"]) == (identity, "09120000001", "")
    assert [
        row["name"] for row in await dialer.rows("autodialer/contacts/search", conditions={"number": "002"})
    ] == ["Sara"]
    exact = await dialer.search("autodialer/contacts/search", alike="no", conditions={"name": "Sar"})
    assert exact["data"] == []


async def test_a_number_is_there_once(dialer: Dialer) -> None:
    """A second contact with it is told so in the catalogue's words; a change to it just fails."""
    await dialer.add("autodialer/contacts/add", name="Ali", number="0911")
    other = await dialer.add("autodialer/contacts/add", name="Sara", number="0912")
    body = {"name": "Reza", "number": "09 11"}
    assert await dialer.api.refused("autodialer/contacts/add", body) == (
        "This number already exists",
        "number",
    )
    assert await dialer.refused("autodialer/contacts/update", _id=other, number="0911") == "number"
    await dialer.update("autodialer/contacts/update", other, number="0913", name="Sarah")
    (row,) = await dialer.rows("autodialer/contacts/search", conditions={"name": "Sarah"})
    assert row["number"] == "0913"


async def test_update_and_remove(dialer: Dialer) -> None:
    """``autodialer/contacts/update`` and ``remove``; one that is not there is named by its id."""
    identity = await dialer.add("autodialer/contacts/add", name="Ali", number="0911", description="x")
    await dialer.update("autodialer/contacts/update", identity, description="")
    (row,) = await dialer.rows("autodialer/contacts/search")
    assert (row["name"], row["number"], row["description"]) == ("Ali", "0911", "")
    assert await dialer.remove("autodialer/contacts/remove", identity) == ""
    assert await dialer.refused("autodialer/contacts/remove", _id=identity) == "_id"
    assert await dialer.refused("autodialer/contacts/update", _id=NOBODY, name="x") == "_id"


@pytest.mark.parametrize("number", ["nobody", "1", "9.1E+09", "${X}", "0911,0912", ["0911"], {"a": 1}, True])
async def test_what_is_no_number(dialer_once: Dialer, number: object) -> None:
    """Refused by its field."""
    assert await dialer_once.refused("autodialer/contacts/add", name="x", number=number) == "number"


async def test_leniency(dialer_once: Dialer) -> None:
    """With it a name may be left out, and a contact is named by its number."""
    await dialer_once.api.set("sa.lenient", True)
    await dialer_once.api.done("autodialer/contacts/add", {"number": "0911", "group": "friends"})
    await dialer_once.api.done("autodialer/contacts/update", {"number": "0911", "description": "x"})
    (row,) = await dialer_once.rows("autodialer/contacts/search")
    assert (row["name"], row["description"]) == ("0911", "x")
    await dialer_once.api.done("autodialer/contacts/remove", {"number": "0911"})
    assert await dialer_once.rows("autodialer/contacts/search") == []
