"""Events of extensions. Source of fields and values: SA catalogue, ``events``."""

from __future__ import annotations

from typing import Final, Literal

from tamas.events.outbox import Event

ExtensionState = Literal["Idle", "InUse", "Pause", "Ringing", "Unavailable"]
UNAVAILABLE: Final[ExtensionState] = "Unavailable"
"""What an extension is of which nothing was told yet."""


def exten_added(number: str) -> Event:
    """An extension is there; no phone has registered."""
    return Event(name="ExtenAdded", fields={"exten": number, "state": UNAVAILABLE})


def exten_removed(number: str) -> Event:
    """An extension is gone."""
    fields = {"exten": number, "state": UNAVAILABLE}
    return Event(name="ExtenRemoved", fields=fields)


def new_state(
    number: str,
    state: ExtensionState,
    *,
    call: str,
    participant: str | None = None,
    direction: Literal["in", "out"] | None = None,
    queue: str | None = None,
    dials: bool = False,
) -> Event:
    """An extension does something else.

    :param call: in which it is, or was until now; empty: none.
    :param participant: the other party; the following, too, are of the call in which it is.
    :param dials: whether it calls and nobody answered yet.
    """
    fields = {
        "exten": number,
        "state": state,
        "participant": participant,
        "direction": direction,
        "queue": queue or None,
        "unique_id": call or None,
        "dialer": "yes" if dials else None,
    }
    return Event(name="NewState", fields=fields, call=call)
