"""Faxes, and T.38 on extensions and trunks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_UNDER_WAY = sa.text("type = 'outbox' AND status = 'SENDING'")


def upgrade() -> None:
    op.create_table(
        "faxes",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("type", sa.String(length=8), nullable=False),
        sa.Column(
            "src",
            sa.String(length=80),
            nullable=False,
            comment="Of the outbox: on whose behalf, in the client's words",
        ),
        sa.Column("dst", sa.String(length=80), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column(
            "file",
            sa.String(length=160),
            nullable=False,
            comment="Outbox: name of an upload; inbox: name for clients",
        ),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "ext",
            sa.String(length=32),
            server_default=sa.text("''"),
            nullable=False,
            comment="Dialed after the answer",
        ),
        sa.Column(
            "trunk", sa.String(length=64), nullable=False, comment="Its name; of the inbox: the entry point"
        ),
        sa.Column("channel", sa.String(length=160), nullable=False),
        sa.Column(
            "account", sa.String(length=64), nullable=True, comment="Who asked for it; null: it was received"
        ),
        sa.Column(
            "uniqueid",
            sa.String(length=48),
            nullable=True,
            comment="Of the channel; null: its call has not begun",
        ),
        sa.Column(
            "pages",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="That went over the line",
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it failed, in plain words"),
        sa.Column(
            "details",
            sa.Text(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="JSON: fax engine's words",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True, comment="When its call ended"),
        sa.CheckConstraint("type IN ('inbox', 'outbox')", name=op.f("ck_faxes_type")),
        sa.CheckConstraint("status IN ('SENDING', 'SUCCESS', 'FAILED')", name=op.f("ck_faxes_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faxes")),
        sa.UniqueConstraint("uniqueid", name=op.f("uq_faxes_uniqueid")),
        comment="Faxes sent and received",
    )
    with op.batch_alter_table("faxes", schema=None) as batch_op:
        batch_op.create_index("ix_faxes_created_at", ["created_at"], unique=False)
        batch_op.create_index("ix_faxes_src_created_at", ["src", "created_at"], unique=False)
        batch_op.create_index("ix_faxes_dst_created_at", ["dst", "created_at"], unique=False)
        batch_op.create_index("ix_faxes_file", ["file"], unique=False)
        batch_op.create_index(
            "ix_faxes_under_way",
            ["trunk", "id"],
            unique=False,
            sqlite_where=_UNDER_WAY,
            postgresql_where=_UNDER_WAY,
        )
    with op.batch_alter_table("originates", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "fax_id",
                sa.String(length=24),
                nullable=True,
                comment="The fax that is sent by it; null: a call of two parties",
            )
        )
    for table in ("extensions", "trunks"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(
                sa.Column(
                    "pjsip_t38",
                    sa.String(length=12),
                    nullable=True,
                    comment="none, fec or redundancy; null: no T.38",
                )
            )
            batch_op.add_column(
                sa.Column(
                    "pjsip_t38_maxdatagram",
                    sa.Integer(),
                    nullable=True,
                    comment="Bytes; null: as the other side says",
                )
            )
    # What a trunk has that says nothing of T.38; one that does is read anew when it is next changed.
    op.execute(
        "UPDATE trunks SET pjsip_t38 = 'redundancy' "
        "WHERE trunk_type = 'SIP' AND lower(more_options) NOT LIKE '%t38%'"
    )


def downgrade() -> None:
    for table in ("trunks", "extensions"):
        op.drop_column(table, "pjsip_t38_maxdatagram")
        op.drop_column(table, "pjsip_t38")
    op.drop_column("originates", "fax_id")
    op.drop_table("faxes")
