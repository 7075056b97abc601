"""Events of trunks. Source of fields and values: SA catalogue, ``events``."""

from __future__ import annotations

from typing import Any, Literal

from tamas.events.outbox import Event
from tamas.store.clock import MICROSECONDS

TrunkState = Literal["Unavailable", "Deactivate", "Ok"]


def trunk_added(name: str, trunk_type: str, state: TrunkState, *, at: int) -> Event:
    """A trunk is there.

    :param at: microseconds, as in the following.
    """
    return _with_state("TrunkAdded", name, trunk_type, state, since=at, at=at)


def trunk_removed(name: str, *, at: int) -> Event:
    """A trunk is gone."""
    return Event(name="TrunkRemoved", fields={"trunk_name": name, "date": at})


def trunk_new_state(name: str, trunk_type: str, state: TrunkState, *, since: int, at: int) -> Event:
    """A trunk works again, or does no longer.

    :param since: when that was seen.
    """
    return _with_state("TrunkNewState", name, trunk_type, state, since=since, at=at)


def _with_state(event: str, name: str, trunk_type: str, state: TrunkState, *, since: int, at: int) -> Event:
    fields: dict[str, Any] = {
        "state": state,
        "last_time": since,
        "trunk_name": name,
        "trunk_type": trunk_type,
        "last_time_sec": max(0, at - since) // MICROSECONDS,
        "date": at,
    }
    return Event(name=event, fields=fields)
