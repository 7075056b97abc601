"""The command ``tamas``."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from tamas import __version__
from tamas.commands import account, calls, console_account, demo, doctor, fetch, settings
from tamas.commands.api_log import api_log
from tamas.commands.output import AsJson, console, errors, fail, print_json
from tamas.errors import TamasError
from tamas.logs import configure_logging
from tamas.privileges import drop_privileges
from tamas.settings import load_settings
from tamas.state import only_server, prepare_state_dir
from tamas.store.migrate import schema_version
from tamas.supervisor import Supervisor, bind_http

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="An open contact center on Asterisk 22 that speaks the Simotel API v4.",
)
app.add_typer(account.app, name="account")
app.add_typer(settings.app, name="settings")
app.add_typer(calls.app, name="calls")
app.add_typer(console_account.app, name="console")
app.command(name="api-log")(api_log)
app.command(name="doctor")(doctor.doctor)
app.command(name="fetch")(fetch.fetch)
app.command(name="demo")(demo.demo)


@app.command()
def serve(
    workers: Annotated[int, typer.Option(min=0, max=64, help="API-only processes beside the main one.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Write the log as JSON lines.")] = False,
) -> None:
    """Start the contact center and keep it running until Ctrl-C or SIGTERM."""
    if as_json:
        os.environ["TAMAS_LOG_FORMAT"] = "json"
    try:
        process_settings = load_settings()
        configure_logging(process_settings.log_format)
        prepare_state_dir(process_settings.state_dir)
        with only_server(process_settings.state_dir):
            listener = bind_http(process_settings)
            drop_privileges(process_settings)
            status = Supervisor(listener, api_workers=workers).run()
    except TamasError as error:
        fail(str(error), as_json=as_json)
    raise typer.Exit(status)


@app.command()
def version(as_json: AsJson = False) -> None:
    """Show the version of Tamas, of its store's schema and of Python."""
    facts = {"tamas": __version__, "schema": schema_version(), "python": sys.version.split()[0]}
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
        errors.print(f"[red]error:[/red] {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
