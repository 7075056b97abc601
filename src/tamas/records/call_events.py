"""Events that are made of report rows. Pure.

Source of fields and values: SA catalogue, ``events``. Durations are whole seconds that are over, as in the
reports; numbers are given as numbers also where they arrive as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tamas.events.outbox import Event
from tamas.store.clock import MICROSECONDS

Row = Mapping[str, Any]

FAILED_PARTY: Final = "failed"
"""``dst`` of an originated call that never got to its second party (SA catalogue, ``Cdr``)."""
_DISPOSITIONS: Final = {"PICKUP": "ANSWERED"}
"""Of a visit that the catalogue does not know."""


def cdr_event(call: Row, *, poll: Row | None, unreached: bool) -> Event:
    """A call has ended.

    :param call: its row.
    :param poll: the last answer that the caller gave in it.
    :param unreached: whether it was originated and never got to its second party.
    """
    answered = call["answered_at"] is not None
    fields = {
        "starttime": call["started_at"],
        "endtime": call["ended_at"],
        "src": call["src"],
        "dst": FAILED_PARTY if unreached else call["dst"],
        "type": call["type"],
        "disposition": call["disposition"],
        "duration": _seconds(call["ended_at"] - call["started_at"]),
        "billsec": _seconds(call["billsec"]) if answered else None,
        "wait": _seconds(call["wait"]),
        "record": call["record"],
        "poll_point": None if poll is None else str(poll["point"]),
        "poll_lable": None if poll is None else poll["label"],
        "entry_point": call["entry_point"],
        "outgoing_point": call["outgoing_point"],
        "unique_id": call["cuid"],
        "originated_call_id": call["originated_call_id"],
    }
    return Event(name="Cdr", fields=fields, call=call["cuid"])


def cdr_queue_event(visit: Row, attempts: Sequence[Row], *, originated_call_id: str | None) -> Event:
    """A call's time in a queue is over.

    :param visit: its row.
    :param attempts: the rows of its attempts at agents, oldest first.
    """
    answered = visit["answered_at"] is not None
    fields = {
        "unique_id": visit["cuid"],
        "originated_call_id": originated_call_id,
        "src": visit["src"],
        "dst": visit["agent"],
        "queue": visit["queue"],
        "billsec": _seconds(visit["billsec"]),
        "wait": _seconds(visit["wait"]),
        "duration": _seconds(visit["ended_at"] - visit["started_at"]),
        "agent_wait": _seconds(visit["agent_wait"]),
        "disposition": _DISPOSITIONS.get(visit["disposition"], visit["disposition"]),
        "queue_status": visit["queue_status"],
        "hangup": visit["hangup"],
        "record": next((each["record"] for each in attempts if each["record"]), None),
        "answeredtime": visit["answered_at"] if answered else None,
        "ringtime": visit["ringing_at"],
        "starttime": visit["started_at"],
        "endtime": visit["ended_at"],
        "detail": [
            {
                "src": each["src"],
                "dst": each["agent"],
                "billsec": _seconds(each["billsec"]),
                "wait": _seconds(each["wait"]),
                "disposition": each["disposition"],
                "comment": "",
                "tries": each["tries"],
            }
            for each in attempts
        ],
    }
    return Event(name="CdrQueue", fields=fields, call=visit["cuid"])


def originate_result(call: Row, *, began: bool) -> Event:
    """A call that was asked for is over, or never began.

    :param call: its row.
    :param began: whether there ever was a channel.
    """
    answered = call["answered_at"] is not None
    fields = {
        "originated_call_id": call["originated_call_id"],
        "caller": call["src"],
        "callee": call["dst"],
        "disposition": call["disposition"],
        "reason": None if answered else call["reason"],
        "billsec": _seconds(call["billsec"]) if answered else None,
        "unique_id": call["cuid"] if began else None,
        "date": call["ended_at"],
    }
    return Event(name="OriginateResult", fields=fields, call=call["cuid"])


def _seconds(microseconds: int) -> int:
    return microseconds // MICROSECONDS
