"""Accounts, settings, extensions, trunks, queues, calls and the inboxes Asterisk writes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agent_mappings",
        sa.Column("agent", sa.String(length=32), nullable=False, comment="Number of the person"),
        sa.Column(
            "phone", sa.String(length=32), nullable=False, comment="Number of the extension it sits at"
        ),
        sa.Column("mapped_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent", name=op.f("pk_agent_mappings")),
        sa.UniqueConstraint("phone", name=op.f("uq_agent_mappings_phone")),
    )
    op.create_table(
        "api_accounts",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("auth", sa.String(length=8), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True, comment="Argon2id, PHC text"),
        sa.Column(
            "token_hash", sa.String(length=64), nullable=True, comment="SHA-256 of the token, hexadecimal"
        ),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "permissions", sa.Text(), nullable=False, comment="JSON list of patterns such as /pbx/users/*"
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True, comment="Written at most once a minute"),
        sa.CheckConstraint(
            "auth = 'basic' OR token_hash IS NOT NULL", name=op.f("ck_api_accounts_token_present")
        ),
        sa.CheckConstraint(
            "auth = 'token' OR password_hash IS NOT NULL", name=op.f("ck_api_accounts_password_present")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_accounts")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_accounts_token_hash")),
        sa.UniqueConstraint("username", name=op.f("uq_api_accounts_username")),
    )
    op.create_table(
        "api_log",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="Start of the request, microseconds UTC"),
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column(
            "account", sa.String(length=64), nullable=True, comment="Null when no account was recognised"
        ),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column(
            "service",
            sa.String(length=96),
            nullable=False,
            comment="Path under /api/v4/, cut to 96 characters",
        ),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column(
            "success", sa.Integer(), nullable=True, comment="1, 0, or null where the answer has no envelope"
        ),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("error_field", sa.String(length=64), nullable=True),
        sa.Column("duration", sa.BigInteger(), nullable=False, comment="Microseconds"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_log")),
    )
    op.create_index("ix_api_log_account_at", "api_log", ["account", "at"], unique=False)
    op.create_index("ix_api_log_at", "api_log", ["at"], unique=False)
    op.create_index("ix_api_log_service_at", "api_log", ["service", "at"], unique=False)
    op.create_table(
        "calls",
        sa.Column("id", sa.String(length=24), nullable=False, comment="Strictly increasing in commit order"),
        sa.Column("cuid", sa.String(length=48), nullable=False, comment="linkedid of the call"),
        sa.Column(
            "type",
            sa.String(length=12),
            nullable=False,
            comment="incoming, outgoing, local, feature, no defined",
        ),
        sa.Column("src", sa.String(length=80), nullable=False),
        sa.Column("src_name", sa.String(length=80), server_default=sa.text("''"), nullable=False),
        sa.Column("dst", sa.String(length=80), nullable=False),
        sa.Column("did", sa.String(length=80), server_default=sa.text("''"), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True, comment="When a person was connected"),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "wait", sa.BigInteger(), nullable=False, comment="Microseconds until connected, or until the end"
        ),
        sa.Column("billsec", sa.BigInteger(), nullable=False, comment="Microseconds connected"),
        sa.Column(
            "disposition", sa.String(length=12), nullable=False, comment="ANSWERED, NO ANSWER, BUSY, FAILED"
        ),
        sa.Column("hangup_cause", sa.Integer(), nullable=True, comment="ITU-T Q.850"),
        sa.Column("reason", sa.Text(), nullable=True, comment="Plain words for a call that did not connect"),
        sa.Column("record", sa.String(length=96), nullable=True, comment="Name of the recording"),
        sa.Column("entry_point", sa.String(length=64), nullable=True),
        sa.Column("outgoing_point", sa.String(length=64), nullable=True),
        sa.Column("queue", sa.String(length=32), nullable=True),
        sa.Column("agent", sa.String(length=32), nullable=True),
        sa.Column("originated_call_id", sa.String(length=48), nullable=True),
        sa.Column("amended_at", sa.BigInteger(), nullable=True, comment="When a late CDR changed the row"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sa.UniqueConstraint("cuid", name=op.f("uq_calls_cuid")),
    )
    op.create_index(op.f("ix_calls_originated_call_id"), "calls", ["originated_call_id"], unique=False)
    op.create_index("ix_calls_started_at", "calls", ["started_at"], unique=False)
    op.create_table(
        "cdr",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("calldate", sa.String(length=32), nullable=True),
        sa.Column("accountcode", sa.String(length=80), nullable=True),
        sa.Column("src", sa.String(length=80), nullable=True),
        sa.Column("dst", sa.String(length=80), nullable=True),
        sa.Column("dcontext", sa.String(length=80), nullable=True),
        sa.Column("clid", sa.String(length=160), nullable=True),
        sa.Column("channel", sa.String(length=160), nullable=True),
        sa.Column("dstchannel", sa.String(length=160), nullable=True),
        sa.Column("lastapp", sa.String(length=80), nullable=True),
        sa.Column("lastdata", sa.String(length=512), nullable=True),
        sa.Column("answer", sa.String(length=32), nullable=True),
        sa.Column("end", sa.String(length=32), nullable=True),
        sa.Column("duration", sa.Integer(), nullable=True),
        sa.Column("billsec", sa.Integer(), nullable=True),
        sa.Column("disposition", sa.String(length=45), nullable=True),
        sa.Column("amaflags", sa.String(length=20), nullable=True),
        sa.Column("uniqueid", sa.String(length=150), nullable=True),
        sa.Column("linkedid", sa.String(length=150), nullable=True),
        sa.Column("peeraccount", sa.String(length=80), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("userfield", sa.String(length=255), nullable=True),
        sa.Column("processed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cdr")),
    )
    op.create_index("ix_cdr_linkedid", "cdr", ["linkedid"], unique=False)
    op.create_index(
        "ix_cdr_processed_at",
        "cdr",
        ["processed_at"],
        unique=False,
        sqlite_where=sa.text("processed_at IS NOT NULL"),
        postgresql_where=sa.text("processed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_cdr_unprocessed",
        "cdr",
        ["id"],
        unique=False,
        sqlite_where=sa.text("processed_at IS NULL"),
        postgresql_where=sa.text("processed_at IS NULL"),
    )
    op.create_table(
        "cel",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("eventtype", sa.String(length=30), nullable=True),
        sa.Column("eventtime", sa.String(length=32), nullable=True, comment="UTC text with microseconds"),
        sa.Column("cid_name", sa.String(length=80), nullable=True),
        sa.Column("cid_num", sa.String(length=80), nullable=True),
        sa.Column("cid_ani", sa.String(length=80), nullable=True),
        sa.Column("cid_rdnis", sa.String(length=80), nullable=True),
        sa.Column("cid_dnid", sa.String(length=80), nullable=True),
        sa.Column("exten", sa.String(length=80), nullable=True),
        sa.Column("context", sa.String(length=80), nullable=True),
        sa.Column("channame", sa.String(length=160), nullable=True),
        sa.Column("appname", sa.String(length=80), nullable=True),
        sa.Column("appdata", sa.String(length=512), nullable=True),
        sa.Column("amaflags", sa.Integer(), nullable=True),
        sa.Column("accountcode", sa.String(length=80), nullable=True),
        sa.Column("uniqueid", sa.String(length=150), nullable=True),
        sa.Column("linkedid", sa.String(length=150), nullable=True),
        sa.Column("peer", sa.String(length=160), nullable=True),
        sa.Column("userdeftype", sa.String(length=255), nullable=True),
        sa.Column("extra", sa.String(length=1024), nullable=True),
        sa.Column("eventextra", sa.String(length=1024), nullable=True),
        sa.Column("userfield", sa.String(length=255), nullable=True),
        sa.Column("processed_at", sa.BigInteger(), nullable=True, comment="null: not yet read by records"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cel")),
    )
    op.create_index("ix_cel_linkedid", "cel", ["linkedid"], unique=False)
    op.create_index(
        "ix_cel_processed_at",
        "cel",
        ["processed_at"],
        unique=False,
        sqlite_where=sa.text("processed_at IS NOT NULL"),
        postgresql_where=sa.text("processed_at IS NOT NULL"),
    )
    op.create_index("ix_cel_uniqueid", "cel", ["uniqueid"], unique=False)
    op.create_index(
        "ix_cel_unprocessed_end",
        "cel",
        ["id"],
        unique=False,
        sqlite_where=sa.text("processed_at IS NULL AND eventtype = 'LINKEDID_END'"),
        postgresql_where=sa.text("processed_at IS NULL AND eventtype = 'LINKEDID_END'"),
    )
    op.create_table(
        "change_generation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_generation")),
        comment="Bumped by each change to accounts or settings; see store.changes.",
    )
    op.create_table(
        "console_accounts",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False, comment="Argon2id, PHC text"),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_console_accounts")),
        sa.UniqueConstraint("username", name=op.f("uq_console_accounts_username")),
    )
    op.create_table(
        "dialable_numbers",
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="extension, queue, voicemail, ..."),
        sa.Column("owner_id", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_dialable_numbers")),
        comment="Keeps a number unique across everything that can be dialed.",
    )
    op.create_index(op.f("ix_dialable_numbers_owner_id"), "dialable_numbers", ["owner_id"], unique=False)
    op.create_table(
        "extensions",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("user_type", sa.Text(), server_default=sa.text("'SIP'"), nullable=False),
        sa.Column("active", sa.Text(), server_default=sa.text("'yes'"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("cid_number", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("call_record", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("push_notification", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("deny", sa.Text(), server_default=sa.text("'0.0.0.0/0.0.0.0'"), nullable=False),
        sa.Column("permit", sa.Text(), server_default=sa.text("'0.0.0.0/0.0.0.0'"), nullable=False),
        sa.Column("dtmfmode", sa.Text(), server_default=sa.text("'rfc2833'"), nullable=False),
        sa.Column("canreinvite", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("directmedia", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("context", sa.Text(), server_default=sa.text("'main_routing'"), nullable=False),
        sa.Column("host", sa.Text(), server_default=sa.text("'dynamic'"), nullable=False),
        sa.Column("type", sa.Text(), server_default=sa.text("'friend'"), nullable=False),
        sa.Column("nat", sa.Text(), server_default=sa.text("'force_rport,comedia'"), nullable=False),
        sa.Column("port", sa.Text(), server_default=sa.text("'5060'"), nullable=False),
        sa.Column("qualify", sa.Text(), server_default=sa.text("'yes'"), nullable=False),
        sa.Column("callgroup", sa.Text(), server_default=sa.text("'1'"), nullable=False),
        sa.Column("pickupgroup", sa.Text(), server_default=sa.text("'1'"), nullable=False),
        sa.Column("callcounter", sa.Text(), server_default=sa.text("'yes'"), nullable=False),
        sa.Column("faxdetect", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("call_limit", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("trunk", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("transfer", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("email", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "forward_policy", sa.Text(), server_default=sa.text("'{}'"), nullable=False, comment="JSON object"
        ),
        sa.Column("more_options", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "secret_ha1",
            sa.String(length=32),
            nullable=False,
            comment="MD5 of number:realm:secret, RFC 2617 HA1",
        ),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False, comment="AES-GCM, for reveal"),
        sa.Column("pjsip_max_contacts", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("pjsip_from_user", sa.String(length=64), nullable=True),
        sa.Column("pjsip_from_domain", sa.String(length=128), nullable=True),
        sa.Column("pjsip_disallow", sa.String(length=200), server_default=sa.text("'all'"), nullable=False),
        sa.Column(
            "pjsip_allow",
            sa.String(length=200),
            server_default=sa.text("'ulaw,alaw,g722,gsm'"),
            nullable=False,
        ),
        sa.Column("pjsip_language", sa.String(length=16), nullable=True),
        sa.Column("pjsip_transport", sa.String(length=16), nullable=True),
        sa.Column("pjsip_media_encryption", sa.String(length=8), nullable=True),
        sa.Column("pjsip_mailboxes", sa.String(length=80), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extensions")),
        sa.UniqueConstraint("number", name=op.f("uq_extensions_number")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
        comment="Work that must happen once is done by the holder; see store.leases.",
    )
    op.create_table(
        "merged_linkedids",
        sa.Column("linkedid", sa.String(length=48), nullable=False),
        sa.Column("into_linkedid", sa.String(length=48), nullable=False),
        sa.PrimaryKeyConstraint("linkedid", name=op.f("pk_merged_linkedids")),
        comment="Linked ids that Asterisk joined (transfer, pickup): their events belong to the other call.",
    )
    op.create_index(
        op.f("ix_merged_linkedids_into_linkedid"), "merged_linkedids", ["into_linkedid"], unique=False
    )
    op.create_table(
        "originates",
        sa.Column("originated_call_id", sa.String(length=48), nullable=False),
        sa.Column(
            "uniqueid", sa.String(length=48), nullable=False, comment="Chosen by us, of the first channel"
        ),
        sa.Column("account", sa.String(length=64), nullable=True),
        sa.Column("caller", sa.String(length=32), nullable=False),
        sa.Column("callee", sa.String(length=32), nullable=False),
        sa.Column("context", sa.String(length=64), nullable=False),
        sa.Column("caller_id", sa.String(length=80), nullable=False),
        sa.Column("trunk_name", sa.String(length=64), nullable=False),
        sa.Column("timeout", sa.Integer(), nullable=False, comment="Seconds"),
        sa.Column("call_limit", sa.Integer(), nullable=True, comment="Seconds of talk; null: no limit"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "closed_at", sa.BigInteger(), nullable=True, comment="When the call row was written; null: open"
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it failed"),
        sa.PrimaryKeyConstraint("originated_call_id", name=op.f("pk_originates")),
        sa.UniqueConstraint("uniqueid", name=op.f("uq_originates_uniqueid")),
    )
    op.create_index(
        "ix_originates_open",
        "originates",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "ps_contacts",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("uri", sa.String(length=511), nullable=True),
        sa.Column("expiration_time", sa.BigInteger(), nullable=True),
        sa.Column("qualify_frequency", sa.Integer(), nullable=True),
        sa.Column("qualify_timeout", sa.Float(), nullable=True),
        sa.Column("qualify_2xx_only", sa.String(length=8), nullable=True),
        sa.Column("authenticate_qualify", sa.String(length=8), nullable=True),
        sa.Column("outbound_proxy", sa.String(length=255), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.String(length=255), nullable=True),
        sa.Column("reg_server", sa.String(length=255), nullable=True),
        sa.Column("via_addr", sa.String(length=45), nullable=True),
        sa.Column("via_port", sa.Integer(), nullable=True),
        sa.Column("call_id", sa.String(length=255), nullable=True),
        sa.Column("endpoint", sa.String(length=255), nullable=True),
        sa.Column("prune_on_boot", sa.String(length=8), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ps_contacts")),
    )
    op.create_index(op.f("ix_ps_contacts_endpoint"), "ps_contacts", ["endpoint"], unique=False)
    op.create_index(
        "ix_ps_contacts_qualify_frequency_expiration_time",
        "ps_contacts",
        ["qualify_frequency", "expiration_time"],
        unique=False,
    )
    op.create_table(
        "queue_log",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("time", sa.String(length=40), nullable=True, comment="UTC text with microseconds"),
        sa.Column("callid", sa.String(length=80), nullable=True),
        sa.Column("queuename", sa.String(length=80), nullable=True),
        sa.Column("agent", sa.String(length=80), nullable=True),
        sa.Column("event", sa.String(length=40), nullable=True),
        sa.Column("data1", sa.String(length=100), nullable=True),
        sa.Column("data2", sa.String(length=100), nullable=True),
        sa.Column("data3", sa.String(length=100), nullable=True),
        sa.Column("data4", sa.String(length=100), nullable=True),
        sa.Column("data5", sa.String(length=100), nullable=True),
        sa.Column("processed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_log")),
    )
    op.create_index("ix_queue_log_callid", "queue_log", ["callid"], unique=False)
    op.create_index(
        "ix_queue_log_processed_at",
        "queue_log",
        ["processed_at"],
        unique=False,
        sqlite_where=sa.text("processed_at IS NOT NULL"),
        postgresql_where=sa.text("processed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_queue_log_unprocessed",
        "queue_log",
        ["id"],
        unique=False,
        sqlite_where=sa.text("processed_at IS NULL"),
        postgresql_where=sa.text("processed_at IS NULL"),
    )
    op.create_table(
        "queue_members",
        sa.Column(
            "uniqueid",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("queue_name", sa.String(length=32), nullable=False, comment="Number of the queue"),
        sa.Column("interface", sa.String(length=128), nullable=False),
        sa.Column("membername", sa.String(length=80), nullable=False, comment="Agent number"),
        sa.Column("state_interface", sa.String(length=128), nullable=False),
        sa.Column("penalty", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("paused", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("wrapuptime", sa.Integer(), nullable=True),
        sa.Column("ringinuse", sa.String(length=8), nullable=True),
        sa.Column("reason_paused", sa.String(length=80), nullable=True),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("uniqueid", name=op.f("pk_queue_members")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_queue_members_membername", "queue_members", ["membername"], unique=False)
    op.create_index(
        "uq_queue_members_queue_name_membername", "queue_members", ["queue_name", "membername"], unique=True
    )
    op.create_table(
        "queues",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("strategy", sa.Text(), server_default=sa.text("'ringall'"), nullable=False),
        sa.Column("ringinuse", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("call_record", sa.Text(), server_default=sa.text("'yes'"), nullable=False),
        sa.Column("setinterfacevar", sa.Text(), server_default=sa.text("'yes'"), nullable=False),
        sa.Column("autofill", sa.Text(), server_default=sa.text("'yes'"), nullable=False),
        sa.Column("setqueuevar", sa.Text(), server_default=sa.text("'yes'"), nullable=False),
        sa.Column("setqueueentryvar", sa.Text(), server_default=sa.text("'yes'"), nullable=False),
        sa.Column("persistentmembers", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("shared_lastcall", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("announce_holdtime", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("announce_position", sa.Text(), server_default=sa.text("'yes'"), nullable=False),
        sa.Column("joinempty", sa.Text(), server_default=sa.text("'strict'"), nullable=False),
        sa.Column("leavewhenempty", sa.Text(), server_default=sa.text("'yes'"), nullable=False),
        sa.Column("reportholdtime", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("maxlen", sa.Text(), server_default=sa.text("'0'"), nullable=False),
        sa.Column("announce_frequency", sa.Text(), server_default=sa.text("'120'"), nullable=False),
        sa.Column("min_announce_frequency", sa.Text(), server_default=sa.text("'60'"), nullable=False),
        sa.Column("periodic_announce_frequency", sa.Text(), server_default=sa.text("'120'"), nullable=False),
        sa.Column("music", sa.Text(), server_default=sa.text("'default'"), nullable=False),
        sa.Column(
            "queue_callswaiting", sa.Text(), server_default=sa.text("'queue-callswaiting'"), nullable=False
        ),
        sa.Column("queue_thankyou", sa.Text(), server_default=sa.text("'queue-thankyou'"), nullable=False),
        sa.Column("queue_thereare", sa.Text(), server_default=sa.text("'queue-thereare'"), nullable=False),
        sa.Column(
            "queue_youarenext", sa.Text(), server_default=sa.text("'queue-youarenext'"), nullable=False
        ),
        sa.Column("retry", sa.Text(), server_default=sa.text("'5'"), nullable=False),
        sa.Column("servicelevel", sa.Text(), server_default=sa.text("'60'"), nullable=False),
        sa.Column("timeout", sa.Text(), server_default=sa.text("'30'"), nullable=False),
        sa.Column("weight", sa.Text(), server_default=sa.text("'10'"), nullable=False),
        sa.Column("wrapuptime", sa.Text(), server_default=sa.text("'1'"), nullable=False),
        sa.Column("monitor_type", sa.Text(), server_default=sa.text("'MixMonitor'"), nullable=False),
        sa.Column("monitor_format", sa.Text(), server_default=sa.text("'wav'"), nullable=False),
        sa.Column("more_options", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "options",
            sa.Text(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="JSON: more_options, parsed",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queues")),
        sa.UniqueConstraint("name", name=op.f("uq_queues_name")),
        sa.UniqueConstraint("number", name=op.f("uq_queues_number")),
    )
    op.create_table(
        "runtime_settings",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False, comment="JSON"),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_runtime_settings")),
    )
    op.create_table(
        "trunks",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("trunk_type", sa.Text(), server_default=sa.text("'SIP'"), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("register_string", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("active", sa.Text(), server_default=sa.text("'yes'"), nullable=False),
        sa.Column("deny", sa.Text(), server_default=sa.text("'0.0.0.0/0.0.0.0'"), nullable=False),
        sa.Column("permit", sa.Text(), server_default=sa.text("'0.0.0.0/0.0.0.0'"), nullable=False),
        sa.Column("dtmfmode", sa.Text(), server_default=sa.text("'rfc2833'"), nullable=False),
        sa.Column("canreinvite", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("directmedia", sa.Text(), server_default=sa.text("'no'"), nullable=False),
        sa.Column("context", sa.Text(), server_default=sa.text("'incoming'"), nullable=False),
        sa.Column("host", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("type", sa.Text(), server_default=sa.text("'friend'"), nullable=False),
        sa.Column("nat", sa.Text(), server_default=sa.text("'force_rport,comedia'"), nullable=False),
        sa.Column("port", sa.Text(), server_default=sa.text("'5060'"), nullable=False),
        sa.Column("qualify", sa.Text(), server_default=sa.text("'yes'"), nullable=False),
        sa.Column("insecure", sa.Text(), server_default=sa.text("'port,invite'"), nullable=False),
        sa.Column("disallow", sa.Text(), server_default=sa.text("'all'"), nullable=False),
        sa.Column("allow", sa.Text(), server_default=sa.text("'ulaw,alaw'"), nullable=False),
        sa.Column("more_options", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "pjsip_match",
            sa.String(length=200),
            nullable=True,
            comment="identify: addresses the trunk calls from",
        ),
        sa.Column("pjsip_contact", sa.String(length=255), nullable=True, comment="aor: where calls are sent"),
        sa.Column("pjsip_from_user", sa.String(length=64), nullable=True),
        sa.Column("pjsip_from_domain", sa.String(length=128), nullable=True),
        sa.Column("pjsip_auth_username", sa.String(length=64), nullable=True),
        sa.Column(
            "pjsip_auth_password",
            sa.String(length=128),
            nullable=True,
            comment="Readable: Asterisk answers challenges with it",
        ),
        sa.Column(
            "pjsip_inbound_username",
            sa.String(length=64),
            nullable=True,
            comment="auth for a peer that must authenticate to us",
        ),
        sa.Column("pjsip_inbound_password", sa.String(length=128), nullable=True),
        sa.Column("pjsip_outbound_proxy", sa.String(length=255), nullable=True),
        sa.Column("pjsip_transport", sa.String(length=16), nullable=True),
        sa.Column(
            "pjsip_server_uri", sa.String(length=255), nullable=True, comment="registration; null: none"
        ),
        sa.Column("pjsip_client_uri", sa.String(length=255), nullable=True),
        sa.Column("pjsip_contact_user", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trunks")),
        sa.UniqueConstraint("name", name=op.f("uq_trunks_name")),
    )
    op.execute(sa.text("INSERT INTO change_generation (id, value) VALUES (1, 1)"))


def downgrade() -> None:
    op.drop_table("trunks")
    op.drop_table("runtime_settings")
    op.drop_table("queues")
    op.drop_index("uq_queue_members_queue_name_membername", table_name="queue_members")
    op.drop_index("ix_queue_members_membername", table_name="queue_members")
    op.drop_table("queue_members")
    op.drop_index(
        "ix_queue_log_unprocessed",
        table_name="queue_log",
        sqlite_where=sa.text("processed_at IS NULL"),
        postgresql_where=sa.text("processed_at IS NULL"),
    )
    op.drop_index(
        "ix_queue_log_processed_at",
        table_name="queue_log",
        sqlite_where=sa.text("processed_at IS NOT NULL"),
        postgresql_where=sa.text("processed_at IS NOT NULL"),
    )
    op.drop_index("ix_queue_log_callid", table_name="queue_log")
    op.drop_table("queue_log")
    op.drop_index("ix_ps_contacts_qualify_frequency_expiration_time", table_name="ps_contacts")
    op.drop_index(op.f("ix_ps_contacts_endpoint"), table_name="ps_contacts")
    op.drop_table("ps_contacts")
    op.drop_index(
        "ix_originates_open",
        table_name="originates",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_table("originates")
    op.drop_index(op.f("ix_merged_linkedids_into_linkedid"), table_name="merged_linkedids")
    op.drop_table("merged_linkedids")
    op.drop_table("leases")
    op.drop_table("extensions")
    op.drop_index(op.f("ix_dialable_numbers_owner_id"), table_name="dialable_numbers")
    op.drop_table("dialable_numbers")
    op.drop_table("console_accounts")
    op.drop_table("change_generation")
    op.drop_index(
        "ix_cel_unprocessed_end",
        table_name="cel",
        sqlite_where=sa.text("processed_at IS NULL AND eventtype = 'LINKEDID_END'"),
        postgresql_where=sa.text("processed_at IS NULL AND eventtype = 'LINKEDID_END'"),
    )
    op.drop_index("ix_cel_uniqueid", table_name="cel")
    op.drop_index(
        "ix_cel_processed_at",
        table_name="cel",
        sqlite_where=sa.text("processed_at IS NOT NULL"),
        postgresql_where=sa.text("processed_at IS NOT NULL"),
    )
    op.drop_index("ix_cel_linkedid", table_name="cel")
    op.drop_table("cel")
    op.drop_index(
        "ix_cdr_unprocessed",
        table_name="cdr",
        sqlite_where=sa.text("processed_at IS NULL"),
        postgresql_where=sa.text("processed_at IS NULL"),
    )
    op.drop_index(
        "ix_cdr_processed_at",
        table_name="cdr",
        sqlite_where=sa.text("processed_at IS NOT NULL"),
        postgresql_where=sa.text("processed_at IS NOT NULL"),
    )
    op.drop_index("ix_cdr_linkedid", table_name="cdr")
    op.drop_table("cdr")
    op.drop_index("ix_calls_started_at", table_name="calls")
    op.drop_index(op.f("ix_calls_originated_call_id"), table_name="calls")
    op.drop_table("calls")
    op.drop_index("ix_api_log_service_at", table_name="api_log")
    op.drop_index("ix_api_log_at", table_name="api_log")
    op.drop_index("ix_api_log_account_at", table_name="api_log")
    op.drop_table("api_log")
    op.drop_table("api_accounts")
    op.drop_table("agent_mappings")
