"""What became of attempts: the attempt closed, its number told what is next, its report row written.

All of it happens in the transaction that finds out, which has lined up (:mod:`tamas.store.order`), so that an
attempt is closed exactly once whoever dies. What comes to light later amends it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table, Update, bindparam, func, select, tuple_, update

from tamas.autodialer.announcing import announce
from tamas.autodialer.cause_words import words_of_cause
from tamas.autodialer.dispositions import disposition_of
from tamas.store.autodialer_schema import campaign_numbers, campaigns, dial_attempts, dialer_reports
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Connection, Database, Row
from tamas.store.ids import following_id
from tamas.store.order import line_up
from tamas.store.schema import cel

MAX_INPUT: Final = 80
"""Digits; the column's width."""
_MAX_CHANNEL: Final = 160
_MAX_CONTEXT: Final = 80

_a, _c, _n, _r = dial_attempts.c, campaigns.c, campaign_numbers.c, dialer_reports.c

_KNOWN = (
    select(
        dial_attempts,
        _c.id.label("campaign_id"),
        _c.name,
        _c.interface_context,
        _c.interface_text,
        _c.announcement,
        _c.start_at,
        _c.end_at,
        _c.max_tries,
        _c.try_interval,
        _c.removed_at,
    )
    .join(campaigns, _c.serial == _a.campaign)
    .with_for_update(of=dial_attempts)
)


# Made once, for they run with each call that ends; the parameters are lists.
_KNOWN_OF = _KNOWN.where(_a.uniqueid.in_(bindparam("uniqueids", expanding=True)))
_REPORTS_OF = select(_r.id, _r.campaign, _r.round, _r.number, _r.tries).where(
    tuple_(_r.campaign, _r.round, _r.number).in_(bindparam("keys", expanding=True))
)
_LAST_REPORT = select(func.max(_r.id))


def _changing(table: Table, *names: str) -> Update:
    """Sets these columns of the row ``of`` to the parameters ``new_…``."""
    return (
        update(table)
        .where(table.c.id == bindparam("of"))
        .values({name: bindparam(f"new_{name}") for name in names})
    )


_CLOSE = _changing(
    dial_attempts,
    "answered_at",
    "ended_at",
    "disposition",
    "cause",
    "wait",
    "billsec",
    "duration",
    "input",
    "channel",
    "dcontext",
    "reason",
)
_CHANGE_REPORT = _changing(
    dialer_reports, "tries", "disposition", "billsec", "wait", "input", "attempted_at", "amended_at"
)


@dataclass(frozen=True, kw_only=True)
class AttemptEnd:
    """What is known of a campaign's call once it is over. Times are microseconds, UTC."""

    uniqueid: str
    started_at: int | None
    """When its channel began; ``None``: it never had one."""
    answered_at: int | None
    """When the number picked up."""
    ended_at: int
    counted: bool = False
    """Whether the plan counted it as answered, or somebody else was connected."""
    machine: bool = False
    cause: int | None = None
    """Q.850."""
    lost: str = ""
    """Why it could not be placed, or disappeared, in plain words; empty: it came to its end."""
    input: str = ""
    channel: str = ""
    dcontext: str = ""

    def values(self, *, routed: bool) -> dict[str, Any]:
        """Columns of ``dial_attempts``."""
        began = self.ended_at if self.started_at is None else self.started_at
        picked_up = self.ended_at if self.answered_at is None else self.answered_at
        disposition, cause, reason = ("LOST", None, self.lost) if self.lost else self._disposition(routed)
        return {
            "answered_at": self.answered_at,
            "ended_at": self.ended_at,
            "disposition": disposition,
            "cause": cause,
            "wait": _seconds(picked_up - began),
            "billsec": _seconds(self.ended_at - picked_up),
            "duration": _seconds(self.ended_at - began),
            "input": self.input[:MAX_INPUT],
            "channel": self.channel[:_MAX_CHANNEL],
            "dcontext": self.dcontext[:_MAX_CONTEXT],
            "reason": reason,
        }

    def _disposition(self, routed: bool) -> tuple[str, int | None, str | None]:
        disposition, cause = disposition_of(
            answered=self.answered_at is not None,
            routed=routed,
            counted=self.counted,
            machine=self.machine,
            cause=self.cause,
        )
        if disposition == "LOST":
            # Its cause is for us to know: LOST is shown without one (SA catalogue, ``dialer_report_row``).
            return disposition, None, f"{words_of_cause(cause)} (cause {cause})"
        return disposition, cause, None


async def settle(tx: Connection, ends: Sequence[AttemptEnd]) -> None:
    """Close attempts, or amend those that are closed, inside a transaction that has lined up.

    Unique ids that are no attempt's are passed over.
    """
    by_uniqueid = {end.uniqueid: end for end in ends}
    if not by_uniqueid:
        return
    settled: list[tuple[Row, dict[str, Any]]] = []
    for row in await tx.rows(_KNOWN_OF, {"uniqueids": sorted(by_uniqueid)}):
        values = by_uniqueid[row["uniqueid"]].values(routed=bool(row["interface_context"]))
        if row["ended_at"] is None or any(row[name] != value for name, value in values.items()):
            settled.append((row, values))
    if not settled:
        return
    await tx.execute(
        _CLOSE,
        [
            {"of": row["id"], **{f"new_{name}": value for name, value in values.items()}}
            for row, values in settled
        ],
    )
    await _tell_numbers(tx, settled)
    await write_reports(tx, settled)
    await announce(tx, [(row, values) for row, values in settled if row["ended_at"] is None])


async def write_reports(
    tx: Connection, settled: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> None:
    """Write the report rows of attempts, inside a transaction that has lined up.

    :param settled: of each the attempt with the campaign's columns as in this module, and what came of it.
    """
    at = now()
    latest = {
        (row["campaign"], row["round"], row["number"]): (row, values)
        for row, values in sorted(settled, key=lambda pair: int(pair[0]["try"]))
    }
    known = {
        (row["campaign"], row["round"], row["number"]): row
        for row in await tx.rows(_REPORTS_OF, {"keys": list(latest)})
    }
    last = await tx.scalar(_LAST_REPORT) if len(known) < len(latest) else None
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for key, (row, values) in latest.items():
        said = {
            "tries": row["try"],
            "disposition": values["disposition"],
            "billsec": values["billsec"],
            "wait": values["wait"],
            "input": values["input"],
            "attempted_at": row["started_at"],
            "amended_at": at,
        }
        old = known.get(key)
        if old is None:
            last = following_id(last, at=at // MICROSECONDS)
            same = ("campaign", "number_id", "campaign_id", "name", "interface_context", "interface_text")
            more = ("trunk_manager_id", "announcement", "start_at", "end_at", "number", "round")
            fresh.append({"id": last, **{name: row[name] for name in (*same, *more)}, **said})
        elif old["tries"] <= row["try"]:
            changed.append({"of": old["id"], **{f"new_{name}": value for name, value in said.items()}})
    if fresh:
        await tx.execute(dialer_reports.insert(), fresh)
    if changed:
        await tx.execute(_CHANGE_REPORT, changed)


async def _tell_numbers(tx: Connection, settled: Sequence[tuple[Row, dict[str, Any]]]) -> None:
    """Numbers wait for their next try, or are final."""
    told = []
    reached = []
    for row, values in settled:
        answered = values["disposition"] == "ANSWERED"
        over = answered or row["try"] >= row["max_tries"] or row["removed_at"] is not None
        told.append(
            {
                "of": row["number_id"],
                "in_round": row["round"],
                "new_state": "final" if over else "waiting",
                "new_next_at": values["ended_at"] + row["try_interval"] * MICROSECONDS,
            }
        )
        if answered and row["ended_at"] is not None:
            reached.append({"of": row["number_id"], "in_round": row["round"]})
    await tx.execute(_NEXT, told)
    if reached:
        # Known for lost until now; nobody is called again who has answered.
        await tx.execute(_REACHED, reached)


_is_last_try = ~(
    select(_a.id)
    .where(_a.number_id == _n.id, _a.round == _n.round, _a.ended_at.is_(None))
    .correlate(campaign_numbers)
    .exists()
)
"""Whether none of the number's attempts is open: an earlier one that is amended does not end a later one."""
_this = update(campaign_numbers).where(_n.id == bindparam("of"), _n.round == bindparam("in_round"))
_NEXT = _this.where(_n.state == "dialing", _is_last_try).values(
    state=bindparam("new_state"), next_at=bindparam("new_next_at")
)
_REACHED = _this.where(_n.state.in_(("queued", "waiting"))).values(state="final")


async def lose(
    database: Database, uniqueids: Collection[str], reason: str, *, whatever_cel_says: bool = False
) -> int:
    """Close open attempts as LOST that never had a channel, or whose channel is gone without a word.

    :param uniqueids: of their channels; of those that are no open attempt nothing happens.
    :param reason: plain words.
    :param whatever_cel_says: also those of which CEL tells; else its rows close them.
    :returns: how many were closed.
    """
    if not uniqueids:
        return 0
    async with database.write() as tx:
        await line_up(tx, database.dialect)
        told = select(cel.c.id).where(cel.c.uniqueid == _a.uniqueid).exists()
        these = select(_a.uniqueid).where(_a.uniqueid.in_(sorted(uniqueids)), _a.ended_at.is_(None))
        found = await tx.rows(these if whatever_cel_says else these.where(~told))
        at = now()
        ends = [
            AttemptEnd(uniqueid=row["uniqueid"], started_at=None, answered_at=None, ended_at=at, lost=reason)
            for row in found
        ]
        await settle(tx, ends)
    return len(ends)


def _seconds(microseconds: int) -> int:
    return max(0, microseconds) // MICROSECONDS
