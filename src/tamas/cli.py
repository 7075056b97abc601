"""The command ``tamas``."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from tamas import __version__
from tamas.commands import (
    account,
    burst_rules,
    calls,
    console_account,
    dialplan,
    doctor,
    feature_codes,
    fetch,
    groups,
    recordings,
    scripts,
    settings,
    speed_dials,
)
from tamas.commands.api_log import api_log
from tamas.commands.output import AsJson, console, errors, print_json
from tamas.errors import TamasError
from tamas.store.schema import SCHEMA_VERSION

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="An open contact center on Asterisk 22 that speaks the Simotel API v4.",
)
app.add_typer(account.app, name="account")
app.add_typer(settings.app, name="settings")
app.add_typer(calls.app, name="calls")
app.add_typer(recordings.app, name="recordings")
app.add_typer(console_account.app, name="console")
app.add_typer(dialplan.app, name="dialplan")
app.add_typer(feature_codes.app, name="feature-code")
app.add_typer(speed_dials.app, name="speed-dial")
app.add_typer(groups.app, name="group")
app.add_typer(burst_rules.app, name="burst-rule")
app.add_typer(scripts.app, name="scripts")
app.command(name="api-log")(api_log)
app.command(name="doctor")(doctor.doctor)
app.command(name="fetch")(fetch.fetch)


@app.command()
def serve(
    workers: Annotated[int, typer.Option(min=0, max=64, help="API-only processes beside the main one.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Write the log as JSON lines.")] = False,
) -> None:
    """Start the contact center and keep it running until Ctrl-C or SIGTERM."""
    if as_json:
        os.environ["TAMAS_LOG_FORMAT"] = "json"
    # The supervisor stays for as long as the contact center runs: it gets a process without all this.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "tamas.serve", str(workers)])  # noqa: S606


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the story.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start the contact center, let two test phones register and call each other through the API."""
    from tamas.commands.demo import run_demo

    run_demo(once=once, as_json=as_json)


@app.command()
def version(as_json: AsJson = False) -> None:
    """Show the version of Tamas, of its store's schema and of Python."""
    facts = {"tamas": __version__, "schema": SCHEMA_VERSION, "python": sys.version.split()[0]}
    if as_json:
        print_json(facts)
    else:
        console.print(f"tamas {facts['tamas']} (schema {facts['schema']}, Python {facts['python']})")


def main() -> None:
    """Entry of the console script."""
    logging.captureWarnings(capture=True)
    try:
        app()
    except TamasError as error:
        errors.print("error:", str(error), style="red", markup=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
