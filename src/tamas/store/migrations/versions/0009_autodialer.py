"""Autodialer: its stock, campaigns, attempts and reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "campaign_numbers",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("campaign", sa.BigInteger(), nullable=False, comment="campaigns.serial"),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False, comment="waiting: for its next try"),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False, comment="Not to be dialed before"),
        sa.CheckConstraint(
            "state IN ('queued', 'dialing', 'waiting', 'final')", name=op.f("ck_campaign_numbers_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_numbers")),
        sa.UniqueConstraint("campaign", "number", name=op.f("uq_campaign_numbers_campaign_number")),
        comment="The numbers of a campaign's present round",
    )
    op.create_index(
        "ix_campaign_numbers_campaign_state", "campaign_numbers", ["campaign", "state"], unique=False
    )
    op.create_index(
        "ix_campaign_numbers_due",
        "campaign_numbers",
        ["campaign", "next_at", "tries", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'waiting')"),
        postgresql_where=sa.text("state IN ('queued', 'waiting')"),
    )
    op.create_table(
        "campaigns",
        sa.Column(
            "serial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("trunk_manager_id", sa.String(length=24), nullable=False),
        sa.Column("interface_context", sa.String(length=80), server_default=sa.text("''"), nullable=False),
        sa.Column("interface_text", sa.String(length=80), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "announcement",
            sa.String(length=24),
            server_default=sa.text("''"),
            nullable=False,
            comment="A dialer_sounds.id",
        ),
        sa.Column("numbers", sa.Text(), nullable=False, comment="JSON list, as given"),
        sa.Column("groups", sa.Text(), nullable=False, comment="JSON list of ids, as given"),
        sa.Column(
            "lists",
            sa.Text(),
            nullable=False,
            comment="JSON list: what the groups were when the round was made",
        ),
        sa.Column("max_tries", sa.Integer(), nullable=False),
        sa.Column("try_interval", sa.Integer(), nullable=False, comment="Seconds"),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False, comment="Numbers, each once"),
        sa.Column(
            "round",
            sa.Integer(),
            server_default=sa.text("1"),
            nullable=False,
            comment="repeat, in the SA's words",
        ),
        sa.Column("status", sa.String(length=9), nullable=False),
        sa.Column(
            "paused",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Ours; never a status",
        ),
        sa.Column("expanded", sa.Boolean(), nullable=False, comment="Every number of this round has its row"),
        sa.Column(
            "expansion",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="JSON: how far it came; empty: at the begin, rows of before are to go",
        ),
        sa.Column(
            "last_dial_at",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="For fairness",
        ),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "statistics", sa.Text(), server_default=sa.text("''"), nullable=False, comment="JSON, by round"
        ),
        sa.Column(
            "caller_id",
            sa.String(length=80),
            server_default=sa.text("''"),
            nullable=False,
            comment="Empty: the setting's",
        ),
        sa.Column("detects_machines", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "agent_queue",
            sa.String(length=32),
            server_default=sa.text("''"),
            nullable=False,
            comment="Caps by its agents",
        ),
        sa.Column(
            "agent_factor", sa.Integer(), server_default=sa.text("100"), nullable=False, comment="Percent"
        ),
        sa.Column(
            "max_abandoned",
            sa.Integer(),
            nullable=True,
            comment="Percent of answered calls that reached nobody; null: no limit",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "removed_at",
            sa.BigInteger(),
            nullable=True,
            comment="Kept until its last call is over; nobody sees it any more",
        ),
        sa.CheckConstraint("status IN ('waiting', 'running', 'completed')", name=op.f("ck_campaigns_status")),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("id", name=op.f("uq_campaigns_id")),
        comment="Campaigns of the autodialer",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_campaigns_created_at", "campaigns", ["created_at", "id"], unique=False)
    op.create_index("ix_campaigns_status", "campaigns", ["status"], unique=False)
    op.create_table(
        "dial_attempts",
        sa.Column("id", sa.String(length=24), nullable=False, comment="cdr_id, in the SA's words"),
        sa.Column("campaign", sa.BigInteger(), nullable=False, comment="campaigns.serial"),
        sa.Column("number_id", sa.BigInteger(), nullable=False, comment="campaign_numbers.id"),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("try", sa.Integer(), nullable=False),
        sa.Column("trunk_manager_id", sa.String(length=24), nullable=False),
        sa.Column("trunk", sa.String(length=64), nullable=False, comment="Its name"),
        sa.Column("uniqueid", sa.String(length=48), nullable=False, comment="Of the channel, chosen by us"),
        sa.Column(
            "started_at", sa.BigInteger(), nullable=False, comment="Written before Asterisk hears of it"
        ),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True, comment="null: open"),
        sa.Column("disposition", sa.String(length=9), nullable=True),
        sa.Column("cause", sa.Integer(), nullable=True, comment="Q.850; null: LOST"),
        sa.Column(
            "wait", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="Seconds of ringing"
        ),
        sa.Column("billsec", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("duration", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "input",
            sa.String(length=80),
            server_default=sa.text("''"),
            nullable=False,
            comment="Digits pressed",
        ),
        sa.Column("channel", sa.String(length=160), server_default=sa.text("''"), nullable=False),
        sa.Column("dcontext", sa.String(length=80), server_default=sa.text("''"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it failed, in plain words"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dial_attempts")),
        sa.UniqueConstraint("uniqueid", name=op.f("uq_dial_attempts_uniqueid")),
        comment="Calls of campaigns. An open one keeps its number from being called a second time",
    )
    op.create_index("ix_dial_attempts_number_id_round", "dial_attempts", ["number_id", "round"], unique=False)
    op.create_index(
        "ix_dial_attempts_number_started_at", "dial_attempts", ["number", "started_at"], unique=False
    )
    op.create_index(
        "ix_dial_attempts_open",
        "dial_attempts",
        ["trunk_manager_id"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "uq_dial_attempts_open_number",
        "dial_attempts",
        ["number"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "dialer_contacts",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialer_contacts")),
        sa.UniqueConstraint("number", name=op.f("uq_dialer_contacts_number")),
        comment="People whom groups may be made of",
    )
    op.create_index("ix_dialer_contacts_name", "dialer_contacts", ["name", "id"], unique=False)
    op.create_table(
        "dialer_group_numbers",
        sa.Column("list_id", sa.String(length=24), nullable=False),
        sa.Column(
            "position", sa.Integer(), autoincrement=False, nullable=False, comment="From 0, in given order"
        ),
        sa.Column("number", sa.String(length=32), nullable=False, comment="Once in a list"),
        sa.PrimaryKeyConstraint("list_id", "position", name=op.f("pk_dialer_group_numbers")),
        comment="Lists that never change. Removed by hand: a million rows are not for a cascade",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dialer_groups",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "list_id",
            sa.String(length=24),
            nullable=False,
            comment="Its numbers; other ones are another list",
        ),
        sa.Column("count", sa.Integer(), nullable=False, comment="Its numbers, each once"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialer_groups")),
        comment="Lists of numbers",
    )
    op.create_index("ix_dialer_groups_created_at", "dialer_groups", ["created_at", "id"], unique=False)
    op.create_table(
        "dialer_reports",
        sa.Column("id", sa.String(length=24), nullable=False, comment="Increases in commit order"),
        sa.Column("campaign", sa.BigInteger(), nullable=False, comment="campaigns.serial"),
        sa.Column("number_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False, comment="Of the campaign, as it was"),
        sa.Column("interface_context", sa.String(length=80), nullable=False),
        sa.Column("interface_text", sa.String(length=80), nullable=False),
        sa.Column("trunk_manager_id", sa.String(length=24), nullable=False),
        sa.Column("announcement", sa.String(length=24), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("disposition", sa.String(length=9), nullable=False, comment="Of the last attempt"),
        sa.Column("billsec", sa.Integer(), nullable=False),
        sa.Column("wait", sa.Integer(), nullable=False),
        sa.Column("input", sa.String(length=80), nullable=False),
        sa.Column("attempted_at", sa.BigInteger(), nullable=False, comment="Begin of the last attempt"),
        sa.Column("amended_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialer_reports")),
        sa.UniqueConstraint(
            "campaign", "round", "number", name=op.f("uq_dialer_reports_campaign_round_number")
        ),
        comment="What became of a number in a round of a campaign",
    )
    op.create_index(
        "ix_dialer_reports_attempted_at_number", "dialer_reports", ["attempted_at", "number"], unique=False
    )
    op.create_index(
        "ix_dialer_reports_campaign_id_attempted_at",
        "dialer_reports",
        ["campaign_id", "attempted_at"],
        unique=False,
    )
    op.create_index(
        "ix_dialer_reports_disposition_attempted_at",
        "dialer_reports",
        ["disposition", "attempted_at"],
        unique=False,
    )
    op.create_index(
        "ix_dialer_reports_number_attempted_at", "dialer_reports", ["number", "attempted_at"], unique=False
    )
    op.create_table(
        "dialer_sounds",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column(
            "filename", sa.String(length=160), nullable=False, comment="In the folder of the dialer's sounds"
        ),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialer_sounds")),
        comment="Announcements of campaigns, apart from those of the call flow",
    )
    op.create_index("ix_dialer_sounds_filename", "dialer_sounds", ["filename"], unique=False)
    op.create_table(
        "trunk_managers",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("trunk_id", sa.String(length=24), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column(
            "capacity", sa.Integer(), nullable=False, comment="Most calls of the dialer at the same time"
        ),
        sa.Column(
            "dial_interval", sa.Integer(), nullable=False, comment="Seconds between two calls; 0: none"
        ),
        sa.Column("wait_cache_length", sa.Integer(), nullable=False, comment="Numbers read at a time"),
        sa.Column(
            "active_times", sa.Text(), nullable=False, comment='JSON: {"1": ["9", "10"], …}; 1 is Monday'
        ),
        sa.Column("last_dial_at", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'inactive')", name=op.f("ck_trunk_managers_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trunk_managers")),
        comment="How fast the dialer may use a trunk; the row is locked by whoever dials",
    )


def downgrade() -> None:
    op.drop_table("trunk_managers")
    op.drop_index("ix_dialer_sounds_filename", table_name="dialer_sounds")
    op.drop_table("dialer_sounds")
    op.drop_index("ix_dialer_reports_number_attempted_at", table_name="dialer_reports")
    op.drop_index("ix_dialer_reports_disposition_attempted_at", table_name="dialer_reports")
    op.drop_index("ix_dialer_reports_campaign_id_attempted_at", table_name="dialer_reports")
    op.drop_index("ix_dialer_reports_attempted_at_number", table_name="dialer_reports")
    op.drop_table("dialer_reports")
    op.drop_index("ix_dialer_groups_created_at", table_name="dialer_groups")
    op.drop_table("dialer_groups")
    op.drop_table("dialer_group_numbers")
    op.drop_index("ix_dialer_contacts_name", table_name="dialer_contacts")
    op.drop_table("dialer_contacts")
    op.drop_index(
        "uq_dial_attempts_open_number",
        table_name="dial_attempts",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index(
        "ix_dial_attempts_open",
        table_name="dial_attempts",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index("ix_dial_attempts_number_started_at", table_name="dial_attempts")
    op.drop_index("ix_dial_attempts_number_id_round", table_name="dial_attempts")
    op.drop_table("dial_attempts")
    op.drop_index("ix_campaigns_status", table_name="campaigns")
    op.drop_index("ix_campaigns_created_at", table_name="campaigns")
    op.drop_table("campaigns")
    op.drop_index(
        "ix_campaign_numbers_due",
        table_name="campaign_numbers",
        sqlite_where=sa.text("state IN ('queued', 'waiting')"),
        postgresql_where=sa.text("state IN ('queued', 'waiting')"),
    )
    op.drop_index("ix_campaign_numbers_campaign_state", table_name="campaign_numbers")
    op.drop_table("campaign_numbers")
