"""Files as answers: recordings, messages, faxes. ``Range`` is honoured on GET (RFC 9110, section 14)."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse

from tamas.sa.errors import FileMissing

Message = MutableMapping[str, Any]
RawHeaders = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, kw_only=True)
class SentFile:
    """A file to send. Make it with :func:`sent_file`."""

    path: Path
    media_type: str
    name: str
    """What the client may call it."""
    temporary: bool
    """Whether it is removed once it was sent."""
    state: os.stat_result


def sent_file(path: Path, *, media_type: str, name: str | None = None, temporary: bool = False) -> SentFile:
    """A file that exists, to be sent.

    :param media_type: such as ``audio/wav``.
    :param name: what the client may call it, in place of its own name.
    :param temporary: it was made for this answer.
    :raises FileMissing: it is not there, or no plain file. Symbolic links are none.
    """
    try:
        state = path.lstat()
    except (OSError, ValueError) as error:
        raise FileMissing(path.name) from error
    if not stat.S_ISREG(state.st_mode):
        raise FileMissing(path.name)
    return SentFile(
        path=path, media_type=media_type, name=name or path.name, temporary=temporary, state=state
    )


async def send_file(
    file: SentFile,
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
    *,
    headers: RawHeaders,
) -> int:
    """Send a file, or the parts of it that were asked for; a temporary one is removed in any case.

    :param headers: what the answer carries besides the file's own.
    :returns: the status: 200, 206, 400 or 416.
    """
    status = 200

    async def send_with_headers(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    response = FileResponse(
        file.path,
        media_type=file.media_type,
        filename=file.name,
        stat_result=file.state,
        headers={"cache-control": "private", "x-content-type-options": "nosniff"},
    )
    try:
        await response(scope, receive, send_with_headers)
    finally:
        if file.temporary:
            with contextlib.suppress(FileNotFoundError):
                file.path.unlink()
    return status
