"""The columns of Asterisk's CDR that report rows show, completed from CEL. Pure.

A CDR knows only the application that ran last and the destination that was set last; CEL knows which ran and
whom it reached. So caller id, flags and sequence are the CDR's, channels and applications CEL's where it has
them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tamas.records.report_row import CdrWords
from tamas.records.story import Application

Row = Mapping[str, Any]

DEFAULT_FLAG = "DOCUMENTATION"
"""Asterisk's own default for calls without an accounting flag."""

_SUBROUTINE = re.compile(r"U\([^()]*\)")
"""Option of Dial that carries our own facts and file names."""


class CdrRows:
    """The CDR rows of a call, by channel."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._all = sorted(rows, key=lambda row: row["sequence"] or 0)
        self._of: dict[str, list[Row]] = {}
        for row in self._all:
            self._of.setdefault(row["uniqueid"] or "", []).append(row)

    def of(self, uniqueid: str) -> list[Row]:
        """Those of a channel, oldest first; those of the call when the channel has none."""
        return self._of.get(uniqueid) or self._all


def words_of(
    cdr: CdrRows,
    *,
    uniqueid: str,
    dcontext: str,
    number: str = "",
    name: str = "",
    channel: str = "",
    dstchannel: str = "",
    application: Application | None = None,
) -> CdrWords:
    """The words of a channel's first CDR.

    :param number: caller's number, for a call without a CDR.
    :param name: caller's name, likewise.
    :param application: the Dial or Queue that counts; without it the CDR's last application.
    """
    rows = cdr.of(uniqueid)
    first: Row = rows[0] if rows else {}
    said = next((row for row in rows if row["dstchannel"]), first)
    lastapp = application.name.capitalize() if application is not None else said.get("lastapp") or ""
    lastdata = application.data if application is not None else said.get("lastdata") or ""
    sequence = first.get("sequence")
    return CdrWords(
        clid=first.get("clid") or (f'"{name}" <{number}>' if number else ""),
        dcontext=dcontext,
        channel=channel or first.get("channel") or "",
        dstchannel=dstchannel or said.get("dstchannel") or "",
        lastapp=lastapp,
        lastdata=_SUBROUTINE.sub("", lastdata).rstrip(","),
        amaflags=first.get("amaflags") or DEFAULT_FLAG,
        accountcode=first.get("accountcode") or "",
        userfield=first.get("userfield") or "",
        sequence="" if sequence is None else str(sequence),
    )
