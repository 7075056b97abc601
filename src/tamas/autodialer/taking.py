"""Taking numbers to be called: one transaction per trunk manager, which is all that pacing rests on.

The manager's row is locked, and everything that allows or forbids a call is read behind that lock. The
attempt is committed before Asterisk hears of it, so capacity is counted from the table whoever dials, and an
open attempt keeps its number from being called a second time (a unique index sees to that).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Integer, bindparam, func, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from tamas.autodialer.announcing import announce
from tamas.autodialer.results import write_reports
from tamas.autodialer.schedule import is_active_time
from tamas.engine.dialing_out import DIALABLE, is_barred
from tamas.store.autodialer_schema import (
    campaign_numbers,
    campaigns,
    dial_attempts,
    dialer_sounds,
    trunk_managers,
)
from tamas.store.clock import DAY, MICROSECONDS
from tamas.store.database import Connection, Database, Row
from tamas.store.ids import fresh_uniqueid, new_id
from tamas.store.order import line_up, take_turn
from tamas.store.schema import blacklist, trunks

AT_ONCE: Final = 20
"""Calls that one transaction begins; some milliseconds."""

_ALL_CALLS: Final = "autodialer.calls"
"""Turns of managers, where what all of them may do together is limited."""

_a, _c, _n, _m = dial_attempts.c, campaigns.c, campaign_numbers.c, trunk_managers.c
_is_due = text("campaign_numbers.state IN ('queued', 'waiting')")
"""Written out, so that PostgreSQL knows it for the condition of the index."""
_is_open = _a.ended_at.is_(None)
_of_number = select(_a.id).where(_a.number == _n.number, _is_open).correlate(campaign_numbers).exists()

_MANAGER = (
    select(trunk_managers, trunks.c.name.label("trunk"), trunks.c.active.label("trunk_active"))
    .join(trunks, trunks.c.id == _m.trunk_id)
    .with_for_update(of=trunk_managers)
)
_CAMPAIGNS = (
    select(
        _c.serial,
        _c.id,
        _c.name,
        _c.interface_context,
        _c.interface_text,
        _c.announcement,
        _c.start_at,
        _c.end_at,
        _c.round,
        _c.status,
        _c.caller_id,
        _c.detects_machines,
        dialer_sounds.c.filename,
    )
    .outerjoin(dialer_sounds, dialer_sounds.c.id == _c.announcement)
    .where(
        _c.status.in_(("waiting", "running")),
        _c.paused.is_(False),
        _c.removed_at.is_(None),
        # Until the expansion has begun, there may be rows that the campaign has no more.
        or_(_c.expanded.is_(True), _c.expansion != ""),
    )
    .order_by(_c.last_dial_at, _c.serial)
)

# Made once, for they run with each turn; ``numbers`` and ``serials`` are lists.
_THE_MANAGER = _MANAGER.where(_m.id == bindparam("manager"))
_ITS_CAMPAIGNS = _CAMPAIGNS.where(
    _c.trunk_manager_id == bindparam("manager"), _c.start_at <= bindparam("at"), _c.end_at > bindparam("at")
)
_OPEN = select(func.count()).select_from(dial_attempts).where(_is_open)
_OPEN_OF_MANAGER = _OPEN.where(_a.trunk_manager_id == bindparam("manager"))
_OPEN_OF_CAMPAIGN = _OPEN.where(_a.campaign == bindparam("serial"), _a.started_at > bindparam("since"))
_RUN = update(campaigns).where(_c.serial.in_(bindparam("serials", expanding=True))).values(status="running")
_DUE = (
    select(_n.id, _n.number, _n.tries)
    .where(
        _n.campaign == bindparam("serial"),
        _is_due,
        _n.next_at <= bindparam("at"),
        _n.round == bindparam("of_round"),
        ~_of_number,
    )
    .order_by(_n.next_at, _n.tries, _n.id)
    .limit(bindparam("most", type_=Integer))
)
_UNWELCOME = select(blacklist.c.number).where(blacklist.c.number.in_(bindparam("numbers", expanding=True)))
_WRITE = {
    "sqlite": sqlite.insert(dial_attempts).on_conflict_do_nothing().returning(_a.id),
    "postgresql": postgresql.insert(dial_attempts).on_conflict_do_nothing().returning(_a.id),
}
_DIAL = (
    update(campaign_numbers)
    .where(_n.id.in_(bindparam("ids", expanding=True)))
    .values(state="dialing", tries=_n.tries + 1)
)
_CAMPAIGN_DIALED = update(campaigns).where(_c.serial == bindparam("of")).values(last_dial_at=bindparam("new"))
_MANAGER_DIALED = update(trunk_managers).where(_m.id == bindparam("of")).values(last_dial_at=bindparam("new"))


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What holds for all campaigns, and what was found out about the engine."""

    timezone: str
    max_calls: int = 0
    """Of all campaigns at the same time; 0: no limit."""
    max_per_number_per_day: int = 0
    barred: Sequence[str] = ()
    unreachable: Collection[str] = ()
    """Names of trunks that do not answer."""
    limits: Mapping[int, CampaignLimit] = field(default_factory=dict)
    """By serial of the campaign."""

    @classmethod
    def of(cls, runtime: Mapping[str, Any], **more: Any) -> Rules:
        """The rules of runtime settings."""
        return cls(
            timezone=str(runtime["timezone"]),
            max_calls=int(runtime["autodialer.max_calls"]),
            max_per_number_per_day=int(runtime["autodialer.max_per_number_per_day"]),
            barred=runtime["calls.barred_prefixes"],
            **more,
        )


@dataclass(frozen=True, kw_only=True)
class CampaignLimit:
    """How many calls a campaign may still begin, as it was found at a moment."""

    calls: int
    found_at: int
    """Microseconds; calls begun since then count."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A call that is on record as an open attempt and now has to be placed."""

    attempt_id: str
    uniqueid: str
    number: str
    trunk: str
    sound: str
    """File of the campaign's sound without ending, in the folder of the dialer's sounds; may be empty."""
    routed: bool
    caller_id: str
    """Empty: the setting's."""
    detects_machines: bool


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What came of one turn of a manager."""

    orders: Sequence[Order] = ()
    again: bool = False
    """Whether there may be more to take at once."""
    next_at: int | None = None
    """When the manager may dial again, if its interval is what keeps it."""


NOTHING: Final = Taken()


async def take(database: Database, manager_id: str, rules: Rules, at: int) -> Taken:
    """Take the numbers that a manager may call now, and write their attempts.

    :param at: microseconds; now.
    """
    async with database.write() as tx:
        manager = await tx.row(_THE_MANAGER, {"manager": manager_id})
        if manager is None or not _may_dial(manager, rules, at):
            return NOTHING
        interval = manager["dial_interval"] * MICROSECONDS
        if interval and at < manager["last_dial_at"] + interval:
            return Taken(next_at=manager["last_dial_at"] + interval)
        open_calls = int(await tx.scalar(_OPEN_OF_MANAGER, {"manager": manager_id}))
        free = manager["capacity"] - open_calls
        if rules.max_calls:
            await take_turn(tx, database.dialect, _ALL_CALLS)
            free = min(free, rules.max_calls - int(await tx.scalar(_OPEN)))
        running = await tx.rows(_ITS_CAMPAIGNS, {"manager": manager_id, "at": at})
        await _mark_running(tx, [row for row in running if row["status"] == "waiting"])
        wanted = min(free, 1 if interval else AT_ONCE)
        if wanted <= 0 or not running:
            return NOTHING
        ready = [row for row in running if not row["announcement"] or row["filename"]]
        found = await _due(tx, ready, wanted, manager["wait_cache_length"], rules, at)
        found, passed = await _sort_out(tx, database, manager, found, rules, at)
        orders = await _write(tx, database, manager, found, at) if found else []
        if orders:
            await tx.execute(_MANAGER_DIALED, {"of": manager_id, "new": at})
    again = passed > 0 or (not interval and len(orders) == AT_ONCE)
    return Taken(orders=orders, again=again, next_at=at + interval if interval and orders else None)


def _may_dial(manager: Row, rules: Rules, at: int) -> bool:
    return (
        manager["status"] == "active"
        and manager["trunk_active"] == "yes"
        and manager["trunk"] not in rules.unreachable
        and is_active_time(manager["active_times"], at, rules.timezone)
    )


async def _mark_running(tx: Connection, waiting: Sequence[Row]) -> None:
    if waiting:
        await tx.execute(_RUN, {"serials": [row["serial"] for row in waiting]})


@dataclass(frozen=True, kw_only=True)
class _Due:
    """A number that may be called, and its campaign."""

    campaign: Row
    id: int
    number: str
    tries: int


async def _due(
    tx: Connection, running: Sequence[Row], wanted: int, read_length: int, rules: Rules, at: int
) -> list[_Due]:
    """Numbers that are due, dealt out among the campaigns: each gives one in turn until there are enough."""
    hands: list[list[_Due]] = []
    share = -(-wanted // max(len(running), 1))
    missing = wanted
    for row in running:
        if missing <= 0:
            break
        hand = await _hand(tx, row, max(share, 1), read_length, rules, at)
        hands.append(hand)
        missing -= len(hand)
    if missing > 0:
        # Some had less than their share; the others fill up.
        for place, hand in enumerate(hands):
            if missing > 0 and len(hand) >= share:
                more = await _hand(tx, running[place], len(hand) + missing, read_length, rules, at)
                missing -= len(more) - len(hand)
                hands[place] = more
    dealt: list[_Due] = []
    for turn in range(max((len(hand) for hand in hands), default=0)):
        dealt += [hand[turn] for hand in hands if turn < len(hand)]
    return dealt[:wanted]


async def _hand(
    tx: Connection, campaign: Row, wanted: int, read_length: int, rules: Rules, at: int
) -> list[_Due]:
    limit = rules.limits.get(campaign["serial"])
    if limit is not None:
        found_since = {"serial": campaign["serial"], "since": limit.found_at}
        wanted = min(wanted, limit.calls - int(await tx.scalar(_OPEN_OF_CAMPAIGN, found_since)))
    if wanted <= 0:
        return []
    which = {
        "serial": campaign["serial"],
        "of_round": campaign["round"],
        "at": at,
        "most": min(wanted, max(read_length, 1)),
    }
    return [_Due(campaign=campaign, **row) for row in await tx.rows(_DUE, which)]


async def _sort_out(
    tx: Connection, database: Database, manager: Row, found: Sequence[_Due], rules: Rules, at: int
) -> tuple[list[_Due], int]:
    """Leave out who must not be called, for ever or today; gives the others, and how many were left out."""
    numbers = sorted({due.number for due in found})
    unwelcome: set[str] = set()
    if numbers:
        unwelcome = {row["number"] for row in await tx.rows(_UNWELCOME, {"numbers": numbers})}
    refused: list[tuple[_Due, str]] = []
    allowed: list[_Due] = []
    for due in found:
        if not DIALABLE.fullmatch(due.number):
            refused.append((due, "no number that can be dialed"))
        elif due.number in unwelcome:
            refused.append((due, "on the black list"))
        elif is_barred(due.number, rules.barred):
            refused.append((due, "barred number"))
        else:
            allowed.append(due)
    if refused:
        await _refuse(tx, database, manager, refused, at)
    postponed = 0
    if rules.max_per_number_per_day and allowed:
        allowed, postponed = await _postpone(tx, allowed, rules.max_per_number_per_day, at)
    return allowed, len(refused) + postponed


async def _postpone(tx: Connection, found: Sequence[_Due], most: int, at: int) -> tuple[list[_Due], int]:
    """Put off the numbers that had their calls of the day; no try is used up."""
    lately = (
        select(_a.number, func.count().label("calls"), func.min(_a.started_at).label("first_at"))
        .where(_a.number.in_(sorted({due.number for due in found})), _a.started_at > at - DAY)
        .group_by(_a.number)
    )
    enough = {row["number"]: row["first_at"] for row in await tx.rows(lately) if row["calls"] >= most}
    later = [due for due in found if due.number in enough]
    if later:
        await tx.execute(
            update(campaign_numbers).where(_n.id == bindparam("of")).values(next_at=bindparam("new")),
            [{"of": due.id, "new": enough[due.number] + DAY} for due in later],
        )
    return [due for due in found if due.number not in enough], len(later)


def _attempt(manager: Row, due: _Due, at: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "campaign": due.campaign["serial"],
        "number_id": due.id,
        "number": due.number,
        "round": due.campaign["round"],
        "try": due.tries + 1,
        "trunk_manager_id": manager["id"],
        "trunk": manager["trunk"],
        "started_at": at,
    }


async def _refuse(
    tx: Connection, database: Database, manager: Row, refused: Sequence[tuple[_Due, str]], at: int
) -> None:
    """Numbers that are never called: final at once, with an attempt and a report row that say why."""
    await line_up(tx, database.dialect)
    over = {"ended_at": at, "disposition": "LOST"}
    rows = []
    for due, reason in refused:
        attempt = _attempt(manager, due, at)
        rows.append({**attempt, **over, "uniqueid": f"refused.{attempt['id']}", "reason": reason})
    await tx.execute(dial_attempts.insert(), rows)
    await tx.execute(
        update(campaign_numbers)
        .where(_n.id.in_([due.id for due, _ in refused]))
        .values(state="final", tries=_n.tries + 1)
    )
    nothing = {"disposition": "LOST", "billsec": 0, "wait": 0, "input": ""}
    told = [
        ({**due.campaign, "campaign_id": due.campaign["id"], **row}, nothing)
        for (due, _), row in zip(refused, rows, strict=True)
    ]
    await write_reports(tx, told)
    await announce(tx, told)


async def _write(
    tx: Connection, database: Database, manager: Row, found: Sequence[_Due], at: int
) -> list[Order]:
    """Write the attempts, but for numbers that somebody else began to call in this moment."""
    # In one order everywhere: two managers that want the same numbers wait for each other, never in a ring.
    attempts = {
        row["id"]: (row, due)
        for place, due in enumerate(sorted(found, key=lambda due: due.number))
        for row in [{**_attempt(manager, due, at), "uniqueid": fresh_uniqueid(at + place)}]
    }
    result = await tx.execute(_WRITE[database.dialect], [row for row, _ in attempts.values()])
    written = [attempts[row[0]] for row in result]
    if not written:
        return []
    await tx.execute(_DIAL, {"ids": [row["number_id"] for row, _ in written]})
    turns = {due.campaign["serial"]: place for place, due in enumerate(found)}
    await tx.execute(
        _CAMPAIGN_DIALED,
        [{"of": serial, "new": at + place} for serial, place in turns.items()],
    )
    return [_order(manager, row, due.campaign) for row, due in written]


def _order(manager: Row, attempt: Mapping[str, Any], campaign: Row) -> Order:
    return Order(
        attempt_id=attempt["id"],
        uniqueid=attempt["uniqueid"],
        number=attempt["number"],
        trunk=manager["trunk"],
        sound=str(campaign["filename"]).rpartition(".")[0] if campaign["announcement"] else "",
        routed=bool(campaign["interface_context"]),
        caller_id=campaign["caller_id"],
        detects_machines=campaign["detects_machines"],
    )
