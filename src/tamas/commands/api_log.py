"""``tamas api-log``: what clients asked of the Simotel API."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from tamas.commands.opened import opened_store
from tamas.commands.output import AsJson, print_json, print_table, run, time_text
from tamas.errors import TamasError
from tamas.sa.api_log import LogEntry, LogFilter, search_api_log
from tamas.store.clock import MICROSECONDS, now

_MOMENTS = "an ISO 8601 time (UTC where it names no zone), or how long ago, such as 90s, 15m, 1h or 2d"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class BadMoment(TamasError):
    """A text names no moment."""


def _moment(text: str | None) -> int | None:
    """Microseconds since the epoch.

    :raises BadMoment: ``text`` is neither a time nor a stretch of time up to now.
    """
    if text is None:
        return None
    ago = re.fullmatch(r"([0-9]{1,6})([smhd])", text.strip())
    if ago:
        return now() - int(ago[1]) * _SECONDS[ago[2]] * MICROSECONDS
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * MICROSECONDS)
    except (ValueError, OverflowError) as error:
        raise BadMoment(f"{text!r} is no time; write {_MOMENTS}") from error


def api_log(
    account: Annotated[str | None, typer.Option(help="Only this account.")] = None,
    service: Annotated[str | None, typer.Option(help="Only this service, such as pbx/users/add.")] = None,
    status: Annotated[int | None, typer.Option(help="Only this HTTP status; 4 means 400 to 499.")] = None,
    address: Annotated[str | None, typer.Option(help="Only this client address or network.")] = None,
    since: Annotated[str | None, typer.Option(help=f"Not before this: {_MOMENTS}.")] = None,
    until: Annotated[str | None, typer.Option(help="Only before this, written likewise.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the latest requests to the Simotel API, newest first; times are UTC."""

    async def work() -> list[LogEntry]:
        began, ended = _moment(since), _moment(until)
        async with opened_store() as store:
            return await search_api_log(
                store.database,
                LogFilter(
                    account=account,
                    service=service,
                    status=status,
                    address=address,
                    since=began,
                    until=ended,
                ),
                limit=limit,
            )

    rows: list[dict[str, Any]] = [msgspec.to_builtins(entry) for entry in run(work, as_json=as_json)]
    for row in rows:
        row["at"] = time_text(row["at"])
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
