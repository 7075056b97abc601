"""Keeping what clients upload: taken in, checked and converted apart, then put in place under a name of ours.

Until a file is in place everything of it lies in one folder below ``incoming`` of the state directory, which
is removed whatever happens; what a killed process left there is removed when the server starts.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Select, delete, insert, select

from tamas.media.names import stored_name
from tamas.media.refusals import MediaRefused
from tamas.sa.errors import OperationFailed
from tamas.sa.forms import UploadedFile
from tamas.sa.service import ServiceContext
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Connection
from tamas.store.schema import uploads

log = logging.getLogger(__name__)

UNUSED_SECONDS = 7 * 86_400
"""After which a file that nothing was made of is removed."""
FORGOTTEN_AT_ONCE = 50
"""Of such files, with each upload."""
NAME_TRIES = 20


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a file once it was converted."""

    duration: int | None = None
    """Microseconds of sound."""
    pages: int | None = None


@dataclass(frozen=True, kw_only=True)
class UploadKind:
    """One kind of upload, and where its files lie."""

    name: str
    """In the table of uploads."""
    extension: str
    """Of what is kept, without the dot."""
    prefix: str
    """Of its name."""
    folder: Callable[[ServiceContext], Path]
    convert: Callable[[Path, Path], Awaitable[Facts]]
    """Writes the second file out of the first. :raises MediaRefused: it is not what it should be."""
    used: Select[tuple[str]]
    """Names of files that something was made of."""


async def keep_upload(context: ServiceContext, file: UploadedFile, kind: UploadKind) -> str:
    """Keep an uploaded file; gives its name. Files of its kind that nothing was made of for long go.

    :raises OperationFailed: it is not what it should be; nothing of it is left.
    """

    def copy(target: BinaryIO) -> None:
        shutil.copyfileobj(file.file, target)

    return await keep_content(context, copy, kind, original=file.filename, field="file")


async def keep_content(
    context: ServiceContext, write: Callable[[BinaryIO], None], kind: UploadKind, *, original: str, field: str
) -> str:
    """As :func:`keep_upload`, for content that came in a field of a request.

    :param write: writes the content; called in a thread.
    :param original: what its name is made of.
    :param field: that is named when the content is refused.
    """
    work = await asyncio.to_thread(_take_in, write, incoming(context.settings.state_dir))
    folder = kind.folder(context)
    try:
        facts = await kind.convert(work / "source", work / "target")
        name, size = await asyncio.to_thread(_put_in_place, work / "target", folder, original, kind)
    except MediaRefused as refusal:
        log.info("upload %s refused: %s: %s", context.request_id, type(refusal).__name__, refusal)
        raise OperationFailed(field) from refusal
    finally:
        await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)
    row = {
        "filename": name,
        "kind": kind.name,
        "account": context.account,
        "bytes": size,
        "duration": facts.duration,
        "pages": facts.pages,
        "created_at": now(),
    }
    try:
        async with context.database.write() as tx:
            await tx.execute(insert(uploads).values(row))
    except BaseException:
        (folder / name).unlink(missing_ok=True)
        raise
    await _forget_unused(context, kind)
    return name


async def uploaded_name(tx: Connection, kind: UploadKind, name: str) -> str:
    """The whole name of a file that was uploaded, kept from vanishing until the transaction ends.

    :param name: as its upload was answered; the ending may be missing.
    :raises OperationFailed: there is none.
    """
    found = await tx.scalar(
        select(uploads.c.filename)
        .where(uploads.c.kind == kind.name, uploads.c.filename.in_((name, f"{name}.{kind.extension}")))
        .with_for_update()
    )
    if found is None:
        raise OperationFailed("filename")
    return str(found)


async def forget_uploads(context: ServiceContext, kind: UploadKind, names: list[str]) -> None:
    """Remove files of a kind, unless something was made of them meanwhile."""
    if not names:
        return
    these = (uploads.c.kind == kind.name, uploads.c.filename.in_(names))
    async with context.database.write() as tx:
        # Waits for whoever is making something of them, and only then looks whether that was done.
        await tx.rows(select(uploads.c.filename).where(*these).with_for_update())
        gone = await tx.rows(
            delete(uploads).where(*these, uploads.c.filename.not_in(kind.used)).returning(uploads.c.filename)
        )
    folder = kind.folder(context)
    for row in gone:
        await asyncio.to_thread((folder / row["filename"]).unlink, missing_ok=True)


async def _forget_unused(context: ServiceContext, kind: UploadKind) -> None:
    statement = (
        select(uploads.c.filename)
        .where(uploads.c.kind == kind.name, uploads.c.created_at < now() - UNUSED_SECONDS * MICROSECONDS)
        .where(uploads.c.filename.not_in(kind.used))
        .limit(FORGOTTEN_AT_ONCE)
    )
    async with context.database.read() as connection:
        rows = await connection.rows(statement)
    await forget_uploads(context, kind, [row["filename"] for row in rows])


def incoming(state_dir: Path) -> Path:
    """Where uploads lie while they are worked on."""
    return state_dir / "incoming"


def clear_incoming(state_dir: Path) -> None:
    """Remove what was being worked on when a process was killed. Only one server may run on the directory."""
    shutil.rmtree(incoming(state_dir), ignore_errors=True)


def _take_in(write: Callable[[BinaryIO], None], folder: Path) -> Path:
    """Write what came into a folder of its own, as ``source``."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder))
    try:
        with (work / "source").open("xb") as copy:
            write(copy)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return work


def _put_in_place(target: Path, folder: Path, original: str, kind: UploadKind) -> tuple[str, int]:
    """Move a converted file under a name that nothing has; gives the name and its bytes."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for _ in range(NAME_TRIES):
        name = stored_name(original, extension=kind.extension, prefix=kind.prefix)
        try:
            os.link(target, folder / name)
        except FileExistsError:
            continue
        return name, target.stat().st_size
    raise FileExistsError(f"no free name in {folder}")
