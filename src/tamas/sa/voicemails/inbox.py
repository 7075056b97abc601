"""``/voicemails/inbox/search``: the messages in mailboxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from sqlalchemy import select

from tamas.sa.dates import RowDates
from tamas.sa.fields import Nested, Text, optional
from tamas.sa.reports.words import ROW_VERSION, seconds
from tamas.sa.search import Listing, OptionallyDatedSearch, matching
from tamas.sa.service import Page, Paged, ServiceContext, service
from tamas.store.voicemail_schema import voicemail_messages

_m = voicemail_messages.c

EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "60c856c88b2427f7c61c55b6",
    "number": "400",
    "caller_id": "570",
    "filename": "400_1623742139-vm-record-file-9758.wav",
    "voice_mail_id": {"$oid": "5c2dd8f5fbdbe25519496c09"},
    "duration": 2,
    "read": False,
    "v": ROW_VERSION,
    "date": "2021-06-15 11:59:12",
}
"""One row of an answer. A message that was not recorded has ``error`` in place of ``filename`` and
``duration``."""


class InboxConditions(msgspec.Struct, kw_only=True):
    """What messages must match; ``""`` matches everything."""

    src: Annotated[
        str, optional(Text(max=80), lenient_aliases=("caller_id",), example="", note="Who called.")
    ] = ""
    number: Annotated[str, optional(Text(max=80), example="", note="Of the mailbox.")] = ""


class InboxSearch(OptionallyDatedSearch, kw_only=True):
    """Which messages to list."""

    conditions: Annotated[InboxConditions | None, optional(Nested(InboxConditions))] = None
    number: Annotated[str, optional(Text(max=80), aliases=("extension",), lenient_only=True)] = ""


def message_row(message: Any, dates: RowDates) -> dict[str, Any]:
    """A row of ``voicemail_messages`` in the words of the catalogue."""
    stored = message.state == "stored"
    row = {"_id": message.id, "number": message.number, "caller_id": message.caller_id}
    row |= {"filename": message.filename} if stored else {"error": message.error}
    row["voice_mail_id"] = {"$oid": message.mailbox_id}
    row |= {"duration": seconds(message.duration)} if stored else {}
    return row | {
        "read": message.heard_at is not None,
        "v": ROW_VERSION,
        "date": dates.text(message.left_at),
    }


LISTING = Listing(
    select=select(voicemail_messages).where(_m.state != "recording"),
    key=_m.id,
    sortable={
        "_id": _m.id,
        "number": _m.number,
        "caller_id": _m.caller_id,
        "src": _m.caller_id,
        "filename": _m.filename,
        "duration": _m.duration,
        "read": _m.heard_at,
        "date": _m.left_at,
    },
    sorting={"date": -1},
    dated=_m.left_at,
    row=message_row,
)


@service(
    "voicemails/inbox/search",
    op="search",
    summary="List recorded voicemail messages",
    request=InboxSearch,
    answer=Paged(EXAMPLE_ROW, sorting=LISTING.sorting, sometimes=("filename", "duration")),
)
async def search(context: ServiceContext, request: InboxSearch) -> Page:
    asked, like = request.conditions or InboxConditions(number=request.number), request.alike
    return await LISTING.page(
        context, request, *matching(like, (_m.caller_id, asked.src), (_m.number, asked.number))
    )
