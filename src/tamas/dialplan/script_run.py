"""Running an AGI script beside a call: its standard input and output speak AGI with Asterisk through us.

The script gets a copy of itself in a fresh folder, an environment of four variables, a process group of its
own, and no rights (:mod:`tamas.dialplan.confined`). Between it and Asterisk we pass line by line, so that a
command that would take the call out of the flow can be refused. See
``docs/decisions/0020-agi-scripts.md``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pwd
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from tamas.dialplan import confined
from tamas.engine.fastagi import MAX_COMMAND_BYTES, AgiHangup, AgiSession

log = logging.getLogger(__name__)

MAX_LINE: Final = 64 * 1024
MAX_COMPLAINT: Final = 2_000
"""Characters of a script's standard error that are logged."""
LAST_WORDS_SECONDS: Final = 0.3
"""From the end of the call to the end of the script."""
LIMITS: Final[Mapping[str, int]] = {
    "RLIMIT_CPU": 60,
    "RLIMIT_AS": 1024**3,
    "RLIMIT_FSIZE": 16 * 1024**2,
    "RLIMIT_NOFILE": 64,
    "RLIMIT_CORE": 0,
}
NOBODY: Final = "nobody"
READABLE: Final = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc",
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
)
"""What a script sees of this system, besides its own folder."""
REFUSED: Final = "510 Permission denied"

# What moves the call to another place of the dialplan, or touches what the flow keeps on the channel.
_FORBIDDEN: Final = re.compile(
    r"""\s*(?:
        "?SET"?\s+"?(?:CONTEXT|EXTENSION|PRIORITY)\b
        | "?ASYNCAGI\b
        | "?EXEC"?\s+"?(?:Goto|GotoIf|GotoIfTime|AGI|EAGI|DeadAGI|Return|ContinueWhile|ExitWhile)\b
        | .*TAMAS_
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


async def run_script(session: AgiSession, script: Path, *, name: str, seconds: float) -> int | None:
    """Run a script until it ends, and return its exit status; ``None`` when the time limit ended it.

    :param name: what the script is told it is called.
    :raises AgiHangup: the call ended first; the script is gone then.
    """
    folder = Path(tempfile.mkdtemp(prefix="tamas-agi-"))
    try:
        program = await asyncio.to_thread(_put, script, folder)
        return await _run(session, program, folder, name=name, seconds=seconds)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _run(session: AgiSession, program: Path, folder: Path, *, name: str, seconds: float) -> int | None:
    uid, gid = _whom()
    how = {
        "uid": uid,
        "gid": gid,
        "limits": LIMITS,
        "readable": READABLE,
        "writable": [str(folder), "/dev/null"],
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(Path(confined.__file__)), json.dumps(how), str(program)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", "TZ": "UTC"},
        start_new_session=True,
        limit=MAX_LINE,
    )
    complaints = asyncio.create_task(_complaints(process, name))
    try:
        async with asyncio.timeout(seconds):
            await _converse(session, process, name)
            return await process.wait()
    except TimeoutError:
        log.warning("script %s was ended after %g s (%s)", name, seconds, session.channel)
        return None
    except AgiHangup:
        await _say_farewell(process)
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await complaints


def _put(script: Path, folder: Path) -> Path:
    """A copy of a script that the confined process may read and run."""
    program = folder / "script"
    shutil.copyfile(script, program)
    program.chmod(0o500)
    uid, gid = _whom()
    if uid is not None and gid is not None:
        for path in (program, folder):
            os.chown(path, uid, gid)
    return program


def _whom() -> tuple[int | None, int | None]:
    """Whom to become. An ordinary user cannot become another one; Landlock takes rights from it then."""
    if os.geteuid() != 0:
        _say_without_landlock()
        return None, None
    nobody = pwd.getpwnam(NOBODY)
    return nobody.pw_uid, nobody.pw_gid


@cache
def _say_without_landlock() -> None:
    """Once: nothing keeps scripts from reading what this process may read."""
    if confined.landlock_version() == 0:
        log.warning("this kernel has no Landlock: AGI scripts have all rights of this user")


async def _converse(session: AgiSession, process: asyncio.subprocess.Process, name: str) -> None:
    """Pass commands and replies between script and Asterisk until the script says no more."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the script has no pipes")
    _write(process, "".join(f"{key}: {value}\n" for key, value in _opening(session, name).items()) + "\n")
    while True:
        reading = asyncio.ensure_future(process.stdout.readline())
        gone = asyncio.ensure_future(session.hung_up.wait())
        try:
            await asyncio.wait({reading, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                raise AgiHangup("the channel has hung up")
            try:
                line = reading.result()
            except ValueError:
                log.warning("script %s wrote a line that is too long", name)
                return
        finally:
            reading.cancel()
            gone.cancel()
        if not line:
            return
        command = line.decode("utf-8", "replace").rstrip("\r\n")
        if command.strip():
            _write(process, await _reply_to(session, command, name) + "\n")


async def _reply_to(session: AgiSession, command: str, name: str) -> str:
    if len(command.encode()) >= MAX_COMMAND_BYTES or _CONTROL.search(command) or _FORBIDDEN.match(command):
        log.warning("script %s may not say %.80r", name, command)
        return REFUSED
    return await session.forward(command)


def _opening(session: AgiSession, name: str) -> dict[str, str]:
    kept = {
        key: value
        for key, value in session.environment.items()
        if not key.startswith(("agi_network", "agi_arg_"))
    }
    return {"agi_request": name, **{key: value for key, value in kept.items() if key != "agi_request"}}


def _write(process: asyncio.subprocess.Process, text: str) -> None:
    if process.stdin is not None and not process.stdin.is_closing():
        process.stdin.write(text.encode())


async def _say_farewell(process: asyncio.subprocess.Process) -> None:
    """As Asterisk does: a line and a signal, then a moment for last words that need no channel."""
    _write(process, "HANGUP\n")
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGHUP)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            await process.wait()


async def _complaints(process: asyncio.subprocess.Process, name: str) -> None:
    """Log what a script writes to standard error, up to a limit; the rest is read and dropped."""
    if process.stderr is None:
        return
    left = MAX_COMPLAINT
    while chunk := await process.stderr.read(4096):
        text = chunk.decode("utf-8", "replace")[:left]
        left -= len(text)
        if text.strip():
            log.warning("script %s: %s", name, text.strip())
