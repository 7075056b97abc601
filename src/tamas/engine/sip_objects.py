"""From the settings of extensions and trunks, in the old SIP driver's words, to what PJSIP needs.

Pure functions. They fill the ``pjsip_*`` columns of the store (:mod:`tamas.store.schema`), which the views
hand to Asterisk. The translation table with reasons is ``docs/asterisk.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from ipaddress import AddressValueError, IPv4Address

from tamas.engine.more_options import read_more_options
from tamas.errors import TamasError

_AUDIO_CODECS = (
    "ulaw alaw g722 gsm g723 g726 g726aal2 g729 g719 ilbc speex speex16 speex32 lpc10 adpcm opus codec2 "
    "siren7 siren14 silk8 silk12 silk16 silk24 slin slin12 slin16 slin24 slin32 slin44 slin48 slin96 slin192"
)
_OTHER_CODECS = "h261 h263 h263p h264 h265 vp8 vp9 mpeg4 t140 red"
CODECS = frozenset(f"{_AUDIO_CODECS} {_OTHER_CODECS}".split())
"""Names that ``core show codecs`` of Asterisk 22 lists; an unknown one would make an endpoint vanish."""

DEFAULT_CODECS = "ulaw,alaw,g722,gsm"
"""Codecs of an extension that names none."""
MAX_CONTACTS = 10
"""Most phones that may register as one extension at the same time."""

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_SIP_USER = re.compile(r"[A-Za-z0-9_.+*-]{1,64}")
_AUTH_USER = re.compile(r"[A-Za-z0-9_.+*#@!~=/-]{1,64}")
_MAILBOX = re.compile(r"[A-Za-z0-9_.-]{1,40}(?:@[A-Za-z0-9_.-]{1,38})?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[_-][A-Za-z0-9]{2,8})?")
_PASSWORD = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_EXPIRY = re.compile(r"~[0-9]{1,6}$")
_T38_PROTECTION = frozenset({"none", "fec", "redundancy"})
_MAX_DATAGRAM = re.compile(r"maxdatagram=([1-9][0-9]{1,3})")
MAX_DATAGRAM = 1400
"""Bytes of T.38 that fit into a packet of Ethernet."""
_SCHEME = re.compile(r"^(?:(?:sips?:)|(?:udp|tcp|tls)://)", re.IGNORECASE)

_EXTENSION_OPTIONS = frozenset(
    {
        "max_contacts",
        "maxcontacts",
        "fromuser",
        "fromdomain",
        "disallow",
        "allow",
        "language",
        "encryption",
        "media_encryption",
        "mailbox",
        "t38pt_udptl",
        "t38_udptl",
    }
)
_TRUNK_OPTIONS = frozenset(
    {
        "fromuser",
        "fromdomain",
        "username",
        "defaultuser",
        "authuser",
        "secret",
        "remotesecret",
        "outboundproxy",
        "transport",
        "t38pt_udptl",
        "t38_udptl",
    }
)


class SipSettingError(TamasError):
    """A setting cannot be carried over to PJSIP.

    :param setting: name of the setting at fault, as on the wire.
    """

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(f"{setting}: {reason}")
        self.setting = setting


# -- values ------------------------------------------------------------------------------------------------


def is_host(text: str) -> bool:
    """Whether a text is an IPv4 address or a host name (RFC 1123); our SIP transport speaks no IPv6."""
    try:
        IPv4Address(text)
    except AddressValueError:
        pass
    else:
        return True
    labels = text.removesuffix(".").split(".")
    return (
        len(text) <= 253
        and all(_LABEL.fullmatch(label) for label in labels)
        and not all(label.isdigit() for label in labels)
    )


def is_port(text: str) -> bool:
    """Whether a text is a port number (1 to 65535) without leading zeros."""
    return _PORT.fullmatch(text) is not None and int(text) <= 65535


def codec_list(text: str, *, setting: str) -> str:
    """A codec list in Asterisk's form (``all``, names, ``!name``; commas, no spaces), in the given order.

    :raises SipSettingError: a codec is unknown to Asterisk.
    """
    codecs = [part.strip().lower() for part in text.replace("&", ",").replace("|", ",").split(",")]
    for codec in codecs:
        if codec and codec.removeprefix("!") not in CODECS and codec.removeprefix("!") != "all":
            raise SipSettingError(setting, f"unknown codec {codec!r}")
    return ",".join(codec for codec in codecs if codec)


@dataclass(frozen=True, kw_only=True)
class T38:
    """How faxes go over an endpoint as T.38 (ITU-T T.38 over UDPTL)."""

    t38: str | None = None
    """Protection against loss: ``none``, ``fec`` or ``redundancy``; ``None``: no T.38."""
    t38_maxdatagram: int | None = None
    """Bytes of a packet, in place of what the other side says it can take."""


def _t38(options: Mapping[str, str], *, default: T38) -> T38:
    """Read ``t38pt_udptl = yes,redundancy,maxdatagram=400``, in any order behind ``yes``."""
    text = _first(options, "t38pt_udptl", "t38_udptl")
    if text is None:
        return default
    switch, *words = [word.strip().lower() for word in text.split(",")]
    if switch == "no" and not words:
        return T38()
    protection, size = "redundancy", None
    for word in words:
        match = _MAX_DATAGRAM.fullmatch(word)
        if word in _T38_PROTECTION:
            protection = word
        elif match is not None and int(match[1]) <= MAX_DATAGRAM:
            size = int(match[1])
        else:
            switch = ""
    if switch != "yes":
        raise SipSettingError(
            "more_options", "t38pt_udptl must be no, or yes with fec, redundancy, none or maxdatagram=400"
        )
    return T38(t38=protection, t38_maxdatagram=size)


# -- extensions --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ExtensionSip:
    """The ``pjsip_*`` columns of an extension."""

    max_contacts: int = 1
    from_user: str | None = None
    from_domain: str | None = None
    disallow: str = "all"
    allow: str = DEFAULT_CODECS
    language: str | None = None
    transport: str | None = None
    media_encryption: str | None = None
    mailboxes: str | None = None
    t38: str | None = None
    t38_maxdatagram: int | None = None

    def columns(self) -> dict[str, object]:
        """Values by column name."""
        return {f"pjsip_{name}": value for name, value in asdict(self).items()}


def extension_sip(*, more_options: str) -> ExtensionSip:
    """What the option lines of an extension mean for PJSIP.

    :raises SipSettingError: a known option has a value that Asterisk could not use.
    """
    options = read_more_options(more_options, known=_EXTENSION_OPTIONS).applied
    encryption = options.get("encryption", options.get("media_encryption", "")).lower()
    return ExtensionSip(
        max_contacts=_contacts(options.get("max_contacts", options.get("maxcontacts", "1"))),
        from_user=_matched(_SIP_USER, options, "fromuser"),
        from_domain=_host_option(options, "fromdomain"),
        disallow=codec_list(options.get("disallow", "all"), setting="more_options") or "all",
        allow=codec_list(options.get("allow", ""), setting="more_options") or DEFAULT_CODECS,
        language=_matched(_LANGUAGE, options, "language"),
        media_encryption=_media_encryption(encryption),
        mailboxes=_mailboxes(options.get("mailbox", "")),
        **asdict(_t38(options, default=T38())),
    )


def ignored_extension_options(more_options: str) -> tuple[str, ...]:
    """Option lines of an extension that have no effect."""
    return read_more_options(more_options, known=_EXTENSION_OPTIONS).ignored


def _contacts(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_CONTACTS):
        raise SipSettingError("more_options", f"max_contacts must be 1 to {MAX_CONTACTS}")
    return int(text)


def _media_encryption(text: str) -> str | None:
    if text in {"", "no"}:
        return None
    if text in {"yes", "sdes"}:
        return "sdes"
    raise SipSettingError("more_options", f"encryption {text!r} is neither yes nor no")


def _mailboxes(text: str) -> str | None:
    if not text:
        return None
    if len(text) > 80 or not all(_MAILBOX.fullmatch(part) for part in text.split(",")):
        raise SipSettingError("more_options", "mailbox must be a list like 100@default")
    return text


# -- trunks ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A register string taken apart: ``user[@domain][:secret[:authuser]]@host[:port][/number]``."""

    user: str
    domain: str | None
    secret: str | None
    auth_user: str | None
    host: str
    port: str | None
    number: str

    @property
    def account(self) -> str:
        """Name under which it authenticates."""
        return self.auth_user or self.user

    @property
    def server_uri(self) -> str:
        """Where the registration is sent."""
        return f"sip:{self.host}:{self.port}" if self.port else f"sip:{self.host}"

    @property
    def client_uri(self) -> str:
        """Whom it registers."""
        port = f":{self.port}" if self.port and not self.domain else ""
        return f"sip:{self.user}@{self.domain or self.host}{port}"


@dataclass(frozen=True, kw_only=True)
class TrunkSip:
    """The ``pjsip_*`` columns of a trunk; every one ``None`` for a trunk that is not SIP."""

    match: str | None = None
    contact: str | None = None
    from_user: str | None = None
    from_domain: str | None = None
    auth_username: str | None = None
    auth_password: str | None = None
    inbound_username: str | None = None
    inbound_password: str | None = None
    outbound_proxy: str | None = None
    transport: str | None = None
    server_uri: str | None = None
    client_uri: str | None = None
    contact_user: str | None = None
    t38: str | None = None
    t38_maxdatagram: int | None = None

    def columns(self) -> dict[str, object]:
        """Values by column name."""
        return {f"pjsip_{name}": value for name, value in asdict(self).items()}


REGISTRATION_COLUMNS = frozenset(
    {
        "pjsip_auth_username",
        "pjsip_auth_password",
        "pjsip_outbound_proxy",
        "pjsip_transport",
        "pjsip_server_uri",
        "pjsip_client_uri",
        "pjsip_contact_user",
    }
)
"""Columns that an outbound registration is made of."""


def trunk_sip(
    *,
    trunk_type: str,
    name: str,
    host: str,
    port: str,
    type: str,  # noqa: A002 - the setting's name
    insecure: str,
    register_string: str,
    more_options: str,
) -> TrunkSip:
    """What the settings of a trunk mean for PJSIP.

    Calls from the trunk are recognised by address; they must authenticate with the trunk's username and
    secret unless ``insecure`` contains ``invite`` or ``type`` is ``peer``. ``type`` ``user`` only calls in.

    :param host: address of the provider, ``""`` or ``dynamic`` for none.
    :param port: ``""`` means SIP's default.
    :raises SipSettingError: a setting cannot be carried over; it names the field.
    """
    if trunk_type != "SIP":
        return TrunkSip()
    registration = parse_register_string(register_string) if register_string else None
    options = read_more_options(more_options, known=_TRUNK_OPTIONS).applied
    secret = _first(options, "secret", "remotesecret")
    _check_password(secret, "more_options")
    # Like the old driver: without a username the trunk's own name is the account.
    username = _first(options, "username", "defaultuser", "authuser") or (
        registration.account if registration else name
    )
    if not _AUTH_USER.fullmatch(username):
        raise SipSettingError("more_options", "username has characters that SIP cannot carry")
    fixed_host = "" if host in {"", "dynamic"} else host
    inbound = secret is not None and type != "peer" and "invite" not in insecure
    # One pair answers challenges to registrations and to calls: the register string's when it has a secret.
    out = (username, secret)
    if registration and registration.secret:
        out = (registration.account, registration.secret)
    uri_end = _transport(options.get("transport", "").lower())
    contact = None if type == "user" else _contact(fixed_host, port, registration)
    return TrunkSip(
        match=_match(fixed_host, port, insecure, registration),
        contact=contact and contact + uri_end,
        from_user=_matched(_SIP_USER, options, "fromuser"),
        from_domain=_host_option(options, "fromdomain"),
        auth_username=out[0] if out[1] else None,
        auth_password=out[1],
        inbound_username=username if inbound else None,
        inbound_password=secret if inbound else None,
        outbound_proxy=_proxy(options.get("outboundproxy", ""), uri_end),
        server_uri=registration.server_uri + uri_end if registration else None,
        client_uri=registration.client_uri if registration else None,
        contact_user=registration.number if registration else None,
        **asdict(_t38(options, default=T38(t38="redundancy"))),
    )


def ignored_trunk_options(more_options: str) -> tuple[str, ...]:
    """Option lines of a trunk that have no effect."""
    return read_more_options(more_options, known=_TRUNK_OPTIONS).ignored


def parse_register_string(text: str) -> Registration:
    """Take a register string apart; ``~expiry`` and a leading ``udp://`` are accepted and ignored.

    :raises SipSettingError: it is no register string, or has a part that SIP cannot carry.
    """
    account, at, target = _EXPIRY.sub("", _SCHEME.sub("", text.strip())).rpartition("@")
    if not at:
        raise SipSettingError("register_string", "must look like user:secret@host/number")
    address, _, number = target.partition("/")
    host, colon, port = address.partition(":")
    user_part, _, rest = account.partition(":")
    secret, auth_colon, auth_user = rest.rpartition(":")
    if not auth_colon:
        secret, auth_user = rest, ""
    user, _, domain = user_part.partition("@")
    if not is_host(host) or (colon and not is_port(port)) or (domain and not is_host(domain)):
        raise SipSettingError("register_string", "the host or port cannot be used")
    if not _SIP_USER.fullmatch(user) or (number and not _SIP_USER.fullmatch(number)):
        raise SipSettingError("register_string", "the user or number has characters that SIP cannot carry")
    if auth_user and not _AUTH_USER.fullmatch(auth_user):
        raise SipSettingError("register_string", "the authentication name cannot be used")
    _check_password(secret or None, "register_string")
    return Registration(
        user=user,
        domain=domain or None,
        secret=secret or None,
        auth_user=auth_user or None,
        host=host,
        port=port or None,
        number=number or user,
    )


def _match(host: str, port: str, insecure: str, registration: Registration | None) -> str | None:
    exact_port = "port" not in insecure.split(",")
    places = []
    if host:
        places.append(f"{host}:{port or '5060'}" if exact_port else host)
    if registration and registration.host != host:
        places.append(
            f"{registration.host}:{registration.port or '5060'}" if exact_port else registration.host
        )
    text = ",".join(places)
    if len(text) > 200:
        raise SipSettingError("host", "too long")
    return text or None


def _contact(host: str, port: str, registration: Registration | None) -> str | None:
    if host:
        return f"sip:{host}:{port or '5060'}"
    return registration.server_uri if registration else None


def _transport(text: str) -> str:
    if text in {"", "udp"}:
        return ""
    if text == "tcp":
        return ";transport=tcp"
    raise SipSettingError("more_options", f"transport {text!r} is neither udp nor tcp")


def _proxy(text: str, uri_end: str) -> str | None:
    address = _SCHEME.sub("", text).split(";")[0]
    if not address:
        return None
    host, colon, port = address.partition(":")
    if not is_host(host) or (colon and not is_port(port)):
        raise SipSettingError("more_options", "outboundproxy must be a host or host:port")
    # Without `lr` PJSIP would rewrite the request line for a strict router (RFC 3261, section 16.12).
    return f"sip:{address}{uri_end};lr"


def _check_password(text: str | None, setting: str) -> None:
    if text is not None and not _PASSWORD.fullmatch(text):
        raise SipSettingError(setting, "the secret must be 1 to 128 printable ASCII characters")


def _first(options: Mapping[str, str], *names: str) -> str | None:
    return next((options[name] for name in names if options.get(name)), None)


def _matched(pattern: re.Pattern[str], options: Mapping[str, str], name: str) -> str | None:
    value = options.get(name)
    if not value:
        return None
    if not pattern.fullmatch(value):
        raise SipSettingError("more_options", f"{name} cannot be used")
    return value


def _host_option(options: Mapping[str, str], name: str) -> str | None:
    value = options.get(name)
    if not value:
        return None
    if not is_host(value) or len(value) > 128:
        raise SipSettingError("more_options", f"{name} must be a host")
    return value
