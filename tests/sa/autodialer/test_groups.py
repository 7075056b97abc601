"""Groups of numbers through the API."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from sa.autodialer._dialer import NOBODY, SOUND, Dialer
from tamas.sa.uploads import UNUSED_SECONDS
from tamas.store.autodialer_schema import dialer_group_numbers, dialer_groups
from tamas.store.clock import MICROSECONDS
from tamas.store.schema import uploads

NOON = 1_792_670_400 * MICROSECONDS
"""2026-10-22 12:00:00 UTC, which is 1405-07-30."""


@pytest.mark.parametrize(
    ("calendar", "dates"),
    [
        ("gregorian", ["2026-10-22 12:04:00", "2026-10-22 12:05:00"]),
        ("jalali", ["1405-07-30 12:04:00", "1405-07-30 12:05:00"]),
    ],
)
async def test_the_documented_page_of_seventeen(dialer: Dialer, calendar: str, dates: list[str]) -> None:
    """Seventeen groups, two from the fifth on, the oldest first: the shape of the documentation."""
    await dialer.api.set("calendar", calendar)
    await dialer.api.set("timezone", "UTC")
    for position in range(17):
        identity = await dialer.add(
            "autodialer/groups/add", name=f"group {position}", numbers=["1111", "2222"]
        )
        async with dialer.api.database.write() as tx:
            at = NOON + position * 60 * MICROSECONDS
            await tx.execute(
                update(dialer_groups).where(dialer_groups.c.id == identity).values(created_at=at)
            )
    found = await dialer.search(
        "autodialer/groups/search", pagination={"start": 4, "count": 2, "sorting": {"date": 1}}
    )
    assert list(found) == ["pagination", "data"]
    assert found["pagination"] == {"start": 4, "count": 2, "sorting": {"date": 1}, "total": 17}
    assert [list(row) for row in found["data"]] == [["_id", "name", "description", "count", "date"]] * 2
    assert [row["name"] for row in found["data"]] == ["group 4", "group 5"]
    assert [row["date"] for row in found["data"]] == dates
    newest = await dialer.search("autodialer/groups/search", pagination={"sorting": {}})
    assert newest["pagination"]["sorting"] == {"date": -1}
    assert newest["data"][0]["name"] == "group 16"


async def test_a_list_in_the_request(dialer: Dialer) -> None:
    """``autodialer/groups/add``: each number once; the row says how many, not which."""
    numbers = ["1111", "22 22", "2222", "", "۳۳۳۳", 4444]
    await dialer.add("autodialer/groups/add", name="test_group", numbers=numbers, description="x")
    (row,) = await dialer.rows("autodialer/groups/search", conditions={"description": "X"})
    assert list(row) == ["_id", "name", "description", "count", "date"]
    assert (row["name"], row["description"], row["count"]) == ("test_group", "x", 4)


async def test_an_uploaded_table(dialer: Dialer) -> None:
    """``autodialer/groups/upload``: header, doubled and wrong lines go; made of by its name, any ending."""
    content = "\ufeffnumber\r\n0912 1\r\n۰۹۱۲۱\r\n\r\nnobody\r\n0913\r\n".encode("utf-8")
    filename = await dialer.upload("autodialer/groups/upload", content)
    assert filename.endswith("-book1csv_.csv")
    assert dialer.content("dialer-lists", filename) == b"09121\n0913\n"
    first = await dialer.add("autodialer/groups/add", name="a", filename=filename)
    await dialer.add(
        "autodialer/groups/add", name="b", filename=filename.removesuffix(".csv"), numbers=["0914", "0913"]
    )
    assert {row["name"]: row["count"] for row in await dialer.rows("autodialer/groups/search")} == {
        "a": 2,
        "b": 3,
    }
    changed = await dialer.update("autodialer/groups/update", first, filename=filename, numbers=["0910"])
    assert changed["numbers"] == ["0910", "09121", "0913"]


async def test_uploaded_vcards(dialer_once: Dialer) -> None:
    """Cards of a phone become a group."""
    cards = b"BEGIN:VCARD\r\nVERSION:2.1\r\nN:Ali\r\nTEL;CELL:+98 912 1\r\nTEL;HOME:0211\r\nEND:VCARD\r\n" * 2
    filename = await dialer_once.upload("autodialer/groups/upload", cards, name="contacts.vcf")
    assert filename.endswith(".csv")
    identity = await dialer_once.add("autodialer/groups/add", name="cards", filename=filename)
    assert (await dialer_once.update("autodialer/groups/update", identity))["numbers"] == ["+989121", "0211"]


BAD = {
    "empty": b"",
    "words": b"name\nAli\nSara\n",
    "header only": b"number\n",
    "spreadsheet": b"PK\x03\x04\x14\x00\x06\x00" + bytes(600),
    "zeros": bytes(1000),
}


@pytest.mark.parametrize("kind", BAD)
async def test_what_has_no_number_leaves_nothing(dialer_once: Dialer, kind: str) -> None:
    """Refused by its content, whatever its name; no file and no row stays."""
    answer = await dialer_once.send("autodialer/groups/upload", BAD[kind], name="numbers.csv")
    assert answer.json()["message"] == "Requested operation failed"
    assert answer.headers["x-error-field"] == "file"
    assert dialer_once.files("dialer-lists") == []
    assert dialer_once.files("incoming") == []
    assert await dialer_once.api.rows(select(uploads)) == []


async def test_too_large_a_file(dialer_once: Dialer) -> None:
    """The limit is 512000 bytes unless the setting says otherwise; a byte more is refused."""
    line = b"09120000000\n"
    content = line * (512_000 // len(line))
    content += b"\n" * (512_000 - len(content))
    await dialer_once.upload("autodialer/groups/upload", content)
    answer = await dialer_once.send("autodialer/groups/upload", content + b"\n", name="numbers.csv")
    assert answer.headers["x-error-field"] == "file"
    await dialer_once.api.set("uploads.csv_bytes", 1024)
    assert (await dialer_once.send("autodialer/groups/upload", line * 100, name="numbers.csv")).json()[
        "success"
    ] == 0


async def test_other_names_lead_nowhere(dialer_once: Dialer) -> None:
    """A group is made of what was uploaded as a list, and of nothing else."""
    filename = await dialer_once.upload("autodialer/groups/upload", b"0911\n")
    sound = await dialer_once.upload("autodialer/announcements/upload", SOUND, name="a.wav")
    for other in ("nothing.csv", f"../dialer-lists/{filename}", f"/{filename}", filename[:-2], sound, "%"):
        assert await dialer_once.refused("autodialer/groups/add", name="x", filename=other) == "filename"
    assert await dialer_once.refused("autodialer/groups/add", name="x") == "numbers"
    assert await dialer_once.refused("autodialer/groups/add", name="x", numbers=["", " "]) == "numbers"
    assert await dialer_once.rows("autodialer/groups/search") == []


@pytest.mark.parametrize("numbers", [["0911", "nobody"], {"a": 1}, 1.5, [["0911"]], ["0911", None], "nobody"])
async def test_wrong_numbers_stop_all(dialer_once: Dialer, numbers: object) -> None:
    """Unlike a file, a list in a request is right as a whole or refused; nothing of it is left."""
    assert await dialer_once.refused("autodialer/groups/add", name="x", numbers=numbers) == "numbers"
    assert await dialer_once.api.rows(select(dialer_group_numbers)) == []


async def test_update_answers_the_group(dialer: Dialer) -> None:
    """``autodialer/groups/update``: the group as it is then, with its numbers and its date as epoch."""
    identity = await dialer.add("autodialer/groups/add", name="test_group", numbers=["1111"], description="x")
    changed = await dialer.update(
        "autodialer/groups/update",
        identity,
        name="test_group_new",
        numbers=["1111", "2222", "3333"],
        description="just",
    )
    assert list(changed) == ["name", "numbers", "description", "date", "count"]
    assert changed["numbers"] == ["1111", "2222", "3333"]
    assert (changed["name"], changed["description"], changed["count"]) == ("test_group_new", "just", 3)
    assert changed["date"]["$date"]["$numberLong"].isdigit()
    only_name = await dialer.update("autodialer/groups/update", identity, name="again")
    assert (only_name["numbers"], only_name["count"]) == (["1111", "2222", "3333"], 3)
    assert await dialer.refused("autodialer/groups/update", _id=identity, numbers=["x"]) == "numbers"
    assert await dialer.refused("autodialer/groups/update", _id=identity, numbers=[]) == "numbers"
    assert await dialer.refused("autodialer/groups/update", _id=NOBODY, numbers=["1111"]) == "_id"
    assert (await dialer.update("autodialer/groups/update", identity))["numbers"] == ["1111", "2222", "3333"]


async def test_remove(dialer: Dialer) -> None:
    """``autodialer/groups/remove``: its numbers go with it."""
    identity = await dialer.add("autodialer/groups/add", name="a", numbers=["1111", "2222"])
    await dialer.remove("autodialer/groups/remove", identity)
    assert await dialer.refused("autodialer/groups/remove", _id=identity) == "_id"
    (row,) = await dialer.api.rows(select(func.count().label("count")).select_from(dialer_group_numbers))
    assert row["count"] == 0


async def test_a_list_that_nothing_needs_goes_after_a_week(dialer_once: Dialer) -> None:
    """An uploaded file is there for any number of groups until then."""
    old = await dialer_once.upload("autodialer/groups/upload", b"0911\n")
    await dialer_once.add("autodialer/groups/add", name="a", filename=old)
    async with dialer_once.api.database.write() as tx:
        age = (UNUSED_SECONDS + 60) * MICROSECONDS
        await tx.execute(update(uploads).values(created_at=uploads.c.created_at - age))
    new = await dialer_once.upload("autodialer/groups/upload", b"0912\n")
    assert dialer_once.files("dialer-lists") == [new]


async def test_leniency(dialer_once: Dialer) -> None:
    """With it a group is named by its name, when only one has it."""
    await dialer_once.api.set("sa.lenient", True)
    await dialer_once.add("autodialer/groups/add", name="a", numbers=["1111"])
    changed = await dialer_once.api.done("autodialer/groups/update", {"name": "a", "numbers": ["2222"]})
    assert (changed["name"], changed["numbers"]) == ("a", ["2222"])
    await dialer_once.add("autodialer/groups/add", name="a", numbers=["1111"])
    assert await dialer_once.refused("autodialer/groups/remove", name="a") == "name"
