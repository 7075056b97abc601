"""Tables of voicemail: mailboxes and their lights, messages, mails about these, guesses at passwords.

Conventions are those of :mod:`tamas.store.schema`, which registers these tables.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from tamas.store.schema import Id, metadata

_BEING_RECORDED = text("state = 'recording'")
_UNHEARD = text("heard_at IS NULL AND state = 'stored'")
_WAITING = text("state = 'waiting'")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=text("''"))


def _flag(name: str) -> Column[str]:
    """A setting that is ``yes`` or ``no``."""
    return Column(name, Text, nullable=False, server_default=text("'no'"))


mailboxes = Table(
    "mailboxes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("number", String(32), nullable=False, unique=True, comment="May be that of an extension"),
    Column("password_sealed", LargeBinary, nullable=False, comment="AES-GCM, digits"),
    _text("email"),
    _flag("required_password"),
    _flag("allow_change_password"),
    _flag("send_email"),
    _flag("attach_file_email"),
    _flag("play_busy"),
    _flag("play_unavailable"),
    _flag("play_welcome"),
    _flag("play_cid"),
    _flag("play_envelope"),
    _flag("delete_voicemail"),
    _text("more_options"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

message_lights = Table(
    "message_lights",
    metadata,
    Column("number", String(32), primary_key=True, comment="Of a mailbox, which may be gone"),
    Column("changed_at", BigInteger, nullable=False),
    comment="Mailboxes of which phones have not been told yet how many new messages there are",
)

voicemail_messages = Table(
    "voicemail_messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("mailbox_id", Id, nullable=False),
    Column("number", String(32), nullable=False, comment="Of the mailbox"),
    Column("caller_id", String(80), nullable=False),
    Column("caller_name", String(80), nullable=False),
    Column("filename", String(96), nullable=False, unique=True, comment="Chosen by us"),
    Column("cuid", String(48), nullable=False, comment="Of the call"),
    Column("channel_id", String(48), nullable=False, comment="Unique id of the caller's channel"),
    Column("state", String(12), nullable=False, comment="recording, stored, failed"),
    Column("started_at", BigInteger, nullable=False),
    Column("left_at", BigInteger, nullable=False, comment="When it was complete; before, when it began"),
    Column("duration", BigInteger, nullable=False, server_default=text("0"), comment="Microseconds"),
    Column("error", Text, comment="Why there is no recording"),
    Column("heard_at", BigInteger, comment="By telephone or download; null: not yet"),
    CheckConstraint("state IN ('recording', 'stored', 'failed')", name="state"),
    Index("ix_voicemail_messages_left_at", "left_at"),
    Index("ix_voicemail_messages_number_left_at", "number", "left_at"),
    Index("ix_voicemail_messages_caller_id_left_at", "caller_id", "left_at"),
    Index("ix_voicemail_messages_mailbox_id_left_at", "mailbox_id", "left_at"),
    Index(
        "ix_voicemail_messages_unheard",
        "mailbox_id",
        sqlite_where=_UNHEARD,
        postgresql_where=_UNHEARD,
    ),
    Index(
        "ix_voicemail_messages_recording",
        "started_at",
        sqlite_where=_BEING_RECORDED,
        postgresql_where=_BEING_RECORDED,
    ),
    comment="The row is there before the recording begins",
)

voicemail_mails = Table(
    "voicemail_mails",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", Id, nullable=False, unique=True),
    Column("mailbox_id", Id, nullable=False, index=True),
    Column("receiver", Text, nullable=False),
    Column("attach", Boolean, nullable=False, comment="Whether the recording goes with it"),
    Column("delete_after", Boolean, nullable=False, comment="Whether the message goes once this is sent"),
    Column("state", String(8), nullable=False, server_default=text("'waiting'")),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("due_at", BigInteger, nullable=False, comment="When it is tried next, while it waits"),
    Column("error", Text, comment="Of the last try"),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    CheckConstraint("state IN ('waiting', 'sent', 'failed')", name="state"),
    Index("ix_voicemail_mails_waiting", "due_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
    Index("ix_voicemail_mails_finished_at", "finished_at"),
    comment="Mails about messages: written with the message, sent afterwards",
)

mailbox_guesses = Table(
    "mailbox_guesses",
    metadata,
    Column("mailbox_id", Id, primary_key=True),
    Column("origin", String(80), primary_key=True, comment="Extension whose phone it was; '' for all others"),
    Column("failures", Integer, nullable=False, comment="Since the last right password from there"),
    Column("refused_until", BigInteger, nullable=False),
    comment="Wrong passwords of mailboxes",
)
