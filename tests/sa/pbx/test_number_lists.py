"""The black list and the white list through the API, on both stores."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sa.pbx.conftest import FAILED, Api

EXISTS = "This number already exists"
BLACK, WHITE = "pbx/blacklists", "pbx/whitelists"
NOBODY = "0" * 24


async def found(api: Api, group: str, **body: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await api.done(f"{group}/search", {"alike": False, **body})
    return rows


async def test_every_field_comes_back_as_sent(api: Api) -> None:
    """Number, labels and comment, in the catalogue's order; a comment may be called description."""
    black = await api.done(f"{BLACK}/add", {"number": "+989120000000", "comment": 'rude; <b>"$x"</b> سلام'})
    (row,) = await found(api, BLACK)
    assert list(row) == ["_id", "number", "comment", "date"]
    assert (row["_id"], row["number"]) == (black["_id"], "+989120000000")
    assert row["comment"] == 'rude; <b>"$x"</b> سلام'
    labels = ["vip", "تهران", "vip", " north ", ""]
    white = await api.done(f"{WHITE}/add", {"number": 557, "labels": labels, "description": "friend"})
    (row,) = await found(api, WHITE)
    assert list(row) == ["_id", "number", "labels", "comment", "date"]
    assert (row["_id"], row["number"], row["comment"]) == (white["_id"], "557", "friend")
    assert row["labels"] == ["vip", "تهران", "north"]


@pytest.mark.parametrize("group", [BLACK, WHITE])
async def test_a_number_is_in_a_list_once(api: Api, group: str) -> None:
    """Of requests that come together one adds it; no entry can take another's number; lists are apart."""
    body = {"number": "557"}
    answers = await asyncio.gather(*(api.raw(f"{group}/add", body) for _ in range(6)))
    assert sorted(answer.json()["success"] for answer in answers) == [0] * 5 + [1]
    assert {answer.json()["message"] for answer in answers if not answer.json()["success"]} == {EXISTS}
    other = await api.done(f"{group}/add", {"number": "558"})
    refused = await api.refused(f"{group}/update", {"_id": other["_id"], "number": "557"})
    assert refused == (EXISTS, "number")
    await api.done(f"{group}/update", {"_id": other["_id"], "number": "558"})
    await api.done(f"{WHITE if group == BLACK else BLACK}/add", body)


@pytest.mark.parametrize("group", [BLACK, WHITE])
async def test_change_and_remove(api: Api, group: str) -> None:
    """What is not sent stays, what is empty is emptied; gone is gone; others are left alone."""
    kept = (await api.done(f"{group}/add", {"number": "100", "comment": "kept"}))["_id"]
    identity = (await api.done(f"{group}/add", {"number": "557", "comment": "old"}))["_id"]
    await api.done(f"{group}/update", {"id": identity, "number": "99"})
    assert [(row["number"], row["comment"]) for row in await found(api, group)] == [
        ("99", "old"),
        ("100", "kept"),
    ]
    await api.done(f"{group}/update", {"_id": identity, "comment": ""})
    assert (await found(api, group))[0]["comment"] == ""
    await api.done(f"{group}/remove", {"_id": identity})
    assert [row["_id"] for row in await found(api, group)] == [kept]
    for action in ("update", "remove"):
        assert await api.refused(f"{group}/{action}", {"_id": identity}) == (FAILED, "_id")
        assert await api.refused(f"{group}/{action}", {"_id": NOBODY, "number": "100"}) == (FAILED, "_id")
    assert len(await found(api, group)) == 1


async def test_labels_change(api: Api) -> None:
    """A new list replaces the old, an empty one empties it, none leaves it; one text is one label."""
    identity = (await api.done(f"{WHITE}/add", {"number": "557", "labels": ["a", "b"]}))["_id"]
    for sent, labels in (({}, ["a", "b"]), ({"labels": "c"}, ["c"]), ({"labels": []}, [])):
        await api.done(f"{WHITE}/update", {"_id": identity, "number": "557", **sent})
        assert (await found(api, WHITE))[0]["labels"] == labels
    for wrong in ({"a": 1}, [["a"]], [{"a": "b"}], ["x" * 65], ["a\nb"], ["a"] * 51, 1.5, True):
        body = {"_id": identity, "labels": wrong}
        assert await api.refused(f"{WHITE}/update", body) == (FAILED, "labels")
    assert (await found(api, WHITE))[0]["labels"] == []


@pytest.mark.parametrize("group", [BLACK, WHITE])
async def test_search(api: Api, group: str) -> None:
    """Parts or equality, as people read numbers; a column that only a sample has is not looked at."""
    for number in ("1000", "99", "557", "1557"):
        await api.done(f"{group}/add", {"number": number})

    async def numbers(alike: Any, **conditions: str) -> list[str]:
        rows = await found(api, group, alike=alike, conditions=conditions)
        return [row["number"] for row in rows]

    assert await numbers(True) == ["99", "557", "1000", "1557"]
    assert await numbers("true", number="557") == ["557", "1557"]
    assert await numbers("no", number="557", name="x") == ["557"]
    assert await numbers(True, number="%") == []
    assert await numbers(True, number="' OR 1=1 --") == []


@pytest.mark.parametrize("group", [BLACK, WHITE])
async def test_leniency(api: Api, group: str) -> None:
    """With it entries are named by number and searched beside alike; without it an id is required."""
    await api.done(f"{group}/add", {"number": "557"})
    missing = "Field '_id':value is missing"
    assert await api.refused(f"{group}/remove", {"number": "557"}) == (missing, "_id")
    await api.set("sa.lenient", True)
    await api.done(f"{group}/update", {"number": "۵۵۷", "description": "known"})
    (row,) = await api.done(f"{group}/search", {"number": "557"})
    assert row["comment"] == "known"
    assert await api.done(f"{group}/search", {"number": "558"}) == []
    assert await api.refused(f"{group}/remove", {"number": "558"}) == (FAILED, "number")
    await api.done(f"{group}/remove", {"number": "557"})
    assert await found(api, group) == []


@pytest.mark.parametrize(
    "number", ["1 2", "1;2", "${X}", "1" * 33, "a b", {"$ne": ""}, ["1"], True, 1.5, "تلفن"]
)
async def test_what_is_no_number(api: Api, number: Any) -> None:
    """An entry's number is something that can be dialed."""
    for group in (BLACK, WHITE):
        assert await api.refused(f"{group}/add", {"number": number}) == (FAILED, "number")
        assert await found(api, group) == []
