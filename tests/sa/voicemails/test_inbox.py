"""The inbox of mailboxes through the API, on both stores where these can differ."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from sa.pbx.conftest import FAILED, Api
from sa.voicemails._box import leave, mailbox
from tamas.store.voicemail_schema import message_lights, voicemail_messages

SEARCH = "voicemails/inbox/search"
KEYS = ["_id", "number", "caller_id", "filename", "voice_mail_id", "duration", "read", "v", "date"]
NOT_SAVED = "This file has not been saved properly"


async def page(api: Api, **body: Any) -> dict[str, Any]:
    data: dict[str, Any] = await api.done(SEARCH, {"alike": False, **body})
    return data


async def dated(api: Api, filename: str, at: int) -> None:
    """Let a message have been left at a moment, in seconds."""
    async with api.database.write() as tx:
        await tx.execute(
            update(voicemail_messages)
            .where(voicemail_messages.c.filename == filename)
            .values(left_at=at * 1_000_000)
        )


async def test_a_message(api: Api) -> None:
    """A message that was left is a row of the catalogue's form; one that failed has an error instead."""
    box = await mailbox(api, "400")
    name = await leave(api, box, "400", caller="570", seconds=2.6)
    await leave(api, box, "400", caller="571", seconds=0)
    await dated(api, name, 1_623_742_152)
    failed, stored = (await page(api))["data"]
    assert list(stored) == KEYS
    assert (stored["number"], stored["caller_id"], stored["filename"]) == ("400", "570", name)
    assert (stored["voice_mail_id"], stored["duration"]) == ({"$oid": box}, 2)
    assert (stored["read"], stored["v"], stored["date"]) == (False, 2, "2021-06-15 07:29:12")
    assert list(failed) == ["_id", "number", "caller_id", "error", "voice_mail_id", "read", "v", "date"]
    assert (failed["caller_id"], failed["error"]) == ("571", NOT_SAVED)


async def test_what_is_not_complete_is_not_shown(api_once: Api) -> None:
    """A message that is being left is no row yet; one that was too short never becomes one."""
    box = await mailbox(api_once, "400")
    await leave(api_once, box, "400", seconds=0.5)
    name = await leave(api_once, box, "400")
    async with api_once.database.write() as tx:
        await tx.execute(update(voicemail_messages).values(state="recording"))
    assert (await page(api_once))["pagination"]["total"] == 0
    assert [row["filename"] for row in await api_once.rows(select(voicemail_messages))] == [name]


async def test_dates(api: Api) -> None:
    """Rows say when in the configured calendar and zone; ranges are taken in both calendars."""
    await api.set("timezone", "Asia/Tehran")
    box = await mailbox(api, "400")
    midnight = 1_616_284_800  # 2021-03-21 00:00 UTC, half past three in Tehran, on the first day of 1400
    for caller, at in (("570", midnight - 1), ("571", midnight), ("572", midnight + 86_400)):
        await dated(api, await leave(api, box, "400", caller=caller), at)
    for calendar, day in (("gregorian", "2021-03-21"), ("jalali", "1400-01-01")):
        await api.set("calendar", calendar)
        for start, end in (("2021-03-21", "2021-03-21"), ("1400-01-01", "1400-01-01 23:59")):
            data = await page(api, date_range={"from": start, "to": end})
            assert [row["date"] for row in data["data"]] == [f"{day} 03:30:00", f"{day} 03:29:59"]
    data = await page(api, date_range={"from": "2021-03-21 03:30"})
    assert [row["caller_id"] for row in data["data"]] == ["572", "571"]


async def test_conditions(api: Api) -> None:
    """By caller and mailbox, whole or in part."""
    for number in ("400", "40"):
        box = await mailbox(api, number)
        for caller in ("570", "09125700000"):
            await leave(api, box, number, caller=caller)
    assert (await page(api, conditions={"number": "40"}))["pagination"]["total"] == 2
    assert (await page(api, alike=True, conditions={"number": "40"}))["pagination"]["total"] == 4
    assert (await page(api, alike=True, conditions={"src": "570"}))["pagination"]["total"] == 4
    data = await page(api, conditions={"src": "570", "number": "400"})
    assert [(row["caller_id"], row["number"]) for row in data["data"]] == [("570", "400")]


async def test_pages(api: Api) -> None:
    """Newest first unless a request says otherwise; unknown columns are refused by name."""
    box = await mailbox(api, "400")
    for place in range(5):
        await dated(api, await leave(api, box, "400", caller=str(place)), 1_600_000_000 + place)
    data = await page(api, pagination={"start": 1, "count": 2, "sorting": {}})
    assert data["pagination"] == {"start": 1, "count": 2, "sorting": {"date": -1}, "total": 5}
    assert [row["caller_id"] for row in data["data"]] == ["3", "2"]
    data = await page(api, pagination={"sorting": {"caller_id": 1}})
    assert [row["caller_id"] for row in data["data"]] == ["0", "1", "2", "3", "4"]
    body = {"alike": False, "pagination": {"sorting": {"mailbox_id": 1}}}
    assert await api.refused(SEARCH, body) == (FAILED, "pagination.sorting.mailbox_id")


async def test_download(api: Api) -> None:
    """By file name or id, in the body or in the query: the very bytes; then the message has been read."""
    box = await mailbox(api, "400")
    services = ("voicemails/audio/download", "voicemails/inbox/read", "reports/audio/download")
    for place, service in enumerate(services):
        name = await leave(api, box, "400", caller=str(place))
        row = next(row for row in (await page(api))["data"] if row["filename"] == name)
        assert not row["read"]
        async with api.database.write() as tx:
            await tx.execute(message_lights.delete())
        content = (api.folder / "voicemail" / "400" / name).read_bytes()
        answer = await api.raw(service, {"id" if service.endswith("read") else "file": name})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
        assert answer.content == content
        assert all(row["read"] for row in (await page(api))["data"])
        assert [row["number"] for row in await api.rows(select(message_lights))] == ["400"]
        if service.startswith("voicemails/"):
            for variant in (row["_id"], name.removesuffix(".wav")):
                answer = await api.client.post(f"/api/v4/{service}?id={variant}", json={})
                assert answer.content == content, variant


NO_NAMES = (
    "400_1623742139-vm-record-file-9758.wav",
    "../secret.wav",
    "400/../../secret.wav",
    "/etc/passwd",
    "0" * 24,
    "..%2fsecret",
)


async def test_what_is_not_there(api_once: Api) -> None:
    """A name that is none, or of nothing: 404 without a word about why, and nothing outside the folder."""
    (api_once.folder / "secret.wav").write_bytes(b"secret")
    for service, key in (("voicemails/audio/download", "file"), ("voicemails/inbox/read", "id")):
        for name in NO_NAMES:
            answer = await api_once.raw(service, {key: name})
            assert answer.status_code == 404, name
            assert answer.content.strip() in (b"", b"Not Found"), name
        assert await api_once.refused(service, {key: "400_\x00.wav"}) == (FAILED, key)


async def test_a_file_that_vanished_is_not_read(api_once: Api) -> None:
    """The row is there, its file is not, or is a link elsewhere: 404, and the message stays unread."""
    box = await mailbox(api_once, "400")
    name = await leave(api_once, box, "400")
    file = api_once.folder / "voicemail" / "400" / name
    file.unlink()
    assert (await api_once.raw("voicemails/audio/download", {"file": name})).status_code == 404
    (api_once.folder / "elsewhere.wav").write_bytes(b"secret")
    file.symlink_to(api_once.folder / "elsewhere.wav")
    assert (await api_once.raw("voicemails/audio/download", {"file": name})).status_code == 404
    assert [row["read"] for row in (await page(api_once))["data"]] == [False]
