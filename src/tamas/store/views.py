"""The views through which Asterisk reads the store (realtime), and the names it knows things by.

Adding an extension is one row in our table: Asterisk sees it at the next REGISTER or call, with no reload.
Views are code, not history: :func:`create_views` replaces them all whenever the store is opened for serving.
Column names are those of ``res_pjsip``, ``res_pjsip_endpoint_identifier_ip``,
``res_pjsip_outbound_registration`` and ``app_queue``; translations follow the table in ``docs/asterisk.md``.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, text

REALM = "tamas"
"""SIP digest realm; part of every HA1, so changing it needs every secret anew (RFC 2617, section 3.2.2.2)."""
OUTGOING_CONTEXT = "tamas-outgoing"
"""Asterisk context of calls from phones."""
INCOMING_CONTEXT = "tamas-incoming"
"""Asterisk context of calls from trunks."""
AGENTS_CONTEXT = "simotel-local-agents"
"""Asterisk context where a queue rings an agent; the extension is the agent's number."""
FIRST_LEG_CONTEXT = "tamas-first-leg"
"""Rings every phone registered under a number, for originated calls to more than one contact."""
TRUNK_PREFIX = "trunk-"
"""Keeps a trunk's endpoint apart from an extension of the same name."""
MAILBOX_CONTEXT = "default"
"""Behind the ``@`` of a mailbox whose messages light a phone."""
QUALIFY_SECONDS = 60
"""How often a phone or trunk with qualify on is pinged."""

STOCK_MUSIC = "default"
"""The class of music on hold that is always there."""
REGISTRATION_TRIES = 1_000_000
"""A trunk's registration is tried about every minute, so this is for ever; 0 would mean once."""


MAX_CALLER_NAME = 79
"""Bytes of a caller's name that Asterisk keeps; it cuts a longer one in the middle of a letter."""


def trunk_endpoint(name: str) -> str:
    """Name of a trunk's PJSIP endpoint and aor."""
    return TRUNK_PREFIX + name


def _whole(column: str) -> str:
    """Hand a text over in one piece: Asterisk splits what it reads over ODBC at semicolons and strips blanks.

    Source: ``ast_realtime_decode_chunk`` of Asterisk's realtime drivers, where ``^XX`` is a byte.
    """
    return f"replace(replace(replace({column}, '^', '^5E'), ';', '^3B'), ' ', '^20')"


_OCTETS = {"sqlite": ("length(CAST(", " AS BLOB))"), "postgresql": ("octet_length(", ")")}
"""What stands for ``«`` and ``»`` in the views, around a text whose bytes in UTF-8 are counted."""


def _short(column: str) -> str:
    """A text that fits into :data:`MAX_CALLER_NAME`, cut between letters."""
    cuts = [f"substr({column}, 1, {length})" for length in (78, 65, 52, 39, 26)]
    cases = " ".join(f"WHEN «{text}» <= {MAX_CALLER_NAME} THEN {text}" for text in (column, *cuts))
    return f"CASE {cases} ELSE substr({column}, 1, {MAX_CALLER_NAME // 4}) END"


QUEUE_OPTIONS = [
    "announce",
    "announce_position_limit",
    "announce_position_only_up",
    "announce_round_seconds",
    "announce_to_first_user",
    "autopause",
    "autopausebusy",
    "autopausedelay",
    "autopauseunavail",
    "log_caller_id_name",
    "log_restricted_caller_id",
    "memberdelay",
    "penaltymemberslimit",
    "periodic_announce",
    "periodic_announce_startdelay",
    "queue_callerannounce",
    "queue_holdtime",
    "queue_minute",
    "queue_minutes",
    "queue_quantity1",
    "queue_quantity2",
    "queue_reporthold",
    "queue_seconds",
    "random_periodic_announce",
    "relative_periodic_announce",
    "timeoutpriority",
    "timeoutrestart",
]
"""Options of ``app_queue`` (a dash is written ``_``) that the JSON in ``queues.options`` may hold."""
_OPTION = re.compile(r"json_extract\(options, '\$\.(\w+)'\)")
_QUEUE_OPTION_COLUMNS = ", ".join(f"json_extract(options, '$.{name}') AS {name}" for name in QUEUE_OPTIONS)

_CALLER_NUMBER = "CASE cid_number WHEN '' THEN number ELSE cid_number END"
_NAT_COLUMNS = """
    CASE WHEN nat IN ('yes', 'both', 'force_rport,comedia', 'force_rport') THEN 'yes' ELSE 'no' END
        AS force_rport,
    CASE WHEN nat IN ('yes', 'both', 'force_rport,comedia', 'force_rport') THEN 'yes' ELSE 'no' END
        AS rewrite_contact,
    CASE WHEN nat IN ('yes', 'both', 'force_rport,comedia', 'comedia') THEN 'yes' ELSE 'no' END
        AS rtp_symmetric,
    CASE dtmfmode WHEN 'rfc2833' THEN 'rfc4733' ELSE dtmfmode END AS dtmf_mode"""

_T38_COLUMNS = """
    CASE WHEN pjsip_t38 IS NULL THEN 'no' ELSE 'yes' END AS t38_udptl, pjsip_t38 AS t38_udptl_ec,
    pjsip_t38_maxdatagram AS t38_udptl_maxdatagram,
    CASE WHEN nat IN ('yes', 'both', 'force_rport,comedia', 'comedia') THEN 'yes' ELSE 'no' END
        AS t38_udptl_nat"""

# An extension shows the messages of the mailbox that has its number, and of those that its options name.
_MAILBOXES = f"""
    CASE WHEN EXISTS (SELECT 1 FROM mailboxes WHERE mailboxes.number = extensions.number)
        THEN number || '@{MAILBOX_CONTEXT}' || coalesce(',' || pjsip_mailboxes, '')
        ELSE pjsip_mailboxes END AS mailboxes"""

# `fax_detect` would take faxes that an extension sends for ones that it gets; the call flow detects them.
# `deny` stands before `permit`: Asterisk applies them in column order.
_EXTENSION_ENDPOINTS = f"""
SELECT number AS id, pjsip_transport AS transport, number AS aors,
    CASE WHEN type = 'peer' AND host <> 'dynamic' THEN NULL ELSE number END AS auth,
    NULL AS outbound_auth,
    '{OUTGOING_CONTEXT}' AS context,
    CASE WHEN type = 'peer' AND host <> 'dynamic' THEN 'ip' WHEN host <> 'dynamic' THEN 'ip,username'
        ELSE 'username' END AS identify_by,
    pjsip_disallow AS disallow, pjsip_allow AS allow,
    CASE WHEN directmedia = 'yes' AND canreinvite = 'yes' AND call_record = 'no' THEN 'yes' ELSE 'no' END
        AS direct_media,
    {_NAT_COLUMNS},
    {_whole(f"{_short('name')} || ' <' || {_CALLER_NUMBER} || '>'")} AS callerid,
    callgroup AS call_group, pickupgroup AS pickup_group,
    CASE WHEN callcounter = 'yes' AND call_limit <> '' THEN call_limit ELSE '0' END AS device_state_busy_at,
    deny, permit, 'no' AS fax_detect, {_T38_COLUMNS},
    {_whole("pjsip_from_user")} AS from_user, {_whole("pjsip_from_domain")} AS from_domain,
    pjsip_language AS language, pjsip_media_encryption AS media_encryption,
    {_MAILBOXES}, 'yes' AS mwi_subscribe_replaces_unsolicited, number AS accountcode,
    'no' AS trust_id_inbound, 'yes' AS allow_transfer
FROM extensions WHERE active = 'yes' AND user_type = 'SIP'"""

_TRUNK_ENDPOINTS = f"""
SELECT '{TRUNK_PREFIX}' || name, pjsip_transport, '{TRUNK_PREFIX}' || name,
    CASE WHEN pjsip_inbound_username IS NOT NULL THEN '{TRUNK_PREFIX}' || name || '-in' END,
    CASE WHEN pjsip_auth_username IS NOT NULL THEN '{TRUNK_PREFIX}' || name || '-out' END,
    '{INCOMING_CONTEXT}', 'ip',
    disallow, allow,
    CASE WHEN directmedia = 'yes' AND canreinvite = 'yes' THEN 'yes' ELSE 'no' END,
    {_NAT_COLUMNS},
    NULL, NULL, NULL, '0', deny, permit, 'no', {_T38_COLUMNS},
    {_whole("pjsip_from_user")}, {_whole("pjsip_from_domain")}, NULL, NULL, NULL, 'no',
    '{TRUNK_PREFIX}' || name, 'yes', 'no'
FROM trunks WHERE active = 'yes' AND trunk_type = 'SIP'"""

VIEWS = {
    "ps_endpoints": f"{_EXTENSION_ENDPOINTS} UNION ALL {_TRUNK_ENDPOINTS}",
    "ps_auths": f"""
SELECT number AS id, 'digest' AS auth_type, number AS username, NULL AS password,
    'MD5:' || secret_ha1 AS password_digest, '{REALM}' AS realm
FROM extensions WHERE active = 'yes' AND user_type = 'SIP'
UNION ALL
SELECT '{TRUNK_PREFIX}' || name || '-out', 'digest', {_whole("pjsip_auth_username")},
    {_whole("pjsip_auth_password")}, NULL, NULL
FROM trunks WHERE active = 'yes' AND trunk_type = 'SIP' AND pjsip_auth_username IS NOT NULL
UNION ALL
SELECT '{TRUNK_PREFIX}' || name || '-in', 'digest', {_whole("pjsip_inbound_username")},
    {_whole("pjsip_inbound_password")}, NULL,
    '{REALM}'
FROM trunks WHERE active = 'yes' AND trunk_type = 'SIP' AND pjsip_inbound_username IS NOT NULL""",
    "ps_aors": f"""
SELECT number AS id,
    CASE WHEN host <> 'dynamic' AND type <> 'user' THEN 'sip:' || number || '@' || host || ':' || port END
        AS contact,
    pjsip_max_contacts AS max_contacts, 'yes' AS remove_existing,
    CASE qualify WHEN 'yes' THEN {QUALIFY_SECONDS} ELSE 0 END AS qualify_frequency,
    60 AS minimum_expiration, 3600 AS default_expiration, 7200 AS maximum_expiration,
    NULL AS outbound_proxy, 'yes' AS support_path, {_MAILBOXES}
FROM extensions WHERE active = 'yes' AND user_type = 'SIP'
UNION ALL
SELECT '{TRUNK_PREFIX}' || name, {_whole("pjsip_contact")},
    CASE WHEN pjsip_contact IS NULL THEN 1 ELSE 0 END, 'yes',
    CASE qualify WHEN 'yes' THEN {QUALIFY_SECONDS} ELSE 0 END,
    60, 3600, 7200, {_whole("pjsip_outbound_proxy")}, 'yes', NULL
FROM trunks WHERE active = 'yes' AND trunk_type = 'SIP'""",
    "ps_endpoint_id_ips": f"""
SELECT 'extension-' || number AS id, number AS endpoint, host AS match
FROM extensions WHERE active = 'yes' AND user_type = 'SIP' AND host <> 'dynamic'
UNION ALL
SELECT '{TRUNK_PREFIX}' || name, '{TRUNK_PREFIX}' || name, pjsip_match
FROM trunks WHERE active = 'yes' AND trunk_type = 'SIP' AND pjsip_match IS NOT NULL""",
    "ps_registrations": f"""
SELECT '{TRUNK_PREFIX}' || name AS id, {_whole("pjsip_server_uri")} AS server_uri,
    {_whole("pjsip_client_uri")} AS client_uri,
    '{TRUNK_PREFIX}' || name || '-out' AS outbound_auth, {_whole("pjsip_contact_user")} AS contact_user,
    '{TRUNK_PREFIX}' || name AS endpoint, 'yes' AS line, {_whole("pjsip_outbound_proxy")} AS outbound_proxy,
    pjsip_transport AS transport, 600 AS expiration, 20 AS retry_interval, 60 AS forbidden_retry_interval,
    60 AS fatal_retry_interval, {REGISTRATION_TRIES} AS max_retries, 0 AS max_random_initial_delay
FROM trunks WHERE active = 'yes' AND trunk_type = 'SIP' AND pjsip_server_uri IS NOT NULL""",
    "musiconhold": f"""
SELECT name, 'files' AS mode, {_whole("directory")} AS directory, 'random' AS sort
FROM music_classes WHERE name <> '{STOCK_MUSIC}'""",
    # monitor_type and monitor_format stay out: recordings are started by the call flow, never twice.
    "asterisk_queues": f"""
SELECT number AS name, strategy, ringinuse, setinterfacevar, autofill, setqueuevar, setqueueentryvar,
    announce_holdtime, announce_position, joinempty, leavewhenempty, reportholdtime, maxlen,
    announce_frequency, min_announce_frequency, periodic_announce_frequency, music AS musiconhold,
    queue_callswaiting, queue_thankyou, queue_thereare, queue_youarenext, retry, servicelevel, timeout,
    weight, wrapuptime,
    {_QUEUE_OPTION_COLUMNS}
FROM queues""",
}
"""View name to its SELECT, the same text for SQLite and PostgreSQL but for ``«»`` and ``json_extract``."""


def create_views(connection: Connection) -> None:
    """Replace every view, inside the caller's transaction."""
    before, after = _OCTETS[connection.dialect.name]
    for name, select in VIEWS.items():
        select = select.replace("«", before).replace("»", after)
        if connection.dialect.name == "postgresql":
            select = _OPTION.sub(r"CAST(options AS json) ->> '\1'", select)
        connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
        connection.execute(text(f"CREATE VIEW {name} AS {select}"))
