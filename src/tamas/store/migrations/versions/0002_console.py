"""The console: account types, sessions, activity log, and the problems of late."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "console_account_types",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column(
            "name", sa.String(length=32), nullable=False, comment="Never changes; of our own types fixed"
        ),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("builtin", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "rights", sa.Text(), nullable=False, comment="JSON: lists of rights by page; see console.rights"
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_console_account_types")),
        sa.UniqueConstraint("name", name=op.f("uq_console_account_types_name")),
    )
    op.create_table(
        "console_activity",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("page", sa.String(length=48), nullable=False),
        sa.Column("action", sa.String(length=48), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False, comment="What was changed, in words"),
        sa.Column(
            "before", sa.Text(), nullable=True, comment="JSON object without secrets; null: it was not there"
        ),
        sa.Column("after", sa.Text(), nullable=True, comment="JSON object without secrets; null: it is gone"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_console_activity")),
    )
    with op.batch_alter_table("console_activity", schema=None) as batch_op:
        batch_op.create_index("ix_console_activity_account_at", ["account", "at"], unique=False)
        batch_op.create_index("ix_console_activity_at", ["at"], unique=False)
        batch_op.create_index("ix_console_activity_page_at", ["page", "at"], unique=False)

    op.create_table(
        "console_sessions",
        sa.Column(
            "token_hash", sa.String(length=64), nullable=False, comment="SHA-256 of the cookie, hexadecimal"
        ),
        sa.Column("account_id", sa.String(length=24), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column(
            "address",
            sa.String(length=45),
            nullable=False,
            comment="Of the browser; a cookie works from there only",
        ),
        sa.Column("user_agent", sa.String(length=255), nullable=False),
        sa.Column(
            "totp_pending",
            sa.LargeBinary(),
            nullable=True,
            comment="Sealed key whose first code has not been seen yet",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False, comment="Written at most once a minute"),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_console_sessions")),
    )
    with op.batch_alter_table("console_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_console_sessions_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_console_sessions_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "problems",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("source", sa.String(length=64), nullable=False, comment="Name of the logger"),
        sa.Column("level", sa.String(length=8), nullable=False, comment="warning or error"),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problems")),
        comment="What our own log said of late at warning or above, equal texts once",
    )
    with op.batch_alter_table("problems", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_problems_last_at"), ["last_at"], unique=False)
        batch_op.create_index("uq_problems_source_text", ["source", "text"], unique=True)

    with op.batch_alter_table("console_accounts", schema=None) as batch_op:
        batch_op.alter_column(
            "role",
            existing_type=sa.String(length=32),
            existing_nullable=False,
            comment="Name of its account type",
        )
        batch_op.add_column(
            sa.Column(
                "name",
                sa.String(length=80),
                server_default=sa.text("''"),
                nullable=False,
                comment="Of the person",
            )
        )
        batch_op.add_column(
            sa.Column(
                "totp_sealed",
                sa.LargeBinary(),
                nullable=True,
                comment="RFC 6238 key, AES-GCM; null: no second step",
            )
        )
        batch_op.add_column(
            sa.Column(
                "totp_step",
                sa.BigInteger(),
                nullable=True,
                comment="Time step of the last code that was accepted",
            )
        )
        batch_op.add_column(
            sa.Column(
                "failures",
                sa.Integer(),
                server_default=sa.text("0"),
                nullable=False,
                comment="Since the last sign-in",
            )
        )
        batch_op.add_column(sa.Column("failed_at", sa.BigInteger(), nullable=True, comment="Last failure"))
        batch_op.add_column(sa.Column("signed_in_at", sa.BigInteger(), nullable=True, comment="Last sign-in"))
        batch_op.add_column(
            sa.Column(
                "expires_at",
                sa.BigInteger(),
                nullable=True,
                comment="From when it cannot be used; null: never",
            )
        )
        batch_op.add_column(
            sa.Column("steps_dismissed", sa.Boolean(), server_default=sa.text("false"), nullable=False)
        )
