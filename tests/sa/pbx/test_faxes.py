"""Faxes through the API, on both stores, with the engine away: documents in, rows that wait, files out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import insert, select, update

from sa.pbx.conftest import FAILED, Api
from support.documents import noise, pdf, tiff
from support.sounds import tone_wav
from tamas.media.fax import HEIGHT, WIDTH
from tamas.sa.uploads import UNUSED_SECONDS
from tamas.store.clock import MICROSECONDS, now
from tamas.store.fax_schema import faxes
from tamas.store.ids import new_id
from tamas.store.schema import uploads

UPLOAD = "/api/v4/pbx/faxes/upload"
NOBODY = "0" * 24
KEYS = ["_id", "type", "src", "dst", "status", "file", "description", "date", "ext", "trunk", "channel"]


class Faxes:
    """The services of faxes, and the files behind them."""

    def __init__(self, api: Api, state_dir: Path) -> None:
        self.api = api
        self.state_dir = state_dir

    async def send(self, content: bytes, *, name: str = "a.pdf") -> httpx.Response:
        return await self.api.client.post(UPLOAD, files={"file": (name, content)})

    async def upload(self, content: bytes | None = None, *, name: str = "doc.pdf") -> str:
        answer = (await self.send(pdf() if content is None else content, name=name)).json()
        assert answer["message"] == "1 file(s) uploaded successfully", answer
        return str(answer["data"]["filename"])

    async def add(self, **fields: Any) -> str:
        body = {"sender_id": "user1", "to": "112233", "trunk_name": "t1", **fields}
        return str((await self.api.done("pbx/faxes/add", body))["_id"])

    async def found(self, **body: Any) -> list[dict[str, Any]]:
        page = await self.api.done("pbx/faxes/search", {"alike": False, **body})
        rows: list[dict[str, Any]] = page["data"]
        return rows

    async def received(self, *, pages: list[Image.Image] | None, **values: Any) -> str:
        """A fax as ingestion writes it, with the file that Asterisk wrote."""
        at = now()
        row = {
            "id": new_id(),
            "type": "inbox",
            "src": "02100000000",
            "dst": "2100",
            "status": "SUCCESS",
            "file": "rec_file-20261125145843-00007-02100000000_.tiff",
            "trunk": "t1",
            "channel": "PJSIP/trunk-t1-00000007",
            "uniqueid": f"{at // MICROSECONDS}.7",
            "pages": 1,
            "created_at": at,
            **values,
        }
        async with self.api.database.write() as tx:
            await tx.execute(insert(faxes).values(**row))
        if pages is not None:
            path = self.state_dir / "faxes" / "received" / f"{row['uniqueid']}.tiff"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tiff(*pages))
        return str(row["id"])

    async def download(self, identity: str) -> httpx.Response:
        return await self.api.raw("pbx/faxes/download", {"_id": identity})

    def files(self) -> list[str]:
        """Everything below the state directory, but folders and the store."""
        return sorted(
            str(file.relative_to(self.state_dir))
            for file in self.state_dir.rglob("*")
            if file.is_file() and not file.name.startswith("tamas.db")
        )


@pytest.fixture
async def fax(api: Api, tmp_path: Path) -> Faxes:
    await api.trunk("t1", active="yes", host="192.0.2.1")
    return Faxes(api, tmp_path)


DOCUMENTS: dict[str, tuple[bytes, int]] = {
    "report.pdf": (pdf(pages=3), 3),
    "scan.tif": (tiff(noise(size=(WIDTH, 300)), noise(size=(WIDTH, 300), seed=1)), 2),
    "note.txt": ("نامه\nA letter".encode(), 1),
    "wrong-ending.pdf": (b"plain text", 1),
}


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_document_is_kept_as_it_is_faxed(fax: Faxes, name: str) -> None:
    """PDF, TIFF and text, told apart by content, become a fax's TIFF under a name of ours."""
    content, pages = DOCUMENTS[name]
    filename = await fax.upload(content, name=f"../../{name}")
    assert filename.startswith("sen_file-")
    assert filename.endswith(f"-{name.replace('.', '')}_.tiff")
    assert fax.files() == [f"faxes/{filename}"]
    with Image.open(fax.state_dir / "faxes" / filename) as image:
        assert (image.n_frames, image.mode, image.width) == (pages, "1", WIDTH)  # type: ignore[attr-defined]
    (row,) = await fax.api.rows(select(uploads))
    assert (row["kind"], row["account"], row["pages"]) == ("fax", "tester", pages)


BAD: dict[str, bytes] = {
    "empty": b"",
    "cut-off-pdf": pdf(pages=2)[:2000],
    "cut-off-tiff": tiff(noise(size=(WIDTH, 800)))[:9000],
    "sound": tone_wav(440, seconds=0.2),
    "program": b"\x7fELF" + bytes(4000),
    "too-many-pages": pdf(pages=200, size=(40, 40)),
    "other-script": "漢字".encode(),
    "no-text": b"  \n \n",
    "latin-1": "caf\xe9".encode("latin-1"),
}


@pytest.mark.parametrize("kind", BAD)
async def test_what_is_no_document_leaves_nothing(fax: Faxes, kind: str) -> None:
    """Refused with the catalogue's text, whatever its name; no file, no row."""
    answer = await fax.send(BAD[kind], name="document.pdf")
    assert (answer.status_code, answer.json()["message"], answer.json()["data"]) == (200, FAILED, None)
    assert answer.headers["x-error-field"] == "file"
    assert fax.files() == []
    assert await fax.api.rows(select(uploads)) == []


async def test_too_large_a_document_leaves_nothing(fax: Faxes) -> None:
    """One byte beyond 1 MiB is refused, though it could be understood."""
    content = pdf()
    most = content + b"%" * (1_048_576 - len(content) - 6) + b"\n%%EOF"
    assert len(most) == 1_048_576
    assert (await fax.send(most)).json()["success"] == 1
    answer = await fax.send(most[:-6] + b"\n\n%%EOF")
    assert (answer.json()["message"], answer.headers["x-error-field"]) == (FAILED, "file")
    assert len(fax.files()) == 1


async def test_a_fax_waits_as_its_row_says(fax: Faxes) -> None:
    """What was sent is in the row, in the catalogue's form; the file wins over the text."""
    filename = await fax.upload()
    identity = await fax.add(file=filename, text="not this", ext="558", description="just; for <test>")
    (row,) = await fax.found()
    assert list(row) == KEYS
    assert {key: row[key] for key in KEYS if key != "date"} == {
        "_id": identity,
        "type": "outbox",
        "src": "user1",
        "dst": "112233",
        "status": "SENDING",
        "file": filename,
        "description": "just; for <test>",
        "ext": "558",
        "trunk": "t1",
        "channel": "SIP/t1/112233",
    }
    answer = await fax.download(identity)
    assert answer.headers["content-type"] == "image/tiff"
    assert answer.content == (fax.state_dir / "faxes" / filename).read_bytes()


async def test_a_text_becomes_pages(fax: Faxes) -> None:
    """Without a file the text is faxed, also one that looks like the beginning of a PDF."""
    identity = await fax.add(text="%PDF- is how a PDF begins\nسلام", sender_id="")
    (row,) = await fax.found()
    assert (row["_id"], row["src"]) == (identity, "000")
    assert fax.files() == [f"faxes/{row['file']}"]
    with Image.open(fax.state_dir / "faxes" / row["file"]) as image:
        assert image.size == (WIDTH, HEIGHT)
        assert image.getextrema()[0] == 0


async def test_the_name_of_a_document_may_lack_its_ends(fax: Faxes) -> None:
    """As the catalogue's own example has it: without sen_ and without ending. One document, many faxes."""
    filename = await fax.upload()
    for name in (filename, filename.removesuffix("_.tiff"), filename.removeprefix("sen_")[:-6]):
        await fax.add(file=name)
    assert {row["file"] for row in await fax.found()} == {filename}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no destination": ({"to": ""}, "to"),
    "no destination at all": ({"to": None}, "to"),
    "barred": ({"to": "0098211"}, "to"),
    "also barred": ({"to": "+98211"}, "to"),
    "excluded": ({"to": "909123"}, "to"),
    "no number": ({"to": "1,2"}, "to"),
    "another endpoint": ({"to": "1@trunk-t2"}, "to"),
    "no content": ({"file": "", "text": ""}, "file"),
    "unknown file": ({"file": "sen_file-20200624051520-61681-doc_.tiff"}, "file"),
    "path": ({"file": "../faxes/FILE"}, "file"),
    "received": ({"file": "received/1.2.tiff"}, "file"),
    "other script": ({"file": "", "text": "漢字"}, "text"),
    "blank text": ({"file": "", "text": " \n "}, "file"),
    "long text": ({"file": "", "text": "x\n" * 9000}, "text"),
    "control signs": ({"file": "", "text": "a\x00b"}, "text"),
    "unknown trunk": ({"trunk_name": "t9"}, "trunk_name"),
    "inactive trunk": ({"trunk_name": "t2"}, "trunk_name"),
    "trunk of another kind": ({"trunk_name": "t3"}, "trunk_name"),
    "letters to dial": ({"ext": "5a"}, "ext"),
    "long description": ({"description": "x" * 1001}, "description"),
}


async def test_what_cannot_be_sent_is_refused_by_its_field(fax: Faxes) -> None:
    """The catalogue's one text, the field in the header, and no row."""
    await fax.api.trunk("t2", active="no")
    await fax.api.trunk("t3", active="yes", trunk_type="IAX2")
    await fax.api.set("fax.excluded_prefixes", ["909"])
    filename = await fax.upload()
    for case, (change, field) in REFUSED.items():
        body = {"to": "112233", "trunk_name": "t1", "file": filename} | {
            key: value.replace("FILE", filename) if isinstance(value, str) else value
            for key, value in change.items()
        }
        assert await fax.api.refused("pbx/faxes/add", body) == (FAILED, field), case
        assert await fax.found() == [], case
        assert fax.files() == [f"faxes/{filename}"], case


async def test_without_a_trunk_the_first_is_taken(fax: Faxes) -> None:
    """As for calls; none that is active: refused."""
    await fax.api.trunk("t0", active="yes", host="192.0.2.2")
    await fax.add(text="x", trunk_name="")
    assert [row["trunk"] for row in await fax.found()] == ["t1"]
    for row in await fax.api.done("pbx/trunks/search", {"alike": False}):
        await fax.api.done("pbx/trunks/update", {"_id": row["_id"], "active": "no"})
    assert await fax.api.refused("pbx/faxes/add", {"to": "1", "text": "x"}) == (FAILED, "trunk_name")


async def test_search(fax: Faxes) -> None:
    """By sender, receiver, status, kind and time; pages and order as in every paged service."""
    filename = await fax.upload()
    sent = [await fax.add(file=filename, to=f"55{number}", sender_id=f"u{number}") for number in range(3)]
    got = await fax.received(pages=None, src="0219", dst="552", status="FAILED", reason="cut off")

    async def ids(alike: bool = False, **conditions: str) -> list[str]:
        return [row["_id"] for row in await fax.found(alike=alike, conditions=conditions)]

    assert await ids() == [got, *reversed(sent)]
    assert await ids(dst="552") == [got, sent[2]]
    assert await ids(dst="55", alike=True) == [got, *reversed(sent)]
    assert await ids(dst="55") == []
    assert await ids(src="U1", alike=True) == [sent[1]]
    assert await ids(status="FAILED") == [got]
    assert await ids(status="SENDING", dst="552") == [sent[2]]
    assert await ids(type="outbox", src="", status="") == [*reversed(sent)]
    assert await fax.found(date_range={"from": "2020-01-01", "to": "2020-01-02"}) == []
    assert len(await fax.found(date_range={"from": "2020-01-01 10:00", "to": "2099-01-02 10:00"})) == 4
    page = await fax.api.done(
        "pbx/faxes/search",
        {"alike": False, "pagination": {"start": 1, "count": 2, "sorting": {"dst": 1, "src": -1}}},
    )
    assert [(row["dst"], row["src"]) for row in page["data"]] == [("551", "u1"), ("552", "u2")]
    assert page["pagination"] == {"start": 1, "count": 2, "sorting": {"dst": 1, "src": -1}, "total": 4}
    (failed,) = await fax.found(conditions={"type": "inbox"})
    assert (failed["description"], failed["trunk"], failed["channel"]) == (
        "cut off",
        "t1",
        "SIP/t1-00000007",
    )
    for bad in ({"status": "LOST"}, {"type": "x"}, {"src": "a\x00"}):
        body = {"alike": False, "conditions": bad}
        assert await fax.api.refused("pbx/faxes/search", body) == (FAILED, f"conditions.{next(iter(bad))}")
    body = {"alike": False, "pagination": {"sorting": {"reason": 1}}}
    assert await fax.api.refused("pbx/faxes/search", body) == (FAILED, "pagination.sorting.reason")


async def test_a_received_fax_is_handed_out_in_the_form_that_is_set(fax: Faxes) -> None:
    """PDF unless TIFF is set; the dots are those of the line in both, and nothing is left behind."""
    page = noise(size=(WIDTH, 400))
    identity = await fax.received(pages=[page])
    assert (await fax.found())[0]["file"].endswith("-00007-02100000000_.pdf")
    answer = await fax.download(identity)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
    assert "_.pdf" in answer.headers["content-disposition"]
    assert len(fax.files()) == 1
    await fax.api.set("fax.received_format", "tiff")
    answer = await fax.download(identity)
    assert (answer.headers["content-type"], "_.tiff" in answer.headers["content-disposition"]) == (
        "image/tiff",
        True,
    )
    assert (await fax.found())[0]["file"].endswith("_.tiff")
    (fax.state_dir / "got.tiff").write_bytes(answer.content)
    with Image.open(fax.state_dir / "got.tiff") as got:
        assert got.tobytes() == page.tobytes()


async def test_what_is_not_there_is_not_found(fax: Faxes) -> None:
    """No such fax, no page that arrived, a file that lost its pages, one that became a link: 404, empty."""
    answers = [await fax.download(NOBODY), await fax.download(await fax.received(pages=None, uniqueid="1.1"))]
    answers.append(await fax.download(await fax.received(pages=None, uniqueid="../../1.2")))
    empty = await fax.received(pages=[noise(size=(WIDTH, 100))], uniqueid="1.3")
    path = fax.state_dir / "faxes" / "received" / "1.3.tiff"
    path.write_bytes(path.read_bytes()[:8])
    answers.append(await fax.download(empty))
    path.unlink()
    path.symlink_to("/etc/passwd")
    answers.append(await fax.download(empty))
    assert [(answer.status_code, answer.content) for answer in answers] == [(404, b"")] * 5
    assert await fax.api.refused("pbx/faxes/download", {"_id": "1"}) == (FAILED, "_id")


async def test_a_document_stays_as_long_as_a_fax_has_it(fax: Faxes) -> None:
    """One that nothing was made of goes after a week, with the next upload."""
    used, unused = await fax.upload(), await fax.upload()
    await fax.add(file=used)
    async with fax.api.database.write() as tx:
        age = (UNUSED_SECONDS + 60) * MICROSECONDS
        await tx.execute(update(uploads).values(created_at=uploads.c.created_at - age))
    newest = await fax.upload()
    assert fax.files() == sorted(f"faxes/{name}" for name in (used, newest))
    assert await fax.api.refused("pbx/faxes/add", {"to": "1", "trunk_name": "t1", "file": unused}) == (
        FAILED,
        "file",
    )


async def test_many_at_once(fax: Faxes) -> None:
    """Texts that are added together get a document each."""
    await asyncio.gather(*(fax.add(text=f"letter {number}") for number in range(4)))
    rows = await fax.found()
    assert len({row["file"] for row in rows}) == 4
    assert fax.files() == sorted(f"faxes/{row['file']}" for row in rows)


async def test_leniency(fax: Faxes) -> None:
    """With it a number may have Persian digits, and alike may be missing."""
    await fax.api.set("sa.lenient", True)
    await fax.add(text="x", to="۱۱۲")
    page = await fax.api.done("pbx/faxes/search", {})
    assert [row["dst"] for row in page["data"]] == ["112"]


async def test_a_text_without_a_trunk_leaves_nothing(fax: Faxes) -> None:
    """What cannot be sent is not made into a document first."""
    body = {"to": "1", "text": "x", "trunk_name": "t9"}
    assert await fax.api.refused("pbx/faxes/add", body) == (FAILED, "trunk_name")
    assert fax.files() == []
