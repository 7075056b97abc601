"""``tamas api-log``: what clients asked of the Simotel API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from tamas.commands.opened import opened_store
from tamas.commands.output import AsJson, print_json, print_table, run
from tamas.sa.api_log import LogEntry, search_api_log


def api_log(
    account: Annotated[str | None, typer.Option(help="Only this account.")] = None,
    service: Annotated[str | None, typer.Option(help="Only this service, such as pbx/users/add.")] = None,
    status: Annotated[int | None, typer.Option(help="Only this HTTP status.")] = None,
    address: Annotated[str | None, typer.Option(help="Only this client address.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the latest requests to the Simotel API, newest first; times are UTC."""

    async def work() -> list[LogEntry]:
        async with opened_store() as store:
            return await search_api_log(
                store.database,
                account=account,
                service=service,
                status=status,
                address=address,
                limit=limit,
            )

    rows: list[dict[str, Any]] = [msgspec.to_builtins(entry) for entry in run(work, as_json=as_json)]
    for row in rows:
        row["at"] = datetime.fromtimestamp(row["at"] / 1e6, UTC).isoformat(timespec="milliseconds")
    if as_json:
        print_json(rows)
        return
    for row in rows:
        row["ms"] = f"{row['duration'] / 1000:.1f}"
    print_table(
        rows,
        ("at", "account", "address", "method", "service", "status", "success", "error_field", "ms"),
        empty="The API log is empty.",
    )
