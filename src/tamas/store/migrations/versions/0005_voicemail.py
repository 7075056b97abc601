"""Voicemail: mailboxes and their lights, messages, mails about them, guesses at passwords."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mailbox_guesses",
        sa.Column("mailbox_id", sa.String(length=24), nullable=False),
        sa.Column(
            "origin",
            sa.String(length=80),
            nullable=False,
            comment="Extension whose phone it was; '' for all others",
        ),
        sa.Column(
            "failures", sa.Integer(), nullable=False, comment="Since the last right password from there"
        ),
        sa.Column("refused_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "origin", name=op.f("pk_mailbox_guesses")),
        comment="Wrong passwords of mailboxes",
    )
    op.create_table(
        "mailboxes",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False, comment="May be that of an extension"),
        sa.Column("password_sealed", sa.LargeBinary(), nullable=False, comment="AES-GCM, digits"),
        sa.Column("email", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("required_password", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("allow_change_password", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("send_email", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("attach_file_email", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("play_busy", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("play_unavailable", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("play_welcome", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("play_cid", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("play_envelope", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("delete_voicemail", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("more_options", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailboxes")),
        sa.UniqueConstraint("number", name=op.f("uq_mailboxes_number")),
    )
    op.create_table(
        "message_lights",
        sa.Column("number", sa.String(length=32), nullable=False, comment="Of a mailbox, which may be gone"),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_message_lights")),
        comment="Mailboxes of which phones have not been told yet how many new messages there are",
    )
    op.create_table(
        "voicemail_mails",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("message_id", sa.String(length=24), nullable=False),
        sa.Column("mailbox_id", sa.String(length=24), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("attach", sa.Boolean(), nullable=False, comment="Whether the recording goes with it"),
        sa.Column(
            "delete_after", sa.Boolean(), nullable=False, comment="Whether the message goes once this is sent"
        ),
        sa.Column("state", sa.String(length=8), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False, comment="When it is tried next, while it waits"),
        sa.Column("error", sa.Text(), nullable=True, comment="Of the last try"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'failed')", name=op.f("ck_voicemail_mails_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voicemail_mails")),
        sa.UniqueConstraint("message_id", name=op.f("uq_voicemail_mails_message_id")),
        comment="Mails about messages: written with the message, sent afterwards",
    )
    with op.batch_alter_table("voicemail_mails", schema=None) as batch_op:
        batch_op.create_index("ix_voicemail_mails_finished_at", ["finished_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_voicemail_mails_mailbox_id"), ["mailbox_id"], unique=False)
        batch_op.create_index(
            "ix_voicemail_mails_waiting",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "voicemail_messages",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("mailbox_id", sa.String(length=24), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False, comment="Of the mailbox"),
        sa.Column("caller_id", sa.String(length=80), nullable=False),
        sa.Column("caller_name", sa.String(length=80), nullable=False),
        sa.Column("filename", sa.String(length=96), nullable=False, comment="Chosen by us"),
        sa.Column("cuid", sa.String(length=48), nullable=False, comment="Of the call"),
        sa.Column(
            "channel_id", sa.String(length=48), nullable=False, comment="Unique id of the caller's channel"
        ),
        sa.Column("state", sa.String(length=12), nullable=False, comment="recording, stored, failed"),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "left_at", sa.BigInteger(), nullable=False, comment="When it was complete; before, when it began"
        ),
        sa.Column(
            "duration", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="Microseconds"
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="Why there is no recording"),
        sa.Column(
            "heard_at", sa.BigInteger(), nullable=True, comment="By telephone or download; null: not yet"
        ),
        sa.CheckConstraint(
            "state IN ('recording', 'stored', 'failed')", name=op.f("ck_voicemail_messages_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voicemail_messages")),
        sa.UniqueConstraint("filename", name=op.f("uq_voicemail_messages_filename")),
        comment="The row is there before the recording begins",
    )
    with op.batch_alter_table("voicemail_messages", schema=None) as batch_op:
        batch_op.create_index(
            "ix_voicemail_messages_caller_id_left_at", ["caller_id", "left_at"], unique=False
        )
        batch_op.create_index("ix_voicemail_messages_left_at", ["left_at"], unique=False)
        batch_op.create_index(
            "ix_voicemail_messages_mailbox_id_left_at", ["mailbox_id", "left_at"], unique=False
        )
        batch_op.create_index("ix_voicemail_messages_number_left_at", ["number", "left_at"], unique=False)
        batch_op.create_index(
            "ix_voicemail_messages_recording",
            ["started_at"],
            unique=False,
            sqlite_where=sa.text("state = 'recording'"),
            postgresql_where=sa.text("state = 'recording'"),
        )
        batch_op.create_index(
            "ix_voicemail_messages_unheard",
            ["mailbox_id"],
            unique=False,
            sqlite_where=sa.text("heard_at IS NULL AND state = 'stored'"),
            postgresql_where=sa.text("heard_at IS NULL AND state = 'stored'"),
        )


def downgrade() -> None:
    for name in ("mailbox_guesses", "voicemail_mails", "voicemail_messages", "message_lights", "mailboxes"):
        op.drop_table(name)
