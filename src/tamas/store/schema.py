"""Every table of the store. No behaviour.

Conventions: ``id`` columns hold 24 hexadecimal digits (:mod:`tamas.store.ids`); columns ending in ``_at``
hold microseconds since the epoch, UTC (see ``docs/decisions/0002-times-as-integers.md``); SA settings keep
the words of the wire (``"yes"``, ``"rfc2833"``), which the views in :mod:`tamas.store.views` translate for
Asterisk; columns beginning with ``pjsip_`` hold what was derived from free-form settings when they were
written. Tables that Asterisk writes itself carry the column names of its own realtime drivers.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from tamas.store.engine_text import EngineText

SCHEMA_VERSION = "0010"
"""Newest revision in :mod:`tamas.store.migrations`."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = String(24)
AutoId = BigInteger().with_variant(Integer, "sqlite")


def _setting(name: str, default: str = "") -> Column[str]:
    """A setting in the words of the wire."""
    return Column(name, Text, nullable=False, server_default=text(f"'{default}'"))


def _t38() -> list[Column[Any]]:
    """How an endpoint faxes over T.38."""
    return [
        Column("pjsip_t38", String(12), comment="none, fec or redundancy; null: no T.38"),
        Column("pjsip_t38_maxdatagram", Integer, comment="Bytes; null: as the other side says"),
    ]


def _in_asterisks_words() -> list[Column[Any]]:
    """What report rows show of Asterisk's own CDR."""
    widths = {"clid": 160, "dcontext": 80, "channel": 160, "dstchannel": 160, "lastapp": 80, "lastdata": 512}
    widths |= {"amaflags": 20, "accountcode": 80, "userfield": 255, "sequence": 20}
    return [
        Column(name, String(width), nullable=False, server_default=text("''"))
        for name, width in widths.items()
    ]


# -- accounts and settings ---------------------------------------------------------------------------------

change_generation = Table(
    "change_generation",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("value", BigInteger, nullable=False),
    comment="Bumped by each change to accounts or settings; see store.changes.",
)

runtime_settings = Table(
    "runtime_settings",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False, comment="JSON"),
    Column("updated_at", BigInteger, nullable=False),
)

api_accounts = Table(
    "api_accounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("username", String(64), nullable=False, unique=True),
    Column(
        "auth", String(8), CheckConstraint("auth IN ('basic', 'token', 'both')", name="auth"), nullable=False
    ),
    Column("password_hash", Text, comment="Argon2id, PHC text"),
    Column("token_hash", String(64), unique=True, comment="SHA-256 of the token, hexadecimal"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("permissions", Text, nullable=False, comment="JSON list of patterns such as /pbx/users/*"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger, comment="Written at most once a minute"),
    CheckConstraint("auth = 'token' OR password_hash IS NOT NULL", name="password_present"),
    CheckConstraint("auth = 'basic' OR token_hash IS NOT NULL", name="token_present"),
)

console_account_types = Table(
    "console_account_types",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(32), nullable=False, unique=True, comment="Never changes; of our own types fixed"),
    Column("title", String(80), nullable=False),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("builtin", Boolean, nullable=False, server_default=text("false")),
    Column("rights", Text, nullable=False, comment="JSON: lists of rights by page; see console.rights"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

console_accounts = Table(
    "console_accounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("username", String(64), nullable=False, unique=True),
    Column("name", String(80), nullable=False, server_default=text("''"), comment="Of the person"),
    Column("password_hash", Text, nullable=False, comment="Argon2id, PHC text"),
    Column("role", String(32), nullable=False, comment="Name of its account type"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("must_change_password", Boolean, nullable=False, server_default=text("true")),
    Column("totp_sealed", LargeBinary, comment="RFC 6238 key, AES-GCM; null: no second step"),
    Column("totp_step", BigInteger, comment="Time step of the last code that was accepted"),
    Column("failures", Integer, nullable=False, server_default=text("0"), comment="Since the last sign-in"),
    Column("failed_at", BigInteger, comment="Last failure"),
    Column("signed_in_at", BigInteger, comment="Last sign-in"),
    Column("expires_at", BigInteger, comment="From when it cannot be used; null: never"),
    Column("steps_dismissed", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

console_sessions = Table(
    "console_sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True, comment="SHA-256 of the cookie, hexadecimal"),
    Column("account_id", Id, nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("address", String(45), nullable=False, comment="Of the browser; a cookie works from there only"),
    Column("user_agent", String(255), nullable=False),
    Column("totp_pending", LargeBinary, comment="Sealed key whose first code has not been seen yet"),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False, comment="Written at most once a minute"),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

console_activity = Table(
    "console_activity",
    metadata,
    Column("id", AutoId, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("account", String(64), nullable=False),
    Column("address", String(45), nullable=False),
    Column("page", String(48), nullable=False),
    Column("action", String(48), nullable=False),
    Column("subject", String(120), nullable=False, comment="What was changed, in words"),
    Column("before", Text, comment="JSON object without secrets; null: it was not there"),
    Column("after", Text, comment="JSON object without secrets; null: it is gone"),
    Index("ix_console_activity_at", "at"),
    Index("ix_console_activity_account_at", "account", "at"),
    Index("ix_console_activity_page_at", "page", "at"),
)

problems = Table(
    "problems",
    metadata,
    Column("id", AutoId, primary_key=True, autoincrement=True),
    Column("source", String(64), nullable=False, comment="Name of the logger"),
    Column("level", String(8), nullable=False, comment="warning or error"),
    Column("text", String(500), nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False, index=True),
    Column("count", Integer, nullable=False, server_default=text("1")),
    Index("uq_problems_source_text", "source", "text", unique=True),
    comment="What our own log said of late at warning or above, equal texts once",
)

api_log = Table(
    "api_log",
    metadata,
    Column("id", AutoId, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False, comment="Start of the request, microseconds UTC"),
    Column("request_id", String(32), nullable=False),
    Column("account", String(64), comment="Null when no account was recognised"),
    Column("address", String(45), nullable=False),
    Column("service", String(96), nullable=False, comment="Path under /api/v4/, cut to 96 characters"),
    Column("method", String(16), nullable=False),
    Column("status", Integer, nullable=False),
    Column("success", Integer, comment="1, 0, or null where the answer has no envelope"),
    Column("message", Text),
    Column("error_field", String(64)),
    Column("duration", BigInteger, nullable=False, comment="Microseconds"),
    Index("ix_api_log_at", "at"),
    Index("ix_api_log_account_at", "account", "at"),
    Index("ix_api_log_service_at", "service", "at"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    comment="Work that must happen once is done by the holder; see store.leases.",
)

# -- the switchboard: what administrators set up -----------------------------------------------------------

dialable_numbers = Table(
    "dialable_numbers",
    metadata,
    Column("number", String(32), primary_key=True),
    Column("kind", String(16), nullable=False, comment="extension, queue, voicemail, ..."),
    Column("owner_id", Id, nullable=False, index=True),
    comment="Keeps a number unique across everything that can be dialed.",
)

extensions = Table(
    "extensions",
    metadata,
    Column("id", Id, primary_key=True),
    _setting("user_type", "SIP"),
    _setting("active", "yes"),
    Column("name", String(80), nullable=False),
    Column("number", String(32), nullable=False, unique=True),
    _setting("cid_number"),
    _setting("call_record", "no"),
    _setting("push_notification", "no"),
    _setting("deny", "0.0.0.0/0.0.0.0"),
    _setting("permit", "0.0.0.0/0.0.0.0"),
    _setting("dtmfmode", "rfc2833"),
    _setting("canreinvite", "no"),
    _setting("directmedia", "no"),
    _setting("context", "main_routing"),
    _setting("host", "dynamic"),
    _setting("type", "friend"),
    _setting("nat", "force_rport,comedia"),
    _setting("port", "5060"),
    _setting("qualify", "yes"),
    _setting("callgroup", "1"),
    _setting("pickupgroup", "1"),
    _setting("callcounter", "yes"),
    _setting("faxdetect", "no"),
    _setting("call_limit"),
    _setting("trunk", "no"),
    _setting("transfer", "no"),
    _setting("email"),
    Column("forward_policy", Text, nullable=False, server_default=text("'{}'"), comment="JSON object"),
    _setting("more_options"),
    _setting("description"),
    Column("secret_ha1", String(32), nullable=False, comment="MD5 of number:realm:secret, RFC 2617 HA1"),
    Column("secret_sealed", LargeBinary, nullable=False, comment="AES-GCM, for reveal"),
    Column("pjsip_max_contacts", Integer, nullable=False, server_default=text("1")),
    Column("pjsip_from_user", String(64)),
    Column("pjsip_from_domain", String(128)),
    Column("pjsip_disallow", String(200), nullable=False, server_default=text("'all'")),
    Column("pjsip_allow", String(200), nullable=False, server_default=text("'ulaw,alaw,g722,gsm'")),
    Column("pjsip_language", String(16)),
    Column("pjsip_transport", String(16)),
    Column("pjsip_media_encryption", String(8)),
    Column("pjsip_mailboxes", String(80)),
    *_t38(),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

trunks = Table(
    "trunks",
    metadata,
    Column("id", Id, primary_key=True),
    _setting("trunk_type", "SIP"),
    Column("name", String(64), nullable=False, unique=True),
    _setting("register_string"),
    _setting("active", "yes"),
    _setting("deny", "0.0.0.0/0.0.0.0"),
    _setting("permit", "0.0.0.0/0.0.0.0"),
    _setting("dtmfmode", "rfc2833"),
    _setting("canreinvite", "no"),
    _setting("directmedia", "no"),
    _setting("context", "incoming"),
    _setting("host"),
    _setting("type", "friend"),
    _setting("nat", "force_rport,comedia"),
    _setting("port", "5060"),
    _setting("qualify", "yes"),
    _setting("insecure", "port,invite"),
    _setting("disallow", "all"),
    _setting("allow", "ulaw,alaw"),
    _setting("more_options"),
    _setting("description"),
    Column("pjsip_match", String(200), comment="identify: addresses the trunk calls from"),
    Column("pjsip_contact", String(255), comment="aor: where calls are sent"),
    Column("pjsip_from_user", String(64)),
    Column("pjsip_from_domain", String(128)),
    Column("pjsip_auth_username", String(64)),
    Column("pjsip_auth_password", String(128), comment="Readable: Asterisk answers challenges with it"),
    Column("pjsip_inbound_username", String(64), comment="auth for a peer that must authenticate to us"),
    Column("pjsip_inbound_password", String(128)),
    Column("pjsip_outbound_proxy", String(255)),
    Column("pjsip_transport", String(16)),
    Column("pjsip_server_uri", String(255), comment="registration; null: none"),
    Column("pjsip_client_uri", String(255)),
    Column("pjsip_contact_user", String(64)),
    *_t38(),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

queues = Table(
    "queues",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("number", String(32), nullable=False, unique=True),
    _setting("strategy", "ringall"),
    _setting("ringinuse", "no"),
    _setting("call_record", "yes"),
    _setting("setinterfacevar", "yes"),
    _setting("autofill", "yes"),
    _setting("setqueuevar", "yes"),
    _setting("setqueueentryvar", "yes"),
    _setting("persistentmembers", "no"),
    _setting("shared_lastcall", "no"),
    _setting("announce_holdtime", "no"),
    _setting("announce_position", "yes"),
    _setting("joinempty", "strict"),
    _setting("leavewhenempty", "yes"),
    _setting("reportholdtime", "no"),
    _setting("maxlen", "0"),
    _setting("announce_frequency", "120"),
    _setting("min_announce_frequency", "60"),
    _setting("periodic_announce_frequency", "120"),
    _setting("music", "default"),
    _setting("queue_callswaiting", "queue-callswaiting"),
    _setting("queue_thankyou", "queue-thankyou"),
    _setting("queue_thereare", "queue-thereare"),
    _setting("queue_youarenext", "queue-youarenext"),
    _setting("retry", "5"),
    _setting("servicelevel", "60"),
    _setting("timeout", "30"),
    _setting("weight", "10"),
    _setting("wrapuptime", "1"),
    _setting("monitor_type", "MixMonitor"),
    _setting("monitor_format", "wav"),
    _setting("more_options"),
    Column(
        "options", Text, nullable=False, server_default=text("'{}'"), comment="JSON: more_options, parsed"
    ),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

queue_members = Table(
    "queue_members",
    metadata,
    # Column names are app_queue's own (realtime family queue_members); Asterisk writes `paused` back.
    Column("uniqueid", AutoId, primary_key=True, autoincrement=True),
    Column("queue_name", String(32), nullable=False, comment="Number of the queue"),
    Column("interface", String(128), nullable=False),
    Column("membername", String(80), nullable=False, comment="Agent number"),
    Column("state_interface", String(128), nullable=False),
    Column("penalty", Integer, nullable=False, server_default=text("0")),
    Column("paused", Integer, nullable=False, server_default=text("0")),
    Column("wrapuptime", Integer),
    Column("ringinuse", String(8)),
    Column("reason_paused", String(80)),
    Column("joined_at", BigInteger, nullable=False),
    Column(
        "paused_at", BigInteger, comment="When the break began that is going on; null: none, or not known"
    ),
    Index("uq_queue_members_queue_name_membername", "queue_name", "membername", unique=True),
    Index("ix_queue_members_membername", "membername"),
    # Asterisk knows a member by this number and keeps what it knew when the number comes back.
    sqlite_autoincrement=True,
)

agent_mappings = Table(
    "agent_mappings",
    metadata,
    Column("agent", String(32), primary_key=True, comment="Number of the person"),
    Column("phone", String(32), nullable=False, unique=True, comment="Number of the extension it sits at"),
    Column("mapped_at", BigInteger, nullable=False),
)

blacklist = Table(
    "blacklist",
    metadata,
    Column("id", Id, primary_key=True),
    Column("number", String(32), nullable=False, unique=True),
    _setting("comment"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    comment="Callers that are not welcome",
)

whitelist = Table(
    "whitelist",
    metadata,
    Column("id", Id, primary_key=True),
    Column("number", String(32), nullable=False, unique=True),
    Column("labels", Text, nullable=False, server_default=text("'[]'"), comment="JSON list of texts"),
    _setting("comment"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    comment="Callers with labels, by which a call flow can choose",
)

uploads = Table(
    "uploads",
    metadata,
    Column("filename", String(160), primary_key=True, comment="Chosen by us"),
    Column("kind", String(16), nullable=False, comment="announcement, fax, ...: in which folder it lies"),
    Column("account", String(64), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("duration", BigInteger, comment="Microseconds of sound; null: no sound"),
    Column("pages", Integer, comment="null: no document"),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_uploads_kind_created_at", "kind", "created_at"),
    comment="Files that clients sent, checked and converted",
)

announcements = Table(
    "announcements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(80), nullable=False, index=True),
    Column("filename", String(160), nullable=False, index=True, comment="Of an upload; several may share it"),
    _setting("comment"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

music_classes = Table(
    "music_classes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(80), nullable=False, unique=True, comment="As queues and dialplans name it"),
    Column("path", String(120), nullable=False, unique=True, comment="Its folder among those of music"),
    Column("directory", Text, nullable=False, comment="As Asterisk opens it; renewed at each start"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    comment="Classes of music on hold",
)

music_files = Table(
    "music_files",
    metadata,
    Column("id", Id, primary_key=True),
    Column("class_id", Id, nullable=False),
    Column("file", String(160), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("uq_music_files_class_id_file", "class_id", "file", unique=True),
)

# -- calls -------------------------------------------------------------------------------------------------

ORIGINATED_BY_CALL = "call:"
"""What ``originates.account`` begins with when a call promised the call; behind it stands its unique id."""
originates = Table(
    "originates",
    metadata,
    Column("originated_call_id", String(48), primary_key=True),
    Column("uniqueid", String(48), nullable=False, unique=True, comment="Chosen by us, of the first channel"),
    Column("account", String(64)),
    Column("caller", String(32), nullable=False),
    Column("callee", String(32), nullable=False),
    Column("context", String(64), nullable=False),
    Column("caller_id", String(80), nullable=False),
    Column("trunk_name", String(64), nullable=False),
    Column("timeout", Integer, nullable=False, comment="Seconds"),
    Column("call_limit", Integer, comment="Seconds of talk; null: no limit"),
    Column("created_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger, comment="When the call row was written; null: open"),
    Column("reason", Text, comment="Why it failed"),
    Column("fax_id", Id, comment="The fax that is sent by it; null: a call of two parties"),
    Index(
        "ix_originates_open",
        "created_at",
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)

calls = Table(
    "calls",
    metadata,
    Column("id", Id, primary_key=True, comment="Strictly increasing in commit order"),
    Column("cuid", String(48), nullable=False, unique=True, comment="linkedid of the call"),
    Column("type", String(12), nullable=False, comment="incoming, outgoing, local, feature, no defined"),
    Column("src", String(80), nullable=False),
    Column("src_name", String(80), nullable=False, server_default=text("''")),
    Column("dst", String(80), nullable=False),
    Column("did", String(80), nullable=False, server_default=text("''")),
    Column("started_at", BigInteger, nullable=False),
    Column("answered_at", BigInteger, comment="When a person was connected"),
    Column("ended_at", BigInteger, nullable=False),
    Column("wait", BigInteger, nullable=False, comment="Microseconds until connected, or until the end"),
    Column("billsec", BigInteger, nullable=False, comment="Microseconds connected"),
    Column("disposition", String(12), nullable=False, comment="ANSWERED, NO ANSWER, BUSY, FAILED"),
    Column("hangup_cause", Integer, comment="ITU-T Q.850"),
    Column("reason", Text, comment="Plain words for a call that did not connect"),
    Column("record", String(96), comment="Name of the recording"),
    Column("entry_point", String(64)),
    Column("outgoing_point", String(64)),
    Column("queue", String(32)),
    Column("agent", String(32)),
    Column("originated_call_id", String(48), index=True),
    Column("amended_at", BigInteger, comment="When a late CDR changed the row"),
    *_in_asterisks_words(),
    Column("hangup", String(8), comment="caller or callee; null: neither"),
    Column("comment", String(80), nullable=False, server_default=text("''")),
    Column("legs", Text, comment="JSON list: whom it reached or tried, when there were several"),
    Column("route", Text, comment="JSON list: steps of the call flow, in order"),
    # What filters ask for stands in the index, so that a day is searched without its rows.
    Index("ix_calls_started_at_src_dst", "started_at", "src", "dst"),
    Index("ix_calls_src_started_at", "src", "started_at"),
    Index("ix_calls_dst_started_at", "dst", "started_at"),
)

queue_visits = Table(
    "queue_visits",
    metadata,
    Column("id", Id, primary_key=True, comment="Strictly increasing in commit order"),
    Column("queue_id", String(48), nullable=False, unique=True, comment="Second of its begin, and a number"),
    Column("cuid", String(48), nullable=False, index=True, comment="Of the call"),
    Column("queue", String(32), nullable=False, comment="Number"),
    Column("src", String(80), nullable=False),
    Column(
        "agent", String(80), nullable=False, comment="Who took it, else who was rung last; '' when nobody"
    ),
    Column("agent_name", String(80), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ringing_at", BigInteger, comment="When the first phone rang"),
    Column("answered_at", BigInteger),
    Column("ended_at", BigInteger, nullable=False, comment="End of the talk with the agent, or of the wait"),
    Column("wait", BigInteger, nullable=False, comment="Microseconds of the caller"),
    Column("agent_wait", BigInteger, nullable=False, comment="Microseconds that phones rang"),
    Column("billsec", BigInteger, nullable=False, comment="Microseconds of talk"),
    Column("disposition", String(12), nullable=False, comment="ANSWERED, MISSED, ABANDONED, PICKUP"),
    Column("queue_status", String(20), comment="QUEUESTATUS; null: the caller left"),
    Column("hangup", String(8), comment="caller or agent; null: neither"),
    Column("amended_at", BigInteger),
    Index("ix_queue_visits_started_at", "started_at"),
    Index("ix_queue_visits_src_started_at", "src", "started_at"),
    Index("ix_queue_visits_agent_started_at", "agent", "started_at"),
    Index("ix_queue_visits_queue_started_at", "queue", "started_at"),
    comment="One row for each time that a call was in a queue",
)

queue_attempts = Table(
    "queue_attempts",
    metadata,
    Column("id", Id, primary_key=True, comment="Strictly increasing in commit order"),
    Column("uniqueid", String(48), nullable=False, unique=True, comment="Of the channel that rang the agent"),
    Column("queue_id", String(48), nullable=False, index=True, comment="Of the visit"),
    Column("cuid", String(48), nullable=False, index=True),
    Column("queue", String(32), nullable=False),
    Column("src", String(80), nullable=False),
    Column("agent", String(80), nullable=False),
    Column("agent_name", String(80), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("answered_at", BigInteger),
    Column("ended_at", BigInteger, nullable=False, comment="End of the talk, or of the ringing"),
    Column("wait", BigInteger, nullable=False, comment="Microseconds until the answer, or until the end"),
    Column("billsec", BigInteger, nullable=False),
    Column("disposition", String(12), nullable=False, comment="ANSWERED, NO ANSWER, BUSY, FAILED"),
    Column("tries", Integer, nullable=False, comment="Which try of this agent in this visit"),
    Column("record", String(96)),
    Column("amended_at", BigInteger),
    *_in_asterisks_words(),
    Index("ix_queue_attempts_started_at", "started_at"),
    Index("ix_queue_attempts_src_started_at", "src", "started_at"),
    Index("ix_queue_attempts_agent_started_at", "agent", "started_at"),
    Index("ix_queue_attempts_queue_started_at", "queue", "started_at"),
    comment="One row for each time that a queue rang an agent",
)

agent_sessions = Table(
    "agent_sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("type", String(8), nullable=False, comment="inout: in the queue; pause: on break in it"),
    Column("agent", String(80), nullable=False),
    Column("queue", String(32), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    Column("reason", String(80), nullable=False, server_default=text("''"), comment="Of a break"),
    Index("ix_agent_sessions_ended_at", "ended_at"),
    Index("ix_agent_sessions_agent_ended_at", "agent", "ended_at"),
    Index("ix_agent_sessions_queue_ended_at", "queue", "ended_at"),
    comment="One row for each stay in a queue and each break, written when it ends",
)

poll_answers = Table(
    "poll_answers",
    metadata,
    Column("id", Id, primary_key=True, comment="Strictly increasing in commit order"),
    Column("cuid", String(48), nullable=False),
    Column("position", Integer, nullable=False, comment="Among the answers of the call, from 1"),
    Column("src", String(80), nullable=False),
    Column("dst", String(80), nullable=False, comment="The agent, else whom the call reached"),
    Column("queue", String(32), nullable=False),
    Column("label", String(80), nullable=False),
    Column("point", Integer, nullable=False),
    Column("answered_at", BigInteger, nullable=False),
    Index("uq_poll_answers_cuid_position", "cuid", "position", unique=True),
    Index("ix_poll_answers_answered_at", "answered_at"),
    Index("ix_poll_answers_src_answered_at", "src", "answered_at"),
    Index("ix_poll_answers_dst_answered_at", "dst", "answered_at"),
    comment="What callers typed in surveys",
)

merged_linkedids = Table(
    "merged_linkedids",
    metadata,
    Column("linkedid", String(48), primary_key=True),
    Column("into_linkedid", String(48), nullable=False, index=True),
    comment="Linked ids that Asterisk joined (transfer, pickup): their events belong to the other call.",
)

# -- inboxes: rows that Asterisk writes --------------------------------------------------------------------

cel = Table(
    "cel",
    metadata,
    Column("id", AutoId, primary_key=True, autoincrement=True),
    Column("eventtype", String(30)),
    Column("eventtime", String(32), comment="UTC text with microseconds"),
    Column("cid_name", EngineText(80)),
    Column("cid_num", EngineText(80)),
    Column("cid_ani", EngineText(80)),
    Column("cid_rdnis", EngineText(80)),
    Column("cid_dnid", EngineText(80)),
    Column("exten", EngineText(80)),
    Column("context", String(80)),
    Column("channame", String(160)),
    Column("appname", String(80)),
    Column("appdata", EngineText(512)),
    Column("amaflags", Integer),
    Column("accountcode", String(80)),
    Column("uniqueid", String(150)),
    Column("linkedid", String(150)),
    Column("peer", EngineText(160)),
    Column("userdeftype", String(255)),
    Column("extra", EngineText(1024)),
    Column("eventextra", EngineText(1024)),
    Column("userfield", EngineText(255)),
    Column("processed_at", BigInteger, comment="null: not yet read by records"),
    Index("ix_cel_linkedid", "linkedid"),
    Index("ix_cel_uniqueid", "uniqueid"),
    Index(
        "ix_cel_unprocessed_end",
        "id",
        sqlite_where=text("processed_at IS NULL AND eventtype = 'LINKEDID_END'"),
        postgresql_where=text("processed_at IS NULL AND eventtype = 'LINKEDID_END'"),
    ),
    Index(
        "ix_cel_processed_at",
        "processed_at",
        sqlite_where=text("processed_at IS NOT NULL"),
        postgresql_where=text("processed_at IS NOT NULL"),
    ),
)

cdr = Table(
    "cdr",
    metadata,
    Column("id", AutoId, primary_key=True, autoincrement=True),
    Column("calldate", String(32)),
    Column("accountcode", String(80)),
    Column("src", EngineText(80)),
    Column("dst", EngineText(80)),
    Column("dcontext", String(80)),
    Column("clid", EngineText(160)),
    Column("channel", String(160)),
    Column("dstchannel", String(160)),
    Column("lastapp", String(80)),
    Column("lastdata", EngineText(512)),
    Column("answer", String(32)),
    Column("end", String(32)),
    Column("duration", Integer),
    Column("billsec", Integer),
    Column("disposition", String(45)),
    Column("amaflags", String(20)),
    Column("uniqueid", String(150)),
    Column("linkedid", String(150)),
    Column("peeraccount", String(80)),
    Column("sequence", Integer),
    Column("userfield", EngineText(255)),
    Column("processed_at", BigInteger),
    Index("ix_cdr_linkedid", "linkedid"),
    Index(
        "ix_cdr_unprocessed",
        "id",
        sqlite_where=text("processed_at IS NULL"),
        postgresql_where=text("processed_at IS NULL"),
    ),
    Index(
        "ix_cdr_processed_at",
        "processed_at",
        sqlite_where=text("processed_at IS NOT NULL"),
        postgresql_where=text("processed_at IS NOT NULL"),
    ),
)

queue_log = Table(
    "queue_log",
    metadata,
    Column("id", AutoId, primary_key=True, autoincrement=True),
    Column("time", String(40), comment="UTC text with microseconds"),
    Column("callid", String(80)),
    Column("queuename", String(80)),
    Column("agent", EngineText(80)),
    Column("event", String(40)),
    Column("data1", EngineText(100)),
    Column("data2", EngineText(100)),
    Column("data3", EngineText(100)),
    Column("data4", EngineText(100)),
    Column("data5", EngineText(100)),
    Column("processed_at", BigInteger),
    Index("ix_queue_log_callid", "callid"),
    Index(
        "ix_queue_log_unprocessed",
        "id",
        sqlite_where=text("processed_at IS NULL"),
        postgresql_where=text("processed_at IS NULL"),
    ),
    Index(
        "ix_queue_log_processed_at",
        "processed_at",
        sqlite_where=text("processed_at IS NOT NULL"),
        postgresql_where=text("processed_at IS NOT NULL"),
    ),
)

ps_contacts = Table(
    "ps_contacts",
    metadata,
    # Column names are res_pjsip's own (object type contact); Asterisk writes and deletes the rows.
    Column("id", String(255), primary_key=True),
    Column("uri", String(511)),
    Column("expiration_time", BigInteger),
    Column("qualify_frequency", Integer),
    Column("qualify_timeout", Float),
    Column("qualify_2xx_only", String(8)),
    Column("authenticate_qualify", String(8)),
    Column("outbound_proxy", String(255)),
    Column("path", Text),
    Column("user_agent", String(255)),
    Column("reg_server", String(255)),
    Column("via_addr", String(45)),
    Column("via_port", Integer),
    Column("call_id", String(255)),
    Column("endpoint", String(255), index=True),
    Column("prune_on_boot", String(8)),
    Index("ix_ps_contacts_qualify_frequency_expiration_time", "qualify_frequency", "expiration_time"),
)

# Tables of rooms with modules of their own; each module adds its tables to the same metadata.
from tamas.store import autodialer_schema as autodialer_schema  # noqa: E402
from tamas.store import dialplan_schema as dialplan_schema  # noqa: E402
from tamas.store import event_marks_schema as event_marks_schema  # noqa: E402
from tamas.store import events_schema as events_schema  # noqa: E402
from tamas.store import fax_schema as fax_schema  # noqa: E402
from tamas.store import recordings_schema as recordings_schema  # noqa: E402
from tamas.store import voicemail_schema as voicemail_schema  # noqa: E402
