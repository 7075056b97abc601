"""Tables of events: the outbox, who receives them, what is still owed to whom, and each try to deliver.

Conventions are those of :mod:`tamas.store.schema`, which registers these tables. A delivery that was made
leaves its try and nothing else, so ``event_deliveries`` stays as small as what is owed.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnClause,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

from tamas.store.schema import AutoId, Id, metadata

_FRESH = text("position IS NULL")
_PENDING = text("state = 'pending'")
_DEAD = text("state = 'dead'")

events = Table(
    "events",
    metadata,
    Column("id", AutoId, primary_key=True, autoincrement=True, comment="In the order of writing"),
    Column("name", String(32), nullable=False, comment="As in events.catalogue"),
    Column("order_key", String(80), nullable=False, comment="Events with the same one keep their order"),
    Column("created_at", BigInteger, nullable=False),
    Column("fields", Text, nullable=False, comment="JSON; times are microseconds"),
    Column("position", BigInteger, comment="What the event is known by, without gaps; null: nobody saw it"),
    UniqueConstraint("position"),
    Index("ix_events_fresh", "id", sqlite_where=_FRESH, postgresql_where=_FRESH),
    Index("ix_events_created_at", "created_at"),
    # An id is never used again, also when every event was removed.
    sqlite_autoincrement=True,
    comment="The outbox: each fact that is told, written in the transaction of the fact",
)

event_receivers = Table(
    "event_receivers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("shape", String(6), CheckConstraint("shape IN ('vendor', 'own')", name="shape"), nullable=False),
    Column(
        "version", String(5), CheckConstraint("version IN ('G4', 'Rest4')", name="version"), nullable=False
    ),
    Column("method", String(4), CheckConstraint("method IN ('GET', 'POST')", name="method"), nullable=False),
    Column("events", Text, nullable=False, comment="JSON list of names"),
    Column("address", Text, nullable=False),
    Column(
        "username", String(128), nullable=False, server_default=text("''"), comment="Empty: no HTTP Basic"
    ),
    Column("password", Text, nullable=False, server_default=text("''"), comment="Sealed"),
    Column("secret", Text, nullable=False, server_default=text("''"), comment="Sealed; empty: not signed"),
    Column("local_time", Boolean, nullable=False, server_default=text("false")),
    Column("timeout_ms", Integer, nullable=False, server_default=text("5000")),
    Column("allow_internal", Boolean, nullable=False, server_default=text("false")),
    Column("switched_off_at", BigInteger, comment="By us; null: not"),
    Column("switched_off_reason", Text, comment="In plain words"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    comment="Where events are sent",
)

event_deliveries = Table(
    "event_deliveries",
    metadata,
    Column("receiver_id", Id, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False, comment="events.position"),
    Column("order_key", String(80), nullable=False, comment="events.order_key"),
    Column("state", String(7), CheckConstraint("state IN ('pending', 'dead')", name="state"), nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0"), comment="That failed"),
    Column("next_at", BigInteger, nullable=False, comment="Not to be tried before"),
    Column("owed_at", BigInteger, nullable=False, comment="Since when it is to be delivered"),
    Column(
        "reason", String(200), nullable=False, server_default=text("''"), comment="Why the last try failed"
    ),
    Index(
        "ix_event_deliveries_pending",
        "receiver_id",
        "position",
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    ),
    Index("ix_event_deliveries_owed", "owed_at", sqlite_where=_PENDING, postgresql_where=_PENDING),
    Index("ix_event_deliveries_dead", "receiver_id", "position", sqlite_where=_DEAD, postgresql_where=_DEAD),
    Index("ix_event_deliveries_position", "position"),
    comment="What is owed to receivers, and what was given up",
)

PENDING: ColumnClause[str] = literal_column("'pending'")
DEAD: ColumnClause[str] = literal_column("'dead'")
"""Words of ``event_deliveries.state`` as statements have to carry them, else no partial index is used."""

event_attempts = Table(
    "event_attempts",
    metadata,
    Column("id", AutoId, primary_key=True, autoincrement=True),
    Column("receiver_id", Id, nullable=False),
    Column("position", BigInteger, nullable=False, comment="events.position"),
    Column("at", BigInteger, nullable=False),
    Column("status", Integer, comment="Of the HTTP answer; null: there was none"),
    Column("ms", Integer, nullable=False),
    Column("error", String(200), comment="null: delivered"),
    Index("ix_event_attempts_receiver_id", "receiver_id", "id"),
    Index("ix_event_attempts_position", "position"),
    comment="Tries to deliver",
)
