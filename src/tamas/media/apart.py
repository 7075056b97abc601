"""Work on files of strangers in a process of its own, with limits: a file that is a trap takes nothing along.

The event loop is never blocked, at most :data:`SLOTS` run at once, and what a client sends can cost
:data:`SECONDS` and :data:`MEMORY` at most. Sources and targets are files; the source is only read.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tamas.media.refusals import REFUSALS, MediaRefused, TooCostly

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

_slots = asyncio.Semaphore(SLOTS)


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


async def pdf_apart(source: Path, target: Path) -> int:
    """:func:`tamas.media.fax.fax_to_pdf` in a process of its own. Returns and raises likewise."""
    return int(await _apart("pdf", source, target, {}))


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


async def _run(order: bytes) -> dict[str, Any] | None:
    """What the process answered; ``None`` when it did not come to that."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "tamas.media",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"},
    )
    try:
        async with asyncio.timeout(SECONDS):
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
    _limit()
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


def _limit() -> None:
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_WRITTEN, MAX_WRITTEN))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# The libraries are loaded under the limits, and each only where it is needed.


def _sound(source: Path, target: Path, **how: Any) -> dict[str, Any]:
    from tamas.media.audio import convert

    return asdict(convert(source, target, **how))


def _document(source: Path, target: Path, **how: Any) -> int:
    from tamas.media.fax import document_to_fax

    return document_to_fax(source, target, **how)


def _pdf(source: Path, target: Path) -> int:
    from tamas.media.fax import fax_to_pdf

    return fax_to_pdf(source, target)


_JOBS: dict[str, Callable[..., Any]] = {"sound": _sound, "document": _document, "pdf": _pdf}
