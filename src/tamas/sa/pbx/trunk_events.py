"""Telling that trunks come and go, in the transaction of their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tamas.events.marks import Mark, mark, unmark
from tamas.events.of_trunks import TrunkState, trunk_added, trunk_removed
from tamas.events.outbox import emit
from tamas.store.clock import now
from tamas.store.database import Connection, Dialect


async def tell_added(tx: Connection, dialect: Dialect, row: Mapping[str, Any]) -> None:
    """Tell of a new trunk.

    :param row: its columns, with those that were derived.
    """
    state = first_state(row)
    await mark(tx, dialect, "trunk", {row["name"]: Mark(state, "")})
    await emit(tx, [trunk_added(row["name"], row["trunk_type"], state, at=now())])


async def tell_removed(tx: Connection, names: Sequence[str]) -> None:
    """Tell that trunks are gone."""
    await unmark(tx, "trunk", names)
    await emit(tx, [trunk_removed(name, at=now()) for name in names])


def first_state(row: Mapping[str, Any]) -> TrunkState:
    """What a trunk is before anybody looked: one that has to register is not registered yet."""
    if row["active"] != "yes" or row["trunk_type"] != "SIP":
        return "Deactivate"
    return "Ok" if row["pjsip_server_uri"] is None else "Unavailable"
