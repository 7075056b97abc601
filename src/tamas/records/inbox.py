"""Reading the inbox: all rows of a call, across the linked ids that Asterisk joined.

A transfer or a pickup moves channels from one linked id to another. Such a channel lacks its CHAN_START
(it came) or its CHAN_END (it left) under one of them; those are looked up by uniqueid. So are the channels
that ATTENDEDTRANSFER and PICKUP name, which tell of the join before the moved channel does anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, bindparam, select

from tamas.autodialer.attempts import attempts_among
from tamas.records.facts import extra_of
from tamas.store.database import Connection
from tamas.store.schema import cdr, cel, originates, queue_log

Row = Mapping[str, Any]

_FAILED_ORIGINATE = "OutgoingSpoolFailed"
"""Channel that Asterisk makes up when the first leg of an originate failed; that leg has its own rows."""
REFUSED = frozenset({1, 17, 19, 20, 21, 34})
"""Hangup causes (ITU-T Q.850) of a called number that answered with a refusal."""
_ROUNDS = 8
"""Linked ids that may be chained by joins within one reading; more are left for the next."""

_JOINING = {"ATTENDEDTRANSFER": "channel2_uniqueid", "PICKUP": "pickup_channel_uniqueid"}
"""Events that name a channel of another linked id, and the key in ``extra`` that holds its uniqueid."""

_CEL = select(
    cel.c.id, cel.c.eventtype, cel.c.eventtime, cel.c.cid_name, cel.c.cid_num, cel.c.exten, cel.c.context,
    cel.c.channame, cel.c.appname, cel.c.appdata, cel.c.uniqueid, cel.c.linkedid, cel.c.userdeftype,
    cel.c.extra, cel.c.processed_at,
)  # fmt: skip
_CDR = select(
    cdr.c.id, cdr.c.calldate, cdr.c.accountcode, cdr.c.src, cdr.c.dst, cdr.c.clid, cdr.c.channel,
    cdr.c.dstchannel, cdr.c.lastapp, cdr.c.lastdata, cdr.c.answer, cdr.c.end, cdr.c.disposition,
    cdr.c.amaflags, cdr.c.uniqueid, cdr.c.linkedid, cdr.c.sequence, cdr.c.userfield, cdr.c.processed_at,
)  # fmt: skip
_QUEUE_LOG = select(
    queue_log.c.id, queue_log.c.time, queue_log.c.callid, queue_log.c.queuename, queue_log.c.event
)

# Made once, for they run with each call that ends; ``names`` is a list.
_names: BindParameter[Any] = bindparam("names", expanding=True)
_CEL_OF = _CEL.where(cel.c.linkedid.in_(_names))
_MOVED = select(cel.c.uniqueid, cel.c.linkedid).where(cel.c.uniqueid.in_(_names)).distinct()
_CDR_OF = _CDR.where(cdr.c.linkedid.in_(_names)).order_by(cdr.c.id)
_ORIGINATE_OF = select(originates).where(originates.c.uniqueid.in_(_names))
_QUEUE_LOG_OF = _QUEUE_LOG.where(queue_log.c.callid.in_(_names)).order_by(queue_log.c.id)


@dataclass(kw_only=True)
class CallRows:
    """Everything the inbox holds about one call."""

    linkedids: set[str]
    cel: list[Row] = field(default_factory=list)
    cdr: list[Row] = field(default_factory=list)
    queue_log: list[Row] = field(default_factory=list)
    """What it says of the channels that were in a queue."""
    originate: Row | None = None
    is_attempt: bool = False
    """Whether a campaign of the autodialer made the call."""

    @property
    def cuid(self) -> str:
        """The linked id that the call is known by: the one that began first."""
        if not self.cel:
            return min(self.linkedids)
        first = min(self.cel, key=lambda row: (row["eventtime"], row["id"]))
        return str(first["linkedid"])

    @property
    def is_call(self) -> bool:
        """Whether any channel of it was a real one."""
        names = {row["channame"] for row in self.cel} | {row["channel"] for row in self.cdr}
        return names != {_FAILED_ORIGINATE}

    @property
    def has_own_cdr(self) -> bool:
        """Whether the CDR of its first channel is there; those of other channels may come before it."""
        return any(row["uniqueid"] == self.cuid for row in self.cdr)

    @property
    def open_channels(self) -> set[str]:
        """Unique ids of channels without an end: the call goes on, maybe under another linked id."""
        seen = {row["uniqueid"] for row in self.cel}
        return seen - {row["uniqueid"] for row in self.cel if row["eventtype"] == "CHAN_END"}

    @property
    def ended_by_far_end(self) -> bool:
        """Whether who was called hung up, or refused: its line was free before Asterisk knew."""
        own = (row for row in self.cel if row["eventtype"] == "HANGUP" and row["uniqueid"] == self.cuid)
        for row in own:
            extra = extra_of(row)
            return (
                extra.get("hangupsource") == row["channame"] or int(extra.get("hangupcause") or 0) in REFUSED
            )
        return False

    @property
    def queued(self) -> set[str]:
        """Unique ids of channels that were in a queue: by these the queue log names the call."""
        return {
            row["uniqueid"]
            for row in self.cel
            if row["eventtype"] == "APP_START" and (row["appname"] or "").lower() == "queue"
        }

    @property
    def unsettled(self) -> set[str]:
        """Linked ids with rows that no call row was made of yet."""
        return {row["linkedid"] for row in (*self.cel, *self.cdr) if row["processed_at"] is None}

    @property
    def ends(self) -> list[int]:
        """Ids of the LINKEDID_END rows."""
        return [row["id"] for row in self.cel if row["eventtype"] == "LINKEDID_END"]


async def read_calls(connection: Connection, linkedids: Iterable[str]) -> list[CallRows]:
    """Read the calls that these linked ids belong to, few queries for many; joined ones become one."""
    by_linkedid: dict[str, list[Row]] = {}
    parents: dict[str, str] = {}
    wanted = set(linkedids)
    for _ in range(_ROUNDS):
        missing = wanted - by_linkedid.keys()
        if not missing:
            break
        by_linkedid.update((linkedid, []) for linkedid in missing)
        for row in await connection.rows(_CEL_OF, {"names": sorted(missing)}):
            by_linkedid[row["linkedid"]].append(row)
        homes: dict[str, str] = {}
        for linkedid in missing:
            for uniqueid in _strays(by_linkedid[linkedid]):
                _join(parents, homes.setdefault(uniqueid, linkedid), linkedid)
        if homes:
            for row in await connection.rows(_MOVED, {"names": sorted(homes)}):
                wanted.add(row["linkedid"])
                _join(parents, homes[row["uniqueid"]], row["linkedid"])
    groups: dict[str, CallRows] = {}
    for linkedid, rows in by_linkedid.items():
        group = groups.setdefault(_root(parents, linkedid), CallRows(linkedids=set()))
        group.linkedids.add(linkedid)
        group.cel.extend(rows)
    found = {linkedid: group for group in groups.values() for linkedid in group.linkedids}
    names = sorted(found)
    if names:
        for row in await connection.rows(_CDR_OF, {"names": names}):
            found[row["linkedid"]].cdr.append(row)
        for row in await connection.rows(_ORIGINATE_OF, {"names": names}):
            found[row["uniqueid"]].originate = row
        for uniqueid in await attempts_among(connection, names):
            found[uniqueid].is_attempt = True
    queued = {uniqueid: group for group in groups.values() for uniqueid in group.queued}
    if queued:
        for row in await connection.rows(_QUEUE_LOG_OF, {"names": sorted(queued)}):
            queued[row["callid"]].queue_log.append(row)
    return list(groups.values())


def _strays(rows: Sequence[Row]) -> set[str]:
    """Channels that came from, or left for, another linked id, and those that joined this one."""
    seen = {row["uniqueid"] for row in rows}
    whole = {row["uniqueid"] for row in rows if row["eventtype"] == "CHAN_START"} & {
        row["uniqueid"] for row in rows if row["eventtype"] == "CHAN_END"
    }
    strays = seen - whole
    for row in rows:
        key = _JOINING.get(row["eventtype"])
        if key is not None and (uniqueid := extra_of(row).get(key)):
            strays.add(str(uniqueid))
    return strays


def _root(parents: Mapping[str, str], linkedid: str) -> str:
    while (above := parents.get(linkedid)) is not None:
        linkedid = above
    return linkedid


def _join(parents: dict[str, str], one: str, other: str) -> None:
    low, high = sorted((_root(parents, one), _root(parents, other)))
    if low != high:
        parents[high] = low
