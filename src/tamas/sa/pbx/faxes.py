"""``/pbx/faxes/*``: faxes sent and received.

A document is uploaded first and kept as the TIFF that goes over the line; a fax is made of it, or of a text,
with add, and sent by :mod:`tamas.fax_sender`. Received faxes lie as Asterisk wrote them and are handed out in
the form that ``fax.received_format`` names.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
from sqlalchemy import ColumnElement, func, insert, select

from tamas.engine.dialing_out import is_barred, trunk_string
from tamas.engine.layout import EngineLayout
from tamas.media.apart import document_apart, pdf_apart, text_apart
from tamas.media.fax import MAX_TEXT
from tamas.media.refusals import MediaRefused
from tamas.sa.dates import RowDates
from tamas.sa.errors import FileMissing, OperationFailed
from tamas.sa.fields import (
    Dialable,
    Digits,
    Lines,
    Nested,
    OneOf,
    Text,
    TrunkName,
    identifier,
    logical,
    optional,
    required,
)
from tamas.sa.forms import FilePart, UploadedFile
from tamas.sa.reports.words import sip
from tamas.sa.search import Listing, OptionallyDatedSearch, matching
from tamas.sa.sent_files import SentFile, sent_file
from tamas.sa.service import Added, Data, FileBytes, Page, Paged, ServiceContext, service
from tamas.sa.uploads import Facts, UploadKind, incoming, keep_content, keep_upload
from tamas.store.clock import now
from tamas.store.database import Connection
from tamas.store.fax_schema import faxes
from tamas.store.ids import new_id
from tamas.store.schema import trunks, uploads

UPLOADED = "1 file(s) uploaded successfully"
"""Message of an upload (SA catalogue, ``success_messages``)."""
EXAMPLE_FILE = "sen_file-20210316094328-60069-doc_.tiff"
TIFF, PDF = "image/tiff", "application/pdf"
_EXTENSION = "tiff"
_PREFIX = "sen_"
_UNIQUEID = re.compile(r"[0-9]{1,12}\.[0-9]{1,12}")

_f = faxes.c


def _folder(context: ServiceContext) -> Path:
    return EngineLayout(state_dir=context.settings.state_dir).faxes


async def _convert(source: Path, target: Path) -> Facts:
    return Facts(pages=await document_apart(source, target))


async def _convert_text(source: Path, target: Path) -> Facts:
    return Facts(pages=await text_apart(source, target))


DOCUMENTS = UploadKind(
    name="fax",
    extension=_EXTENSION,
    prefix=_PREFIX,
    folder=_folder,
    convert=_convert,
    used=select(_f.file).where(_f.type == "outbox"),
)
_TEXTS = replace(DOCUMENTS, convert=_convert_text)


class FaxUpload(msgspec.Struct, kw_only=True):
    """A document."""

    file: Annotated[
        UploadedFile, required(FilePart(), example="@document.pdf", note="PDF, TIFF, or text in UTF-8.")
    ]
    name: Annotated[str, optional(Text(), note="Not looked at.")] = ""


class FaxAdd(msgspec.Struct, kw_only=True):
    """A fax to send."""

    sender_id: Annotated[
        str, logical(Text(max=80), example="username1", note="On whose behalf; shown as src.")
    ] = ""
    to: Annotated[
        str, logical(Dialable(), example="112233", note="Number to call. Without it nothing is sent.")
    ] = ""
    ext: Annotated[str, logical(Digits(max=32), example="558", note="Dialed in tones after the answer.")] = ""
    trunk_name: Annotated[
        str,
        logical(
            TrunkName(), example="trunk_name1", note="An active SIP trunk; without it the first one is taken."
        ),
    ] = ""
    file: Annotated[
        str, logical(Text(max=160), example=EXAMPLE_FILE, note="From the answer of upload; wins over text.")
    ] = ""
    text: Annotated[
        str, optional(Lines(max=MAX_TEXT), example="plain text body", note="Sent when there is no file.")
    ] = ""
    description: Annotated[str, optional(Lines(max=1000), example="just for test")] = ""


class FaxConditions(msgspec.Struct, kw_only=True):
    """What rows must match; ``""`` matches everything."""

    src: Annotated[str, optional(Text(max=80), example="")] = ""
    dst: Annotated[str, optional(Text(max=80), example="")] = ""
    status: Annotated[str, optional(OneOf("SENDING", "SUCCESS", "FAILED"), example="")] = ""
    type: Annotated[str, optional(OneOf("inbox", "outbox"), example="")] = ""


class FaxSearch(OptionallyDatedSearch, kw_only=True):
    """Which faxes to list."""

    conditions: Annotated[FaxConditions | None, optional(Nested(FaxConditions))] = None


class FaxDownload(msgspec.Struct, kw_only=True):
    """Which fax."""

    id: Annotated[str, identifier()] = ""


EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "64b801737ec8cb8899ee28a4",
    "type": "outbox",
    "src": "100",
    "dst": "101",
    "status": "SENDING",
    "file": "sen_file-20230719152253-45890-doc_.tiff",
    "description": "",
    "date": "2023-07-19 19:59:55",
    "ext": "101",
    "trunk": "t1541",
    "channel": "SIP/t1541/101",
}
"""One row of an answer; its keys are the keys of every row, in this order."""


def _row(fax: Any, dates: RowDates, *, received_as: str) -> dict[str, Any]:
    return {
        "_id": fax.id,
        "type": fax.type,
        "src": fax.src,
        "dst": fax.dst,
        "status": fax.status,
        "file": fax.file if fax.type == "outbox" else _received_name(fax.file, received_as),
        # What a client wrote is its own; elsewhere there is room for the reason.
        "description": fax.description or fax.reason or "",
        "date": dates.text(fax.created_at),
        "ext": fax.ext,
        "trunk": fax.trunk,
        "channel": sip(fax.channel),
    }


LISTING = Listing(
    select=select(faxes),
    key=_f.id,
    sortable={
        "_id": _f.id,
        "type": _f.type,
        "src": _f.src,
        "dst": _f.dst,
        "status": _f.status,
        "file": _f.file,
        "description": _f.description,
        "date": _f.created_at,
        "ext": _f.ext,
        "trunk": _f.trunk,
        "channel": _f.channel,
    },
    sorting={"date": -1},
    dated=_f.created_at,
    row=partial(_row, received_as="pdf"),
)


@service(
    "pbx/faxes/upload",
    op="upload",
    summary="Upload a document to fax",
    description=(
        "A multipart form with the part file: PDF, TIFF or plain text, told apart by content. It is kept as "
        "the TIFF that goes over the line; it becomes a fax with add."
    ),
    request=FaxUpload,
    answer=Data(message=UPLOADED, data={"filename": EXAMPLE_FILE}),
    max_file="uploads.fax_bytes",
)
async def upload(context: ServiceContext, request: FaxUpload) -> dict[str, str]:
    return {"filename": await keep_upload(context, request.file, DOCUMENTS)}


@service(
    "pbx/faxes/add",
    op="add",
    summary="Queue an outgoing fax",
    description=(
        "A fax needs to and either file or text. The answer comes at once; the row that search shows is "
        "SENDING until the fax came through or failed. It is tried once."
    ),
    request=FaxAdd,
    answer=Added(),
)
async def add(context: ServiceContext, request: FaxAdd) -> str:
    if (
        not request.to
        or is_barred(request.to, context.runtime["calls.barred_prefixes"])
        or _is_excluded(request.to, context.runtime)
    ):
        raise OperationFailed("to")
    if not request.file and not request.text:
        raise OperationFailed("file")
    if request.file:
        async with context.database.read() as connection:
            await _document(connection, request.file)
    trunk = await _trunk(context, request.trunk_name)
    name = request.file
    if not name:

        def write(target: BinaryIO) -> None:
            target.write(request.text.encode())

        name = await keep_content(context, write, _TEXTS, original="text", field="text")
    identity = new_id()
    async with context.database.write() as tx:
        await tx.execute(
            insert(faxes).values(
                id=identity,
                type="outbox",
                src=request.sender_id or context.runtime["fax.caller_id"],
                dst=request.to,
                status="SENDING",
                file=await _document(tx, name),
                description=request.description,
                ext=request.ext,
                trunk=trunk,
                channel=trunk_string(trunk, request.to),
                account=context.account,
                created_at=now(),
            )
        )
    return identity


@service(
    "pbx/faxes/search",
    op="search",
    summary="List sent and received faxes",
    description="Of a fax that failed, and to which no description was given, description says why.",
    request=FaxSearch,
    answer=Paged(EXAMPLE_ROW, sorting=LISTING.sorting),
)
async def search(context: ServiceContext, request: FaxSearch) -> Page:
    asked = request.conditions or FaxConditions()
    texts = ((_f.src, asked.src), (_f.dst, asked.dst))
    exact: list[ColumnElement[bool]] = [
        column == word for column, word in ((_f.status, asked.status), (_f.type, asked.type)) if word
    ]
    listing = replace(LISTING, row=partial(_row, received_as=context.runtime["fax.received_format"]))
    return await listing.page(context, request, *matching(request.alike, *texts), *exact)


@service(
    "pbx/faxes/download",
    op="download",
    summary="Fetch the file of a fax",
    description="What was sent is a TIFF; what was received has the form that fax.received_format names.",
    request=FaxDownload,
    answer=FileBytes(TIFF, PDF),
)
async def download(context: ServiceContext, request: FaxDownload) -> SentFile:
    async with context.database.read() as connection:
        fax = await connection.row(select(faxes).where(_f.id == request.id))
    if fax is None:
        raise FileMissing(request.id)
    if fax["type"] == "outbox":
        return await asyncio.to_thread(sent_file, _folder(context) / fax["file"], media_type=TIFF)
    if not fax["uniqueid"] or _UNIQUEID.fullmatch(fax["uniqueid"]) is None:
        raise FileMissing(request.id)
    folder = EngineLayout(state_dir=context.settings.state_dir).received_faxes
    form = context.runtime["fax.received_format"]
    file = await asyncio.to_thread(
        sent_file,
        folder / f"{fax['uniqueid']}.tiff",
        media_type=TIFF,
        name=_received_name(fax["file"], "tiff"),
    )
    return file if form == "tiff" else await _as_pdf(context, file, _received_name(fax["file"], form))


async def _as_pdf(context: ServiceContext, file: SentFile, name: str) -> SentFile:
    """A received fax as PDF, for this answer.

    :raises FileMissing: there is no page in it.
    """
    folder = incoming(context.settings.state_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, made = tempfile.mkstemp(suffix=".pdf", dir=folder)
    os.close(handle)
    try:
        await pdf_apart(file.path, Path(made))
    except MediaRefused as refusal:
        raise FileMissing(name) from refusal
    return sent_file(Path(made), media_type=PDF, name=name, temporary=True)


def _received_name(stored: str, form: str) -> str:
    """The name of a received fax, with the ending of the form in which it is handed out."""
    return f"{stored.rpartition('.')[0]}.{form}"


def _is_excluded(number: str, runtime: Mapping[str, Any]) -> bool:
    return number.startswith(tuple(runtime["fax.excluded_prefixes"]))


async def _trunk(context: ServiceContext, name: str) -> str:
    """The trunk to send over: the named one, else the first. :raises OperationFailed: it is not active."""
    usable = (trunks.c.active == "yes", trunks.c.trunk_type == "SIP")
    first = select(func.min(trunks.c.id)).where(*usable).scalar_subquery()
    which = trunks.c.name == name if name else trunks.c.id == first
    async with context.database.read() as connection:
        found = await connection.scalar(select(trunks.c.name).where(*usable, which))
    if found is None:
        raise OperationFailed("trunk_name")
    return str(found)


async def _document(connection: Connection, name: str) -> str:
    """The whole name of a document that was uploaded; in a transaction it cannot vanish until that ends.

    :param name: as its upload was answered; prefix and ending may be missing.
    :raises OperationFailed: nothing of that name was uploaded.
    """
    bare = name.removeprefix(_PREFIX).removesuffix(f".{_EXTENSION}").removesuffix("_")
    candidates = (name, f"{_PREFIX}{bare}_.{_EXTENSION}")
    found = await connection.scalar(
        select(uploads.c.filename)
        .where(uploads.c.kind == DOCUMENTS.name, uploads.c.filename.in_(candidates))
        .with_for_update()
    )
    if found is None:
        raise OperationFailed("file")
    return str(found)
