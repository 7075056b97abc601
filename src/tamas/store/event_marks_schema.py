"""Table of what was told last, so that neither a restart nor a second look tells anything twice.

Conventions are those of :mod:`tamas.store.schema`, which registers this table.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, String, Table

from tamas.store.schema import metadata

event_marks = Table(
    "event_marks",
    metadata,
    Column(
        "kind",
        String(10),
        CheckConstraint(
            "kind IN ('extension', 'trunk', 'channel', 'survey', 'listener', 'watch')", name="kind"
        ),
        primary_key=True,
    ),
    Column("name", String(80), primary_key=True, comment="Number, name, unique id, call and place"),
    Column("state", String(120), nullable=False, comment="As it was told"),
    Column("call", String(48), nullable=False, comment="Linked id of the call told with it; '': none"),
    Column("at", BigInteger, nullable=False),
    Index("ix_event_marks_call", "call"),
    comment="The last events of extensions and trunks, and what was told of calls in progress",
)
