"""From the bytes of a multipart form to its fields: uploads, with limits on everything a client chooses.

Files longer than :data:`SPOOL_BYTES` lie in temporary files without a name while a request is served.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from python_multipart.exceptions import FormParserError
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from tamas.sa.body import ClientGone, Receive, Unparseable, WrongMediaType
from tamas.sa.field_types import BadValue, FieldType, Schema

MULTIPART = b"multipart/form-data"
MAX_FILES = 1
MAX_FIELDS = 32
MAX_FIELD_BYTES = 4096
FORM_BYTES = 64 * 1024
"""What may stand in a form beside its file."""
SPOOL_BYTES = MultiPartParser.spool_max_size
"""Bytes of a file that are kept in memory."""


class UploadTooLarge(Unparseable):
    """The form is longer than its file may be."""


@dataclass(frozen=True, kw_only=True)
class UploadedFile:
    """A file that a client sent. It is gone when the request is answered."""

    filename: str
    """As the client wrote it: worthless but for reading."""
    size: int
    """Bytes."""
    file: BinaryIO
    """At its beginning. Reading it may block."""


class FilePart(FieldType):
    """A file in a multipart form; services get an :class:`UploadedFile`."""

    def convert(self, value: Any, *, lenient: bool) -> UploadedFile:  # noqa: ARG002
        if not isinstance(value, UploadedFile):
            raise BadValue
        return value

    def schema(self) -> Schema:
        return {"type": "string", "format": "binary"}


@asynccontextmanager
async def read_form(
    receive: Receive,
    *,
    content_type: bytes | None,
    content_length: bytes | None,
    chunked: bool,
    max_file: int,
) -> AsyncIterator[dict[str, Any]]:
    """The fields of the form that a request carries, files as :class:`UploadedFile`; without a body none.

    A file without name and content, which browsers send for an input that was left alone, is none. Of two
    fields of one name the last counts.

    :param max_file: bytes that a file may have.
    :raises WrongMediaType: a body that is no multipart form.
    :raises UploadTooLarge: a file is longer.
    :raises Unparseable: it is no form, or its other parts are too many or too long.
    :raises ClientGone: the client hung up.
    """
    if not chunked and (content_length is None or content_length == b"0"):
        yield {}
        return
    if content_type is None or content_type.partition(b";")[0].strip().lower() != MULTIPART:
        raise WrongMediaType
    if content_length is not None and not content_length.isdigit():
        raise Unparseable("no length")
    allowed = max_file + FORM_BYTES
    if content_length is not None and (len(content_length) > 12 or int(content_length) > allowed):
        raise UploadTooLarge("too large")
    parser = _FormParser(
        Headers(raw=[(b"content-type", content_type)]),
        _chunks(receive, allowed, lambda: parser.ended),
        max_files=MAX_FILES,
        max_fields=MAX_FIELDS,
        max_part_size=MAX_FIELD_BYTES,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, FormParserError) as error:
        raise Unparseable(str(error)) from error
    try:
        yield _values(form.multi_items(), max_file)
    finally:
        await form.close()


class _FormParser(MultiPartParser):
    ended = False
    """Whether the last boundary was seen; the parser itself does not mind."""

    def on_end(self) -> None:
        self.ended = True


async def _chunks(receive: Receive, allowed: int, ended: Callable[[], bool]) -> AsyncGenerator[bytes, None]:
    """The body. What is raised here makes the parser let go of its files."""
    taken = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone("hung up while sending a form")
        chunk: bytes = message.get("body", b"")
        taken += len(chunk)
        if taken > allowed:
            raise UploadTooLarge("too large")
        yield chunk
        if not message.get("more_body", False):
            break
    if not ended():
        raise Unparseable("the form is cut off")


def _values(items: list[tuple[str, Any]], max_file: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in items:
        if not isinstance(value, UploadFile):
            values[name] = value
            continue
        size = value.size or 0
        if size > max_file:
            raise UploadTooLarge("too large")
        if size or value.filename:
            values[name] = UploadedFile(filename=value.filename or "", size=size, file=value.file)
    return values
