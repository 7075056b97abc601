"""Recordings: what became of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("name", sa.String(length=96), nullable=False, comment="As reports show it"),
        sa.Column("cuid", sa.String(length=48), nullable=False, comment="Of the call"),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False, comment="End of the call"),
        sa.Column(
            "state",
            sa.String(length=8),
            nullable=False,
            comment="waiting: for conversion; kept; broken: the source is kept; gone: there is no file any more",
        ),
        sa.Column("bytes", sa.BigInteger(), nullable=True, comment="Of its files; null: not known yet"),
        sa.Column("duration", sa.BigInteger(), nullable=True, comment="Microseconds"),
        sa.Column(
            "dual",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="One party per channel too",
        ),
        sa.Column(
            "reason", sa.Text(), nullable=True, comment="Why it is broken or gone, or was not converted yet"
        ),
        sa.Column(
            "tries",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Conversions that failed",
        ),
        sa.Column("due_at", sa.BigInteger(), nullable=False, comment="When it is tried next, while it waits"),
        sa.CheckConstraint(
            "state IN ('waiting', 'kept', 'broken', 'gone')", name=op.f("ck_recordings_state")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_recordings")),
    )
    waiting = sa.text("state = 'waiting'")
    held = sa.text("state IN ('kept', 'broken')")
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.create_index(
            "ix_recordings_waiting", ["due_at"], unique=False, sqlite_where=waiting, postgresql_where=waiting
        )
        batch_op.create_index(
            "ix_recordings_held", ["recorded_at"], unique=False, sqlite_where=held, postgresql_where=held
        )
    # Recordings made before lie where they are kept; how large they are is looked up later.
    op.execute(
        "INSERT INTO recordings (name, cuid, recorded_at, state, due_at)"
        " SELECT record, min(cuid), max(ended_at), 'kept', 0 FROM calls WHERE record IS NOT NULL GROUP BY record"
    )
    op.execute(
        "INSERT INTO recordings (name, cuid, recorded_at, state, due_at)"
        " SELECT record, min(cuid), max(ended_at), 'kept', 0 FROM queue_attempts"
        " WHERE record IS NOT NULL AND record NOT IN (SELECT name FROM recordings) GROUP BY record"
    )


def downgrade() -> None:
    op.drop_table("recordings")
