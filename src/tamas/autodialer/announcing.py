"""The event AutoDialerReport: one for each attempt that is over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, tuple_

from tamas.autodialer.cause_words import words_of_cause
from tamas.events.outbox import Event, emit
from tamas.store.autodialer_schema import dial_attempts
from tamas.store.database import Connection, Row

_a = dial_attempts.c


async def announce(tx: Connection, settled: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
    """Tell of attempts, in the transaction that closed them.

    :param settled: of each the attempt with its campaign's columns, and what came of it.
    """
    if not settled:
        return
    tries = await _tries(tx, [row for row, _ in settled])
    await emit(tx, [_event(row, values, tries[_key(row)]) for row, values in settled])


def _key(row: Mapping[str, Any]) -> tuple[int, str, int]:
    return row["campaign"], row["number"], row["round"]


async def _tries(
    tx: Connection, rows: Sequence[Mapping[str, Any]]
) -> Mapping[tuple[int, str, int], list[Row]]:
    """The attempts of numbers in their rounds, in order."""
    found: dict[tuple[int, str, int], list[Row]] = defaultdict(list)
    pairs = sorted({(row["number_id"], row["round"]) for row in rows})
    statement = (
        select(dial_attempts)
        .where(tuple_(_a.number_id, _a.round).in_(pairs), _a.ended_at.is_not(None))
        .order_by(_a["try"])
    )
    for row in await tx.rows(statement):
        found[_key(row)].append(row)
    return found


def _event(row: Mapping[str, Any], values: Mapping[str, Any], tries: Sequence[Row]) -> Event:
    return Event(
        name="AutoDialerReport",
        fields={
            "start": row["start_at"],
            "end": row["end_at"],
            "campaign_id": row["campaign_id"],
            "campaign": row["name"],
            "interface_context": row["interface_context"],
            "interface_text": row["interface_text"],
            "number": row["number"],
            "disposition": values["disposition"],
            "try": row["try"],
            "repeat": row["round"],
            "billsec": values["billsec"],
            "wait": values["wait"],
            "tries": [
                {
                    "cdr_id": each["id"],
                    "cause": each["cause"],
                    "cause-txt": words_of_cause(each["cause"]),
                    "starttime": each["started_at"],
                    "disposition": each["disposition"],
                    "wait": each["wait"],
                }
                for each in tries
            ],
        },
    )
