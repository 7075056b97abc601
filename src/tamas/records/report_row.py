"""What rows of report tables have in common: columns by name, texts cut to what their columns hold."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from sqlalchemy import String, Table


@dataclass(frozen=True, kw_only=True)
class CdrWords:
    """What report rows show of Asterisk's own CDR, in its words."""

    clid: str = ""
    dcontext: str = ""
    channel: str = ""
    dstchannel: str = ""
    lastapp: str = ""
    lastdata: str = ""
    amaflags: str = ""
    accountcode: str = ""
    userfield: str = ""
    sequence: str = ""


class ReportRow:
    """Base of dataclasses whose fields are the columns of a table, but for what the store adds."""

    _names: ClassVar[tuple[str, ...]] = ()
    _widths: ClassVar[dict[str, int]]

    def __init_subclass__(cls, *, table: Table) -> None:
        cls._widths = {
            column.name: column.type.length
            for column in table.columns
            if isinstance(column.type, String) and column.type.length is not None
        }

    def values(self) -> dict[str, Any]:
        """Column names and values."""
        found: dict[str, Any] = {}
        for name in self._field_names():
            value = getattr(self, name)
            if isinstance(value, CdrWords):
                found.update((word, getattr(value, word)) for word in _WORDS)
            else:
                found[name] = value
        for name, width in self._widths.items():
            value = found.get(name)
            if value is not None and len(value) > width:
                found[name] = value[:width]
        return found

    @classmethod
    def _field_names(cls) -> tuple[str, ...]:
        if not cls._names:
            # Fields that hold rows of other tables are no columns.
            cls._names = tuple(
                field.name
                for field in fields(cls)  # type: ignore[arg-type]
                if not field.metadata.get("other_table")
            )
        return cls._names


_WORDS = tuple(field.name for field in fields(CdrWords))
