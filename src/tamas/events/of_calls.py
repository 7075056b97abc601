"""Events of calls while they go on. Source of fields and values: SA catalogue, ``events``."""

from __future__ import annotations

from tamas.events.outbox import Event


def incoming_call(*, call: str, number: str, trunk: str) -> Event:
    """A call entered from a trunk.

    :param call: its linked id.
    :param number: caller.
    """
    fields = {"number": number, "entry_point": trunk, "unique_id": call}
    return Event(name="IncomingCall", fields=fields, call=call)


def outgoing_call(*, call: str, number: str, trunk: str, originated_call_id: str | None) -> Event:
    """A call left through a trunk.

    :param number: callee.
    """
    fields = {
        "number": number,
        "outgoing_point": trunk,
        "unique_id": call,
        "originated_call_id": originated_call_id,
    }
    return Event(name="OutgoingCall", fields=fields, call=call)


def transfer(*, call: str, transferer: str, transferred_from: str, transferred_to: str) -> Event:
    """Somebody sent the other party on."""
    fields = {
        "transferer": transferer,
        "transferred_from": transferred_from,
        "transferred_to": transferred_to,
        "unique_id": call,
    }
    return Event(name="Transfer", fields=fields, call=call)


def survey(*, call: str, src: str, dst: str, queue: str, at: int, point: int, label: str) -> Event:
    """A caller gave points.

    :param dst: who talked to the caller before.
    :param at: when, microseconds.
    """
    fields = {
        "unique_id": call,
        "src": src,
        "dst": dst,
        "queue": queue,
        "date": at,
        "point": point,
        "label": label,
    }
    return Event(name="Survey", fields=fields, call=call)


def reserved_call_in_front(*, call: str, queue: str, caller: str, at: int) -> Event:
    """A caller who kept a place in a queue was phoned back, and is at its head."""
    fields = {"queue_name": queue, "caller_id": caller, "date": at}
    return Event(name="ReservedCallInFront", fields=fields, call=call)
