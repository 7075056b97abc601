"""Tables of the autodialer: stock (contacts, groups, sounds), trunk managers, campaigns, attempts, reports.

Conventions are those of :mod:`tamas.store.schema`, which registers these tables. Campaigns have a short
``serial`` besides their id, because a million rows carry it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from tamas.store.schema import AutoId, Id, metadata

DISPOSITIONS = ("ANSWERED", "NO ANSWER", "BUSY", "LOST", "MACHINE")
"""Of an attempt; MACHINE only where a campaign asks for answering-machine detection."""

dialer_contacts = Table(
    "dialer_contacts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("number", String(32), nullable=False, unique=True),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_dialer_contacts_name", "name", "id"),
    comment="People whom groups may be made of",
)

dialer_groups = Table(
    "dialer_groups",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("list_id", Id, nullable=False, comment="Its numbers; other ones are another list"),
    Column("count", Integer, nullable=False, comment="Its numbers, each once"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_dialer_groups_created_at", "created_at", "id"),
    comment="Lists of numbers",
)

dialer_group_numbers = Table(
    "dialer_group_numbers",
    metadata,
    Column("list_id", Id, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False, comment="From 0, in given order"),
    Column("number", String(32), nullable=False, comment="Once in a list"),
    sqlite_with_rowid=False,
    comment="Lists that never change. Removed by hand: a million rows are not for a cascade",
)

dialer_sounds = Table(
    "dialer_sounds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("filename", String(160), nullable=False, comment="In the folder of the dialer's sounds"),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_dialer_sounds_filename", "filename"),
    comment="Announcements of campaigns, apart from those of the call flow",
)

trunk_managers = Table(
    "trunk_managers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("title", String(80), nullable=False),
    Column("trunk_id", Id, nullable=False),
    Column(
        "status",
        String(8),
        CheckConstraint("status IN ('active', 'inactive')", name="status"),
        nullable=False,
    ),
    Column("capacity", Integer, nullable=False, comment="Most calls of the dialer at the same time"),
    Column("dial_interval", Integer, nullable=False, comment="Seconds between two calls; 0: none"),
    Column("wait_cache_length", Integer, nullable=False, comment="Numbers read at a time"),
    Column("active_times", Text, nullable=False, comment='JSON: {"1": ["9", "10"], …}; 1 is Monday'),
    Column("last_dial_at", BigInteger, nullable=False, server_default=text("0")),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    comment="How fast the dialer may use a trunk; the row is locked by whoever dials",
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("serial", AutoId, primary_key=True, autoincrement=True),
    Column("id", Id, nullable=False, unique=True),
    Column("name", String(80), nullable=False),
    Column("trunk_manager_id", Id, nullable=False),
    Column("interface_context", String(80), nullable=False, server_default=text("''")),
    Column("interface_text", String(80), nullable=False, server_default=text("''")),
    Column(
        "announcement", String(24), nullable=False, server_default=text("''"), comment="A dialer_sounds.id"
    ),
    Column("numbers", Text, nullable=False, comment="JSON list, as given"),
    Column("groups", Text, nullable=False, comment="JSON list of ids, as given"),
    Column("lists", Text, nullable=False, comment="JSON list: what the groups were when the round was made"),
    Column("max_tries", Integer, nullable=False),
    Column("try_interval", Integer, nullable=False, comment="Seconds"),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("count", Integer, nullable=False, comment="Numbers, each once"),
    Column("round", Integer, nullable=False, server_default=text("1"), comment="repeat, in the SA's words"),
    Column(
        "status",
        String(9),
        CheckConstraint("status IN ('waiting', 'running', 'completed')", name="status"),
        nullable=False,
    ),
    Column("paused", Boolean, nullable=False, server_default=text("false"), comment="Ours; never a status"),
    Column("expanded", Boolean, nullable=False, comment="Every number of this round has its row"),
    Column(
        "expansion",
        Text,
        nullable=False,
        server_default=text("''"),
        comment="JSON: how far it came; empty: at the begin, rows of before are to go",
    ),
    Column("last_dial_at", BigInteger, nullable=False, server_default=text("0"), comment="For fairness"),
    Column("completed_at", BigInteger),
    Column("statistics", Text, nullable=False, server_default=text("''"), comment="JSON, by round"),
    Column(
        "caller_id", String(80), nullable=False, server_default=text("''"), comment="Empty: the setting's"
    ),
    Column("detects_machines", Boolean, nullable=False, server_default=text("false")),
    Column(
        "agent_queue", String(32), nullable=False, server_default=text("''"), comment="Caps by its agents"
    ),
    Column("agent_factor", Integer, nullable=False, server_default=text("100"), comment="Percent"),
    Column("max_abandoned", Integer, comment="Percent of answered calls that reached nobody; null: no limit"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger, comment="Kept until its last call is over; nobody sees it any more"),
    Index("ix_campaigns_created_at", "created_at", "id"),
    Index("ix_campaigns_status", "status"),
    # A serial is never used again: reports carry it.
    sqlite_autoincrement=True,
    comment="Campaigns of the autodialer",
)

_DUE = text("state IN ('queued', 'waiting')")

campaign_numbers = Table(
    "campaign_numbers",
    metadata,
    Column("id", AutoId, primary_key=True, autoincrement=True),
    Column("campaign", BigInteger, nullable=False, comment="campaigns.serial"),
    Column("number", String(32), nullable=False),
    Column("round", Integer, nullable=False),
    Column(
        "state",
        String(8),
        CheckConstraint("state IN ('queued', 'dialing', 'waiting', 'final')", name="state"),
        nullable=False,
        comment="waiting: for its next try",
    ),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("next_at", BigInteger, nullable=False, comment="Not to be dialed before"),
    UniqueConstraint("campaign", "number"),
    Index(
        "ix_campaign_numbers_due",
        "campaign",
        "next_at",
        "tries",
        "id",
        sqlite_where=_DUE,
        postgresql_where=_DUE,
    ),
    Index("ix_campaign_numbers_campaign_state", "campaign", "state"),
    comment="The numbers of a campaign's present round",
)

_OPEN = text("ended_at IS NULL")

dial_attempts = Table(
    "dial_attempts",
    metadata,
    Column("id", Id, primary_key=True, comment="cdr_id, in the SA's words"),
    Column("campaign", BigInteger, nullable=False, comment="campaigns.serial"),
    Column("number_id", BigInteger, nullable=False, comment="campaign_numbers.id"),
    Column("number", String(32), nullable=False),
    Column("round", Integer, nullable=False),
    Column("try", Integer, nullable=False),
    Column("trunk_manager_id", Id, nullable=False),
    Column("trunk", String(64), nullable=False, comment="Its name"),
    Column("uniqueid", String(48), nullable=False, unique=True, comment="Of the channel, chosen by us"),
    Column("started_at", BigInteger, nullable=False, comment="Written before Asterisk hears of it"),
    Column("answered_at", BigInteger),
    Column("ended_at", BigInteger, comment="null: open"),
    Column("disposition", String(9)),
    Column("cause", Integer, comment="Q.850; null: LOST"),
    Column("wait", Integer, nullable=False, server_default=text("0"), comment="Seconds of ringing"),
    Column("billsec", Integer, nullable=False, server_default=text("0")),
    Column("duration", Integer, nullable=False, server_default=text("0")),
    Column("input", String(80), nullable=False, server_default=text("''"), comment="Digits pressed"),
    Column("channel", String(160), nullable=False, server_default=text("''")),
    Column("dcontext", String(80), nullable=False, server_default=text("''")),
    Column("reason", Text, comment="Why it failed, in plain words"),
    Index(
        "uq_dial_attempts_open_number",
        "number",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index(
        "ix_dial_attempts_open",
        "trunk_manager_id",
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index("ix_dial_attempts_number_id_round", "number_id", "round"),
    Index("ix_dial_attempts_number_started_at", "number", "started_at"),
    comment="Calls of campaigns. An open one keeps its number from being called a second time",
)

dialer_reports = Table(
    "dialer_reports",
    metadata,
    Column("id", Id, primary_key=True, comment="Increases in commit order"),
    Column("campaign", BigInteger, nullable=False, comment="campaigns.serial"),
    Column("number_id", BigInteger, nullable=False),
    Column("campaign_id", Id, nullable=False),
    Column("name", String(80), nullable=False, comment="Of the campaign, as it was"),
    Column("interface_context", String(80), nullable=False),
    Column("interface_text", String(80), nullable=False),
    Column("trunk_manager_id", Id, nullable=False),
    Column("announcement", String(24), nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("number", String(32), nullable=False),
    Column("round", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("disposition", String(9), nullable=False, comment="Of the last attempt"),
    Column("billsec", Integer, nullable=False),
    Column("wait", Integer, nullable=False),
    Column("input", String(80), nullable=False),
    Column("attempted_at", BigInteger, nullable=False, comment="Begin of the last attempt"),
    Column("amended_at", BigInteger, nullable=False),
    UniqueConstraint("campaign", "round", "number"),
    # With the number, of which a part may be looked for.
    Index("ix_dialer_reports_attempted_at_number", "attempted_at", "number"),
    Index("ix_dialer_reports_campaign_id_attempted_at", "campaign_id", "attempted_at"),
    Index("ix_dialer_reports_number_attempted_at", "number", "attempted_at"),
    Index("ix_dialer_reports_disposition_attempted_at", "disposition", "attempted_at"),
    comment="What became of a number in a round of a campaign",
)
