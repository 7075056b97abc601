"""The command ``tamas``."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from tamas import __version__
from tamas.commands.on_demand import OnDemand
from tamas.commands.output import AsJson, console, errors, print_json
from tamas.errors import TamasError

app = typer.Typer(
    cls=OnDemand,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="An open contact center on Asterisk 22 that speaks the Simotel API v4.",
)


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
    from tamas.store.schema import SCHEMA_VERSION  # not for every command: it takes half a second

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
