"""Reports: what call rows lacked, visits to queues, attempts at agents, stays and breaks, survey answers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_WIDTHS = {
    "clid": 160,
    "dcontext": 80,
    "channel": 160,
    "dstchannel": 160,
    "lastapp": 80,
    "lastdata": 512,
    "amaflags": 20,
    "accountcode": 80,
    "userfield": 255,
    "sequence": 20,
}


def _asterisks_words() -> list[sa.Column[Any]]:
    return [
        sa.Column(name, sa.String(length=width), server_default=sa.text("''"), nullable=False)
        for name, width in _WIDTHS.items()
    ]


def upgrade() -> None:
    op.create_table(
        "agent_sessions",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column(
            "type", sa.String(length=8), nullable=False, comment="inout: in the queue; pause: on break in it"
        ),
        sa.Column("agent", sa.String(length=80), nullable=False),
        sa.Column("queue", sa.String(length=32), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "reason", sa.String(length=80), server_default=sa.text("''"), nullable=False, comment="Of a break"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_sessions")),
        comment="One row for each stay in a queue and each break, written when it ends",
    )
    with op.batch_alter_table("agent_sessions", schema=None) as batch_op:
        batch_op.create_index("ix_agent_sessions_agent_ended_at", ["agent", "ended_at"], unique=False)
        batch_op.create_index("ix_agent_sessions_ended_at", ["ended_at"], unique=False)
        batch_op.create_index("ix_agent_sessions_queue_ended_at", ["queue", "ended_at"], unique=False)

    op.create_table(
        "poll_answers",
        sa.Column("id", sa.String(length=24), nullable=False, comment="Strictly increasing in commit order"),
        sa.Column("cuid", sa.String(length=48), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="Among the answers of the call, from 1"),
        sa.Column("src", sa.String(length=80), nullable=False),
        sa.Column(
            "dst", sa.String(length=80), nullable=False, comment="The agent, else whom the call reached"
        ),
        sa.Column("queue", sa.String(length=32), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("point", sa.Integer(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poll_answers")),
        comment="What callers typed in surveys",
    )
    with op.batch_alter_table("poll_answers", schema=None) as batch_op:
        batch_op.create_index("ix_poll_answers_answered_at", ["answered_at"], unique=False)
        batch_op.create_index("ix_poll_answers_dst_answered_at", ["dst", "answered_at"], unique=False)
        batch_op.create_index("ix_poll_answers_src_answered_at", ["src", "answered_at"], unique=False)
        batch_op.create_index("uq_poll_answers_cuid_position", ["cuid", "position"], unique=True)

    op.create_table(
        "queue_attempts",
        sa.Column("id", sa.String(length=24), nullable=False, comment="Strictly increasing in commit order"),
        sa.Column(
            "uniqueid", sa.String(length=48), nullable=False, comment="Of the channel that rang the agent"
        ),
        sa.Column("queue_id", sa.String(length=48), nullable=False, comment="Of the visit"),
        sa.Column("cuid", sa.String(length=48), nullable=False),
        sa.Column("queue", sa.String(length=32), nullable=False),
        sa.Column("src", sa.String(length=80), nullable=False),
        sa.Column("agent", sa.String(length=80), nullable=False),
        sa.Column("agent_name", sa.String(length=80), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=False, comment="End of the talk, or of the ringing"),
        sa.Column(
            "wait", sa.BigInteger(), nullable=False, comment="Microseconds until the answer, or until the end"
        ),
        sa.Column("billsec", sa.BigInteger(), nullable=False),
        sa.Column(
            "disposition", sa.String(length=12), nullable=False, comment="ANSWERED, NO ANSWER, BUSY, FAILED"
        ),
        sa.Column("tries", sa.Integer(), nullable=False, comment="Which try of this agent in this visit"),
        sa.Column("record", sa.String(length=96), nullable=True),
        sa.Column("amended_at", sa.BigInteger(), nullable=True),
        *_asterisks_words(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_attempts")),
        sa.UniqueConstraint("uniqueid", name=op.f("uq_queue_attempts_uniqueid")),
        comment="One row for each time that a queue rang an agent",
    )
    with op.batch_alter_table("queue_attempts", schema=None) as batch_op:
        batch_op.create_index("ix_queue_attempts_agent_started_at", ["agent", "started_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_queue_attempts_cuid"), ["cuid"], unique=False)
        batch_op.create_index(batch_op.f("ix_queue_attempts_queue_id"), ["queue_id"], unique=False)
        batch_op.create_index("ix_queue_attempts_queue_started_at", ["queue", "started_at"], unique=False)
        batch_op.create_index("ix_queue_attempts_src_started_at", ["src", "started_at"], unique=False)
        batch_op.create_index("ix_queue_attempts_started_at", ["started_at"], unique=False)

    op.create_table(
        "queue_visits",
        sa.Column("id", sa.String(length=24), nullable=False, comment="Strictly increasing in commit order"),
        sa.Column(
            "queue_id", sa.String(length=48), nullable=False, comment="Second of its begin, and a number"
        ),
        sa.Column("cuid", sa.String(length=48), nullable=False, comment="Of the call"),
        sa.Column("queue", sa.String(length=32), nullable=False, comment="Number"),
        sa.Column("src", sa.String(length=80), nullable=False),
        sa.Column(
            "agent",
            sa.String(length=80),
            nullable=False,
            comment="Who took it, else who was rung last; '' when nobody",
        ),
        sa.Column("agent_name", sa.String(length=80), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ringing_at", sa.BigInteger(), nullable=True, comment="When the first phone rang"),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "ended_at",
            sa.BigInteger(),
            nullable=False,
            comment="End of the talk with the agent, or of the wait",
        ),
        sa.Column("wait", sa.BigInteger(), nullable=False, comment="Microseconds of the caller"),
        sa.Column("agent_wait", sa.BigInteger(), nullable=False, comment="Microseconds that phones rang"),
        sa.Column("billsec", sa.BigInteger(), nullable=False, comment="Microseconds of talk"),
        sa.Column(
            "disposition", sa.String(length=12), nullable=False, comment="ANSWERED, MISSED, ABANDONED, PICKUP"
        ),
        sa.Column(
            "queue_status", sa.String(length=20), nullable=True, comment="QUEUESTATUS; null: the caller left"
        ),
        sa.Column("hangup", sa.String(length=8), nullable=True, comment="caller or agent; null: neither"),
        sa.Column("amended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_visits")),
        sa.UniqueConstraint("queue_id", name=op.f("uq_queue_visits_queue_id")),
        comment="One row for each time that a call was in a queue",
    )
    with op.batch_alter_table("queue_visits", schema=None) as batch_op:
        batch_op.create_index("ix_queue_visits_agent_started_at", ["agent", "started_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_queue_visits_cuid"), ["cuid"], unique=False)
        batch_op.create_index("ix_queue_visits_queue_started_at", ["queue", "started_at"], unique=False)
        batch_op.create_index("ix_queue_visits_src_started_at", ["src", "started_at"], unique=False)
        batch_op.create_index("ix_queue_visits_started_at", ["started_at"], unique=False)

    with op.batch_alter_table("calls", schema=None) as batch_op:
        for column in _asterisks_words():
            batch_op.add_column(column)
        batch_op.add_column(
            sa.Column("hangup", sa.String(length=8), nullable=True, comment="caller or callee; null: neither")
        )
        batch_op.add_column(
            sa.Column("comment", sa.String(length=80), server_default=sa.text("''"), nullable=False)
        )
        batch_op.add_column(
            sa.Column(
                "legs",
                sa.Text(),
                nullable=True,
                comment="JSON list: whom it reached or tried, when there were several",
            )
        )
        batch_op.add_column(
            sa.Column(
                "route", sa.Text(), nullable=True, comment="JSON list: steps of the call flow, in order"
            )
        )
        batch_op.drop_index(batch_op.f("ix_calls_started_at"))
        batch_op.create_index("ix_calls_dst_started_at", ["dst", "started_at"], unique=False)
        batch_op.create_index("ix_calls_src_started_at", ["src", "started_at"], unique=False)
        batch_op.create_index("ix_calls_started_at_src_dst", ["started_at", "src", "dst"], unique=False)

    with op.batch_alter_table("queue_members", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "paused_at",
                sa.BigInteger(),
                nullable=True,
                comment="When the break began that is going on; null: none, or not known",
            )
        )


def downgrade() -> None:
    op.drop_column("queue_members", "paused_at")
    for name in ("ix_calls_started_at_src_dst", "ix_calls_src_started_at", "ix_calls_dst_started_at"):
        op.drop_index(name, table_name="calls")
    for name in (*_WIDTHS, "hangup", "comment", "legs", "route"):
        op.drop_column("calls", name)
    op.create_index("ix_calls_started_at", "calls", ["started_at"], unique=False)
    for name in ("poll_answers", "agent_sessions", "queue_attempts", "queue_visits"):
        op.drop_table(name)
