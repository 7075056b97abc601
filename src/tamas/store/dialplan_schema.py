"""Tables of the call flow: plans and what they refer to, and calls that are still to be made.

Conventions are those of :mod:`tamas.store.schema`, which registers these tables.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from tamas.store.schema import AutoId, Id, metadata

dialplan_versions = Table(
    "dialplan_versions",
    metadata,
    Column("version", AutoId, primary_key=True, autoincrement=True),
    Column("plan", Text, nullable=False, comment="JSON; see tamas.dialplan.graph"),
    Column("comment", String(255), nullable=False, server_default=text("''")),
    Column("account", String(64), nullable=False, comment="Who made it"),
    Column("created_at", BigInteger, nullable=False),
    Column("published_at", BigInteger, comment="null: kept, but never live yet"),
    # A number is never used again: calls carry it.
    sqlite_autoincrement=True,
    comment="Versions are never deleted: calls in progress go on with the one they began with",
)

dialplan_live = Table(
    "dialplan_live",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("version", BigInteger, nullable=False),
    comment="The version that new calls walk; no row: the plan that Tamas brings along, version 0",
)

dialplan_variables = Table(
    "dialplan_variables",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("type", String(16), nullable=False, comment="number, string or announcement"),
    Column("value", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    comment="Values that several nodes share; read when a step runs",
)

feature_codes = Table(
    "feature_codes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("code", String(16), nullable=False, unique=True),
    Column(
        "type", String(32), nullable=False, comment="queue_join, who_am_i, ...; see dialplan.feature_codes"
    ),
    Column("auth", String(16), nullable=False, comment="none, user_secret or password"),
    Column("password_sealed", LargeBinary, comment="AES-GCM"),
    Column("agent", String(8), nullable=False, comment="ask, or phone: the phone's own number"),
    Column("queue", String(8), nullable=False, comment="none, ask, or default: the one in queue_number"),
    Column("queue_number", String(32), nullable=False, server_default=text("''")),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    comment="Codes that people dial to do something",
)

speed_dials = Table(
    "speed_dials",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("code", String(16), nullable=False, unique=True),
    Column("number", String(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    comment="Short codes for numbers",
)

pbx_groups = Table(
    "pbx_groups",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("users", Text, nullable=False, comment="JSON list of extension numbers"),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    comment="Groups of extensions",
)

burst_rules = Table(
    "burst_rules",
    metadata,
    Column("id", Id, primary_key=True),
    Column("title", String(80), nullable=False),
    Column("pre_codes", Text, nullable=False, comment="JSON list of beginnings of caller numbers"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("announcement", String(80), nullable=False, server_default=text("''")),
    Column("comment", Text, nullable=False, server_default=text("''")),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    comment="Areas whose calls get a ready answer (Spit Detection, manual rules)",
)

secret_guesses = Table(
    "secret_guesses",
    metadata,
    Column("subject", String(80), primary_key=True, comment="extension:201, node:ID, ..."),
    Column("origin", String(80), primary_key=True, comment="Extension whose phone it was; '' for all others"),
    Column("failures", Integer, nullable=False, comment="Since the last right secret from there"),
    Column("refused_until", BigInteger, nullable=False),
    comment="Wrong secrets that callers typed",
)

call_jobs = Table(
    "call_jobs",
    metadata,
    Column("id", AutoId, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False, comment="callback, reservation, completion"),
    Column("key", String(64), nullable=False, comment="What it waits for: a queue, an extension"),
    Column("due_at", BigInteger, nullable=False, comment="Not before"),
    Column("expires_at", BigInteger, nullable=False),
    Column("data", Text, nullable=False, comment="JSON, by kind"),
    Column("cuid", String(48), nullable=False, comment="Of the call that asked for it"),
    Column("claimed_at", BigInteger, comment="null: nobody carries it out"),
    Column("done_at", BigInteger, comment="null: still to be done"),
    Column("result", String(255), nullable=False, server_default=text("''")),
    Column("originated_call_id", String(48), comment="The call that came of it"),
    Column("created_at", BigInteger, nullable=False),
    Index(
        "ix_call_jobs_open",
        "kind",
        "key",
        sqlite_where=text("done_at IS NULL"),
        postgresql_where=text("done_at IS NULL"),
    ),
    sqlite_autoincrement=True,
    comment="Calls that the call flow promised to make",
)
