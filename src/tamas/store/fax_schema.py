"""Table of faxes: those that are sent, and those that were received.

Conventions are those of :mod:`tamas.store.schema`, which registers this table.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, Text, text

from tamas.store.schema import Id, metadata

_UNDER_WAY = text("type = 'outbox' AND status = 'SENDING'")

faxes = Table(
    "faxes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("type", String(8), CheckConstraint("type IN ('inbox', 'outbox')", name="type"), nullable=False),
    Column(
        "src", String(80), nullable=False, comment="Of the outbox: on whose behalf, in the client's words"
    ),
    Column("dst", String(80), nullable=False),
    Column(
        "status",
        String(8),
        CheckConstraint("status IN ('SENDING', 'SUCCESS', 'FAILED')", name="status"),
        nullable=False,
    ),
    Column("file", String(160), nullable=False, comment="Outbox: name of an upload; inbox: name for clients"),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("ext", String(32), nullable=False, server_default=text("''"), comment="Dialed after the answer"),
    Column("trunk", String(64), nullable=False, comment="Its name; of the inbox: the entry point"),
    Column("channel", String(160), nullable=False),
    Column("account", String(64), comment="Who asked for it; null: it was received"),
    Column("uniqueid", String(48), unique=True, comment="Of the channel; null: its call has not begun"),
    Column("pages", Integer, nullable=False, server_default=text("0"), comment="That went over the line"),
    Column("reason", Text, comment="Why it failed, in plain words"),
    Column("details", Text, nullable=False, server_default=text("'{}'"), comment="JSON: fax engine's words"),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, comment="When its call ended"),
    Index("ix_faxes_created_at", "created_at"),
    Index("ix_faxes_src_created_at", "src", "created_at"),
    Index("ix_faxes_dst_created_at", "dst", "created_at"),
    Index("ix_faxes_file", "file"),
    Index(
        "ix_faxes_under_way",
        "trunk",
        "id",
        sqlite_where=_UNDER_WAY,
        postgresql_where=_UNDER_WAY,
    ),
    comment="Faxes sent and received",
)
