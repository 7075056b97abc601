"""Lists, sounds and what clients upload."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "announcements",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column(
            "filename", sa.String(length=160), nullable=False, comment="Of an upload; several may share it"
        ),
        sa.Column("comment", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcements")),
    )
    with op.batch_alter_table("announcements", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_announcements_filename"), ["filename"], unique=False)
        batch_op.create_index(batch_op.f("ix_announcements_name"), ["name"], unique=False)

    op.create_table(
        "blacklist",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("comment", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blacklist")),
        sa.UniqueConstraint("number", name=op.f("uq_blacklist_number")),
        comment="Callers that are not welcome",
    )
    op.create_table(
        "music_classes",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False, comment="As queues and dialplans name it"),
        sa.Column("path", sa.String(length=120), nullable=False, comment="Its folder among those of music"),
        sa.Column(
            "directory", sa.Text(), nullable=False, comment="As Asterisk opens it; renewed at each start"
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_music_classes")),
        sa.UniqueConstraint("name", name=op.f("uq_music_classes_name")),
        sa.UniqueConstraint("path", name=op.f("uq_music_classes_path")),
        comment="Classes of music on hold",
    )
    op.create_table(
        "music_files",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("class_id", sa.String(length=24), nullable=False),
        sa.Column("file", sa.String(length=160), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_music_files")),
    )
    with op.batch_alter_table("music_files", schema=None) as batch_op:
        batch_op.create_index("uq_music_files_class_id_file", ["class_id", "file"], unique=True)

    op.create_table(
        "uploads",
        sa.Column("filename", sa.String(length=160), nullable=False, comment="Chosen by us"),
        sa.Column(
            "kind",
            sa.String(length=16),
            nullable=False,
            comment="announcement, fax, ...: in which folder it lies",
        ),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column(
            "duration", sa.BigInteger(), nullable=True, comment="Microseconds of sound; null: no sound"
        ),
        sa.Column("pages", sa.Integer(), nullable=True, comment="null: no document"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("filename", name=op.f("pk_uploads")),
        comment="Files that clients sent, checked and converted",
    )
    with op.batch_alter_table("uploads", schema=None) as batch_op:
        batch_op.create_index("ix_uploads_kind_created_at", ["kind", "created_at"], unique=False)

    op.create_table(
        "whitelist",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column(
            "labels",
            sa.Text(),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="JSON list of texts",
        ),
        sa.Column("comment", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whitelist")),
        sa.UniqueConstraint("number", name=op.f("uq_whitelist_number")),
        comment="Callers with labels, by which a call flow can choose",
    )


def downgrade() -> None:
    op.drop_table("whitelist")
    op.drop_table("uploads")
    op.drop_table("music_files")
    op.drop_table("music_classes")
    op.drop_table("blacklist")
    op.drop_table("announcements")
