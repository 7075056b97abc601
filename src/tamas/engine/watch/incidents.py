"""What happens in calls at one moment, for whoever tells others of it: a state shows it only for a while."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CameIn:
    """A call entered from a trunk."""

    call: str
    """Linkedid."""
    channel: str
    """Unique id of the trunk's channel."""
    number: str
    """Caller, as the network says; empty: unknown."""
    trunk: str
    """Its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WentOut:
    """A call left through a trunk."""

    call: str
    channel: str
    number: str
    """Callee."""
    trunk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """Somebody sent the other party of a talk on, at once or after asking."""

    call: str
    """Linkedid of the call that goes on."""
    transferer: str
    """Extension, else the outside party's number."""
    transferred_from: str
    """Number of the party that was moved."""
    transferred_to: str
    """Number of the new destination; empty: unknown."""


Incident = CameIn | WentOut | Transferred
