"""Burst calls: many calls from one area in a short time, which get a ready answer (a local outage).

Rules made by hand come first: beginnings of numbers that an administrator wrote down. Then the automatic
rule: as many calls of one beginning within some minutes, the present one included. Its counters live in
memory, where they expire; a fresh process reads the last calls from the reports.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import select

from tamas.dialplan.national_numbers import NationalNumber, national_number
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database
from tamas.store.dialplan_schema import burst_rules
from tamas.store.schema import calls

MAX_CALLS: Final = 50_000
"""Kept in memory; the oldest go."""
MINUTE: Final = 60 * MICROSECONDS


@dataclass(frozen=True)
class Burst:
    """A call that belongs to one."""

    rule: str
    """Title of the rule."""
    announcement: str
    """What the caller hears (``Ref.SOUND``); may be empty."""


class RecentCallers:
    """Numbers that called lately, counted by how they begin."""

    def __init__(self) -> None:
        self._calls: deque[tuple[int, str, str]] = deque()
        self._known: set[str] = set()
        self._length = 0
        self._counts: Counter[str] = Counter()
        self.filled = False
        """Whether the calls before this process were read."""

    def add(self, cuid: str, number: str, at: int) -> None:
        """Note a call, once, however often it comes by. :param at: microseconds."""
        if cuid in self._known:
            return
        self._known.add(cuid)
        self._calls.append((at, cuid, number))
        self._counts[number[: self._length]] += 1
        while len(self._calls) > MAX_CALLS:
            self._drop()

    def count(self, number: str, *, length: int, since: int) -> int:
        """Calls since a time whose numbers have the first ``length`` digits of this one."""
        while self._calls and self._calls[0][0] < since:
            self._drop()
        if length != self._length:
            self._length = length
            self._counts = Counter(known[:length] for _, _, known in self._calls)
        return self._counts[number[:length]]

    def _drop(self) -> None:
        _, cuid, number = self._calls.popleft()
        self._known.discard(cuid)
        prefix = number[: self._length]
        self._counts[prefix] -= 1
        if self._counts[prefix] <= 0:
            del self._counts[prefix]


async def burst_of(
    database: Database, recent: RecentCallers, runtime: Mapping[str, Any], *, number: str, cuid: str
) -> Burst | None:
    """The burst that a call belongs to, if it does.

    :param runtime: runtime settings.
    :param number: the caller's, as the trunk gave it.
    """
    read = _reader(runtime)
    caller = read(number)
    if caller is None:
        return None
    rule = await _manual_rule(database, caller)
    if rule is not None:
        return rule
    excepted = runtime["burst.excepted"]
    if not runtime["burst.enabled"] or any(caller.begins_with(prefix) for prefix in excepted):
        return None
    length = int(runtime["burst.prefix_length"])
    if len(caller.local) < length:
        return None
    since = now() - int(runtime["burst.minutes"]) * MINUTE
    if not recent.filled:
        recent.filled = True
        await _fill(database, recent, runtime, since=since)
    recent.add(cuid, caller.local, now())
    if recent.count(caller.local, length=length, since=since) < int(runtime["burst.count"]):
        return None
    return Burst(rule=f"automatic: {caller.local[:length]}", announcement=runtime["burst.announcement"])


def _reader(runtime: Mapping[str, Any]) -> Callable[[str], NationalNumber | None]:
    country, region = runtime["numbers.country_code"], runtime["numbers.region_code"]
    return lambda number: national_number(number, country=country, region=region)


async def _manual_rule(database: Database, caller: NationalNumber) -> Burst | None:
    async with database.read() as connection:
        rows = await connection.rows(
            select(burst_rules.c.title, burst_rules.c.pre_codes, burst_rules.c.announcement)
            .where(burst_rules.c.enabled.is_(True))
            .order_by(burst_rules.c.id)
        )
    for row in rows:
        if any(caller.begins_with(prefix) for prefix in msgspec.json.decode(row["pre_codes"])):
            return Burst(rule=row["title"], announcement=row["announcement"])
    return None


async def _fill(database: Database, recent: RecentCallers, runtime: Mapping[str, Any], *, since: int) -> None:
    """Read the calls that came before this process."""
    read = _reader(runtime)
    async with database.read() as connection:
        rows = await connection.rows(
            select(calls.c.cuid, calls.c.src, calls.c.started_at)
            .where(calls.c.started_at >= since, calls.c.type == "incoming")
            .order_by(calls.c.started_at.desc())
            .limit(MAX_CALLS)
        )
    for row in reversed(rows):
        caller = read(row["src"] or "")
        if caller is not None and not any(caller.begins_with(each) for each in runtime["burst.excepted"]):
            recent.add(row["cuid"], caller.local, row["started_at"])
