"""What came of a campaign, all rounds together and each alone, in the form the Simotel API shows.

Source: SA catalogue, ``campaign_row``; autodialer specification, section 2. What ``success`` is, the
catalogue leaves open: here it is the share of numbers that answered, in percent.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, func, select

from tamas.store.autodialer_schema import DISPOSITIONS, dialer_reports
from tamas.store.clock import MICROSECONDS

ANSWERED: Final = "ANSWERED"

_r = dialer_reports.c


def round_statistics(connection: Connection, campaign: int) -> dict[str, Any]:
    """The ``statistics`` of a campaign over its reports of all rounds; without reports everything is 0.

    It reads every report of the campaign once: run it as :meth:`tamas.store.database.Database.long_read`.

    :param campaign: its serial.
    :returns: ``{"all": {...}, "sep": [{"_id": round, ...}, ...]}``, ready to be stored as JSON.
    """
    figures = (
        func.count().label("count"),
        func.sum(_r.billsec).label("billsec"),
        func.sum(_r.wait).label("wait"),
        func.sum(_r.tries).label("tries"),
        func.min(_r.attempted_at).label("first"),
        func.max(_r.attempted_at).label("last"),
    )
    of_this = _r.campaign == campaign
    parts = [
        dict(row)
        for row in connection.execute(
            select(_r.round, _r.disposition, *figures)
            .where(of_this)
            .group_by(_r.round, _r.disposition)
            .order_by(_r.round)
        ).mappings()
    ]
    rounds = sorted({part["round"] for part in parts})
    numbers, reached = sum(part["count"] for part in parts), _answered(parts)
    if len(rounds) > 1:
        distinct = select(func.count(_r.number.distinct())).where(of_this)
        numbers = connection.execute(distinct).scalar_one()
        reached = connection.execute(distinct.where(_r.disposition == ANSWERED)).scalar_one()
    together = _figures(parts, numbers=numbers) | {"success": _share(reached, numbers)}
    return {"all": together, "sep": [_of_round(each, parts) for each in rounds]}


def _of_round(number: int, parts: list[dict[str, Any]]) -> dict[str, Any]:
    own = [part for part in parts if part["round"] == number]
    # A number has one report in a round.
    numbers, answered = sum(part["count"] for part in own), _answered(own)
    figures = _figures(own, numbers=numbers)
    return {"_id": number, **figures, "answered": answered, "success": _share(answered, numbers)}


def _figures(parts: list[dict[str, Any]], *, numbers: int) -> dict[str, Any]:
    count = sum(part["count"] for part in parts)
    talk, wait, tries = (int(sum(part[name] for part in parts)) for name in ("billsec", "wait", "tries"))
    by_name = {
        name: sum(part["count"] for part in parts if part["disposition"] == name) for name in DISPOSITIONS
    }
    return {
        "sum": talk,
        "avg": _mean(talk, count),
        "wait": wait,
        "wait_avg": _mean(wait, count),
        "try": tries,
        "try_avg": _mean(tries, count),
        "min_date": _moment(min((part["first"] for part in parts), default=None)),
        "max_date": _moment(max((part["last"] for part in parts), default=None)),
        "count": count,
        "numbers": numbers,
        "disposition": {name: {"count": times} for name, times in by_name.items() if times},
    }


def _answered(parts: list[dict[str, Any]]) -> int:
    return sum(part["count"] for part in parts if part["disposition"] == ANSWERED)


def _mean(total: int, count: int) -> float | int:
    return _short(total / count) if count else 0


def _share(part: int, whole: int) -> float | int:
    return _short(100 * part / whole) if whole else 0


def _short(value: float) -> float | int:
    """Two digits after the point, and none where there is nothing behind it."""
    rounded = round(value, 2)
    return int(rounded) if rounded.is_integer() else rounded


def _moment(at: int | None) -> dict[str, Any] | None:
    """Extended JSON, milliseconds UTC."""
    return None if at is None else {"$date": {"$numberLong": str(at * 1000 // MICROSECONDS)}}
