"""Call flow: plans and what they refer to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "burst_rules",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column(
            "pre_codes", sa.Text(), nullable=False, comment="JSON list of beginnings of caller numbers"
        ),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("announcement", sa.String(length=80), server_default=sa.text("''"), nullable=False),
        sa.Column("comment", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_burst_rules")),
        comment="Areas whose calls get a ready answer (Spit Detection, manual rules)",
    )
    op.create_table(
        "call_jobs",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="callback, reservation, completion"),
        sa.Column(
            "key", sa.String(length=64), nullable=False, comment="What it waits for: a queue, an extension"
        ),
        sa.Column("due_at", sa.BigInteger(), nullable=False, comment="Not before"),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False, comment="JSON, by kind"),
        sa.Column("cuid", sa.String(length=48), nullable=False, comment="Of the call that asked for it"),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True, comment="null: nobody carries it out"),
        sa.Column("done_at", sa.BigInteger(), nullable=True, comment="null: still to be done"),
        sa.Column("result", sa.String(length=255), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "originated_call_id", sa.String(length=48), nullable=True, comment="The call that came of it"
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_jobs")),
        comment="Calls that the call flow promised to make",
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_call_jobs_open",
        "call_jobs",
        ["kind", "key"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "dialplan_live",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_dialplan_live_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialplan_live")),
        comment="The version that new calls walk; no row: the plan that Tamas brings along, version 0",
    )
    op.create_table(
        "dialplan_variables",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False, comment="number, string or announcement"),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialplan_variables")),
        sa.UniqueConstraint("name", name=op.f("uq_dialplan_variables_name")),
        comment="Values that several nodes share; read when a step runs",
    )
    op.create_table(
        "dialplan_versions",
        sa.Column(
            "version",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("plan", sa.Text(), nullable=False, comment="JSON; see tamas.dialplan.graph"),
        sa.Column("comment", sa.String(length=255), server_default=sa.text("''"), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False, comment="Who made it"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True, comment="null: kept, but never live yet"),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_dialplan_versions")),
        comment="Versions are never deleted: calls in progress go on with the one they began with",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "feature_codes",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column(
            "type",
            sa.String(length=32),
            nullable=False,
            comment="queue_join, who_am_i, ...; see dialplan.feature_codes",
        ),
        sa.Column("auth", sa.String(length=16), nullable=False, comment="none, user_secret or password"),
        sa.Column("password_sealed", sa.LargeBinary(), nullable=True, comment="AES-GCM"),
        sa.Column(
            "agent", sa.String(length=8), nullable=False, comment="ask, or phone: the phone's own number"
        ),
        sa.Column(
            "queue",
            sa.String(length=8),
            nullable=False,
            comment="none, ask, or default: the one in queue_number",
        ),
        sa.Column("queue_number", sa.String(length=32), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feature_codes")),
        sa.UniqueConstraint("code", name=op.f("uq_feature_codes_code")),
        comment="Codes that people dial to do something",
    )
    op.create_table(
        "pbx_groups",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("users", sa.Text(), nullable=False, comment="JSON list of extension numbers"),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pbx_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_pbx_groups_name")),
        comment="Groups of extensions",
    )
    op.create_table(
        "secret_guesses",
        sa.Column("subject", sa.String(length=80), nullable=False, comment="extension:201, node:ID, ..."),
        sa.Column(
            "origin",
            sa.String(length=80),
            nullable=False,
            comment="Extension whose phone it was; '' for all others",
        ),
        sa.Column("failures", sa.Integer(), nullable=False, comment="Since the last right secret from there"),
        sa.Column("refused_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "origin", name=op.f("pk_secret_guesses")),
        comment="Wrong secrets that callers typed",
    )
    op.create_table(
        "speed_dials",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_speed_dials")),
        sa.UniqueConstraint("code", name=op.f("uq_speed_dials_code")),
        comment="Short codes for numbers",
    )


def downgrade() -> None:
    op.drop_table("speed_dials")
    op.drop_table("secret_guesses")
    op.drop_table("pbx_groups")
    op.drop_table("feature_codes")
    op.drop_table("dialplan_versions")
    op.drop_table("dialplan_variables")
    op.drop_table("dialplan_live")
    op.drop_index(
        "ix_call_jobs_open",
        table_name="call_jobs",
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.drop_table("call_jobs")
    op.drop_table("burst_rules")
