"""Hiding secrets inside free-form settings, and putting them back."""

from __future__ import annotations

import pytest

from tamas.console.errors import Invalid
from tamas.console.pbx.masks import (
    hide_in_options,
    hide_in_registration,
    restore_options,
    restore_registration,
    secrets_in,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("100:geheim@192.0.2.1", "100:******@192.0.2.1"),
        ("100:geheim@192.0.2.1:5061/02188", "100:******@192.0.2.1:5061/02188"),
        ("100@voip.example:geheim:auth100@host/1", "100@voip.example:******:auth100@host/1"),
        ("udp://100:p@ss:w@host", "udp://100:******:w@host"),
        ("sip:100:geheim@host~120", "sip:100:******@host~120"),
        ("100@192.0.2.1", "100@192.0.2.1"),
        ("no register string:geheim", "no register string:******"),
    ],
)
def test_register_strings(text: str, shown: str) -> None:
    """The secret of a register string is hidden, everything else is told; sent back it is what it was."""
    assert hide_in_registration(text) == shown
    assert restore_registration(shown, text) == text


def test_a_register_string_whose_other_parts_change_keeps_its_secret() -> None:
    """Account, host and number may be edited around a hidden secret; a written secret replaces it."""
    stored = "100:geheim@192.0.2.1/1"
    assert restore_registration("200:******@host:5070/2", stored) == "200:geheim@host:5070/2"
    assert restore_registration("100:neu@192.0.2.1/1", stored) == "100:neu@192.0.2.1/1"
    assert restore_registration("100@192.0.2.1", stored) == "100@192.0.2.1"
    with pytest.raises(Invalid, match="written out") as refused:
        restore_registration("100:******@host", "100@host")
    assert refused.value.field == "register_string"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("fromuser=100\nsecret=pw", "fromuser=100\nsecret=******"),
        ("Secret => pw with blanks", "Secret => ******"),
        (" remotesecret = pw", " remotesecret = ******"),
        (";secret=old", ";secret=******"),
        ("# secret = old", "# secret = ******"),
        ("md5secret=0123\npassword=x\noutbound_auth_password=y", None),
        ("auth=user:pw@realm", "auth=******"),
        ("secret=", "secret="),
        ("secretary", "secretary"),
        ("fromuser=secret", "fromuser=secret"),
        ("secret=a=b", "secret=******"),
    ],
)
def test_option_lines(text: str, shown: str | None) -> None:
    """Values of lines that name a secret are hidden, with or without effect; sent back they are the same."""
    hidden = hide_in_options(text)
    if shown is None:
        assert hidden.count("******") == len(text.splitlines())
    else:
        assert hidden == shown
    assert restore_options(hidden, text) == text


def test_option_lines_around_a_secret_may_change() -> None:
    """Lines may be added, moved and removed; a secret that cannot be told is not guessed."""
    stored = "username=a\nsecret=one\nremotesecret=two"
    sent = "remotesecret=******\nfromuser=b\nsecret=******"
    assert restore_options(sent, stored) == "remotesecret=two\nfromuser=b\nsecret=one"
    assert restore_options("secret=three", stored) == "secret=three"
    assert restore_options("secret=******", "secret=x\nsecret=x") == "secret=x"
    for sent, known in (
        ("secret=******", "secret=a\nsecret=b"),
        ("secret=******", ""),
        ("pwd=******", stored),
    ):
        with pytest.raises(Invalid) as refused:
            restore_options(sent, known)
        assert refused.value.field == "more_options"


def test_secrets_are_told_apart() -> None:
    """A changed secret is seen, a changed account is none."""
    assert secrets_in(registration="a:s@h", options="secret=t") == ("s", "t")
    assert secrets_in(registration="b:s@h", options="x=1\nsecret=t") == ("s", "t")
