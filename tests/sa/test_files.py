"""Files through the gateway, in and out."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from sa._server import RunningSa
from support.waiting import eventually

CONTENT = bytes(range(256)) * 8000
"""About 2 MB, so that it does not stay in memory."""
LIMIT = 5_242_880
UPLOAD = "/api/v4/test/files/upload"
DOWNLOAD = "/api/v4/test/files/download"
FAILED = '{"success":0,"message":"Requested operation failed","data":null}'
MISSING = '{"success":0,"message":"Field \'file\':value is missing","data":null}'
UNPARSEABLE = (400, "Unable to parse content")


def part(content: bytes, *, name: str = "file", filename: str | None = "a.wav") -> bytes:
    """A form of one part, with the boundary ``B``."""
    disposition = f'form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    return b"--B\r\nContent-Disposition: " + disposition.encode() + b"\r\n\r\n" + content + b"\r\n--B--\r\n"


class Client:
    """Posts to a gateway as an account that may call everything."""

    def __init__(self, sa: RunningSa, auth: httpx.Auth) -> None:
        self.sa = sa
        self.auth = auth

    async def raw(
        self, body: Any, content_type: str | None = "multipart/form-data; boundary=B"
    ) -> httpx.Response:
        headers = {} if content_type is None else {"Content-Type": content_type}
        return await self.sa.http.post(UPLOAD, content=body, headers=headers, auth=self.auth)

    async def get(self, path: Path | str, **headers: str) -> httpx.Response:
        return await self.sa.http.get(DOWNLOAD, params={"file": str(path)}, headers=headers, auth=self.auth)


@pytest.fixture
def client(sa: RunningSa, caller: httpx.BasicAuth) -> Client:
    return Client(sa, caller)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A file of 2 MB."""
    path = tmp_path / "sound.wav"
    path.write_bytes(CONTENT)
    return path


async def test_a_file_arrives_whole(client: Client) -> None:
    """POST and PUT, with a field beside it, in whatever pieces; the last of two fields counts."""
    for method in ("POST", "PUT"):
        answer = await client.sa.http.request(
            method,
            UPLOAD,
            files={"file": ("../../سلام\\x.wav", CONTENT, "audio/wav")},
            data={"name": ["first", "Welcome"], "more": "ignored"},
            auth=client.auth,
        )
        assert answer.json() == {
            "success": 1,
            "message": "1 file(s) uploaded successfully",
            "data": {
                "filename": "../../سلام\\x.wav",
                "sha256": hashlib.sha256(CONTENT).hexdigest(),
                "name": "Welcome",
            },
        }

    async def trickle() -> Any:
        form = part(b"sound")
        for start in range(0, len(form), 7):
            yield form[start : start + 7]
            await asyncio.sleep(0)

    answer = await client.raw(trickle())
    assert answer.json()["data"]["sha256"] == hashlib.sha256(b"sound").hexdigest()


async def test_a_missing_file_is_named(client: Client) -> None:
    """No body, an empty form, another field, and the empty input of a browser: the file is missing."""
    for body, content_type in (
        (b"", None),
        (b"--B--\r\n", "multipart/form-data; boundary=B"),
        (part(b"sound", name="sound"), "multipart/form-data; boundary=B"),
        (part(b"", filename=""), "Multipart/Form-Data; boundary=B"),
        (part(b"", filename=None), "multipart/form-data; charset=utf-8; boundary=B"),
    ):
        answer = await client.raw(body, content_type)
        assert (answer.status_code, answer.text) == (200, MISSING), body
        assert answer.headers["x-error-field"] == "file"


async def test_text_is_no_file(client: Client) -> None:
    """A field of that name that is text fails as a value that does not fit."""
    answer = await client.raw(part(b"sound", filename=None))
    assert (answer.status_code, answer.text, answer.headers["x-error-field"]) == (200, FAILED, "file")


async def test_other_media_types_are_refused(client: Client) -> None:
    """An upload takes forms only, and nothing else takes forms."""
    for content_type in (
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/mixed; boundary=B",
        None,
    ):
        answer = await client.raw(part(b"sound"), content_type)
        assert (answer.status_code, answer.json()["message"]) == (415, "Unsupported Media Type"), content_type
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    answer = await client.sa.http.post(
        "/api/v4/setting/ping/act", content=part(b"sound"), headers=headers, auth=client.auth
    )
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"sound",
        part(b"sound").replace(b"--B--", b""),
        part(b"sound").replace(b'name="file"; ', b""),
        part(b"sound").replace(b"Content-Disposition", b"Content-Nothing"),
        part(b"x" * 5000, name="name", filename=None),
        part(b"1").replace(b"--B--\r\n", part(b"2", name="other")),
        b"".join(part(b"1", name=f"f{n}", filename=None).replace(b"--B--\r\n", b"") for n in range(40))
        + b"--B--\r\n",
        part(b"1").replace(b"\r\n\r\n", b"\r\n" + b"X: " + b"y" * 9000 + b"\r\n\r\n"),
    ],
    ids=[
        "none",
        "unended",
        "nameless",
        "undescribed",
        "long-field",
        "two-files",
        "many-fields",
        "long-header",
    ],
)
async def test_what_is_no_form_is_refused(client: Client, body: bytes) -> None:
    """Broken forms, and forms with too much beside the file, are content that cannot be parsed."""
    answer = await client.raw(body)
    assert (answer.status_code, answer.json()["message"]) == UNPARSEABLE
    answer = await client.raw(body, "multipart/form-data")
    assert (answer.status_code, answer.json()["message"]) == UNPARSEABLE


async def test_the_limit_holds_to_the_byte(client: Client) -> None:
    """A file of the limit is taken, one byte more is a failed operation, however its length is told."""
    assert (await client.raw(part(bytes(LIMIT)))).json()["success"] == 1

    async def chunked(size: int) -> Any:
        form = part(bytes(size))
        for start in range(0, len(form), 65536):
            yield form[start : start + 65536]

    for body in (part(bytes(LIMIT + 1)), chunked(LIMIT + 1), part(bytes(3 * LIMIT)), chunked(3 * LIMIT)):
        answer = await client.raw(body)
        assert (answer.status_code, answer.text, answer.headers["x-error-field"]) == (200, FAILED, "file")
    (newest, *_) = await client.sa.logged(limit=1)
    assert (newest.service, newest.error_field, newest.success) == ("test/files/upload", "file", 0)


async def test_the_limit_is_a_setting(own_sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """A changed limit holds from the next request on."""
    await own_sa.set("uploads.audio_bytes", 2000)
    client = Client(own_sa, caller)
    assert (await client.raw(part(bytes(2000)))).json()["success"] == 1
    assert (await client.raw(part(bytes(2001)))).json()["success"] == 0


async def test_a_file_is_sent_as_it_is(client: Client, sound: Path) -> None:
    """Bytes without envelope, with type, length and name; by JSON body or query, on each method."""
    for answer in (
        await client.get(sound),
        await client.sa.http.post(DOWNLOAD, json={"file": str(sound)}, auth=client.auth),
        await client.sa.http.put(DOWNLOAD, params={"file": str(sound)}, json={}, auth=client.auth),
        await client.sa.http.post(DOWNLOAD, params={"file": str(sound)}, auth=client.auth),
    ):
        assert (answer.status_code, answer.content) == (200, CONTENT)
        assert answer.headers["content-type"] == "audio/wav"
        assert answer.headers["content-length"] == str(len(CONTENT))
        assert answer.headers["content-disposition"] == 'attachment; filename="sound.wav"'
        assert answer.headers["x-request-id"]
    (newest, *_) = await client.sa.logged(limit=1)
    assert (newest.status, newest.success, newest.message) == (200, None, None)


async def test_parts_of_a_file(client: Client, sound: Path) -> None:
    """A range gives those bytes with 206, one behind the end 416, and the log says so."""
    answer = await client.get(sound, Range="bytes=10-19")
    assert (answer.status_code, answer.content) == (206, CONTENT[10:20])
    assert answer.headers["content-range"] == f"bytes 10-19/{len(CONTENT)}"
    assert (await client.get(sound, Range="bytes=-5")).content == CONTENT[-5:]
    assert (await client.get(sound, Range=f"bytes={len(CONTENT)}-")).status_code == 416
    (newest, *_) = await client.sa.logged(limit=1)
    assert newest.status == 416
    changed = await client.get(sound, Range="bytes=10-19", **{"If-Range": '"other"'})
    assert (changed.status_code, changed.content) == (200, CONTENT)


async def test_what_is_not_there(client: Client, sound: Path) -> None:
    """No such file, a folder, and a link to a file are 404 without envelope; a missing name is named."""
    link = sound.with_name("link.wav")
    link.symlink_to(sound)
    for path in (sound.with_name("none.wav"), sound.parent, link, "x" * 200):
        answer = await client.get(path)
        assert (answer.status_code, answer.content) == (404, b"")
    answer = await client.sa.http.get(DOWNLOAD, auth=client.auth)
    assert (answer.status_code, answer.text) == (200, MISSING)


async def test_what_was_made_for_an_answer_goes_with_it(client: Client, tmp_path: Path) -> None:
    """A temporary file is removed when it was sent, and when the client hung up in the middle."""
    path = tmp_path / "temporary.wav"
    path.write_bytes(CONTENT)
    assert (await client.get(path)).content == CONTENT
    await eventually(lambda: not path.exists(), what="the file's end after its answer")
    path.write_bytes(CONTENT * 8)
    async with client.sa.http.stream("GET", DOWNLOAD, params={"file": str(path)}, auth=client.auth) as answer:
        assert answer.status_code == 200
    # The server notices when it next writes.
    await eventually(lambda: not path.exists(), what="the file's end after the client's")
