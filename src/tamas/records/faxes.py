"""What became of faxes: from the facts that Asterisk states around them. Pure.

``fax=send`` or ``fax=receive`` begins one on its channel; ``fax=end`` with ``fax_status``, ``fax_pages``, ...
ends it (:mod:`tamas.engine.fixed_dialplan`). Their values begin with a dot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tamas.media.names import stored_name
from tamas.records.report_row import ReportRow
from tamas.records.story import Channel, Story
from tamas.store.fax_schema import faxes

Row = Mapping[str, Any]

RECEIVED_PREFIX = "rec_"
MAX_PAGES = 1_000_000
MAX_REASON = 200

_DETAILS = {
    "FAXSTATUS": "fax_status",
    "FAXSTATUSSTRING": "fax_text",
    "FAXERROR": "fax_error",
    "REMOTESTATIONID": "fax_station",
    "FAXPAGES": "fax_pages",
    "FAXBITRATE": "fax_rate",
    "FAXRESOLUTION": "fax_resolution",
    "FAXMODE": "fax_mode",
}
"""What is kept of an end, by the names of the SA's events (``IncomingFax``), and the facts it comes from."""
_HUNG_UP = "HANGUP"
_NEGOTIATING = "T38_NEG_ERROR"
"""Said of a hangup too, while the far end may still ask for T.38."""
_REASONS: Mapping[str, str] = {
    # values of FAXERROR in Asterisk's res_fax
    _HUNG_UP: "the far end hung up during the fax",
    "TIMEOUT": "the far end did not answer as a fax machine",
    "INIT_ERROR": "the fax could not be begun",
    "CHANNEL_PROBLEM": "the line failed",
    _NEGOTIATING: "T.38 could not be agreed on",
    "MEMORY_ERROR": "the server has no memory left",
}
_NO_BEGIN = "the call ended before the fax began"
_NO_END = "the fax was cut off"
_DIGITS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, kw_only=True)
class ReceivedFax(ReportRow, table=faxes):
    """A row of ``faxes`` in the inbox, but for its id."""

    uniqueid: str
    type: str = "inbox"
    src: str
    dst: str
    status: str
    file: str
    trunk: str
    channel: str
    pages: int
    reason: str | None
    details: str
    created_at: int
    ended_at: int


@dataclass(frozen=True, kw_only=True)
class SentFax(ReportRow, table=faxes):
    """What changes in a row of the outbox when its call is over."""

    id: str
    status: str
    pages: int
    reason: str | None
    details: str
    ended_at: int


@dataclass(frozen=True, kw_only=True)
class _End:
    status: str
    pages: int
    reason: str | None
    details: str


def received_faxes(
    story: Story, *, src: str, dst: str, entry: str | None, end_reason: str | None
) -> tuple[ReceivedFax, ...]:
    """The receptions of a call, complete or not.

    :param end_reason: plain words when the call was cut off.
    """
    found = []
    for channel in story.channels.values():
        begun = next((at for at, key, value in channel.facts if (key, value) == ("fax", "receive")), None)
        if begun is None:
            continue
        end = _end(channel, otherwise=end_reason or _NO_END)
        if end.status == "SUCCESS" and not end.pages:
            end = _End(status="FAILED", pages=0, reason="no page was sent", details=end.details)
        serial = channel.uniqueid.rpartition(".")[2]
        found.append(
            ReceivedFax(
                uniqueid=channel.uniqueid,
                src=src,
                dst=dst,
                status=end.status,
                file=stored_name(
                    src,
                    extension="tiff",
                    prefix=RECEIVED_PREFIX,
                    at=begun,
                    number=int(serial) if _DIGITS.fullmatch(serial) else 0,
                ),
                trunk=entry or "",
                channel=channel.name,
                pages=end.pages,
                reason=end.reason,
                details=end.details,
                created_at=begun,
                ended_at=channel.ended_at or story.ended_at,
            )
        )
    return tuple(found)


def sent_fax(
    originate: Row | None, channel: Channel | None, *, reason: str | None, ended_at: int
) -> SentFax | None:
    """The fax that a call was made for; ``None`` for other calls.

    :param channel: that carried it, when there was one.
    :param reason: why the call did not connect, or was cut off.
    """
    if originate is None or originate["fax_id"] is None:
        return None
    end = _End(status="FAILED", pages=0, reason=reason or _NO_BEGIN, details="{}")
    if channel is not None and channel.fact("fax") is not None:
        end = _end(channel, otherwise=reason or _NO_END)
    return SentFax(
        id=originate["fax_id"],
        status=end.status,
        pages=end.pages,
        reason=end.reason,
        details=end.details,
        ended_at=ended_at,
    )


def _end(channel: Channel, *, otherwise: str) -> _End:
    """How the fax on a channel ended.

    :param otherwise: the reason when nothing was stated of its end.
    """
    said = {key: value.removeprefix(".") for _, key, value in channel.facts if key.startswith("fax_")}
    if channel.fact("fax") != "end":
        return _End(status="FAILED", pages=0, reason=otherwise, details="{}")
    pages = said.get("fax_pages", "")
    status = said.get("fax_status", "")
    if status == "SUCCESS":
        said["fax_error"] = ""  # the hangup behind the last page counts as one
    details = msgspec.json.encode({name: said.get(fact, "") for name, fact in _DETAILS.items()}).decode()
    reason = None
    if not status:
        reason = _NO_BEGIN
    elif status != "SUCCESS":
        error = said.get("fax_error", "")
        if error == _NEGOTIATING and channel.hung_up_itself:
            error = _HUNG_UP
        text = said.get("fax_text") or error or "it did not go through"
        reason = _REASONS.get(error, text)[:MAX_REASON]
    return _End(
        status="FAILED" if reason is not None else "SUCCESS",
        pages=min(int(pages), MAX_PAGES) if _DIGITS.fullmatch(pages) else 0,
        reason=reason,
        details=details,
    )
