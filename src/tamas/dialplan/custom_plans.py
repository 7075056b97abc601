"""Loading custom code into the running Asterisk, without disturbing calls.

Each code is a context of its own, in a file of its own beside the fixed dialplan, which includes them all. So
they are there again after a restart of Asterisk, and a reload replaces nothing that a call is in: Asterisk
swaps the whole dialplan at once, and channels know their place by names. See
``docs/decisions/0021-custom-plans.md``.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import Final

from tamas.dialplan.custom_code import ENTRY, CustomCodeInvalid, context_name, context_text, read_code
from tamas.engine.ami import AmiActionFailed, AmiClient

log = logging.getLogger(__name__)

RELOAD_SECONDS: Final = 30.0
_UNKNOWN: Final = "not registered"
_NO_PLACE: Final = "no existence"

_loading = asyncio.Lock()


async def check_applications(ami: AmiClient, code: str) -> None:
    """Whether this Asterisk has every application of a code.

    :raises CustomCodeInvalid: one is missing, or the code cannot be read.
    :raises tamas.engine.ami.AmiError: Asterisk cannot be asked.
    """
    known: set[str] = set()
    for step in read_code(code):
        if step.application in known:
            continue
        known.add(step.application)
        if not await _has_application(ami, step.application):
            raise CustomCodeInvalid(step.line, f"there is no application {step.application}")


async def load_code(ami: AmiClient, directory: Path, code: str) -> str:
    """Make a code known to Asterisk, and return its context.

    :param directory: what the fixed dialplan includes.
    :raises CustomCodeInvalid: it cannot be loaded; nothing was changed.
    :raises tamas.engine.ami.AmiError: Asterisk cannot be asked.
    """
    context, text = context_name(code), context_text(code)
    async with _loading:
        if await _is_loaded(ami, context):
            return context
        await check_applications(ami, code)
        _write(directory / f"{context}.conf", text)
        await ami.command("dialplan reload", timeout=RELOAD_SECONDS)
        if not await _is_loaded(ami, context):
            (directory / f"{context}.conf").unlink(missing_ok=True)
            raise CustomCodeInvalid(0, "Asterisk did not take the code; its log says why")
    log.info("custom plan %s is loaded", context)
    return context


async def _has_application(ami: AmiClient, name: str) -> bool:
    try:
        return _UNKNOWN not in await ami.command(f"core show application {name}")
    except AmiActionFailed as error:
        if _UNKNOWN in error.message:
            return False
        raise


async def _is_loaded(ami: AmiClient, context: str) -> bool:
    try:
        return _NO_PLACE not in await ami.command(f"dialplan show {ENTRY}@{context}")
    except AmiActionFailed as error:
        if _NO_PLACE in error.message:
            return False
        raise


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
