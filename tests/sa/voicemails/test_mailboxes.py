"""Mailboxes through the API, on both stores where these can differ."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select

from sa.pbx.conftest import FAILED, Api
from sa.voicemails._box import EXISTS, GROUP, leave, left_files, mailbox
from tamas.store.voicemail_schema import mailboxes, message_lights, voicemail_messages

FLAGS = (
    "required_password",
    "allow_change_password",
    "send_email",
    "attach_file_email",
    "play_busy",
    "play_unavailable",
    "play_welcome",
    "Play_CID",
    "Play_Envelope",
    "Delete_Voicemail",
)


async def found(api: Api, **body: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await api.done(f"{GROUP}/search", {"alike": False, **body})
    return rows


async def test_every_field_comes_back_as_sent(api: Api) -> None:
    """All that the catalogue names, in its order; the password in clear."""
    sent = {flag: "yes" if place % 2 else "no" for place, flag in enumerate(FLAGS)}
    more = {"email": "box@example.com", "more_options": "tz=central\nx=سلام"}
    identity = await mailbox(api, "999", name='Reception "1"', password="0042", **sent, **more)
    (row,) = await found(api)
    assert list(row) == ["_id", "name", "number", "password", "email", *FLAGS, "more_options", "date"]
    assert row["_id"] == identity
    assert (row["name"], row["number"], row["password"]) == ('Reception "1"', "999", "0042")
    assert {key: row[key] for key in (*FLAGS, *more)} == sent | more


async def test_what_is_left_out_is_off(api_once: Api) -> None:
    """A mailbox of name, number and password has every flag off."""
    await mailbox(api_once, "999")
    (row,) = await found(api_once)
    assert {row[flag] for flag in FLAGS} == {"no"}
    assert (row["email"], row["more_options"]) == ("", "")


async def test_the_password_is_sealed(api: Api) -> None:
    """What lies in the store does not show it, and another update leaves it alone."""
    identity = await mailbox(api, "999", password="314159265")
    (row,) = await api.rows(select(mailboxes))
    assert b"314159265" not in row["password_sealed"]
    await api.done(f"{GROUP}/update", {"_id": identity, "play_welcome": True})
    assert [(row["password"], row["play_welcome"]) for row in await found(api)] == [("314159265", "yes")]
    await api.done(f"{GROUP}/update", {"_id": identity, "password": 2718})
    assert [row["password"] for row in await found(api)] == ["2718"]


async def test_a_number_is_one_mailbox(api: Api) -> None:
    """Of requests that come together one adds it; no other can take its number; an extension's is free."""
    body = {"name": "Box", "number": "200", "password": "1"}
    answers = await asyncio.gather(*(api.raw(f"{GROUP}/add", body) for _ in range(6)))
    assert sorted(answer.json()["success"] for answer in answers) == [0] * 5 + [1]
    assert {answer.json()["message"] for answer in answers if not answer.json()["success"]} == {EXISTS}
    other = await mailbox(api, "201")
    assert await api.refused(f"{GROUP}/update", {"_id": other, "number": "200"}) == (EXISTS, "number")
    await api.extension("202")
    await api.done(f"{GROUP}/update", {"_id": other, "number": "202"})


async def test_change_and_remove(api: Api) -> None:
    """Messages follow a new number but keep their files; with the mailbox they go, and others stay."""
    identity, other = await mailbox(api, "500"), await mailbox(api, "600")
    name = await leave(api, identity, "500")
    kept = await leave(api, other, "600")
    await api.done(f"{GROUP}/update", {"id": identity, "number": "501"})
    (row,) = await api.rows(select(voicemail_messages).where(voicemail_messages.c.mailbox_id == identity))
    assert (row["number"], row["filename"]) == ("501", name)
    lights = {row["number"] for row in await api.rows(select(message_lights))}
    assert {"500", "501"} <= lights, "the phones of both numbers have to be told"
    assert left_files(api) == {name, kept}
    await api.done(f"{GROUP}/remove", {"_id": identity})
    assert [row["number"] for row in await found(api)] == ["600"]
    assert left_files(api) == {kept}
    assert await api.refused(f"{GROUP}/remove", {"_id": identity}) == (FAILED, "_id")
    assert await api.refused(f"{GROUP}/update", {"_id": identity, "name": "x"}) == (FAILED, "_id")


async def test_search(api: Api) -> None:
    """By parts or whole, by name and number together; numbers in the order in which people read them."""
    for number, name in (("1000", "Sales"), ("99", "Sara"), ("200", "50% off")):
        await mailbox(api, number, name=name)
    assert [row["number"] for row in await found(api)] == ["99", "200", "1000"]
    like = {"alike": True, "conditions": {"name": "SA"}}
    assert [row["number"] for row in await found(api, **like)] == ["99", "1000"]
    assert [row["number"] for row in await found(api, alike=True, conditions={"name": "%"})] == ["200"]
    assert await found(api, conditions={"name": "Sara", "number": "1000"}) == []
    assert [row["name"] for row in await found(api, conditions={"number": "1000"})] == ["Sales"]


async def test_lenient_clients(api_once: Api) -> None:
    """With the switch on a number stands for the id, and search takes what one client sends beside alike."""
    await mailbox(api_once, "999", name="Old")
    body = {"number": "999", "name": "New"}
    assert await api_once.refused(f"{GROUP}/update", body) == ("Field '_id':value is missing", "_id")
    await api_once.set("sa.lenient", True)
    await api_once.done(f"{GROUP}/update", body)
    await mailbox(api_once, "998")
    rows = await api_once.done(f"{GROUP}/search", {"extension": "999", "limit": 10, "offset": 0})
    assert [row["name"] for row in rows] == ["New"]
    await api_once.done(f"{GROUP}/remove", {"number": "999"})
    assert [row["number"] for row in await found(api_once)] == ["998"]


async def test_a_password_that_cannot_be_opened(api_once: Api) -> None:
    """Sealed with another key: the list is there all the same, without that password."""
    await mailbox(api_once, "999")
    async with api_once.database.write() as tx:
        await tx.execute(mailboxes.update().values(password_sealed=b"x" * 30))
    assert [(row["number"], row["password"]) for row in await found(api_once)] == [("999", "")]
