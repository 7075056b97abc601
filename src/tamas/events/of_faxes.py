"""Events of faxes. Source of fields and values: SA catalogue, ``events``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from tamas.events.outbox import Event

RECEIVED: Final = (
    "REMOTESTATIONID",
    "FAXRESOLUTION",
    "FAXBITRATE",
    "FAXERROR",
    "FAXSTATUS",
    "FAXPAGES",
    "FAXSTATUSSTRING",
    "REASON",
)
SENT: Final = (
    "FAXSTATUS",
    "FAXSTATUSSTRING",
    "FAXERROR",
    "REMOTESTATIONID",
    "FAXPAGES",
    "FAXBITRATE",
    "FAXRESOLUTION",
    "REASON",
)


def incoming_fax(row: Mapping[str, Any], details: Mapping[str, str], *, call: str) -> Event:
    """A fax was received, or was not.

    :param row: of ``faxes``.
    :param details: the fax engine's words, by the catalogue's names.
    """
    said = {**details, "REASON": row["reason"] or ""}
    fields = {
        "fax_id": row["id"],
        "entry_point": row["trunk"],
        "unique_id": call,
        "src": row["src"],
        "dst": row["dst"],
        "state": row["status"],
        "date": row["ended_at"],
        "description": {name: said.get(name, "") for name in RECEIVED},
    }
    return Event(name="IncomingFax", fields=fields, call=call)


def outgoing_fax(
    fax_id: str,
    state: Literal["SENDING", "SUCCESS", "FAILED"],
    *,
    call: str,
    at: int,
    details: Mapping[str, str],
    reason: str | None,
) -> Event:
    """A fax begins to be sent, or it is over.

    :param call: that carries it.
    :param details: the fax engine's words, by the catalogue's names; what it did not say is null.
    """
    info: dict[str, str | None] = {name: details.get(name) or None for name in SENT}
    info["REASON"] = reason or ""
    fields = {"fax_id": fax_id, "state": state, "unique_id": call, "info": info, "date": at}
    return Event(name="OutgoingFax", fields=fields, call=call)
