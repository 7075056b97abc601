"""``tamas fetch``: get what is not Python, ahead of the first start."""

from __future__ import annotations

from typing import Annotated

import typer

from tamas.commands.output import AsJson, console, errors, fail, print_json
from tamas.engine.install import ensure_asterisk, ensure_sipp
from tamas.errors import TamasError
from tamas.settings import load_settings


def fetch(
    sipp: Annotated[bool, typer.Option("--sipp", help="Also SIPp, for the demo and the tests.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find a usable Asterisk or fetch one into the cache."""
    try:
        settings = load_settings()
        install = ensure_asterisk(settings.cache_dir, settings.asterisk, _progress)
        facts = {"asterisk": install.version, "origin": install.origin}
        if sipp:
            ensure_sipp(settings.cache_dir, _progress)
            facts["sipp"] = "ready"
    except TamasError as error:
        fail(str(error), as_json=as_json)
    if as_json:
        print_json(facts)
    else:
        console.print(f"Asterisk {install.version} ({install.origin}) is ready.")


def _progress(step: str) -> None:
    errors.print(f"  {step}", markup=False)
