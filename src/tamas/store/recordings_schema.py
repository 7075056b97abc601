"""Table of recordings: each that was made, and what became of it.

Conventions are those of :mod:`tamas.store.schema`, which registers this table.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, String, Table, Text, text

from tamas.store.schema import metadata

_WAITING = text("state = 'waiting'")
_HELD = text("state IN ('kept', 'broken')")

recordings = Table(
    "recordings",
    metadata,
    Column("name", String(96), primary_key=True, comment="As reports show it"),
    Column("cuid", String(48), nullable=False, comment="Of the call"),
    Column("recorded_at", BigInteger, nullable=False, comment="End of the call"),
    Column(
        "state",
        String(8),
        nullable=False,
        comment="waiting: for conversion; kept; broken: the source is kept; gone: there is no file any more",
    ),
    Column("bytes", BigInteger, comment="Of its files; null: not known yet"),
    Column("duration", BigInteger, comment="Microseconds"),
    Column(
        "dual", Boolean, nullable=False, server_default=text("false"), comment="One party per channel too"
    ),
    Column("reason", Text, comment="Why it is broken or gone, or was not converted yet"),
    Column("tries", Integer, nullable=False, server_default=text("0"), comment="Conversions that failed"),
    Column("due_at", BigInteger, nullable=False, comment="When it is tried next, while it waits"),
    CheckConstraint("state IN ('waiting', 'kept', 'broken', 'gone')", name="state"),
    Index("ix_recordings_waiting", "due_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
    Index("ix_recordings_held", "recorded_at", sqlite_where=_HELD, postgresql_where=_HELD),
)
