"""From settings in the old SIP driver's words to PJSIP's columns."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamas.engine.more_options import read_more_options
from tamas.engine.sip_objects import (
    DEFAULT_CODECS,
    SipSettingError,
    TrunkSip,
    codec_list,
    extension_sip,
    ignored_extension_options,
    ignored_trunk_options,
    is_host,
    is_port,
    parse_register_string,
    trunk_sip,
)
from tamas.store.schema import extensions, trunks

BASE = {
    "trunk_type": "SIP",
    "name": "t1",
    "host": "192.0.2.1",
    "port": "5060",
    "type": "friend",
    "insecure": "port,invite",
    "register_string": "",
    "more_options": "",
}


def trunk(**settings: str) -> TrunkSip:
    merged: dict[str, Any] = {**BASE, **settings}
    return trunk_sip(**merged)


def test_option_lines_are_sorted() -> None:
    """Known keys apply in any case and spelling of the arrow, the last counts; the rest is reported."""
    options = read_more_options(
        "FromUser = 100\r\n\n; note\nfoo=bar\nfromuser=>200\nlonely\n# other", known={"fromuser"}
    )
    assert options.applied == {"fromuser": "200"}
    assert options.ignored == ("foo=bar", "lonely")


def test_bare_extension() -> None:
    """Without option lines an extension gets one phone and the usual codecs; every column exists."""
    columns = extension_sip(more_options="").columns()
    assert (columns["pjsip_max_contacts"], columns["pjsip_allow"]) == (1, DEFAULT_CODECS)
    assert set(columns) == {c.name for c in extensions.c if c.name.startswith("pjsip_")}


def test_extension_options() -> None:
    """Known lines reach their columns; unknown ones are reported as ignored."""
    text = "max_contacts=3\nfromuser=op\ndisallow=all\nallow=alaw, g729\nlanguage=fa\nencryption=yes"
    sip = extension_sip(more_options=f"{text}\nmailbox=100@default\nqualify=no")
    assert (sip.max_contacts, sip.from_user, sip.allow, sip.language) == (3, "op", "alaw,g729", "fa")
    assert (sip.media_encryption, sip.mailboxes) == ("sdes", "100@default")
    assert ignored_extension_options(f"{text}\nqualify=no") == ("qualify=no",)


@pytest.mark.parametrize(
    "line",
    [
        "max_contacts=0",
        "max_contacts=11",
        "max_contacts=two",
        "fromuser=a b",
        "fromuser=${X}",
        "fromdomain=a;b",
        "allow=nonsense",
        "language=../x",
        "encryption=maybe",
        "mailbox=1;2",
    ],
)
def test_extension_options_that_asterisk_could_not_use(line: str) -> None:
    """A known option with an unusable value is refused, not passed on."""
    with pytest.raises(SipSettingError) as failure:
        extension_sip(more_options=line)
    assert failure.value.setting == "more_options"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("192.0.2.1", True),
        ("sip.example.com", True),
        ("localhost", True),
        ("a-b.c", True),
        ("300.1.1.1", False),
        ("1.2.3", False),
        ("::1", False),
        ("-a", False),
        ("a_b", False),
        ("a b", False),
        ("", False),
        ("a" * 64, False),
        ("a;b", False),
        ("a\n", False),
    ],
)
def test_hosts(text: str, host: bool) -> None:
    """IPv4 addresses and host names, nothing else."""
    assert is_host(text) is host


def test_ports() -> None:
    """1 to 65535 without leading zeros."""
    assert [is_port(text) for text in ("1", "65535", "0", "65536", "05", "x", "")] == [
        True,
        True,
        False,
        False,
        False,
        False,
        False,
    ]


def test_codec_lists() -> None:
    """Names are cleaned and kept in order; an unknown one is refused by field."""
    assert codec_list(" ULAW, alaw&!g729 ,", setting="allow") == "ulaw,alaw,!g729"
    with pytest.raises(SipSettingError) as failure:
        codec_list("ulaw,x", setting="allow")
    assert failure.value.setting == "allow"


@pytest.mark.parametrize(
    ("text", "server", "client", "account", "secret", "number"),
    [
        ("user:pass@192.168.1.10/user", "sip:192.168.1.10", "sip:user@192.168.1.10", "user", "pass", "user"),
        ("user:pass@host.tld", "sip:host.tld", "sip:user@host.tld", "user", "pass", "user"),
        ("u:p@h:5070/123", "sip:h:5070", "sip:u@h:5070", "u", "p", "123"),
        ("u@dom.tld:p@h:5070", "sip:h:5070", "sip:u@dom.tld", "u", "p", "u"),
        ("u:p:auth@h", "sip:h", "sip:u@h", "auth", "p", "u"),
        ("udp://u:p@h/9~300", "sip:h", "sip:u@h", "u", "p", "9"),
        ("u:p@ss/w@h/9", "sip:h", "sip:u@h", "u", "p@ss/w", "9"),
        ("u@h", "sip:h", "sip:u@h", "u", None, "u"),
    ],
)
def test_register_strings(
    text: str, server: str, client: str, account: str, secret: str | None, number: str
) -> None:
    """Every documented form comes apart into registration and credentials."""
    parsed = parse_register_string(text)
    assert (parsed.server_uri, parsed.client_uri, parsed.account, parsed.secret, parsed.number) == (
        server,
        client,
        account,
        secret,
        number,
    )


@pytest.mark.parametrize(
    "text", ["", "host", "@host", "u:p@", "u:p@h h", "u;x:p@h", "u:p@h:0", "u:p@h/a b", "u:\x01@h", "u v:p@h"]
)
def test_broken_register_strings(text: str) -> None:
    """What is no register string, or cannot be carried, is refused by field."""
    with pytest.raises(SipSettingError) as failure:
        parse_register_string(text)
    assert failure.value.setting == "register_string"


def test_trunk_by_address_alone() -> None:
    """The usual carrier: known by address on any port, called at host and port, no credentials."""
    assert trunk() == TrunkSip(match="192.0.2.1", contact="sip:192.0.2.1:5060", t38="redundancy")
    assert set(trunk().columns()) == {c.name for c in trunks.c if c.name.startswith("pjsip_")}


@pytest.mark.parametrize(
    ("kind", "insecure", "match", "contact", "inbound"),
    [
        ("friend", "port,invite", "192.0.2.1", True, False),
        ("friend", "invite", "192.0.2.1:5060", True, False),
        ("friend", "port", "192.0.2.1", True, True),
        ("peer", "port", "192.0.2.1", True, False),
        ("user", "port", "192.0.2.1", False, True),
        ("user", "port,invite", "192.0.2.1", False, False),
    ],
)
def test_type_and_insecure(kind: str, insecure: str, match: str, contact: bool, inbound: bool) -> None:
    """`port` ignores the source port, `invite` waives authentication; a user is not called."""
    sip = trunk(type=kind, insecure=insecure, more_options="username=u\nsecret=s")
    assert sip.match == match
    assert (sip.contact is not None, sip.inbound_password is not None) == (contact, inbound)
    assert (sip.auth_username, sip.auth_password) == ("u", "s")


def test_trunk_with_registration() -> None:
    """A register string makes the registration, its credentials and another address to be known by."""
    sip = trunk(register_string="u:p@198.51.100.7:5070/123", more_options="fromuser=f\nfromdomain=d.tld")
    assert (sip.server_uri, sip.client_uri, sip.contact_user) == (
        "sip:198.51.100.7:5070",
        "sip:u@198.51.100.7:5070",
        "123",
    )
    assert (sip.auth_username, sip.auth_password, sip.from_user, sip.from_domain) == ("u", "p", "f", "d.tld")
    assert sip.match == "192.0.2.1,198.51.100.7"
    assert trunk(host="", register_string="u:p@198.51.100.7").contact == "sip:198.51.100.7"


def test_trunk_options() -> None:
    """Proxy and transport become parameters of addresses; without a username the trunk's name is it."""
    sip = trunk(more_options="outboundproxy=192.0.2.9:5090\ntransport=tcp\nsecret=s")
    assert sip.outbound_proxy == "sip:192.0.2.9:5090;transport=tcp;lr"
    assert sip.contact == "sip:192.0.2.1:5060;transport=tcp"
    assert sip.auth_username == "t1"
    assert ignored_trunk_options("secret=s\nrtptimeout=5") == ("rtptimeout=5",)


@pytest.mark.parametrize(
    ("line", "t38", "size"),
    [
        ("", "redundancy", None),
        ("t38pt_udptl=no", None, None),
        ("t38pt_udptl = yes", "redundancy", None),
        ("t38pt_udptl=yes,fec,maxdatagram=400", "fec", 400),
        ("t38_udptl=Yes, None", "none", None),
    ],
)
def test_t38_of_a_trunk(line: str, t38: str | None, size: int | None) -> None:
    """A trunk has T.38 unless a line in the old driver's words says otherwise; an extension only by one."""
    sip = trunk(more_options=line)
    assert (sip.t38, sip.t38_maxdatagram) == (t38, size)
    phone = extension_sip(more_options=line)
    assert (phone.t38, phone.t38_maxdatagram) == ((t38, size) if line else (None, None))


@pytest.mark.parametrize(
    "value", ["", "maybe", "yes,turbo", "no,fec", "yes,maxdatagram=1", "yes,maxdatagram=9999"]
)
def test_t38_that_asterisk_could_not_use(value: str) -> None:
    """Refused with the field's name, not dropped."""
    if not value:
        assert trunk(more_options="t38pt_udptl=").t38 == "redundancy"
        return
    with pytest.raises(SipSettingError, match="more_options"):
        trunk(more_options=f"t38pt_udptl={value}")


def test_other_technologies_give_nothing() -> None:
    """IAX2 and DAHDI have no PJSIP counterpart, whatever they say."""
    assert trunk(trunk_type="IAX2", register_string="anything") == TrunkSip()


@pytest.mark.parametrize("secret", ["پسورد", "a" * 129, "a\tb"])
def test_secrets_that_asterisk_could_not_carry(secret: str) -> None:
    """Trunk secrets are printable ASCII of limited length."""
    with pytest.raises(SipSettingError):
        trunk(more_options=f"secret={secret}")


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_derived_value_breaks_a_line(register: str, options: str) -> None:
    """Whatever the free texts hold, no derived value has a control character or is longer than its column."""
    try:
        sip = trunk(register_string=register, more_options=f"secret={options}\nfromuser={options}")
    except SipSettingError:
        return
    for name, value in sip.columns().items():
        assert value is None or str(value).isprintable(), name
        if name != "pjsip_t38_maxdatagram":
            assert len(str(value or "")) <= (trunks.c[name].type.length or 0), name  # type: ignore[attr-defined]
