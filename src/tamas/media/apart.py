"""Work on files in a process of its own, with limits: a file that is a trap takes nothing along.

The event loop is never blocked, at most :data:`SLOTS` run at once, and what a client sends can cost
:data:`SECONDS` and :data:`MEMORY` at most. Sources and targets are files; the source is only read.
Recordings of calls are ours, but long: they have limits of their own, and take nobody's place.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamas.media.refusals import REFUSALS, MediaRefused, TooCostly

if TYPE_CHECKING:
    from tamas.media.formats import SoundFormat

log = logging.getLogger(__name__)

SECONDS = 60.0
"""After which a job is ended."""
CPU_SECONDS = 50
MEMORY = 2 * 1024**3
"""Bytes of address space; the libraries alone map about half of it."""
MAX_WRITTEN = 256 * 1024**2
"""Bytes of a file that is written."""
OPEN_FILES = 64
SLOTS = max(1, (os.cpu_count() or 2) // 2)
"""Jobs at once; more wait."""
NICENESS = 10
RECORDING_SECONDS = 1800
"""For some recordings in a row: a day of talk takes some minutes."""
RECORDING_WRITTEN = 4 * 1024**3
"""Bytes: where WAV ends."""
RECORDING_NICENESS = 19
"""Calls come first, and requests."""


@dataclass(frozen=True, kw_only=True)
class _Limits:
    """What a process may cost."""

    seconds: float
    cpu_seconds: int
    written: int
    """Bytes of a file."""
    niceness: int


_STRANGERS = "strangers"
_RECORDINGS = "recordings"

_slots = asyncio.Semaphore(SLOTS)


@dataclass(frozen=True, kw_only=True)
class RecordingOrder:
    """A recording to be kept, as :func:`tamas.media.recording.keep_recording` takes it."""

    source: Path
    mixed: Path | None
    dual: Path | None
    to: SoundFormat


def _limits(whose: str) -> _Limits:
    if whose == _RECORDINGS:
        return _Limits(
            seconds=RECORDING_SECONDS,
            cpu_seconds=RECORDING_SECONDS,
            written=RECORDING_WRITTEN,
            niceness=RECORDING_NICENESS,
        )
    return _Limits(seconds=SECONDS, cpu_seconds=CPU_SECONDS, written=MAX_WRITTEN, niceness=NICENESS)


async def sound_apart(source: Path, target: Path, **how: Any) -> int:
    """:func:`tamas.media.audio.convert` in a process of its own.

    :returns: microseconds of sound.
    :raises MediaRefused: as there, or :class:`TooCostly`; the target is then gone.
    """
    sound = await _apart("sound", source, target, how)
    return int(sound["duration"])


async def document_apart(source: Path, target: Path, **how: Any) -> int:
    """:func:`tamas.media.fax.document_to_fax` in a process of its own.

    :returns: the number of pages.
    :raises MediaRefused: as there, or :class:`TooCostly`; the target is then gone.
    """
    return int(await _apart("document", source, target, how))


async def text_apart(source: Path, target: Path) -> int:
    """:func:`tamas.media.fax.text_to_fax` in a process of its own.

    :param source: the text, in UTF-8; it is taken for nothing else.
    :returns: the number of pages.
    :raises MediaRefused: as there, or :class:`TooCostly`; the target is then gone.
    """
    return int(await _apart("text", source, target, {}))


async def pdf_apart(source: Path, target: Path) -> int:
    """:func:`tamas.media.fax.fax_to_pdf` in a process of its own. Returns and raises likewise."""
    return int(await _apart("pdf", source, target, {}))


async def recordings_apart(orders: Sequence[RecordingOrder]) -> list[int | MediaRefused | OSError]:
    """:func:`tamas.media.recording.keep_recording` for each order in turn, in one process for all.

    :returns: for each order, microseconds of sound, or why there is none; its targets are then gone.
        :class:`TooCostly` for all when the process died.
    """
    told = [
        {
            "source": str(order.source),
            "mixed": None if order.mixed is None else str(order.mixed),
            "dual": None if order.dual is None else str(order.dual),
            "to": order.to,
        }
        for order in orders
    ]
    answer = None
    try:
        answer = await _run(json.dumps({"job": "recordings", "orders": told}).encode(), _RECORDINGS)
    finally:
        if answer is None:
            for target in [path for order in orders for path in (order.mixed, order.dual)]:
                if target is not None:
                    _remove(target)
    if answer is None:
        return [TooCostly("it was given up") for _ in orders]
    return [_kept(each) for each in answer["done"]]


def _kept(answer: dict[str, Any]) -> int | MediaRefused | OSError:
    if "errno" in answer:
        return OSError(answer["errno"], answer["why"])
    if "refused" in answer:
        return REFUSALS[answer["refused"]](answer["why"])
    return int(answer["done"])


async def _apart(job: str, source: Path, target: Path, how: dict[str, Any]) -> Any:
    order = json.dumps({"job": job, "source": str(source), "target": str(target), "how": how})
    try:
        async with _slots:
            answer = await _run(order.encode())
        return _done(answer)
    except BaseException:
        _remove(target)
        raise


def _done(answer: dict[str, Any] | None) -> Any:
    if answer is None:
        raise TooCostly("it was given up")
    if "refused" in answer:
        raise REFUSALS[answer["refused"]](answer["why"])
    return answer["done"]


def _remove(target: Path) -> None:
    target.unlink(missing_ok=True)


async def _run(order: bytes, whose: str = _STRANGERS) -> dict[str, Any] | None:
    """What the process answered; ``None`` when it did not come to that."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "tamas.media",
        whose,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"},
    )
    try:
        async with asyncio.timeout(_limits(whose).seconds):
            output, errors = await process.communicate(order)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        log.warning(
            "work on a file ended with %s: %s",
            _ending(process.returncode or 0),
            errors.decode(errors="replace").strip()[-500:],
        )
        return None
    answer: dict[str, Any] = json.loads(output)
    return answer


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"status {code}"


def serve_one_job() -> None:
    """The process's own part: one order from standard input, one answer to standard output."""
    order = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    _limit(_limits(sys.argv[1]))
    if order["job"] == "recordings":
        with answers:
            json.dump({"done": [_recording(each) for each in order["orders"]]}, answers)
        return
    try:
        done = _JOBS[order["job"]](Path(order["source"]), Path(order["target"]), **order["how"])
    except MediaRefused as refusal:
        answer = {"refused": type(refusal).__name__, "why": str(refusal)}
    except MemoryError:
        answer = {"refused": TooCostly.__name__, "why": "it takes too much memory"}
    else:
        answer = {"done": done}
    with answers:
        json.dump(answer, answers)


def _limit(limits: _Limits) -> None:
    os.nice(limits.niceness)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.written, limits.written))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# The libraries are loaded under the limits, and each only where it is needed.


def _sound(source: Path, target: Path, **how: Any) -> dict[str, Any]:
    from tamas.media.audio import convert

    return asdict(convert(source, target, **how))


def _recording(order: dict[str, Any]) -> dict[str, Any]:
    from tamas.media.recording import keep_recording

    targets = {key: None if order[key] is None else Path(order[key]) for key in ("mixed", "dual")}
    try:
        return {"done": keep_recording(Path(order["source"]), **targets, to=order["to"])}
    except MediaRefused as refusal:
        return {"refused": type(refusal).__name__, "why": str(refusal)}
    except OSError as error:
        return {"errno": error.errno or errno.EIO, "why": error.strerror or str(error)}


def _document(source: Path, target: Path, **how: Any) -> int:
    from tamas.media.fax import document_to_fax

    return document_to_fax(source, target, **how)


def _text(source: Path, target: Path) -> int:
    from tamas.media.fax import text_to_fax

    return text_to_fax(source.read_text("utf-8"), target)


def _pdf(source: Path, target: Path) -> int:
    from tamas.media.fax import fax_to_pdf

    return fax_to_pdf(source, target)


_JOBS: dict[str, Callable[..., Any]] = {"sound": _sound, "document": _document, "text": _text, "pdf": _pdf}
