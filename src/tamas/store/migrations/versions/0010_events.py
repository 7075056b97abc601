"""Events: the outbox, receivers, what is owed to them, tries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_attempts",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("receiver_id", sa.String(length=24), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="events.position"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True, comment="Of the HTTP answer; null: there was none"),
        sa.Column("ms", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=200), nullable=True, comment="null: delivered"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_attempts")),
        comment="Tries to deliver",
    )
    op.create_index("ix_event_attempts_position", "event_attempts", ["position"], unique=False)
    op.create_index("ix_event_attempts_receiver_id", "event_attempts", ["receiver_id", "id"], unique=False)
    op.create_table(
        "event_deliveries",
        sa.Column("receiver_id", sa.String(length=24), nullable=False),
        sa.Column(
            "position", sa.BigInteger(), autoincrement=False, nullable=False, comment="events.position"
        ),
        sa.Column("order_key", sa.String(length=80), nullable=False, comment="events.order_key"),
        sa.Column("state", sa.String(length=7), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="That failed"),
        sa.Column("next_at", sa.BigInteger(), nullable=False, comment="Not to be tried before"),
        sa.Column("owed_at", sa.BigInteger(), nullable=False, comment="Since when it is to be delivered"),
        sa.Column(
            "reason",
            sa.String(length=200),
            server_default=sa.text("''"),
            nullable=False,
            comment="Why the last try failed",
        ),
        sa.CheckConstraint("state IN ('pending', 'dead')", name=op.f("ck_event_deliveries_state")),
        sa.PrimaryKeyConstraint("receiver_id", "position", name=op.f("pk_event_deliveries")),
        comment="What is owed to receivers, and what was given up",
    )
    op.create_index(
        "ix_event_deliveries_dead",
        "event_deliveries",
        ["receiver_id", "position"],
        unique=False,
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "ix_event_deliveries_owed",
        "event_deliveries",
        ["owed_at"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_event_deliveries_pending",
        "event_deliveries",
        ["receiver_id", "position"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_event_deliveries_position", "event_deliveries", ["position"], unique=False)
    op.create_table(
        "event_marks",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column(
            "name", sa.String(length=80), nullable=False, comment="Number, name, unique id, call and place"
        ),
        sa.Column("state", sa.String(length=120), nullable=False, comment="As it was told"),
        sa.Column(
            "call",
            sa.String(length=48),
            nullable=False,
            comment="Linked id of the call told with it; '': none",
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('extension', 'trunk', 'channel', 'survey', 'listener', 'watch')",
            name=op.f("ck_event_marks_kind"),
        ),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_event_marks")),
        comment="The last events of extensions and trunks, and what was told of calls in progress",
    )
    op.create_index("ix_event_marks_call", "event_marks", ["call"], unique=False)
    op.create_table(
        "event_receivers",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("shape", sa.String(length=6), nullable=False),
        sa.Column("version", sa.String(length=5), nullable=False),
        sa.Column("method", sa.String(length=4), nullable=False),
        sa.Column("events", sa.Text(), nullable=False, comment="JSON list of names"),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "username",
            sa.String(length=128),
            server_default=sa.text("''"),
            nullable=False,
            comment="Empty: no HTTP Basic",
        ),
        sa.Column("password", sa.Text(), server_default=sa.text("''"), nullable=False, comment="Sealed"),
        sa.Column(
            "secret",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="Sealed; empty: not signed",
        ),
        sa.Column("local_time", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("timeout_ms", sa.Integer(), server_default=sa.text("5000"), nullable=False),
        sa.Column("allow_internal", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("switched_off_at", sa.BigInteger(), nullable=True, comment="By us; null: not"),
        sa.Column("switched_off_reason", sa.Text(), nullable=True, comment="In plain words"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("shape IN ('vendor', 'own')", name=op.f("ck_event_receivers_shape")),
        sa.CheckConstraint("version IN ('G4', 'Rest4')", name=op.f("ck_event_receivers_version")),
        sa.CheckConstraint("method IN ('GET', 'POST')", name=op.f("ck_event_receivers_method")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_receivers")),
        sa.UniqueConstraint("name", name=op.f("uq_event_receivers_name")),
        comment="Where events are sent",
    )
    op.create_table(
        "events",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
            comment="In the order of writing",
        ),
        sa.Column("name", sa.String(length=32), nullable=False, comment="As in events.catalogue"),
        sa.Column(
            "order_key",
            sa.String(length=80),
            nullable=False,
            comment="Events with the same one keep their order",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False, comment="JSON; times are microseconds"),
        sa.Column(
            "position",
            sa.BigInteger(),
            nullable=True,
            comment="What the event is known by, without gaps; null: nobody saw it",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("position", name=op.f("uq_events_position")),
        comment="The outbox: each fact that is told, written in the transaction of the fact",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_created_at", "events", ["created_at"], unique=False)
    op.create_index(
        "ix_events_fresh",
        "events",
        ["id"],
        unique=False,
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_events_fresh",
        table_name="events",
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.drop_index("ix_events_created_at", table_name="events")
    op.drop_table("events")
    op.drop_table("event_receivers")
    op.drop_index("ix_event_marks_call", table_name="event_marks")
    op.drop_table("event_marks")
    op.drop_index("ix_event_deliveries_position", table_name="event_deliveries")
    op.drop_index(
        "ix_event_deliveries_pending",
        table_name="event_deliveries",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_index(
        "ix_event_deliveries_owed",
        table_name="event_deliveries",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_index(
        "ix_event_deliveries_dead",
        table_name="event_deliveries",
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.drop_table("event_deliveries")
    op.drop_index("ix_event_attempts_receiver_id", table_name="event_attempts")
    op.drop_index("ix_event_attempts_position", table_name="event_attempts")
    op.drop_table("event_attempts")
