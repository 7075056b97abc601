"""Dial strings and options."""

from __future__ import annotations

import pytest

from tamas.dialplan.dial import (
    UnsafeVariable,
    assignments,
    cause_of,
    contacts_string,
    dial_options,
)
from tamas.engine.dialing_out import is_barred, trunk_string

RUNTIME = {"call_limit.warning_seconds": 20, "call_limit.repeat_seconds": 10}


@pytest.mark.parametrize(
    ("limit", "runtime", "expected"),
    [
        (None, RUNTIME, "TtKkg"),
        (60, RUNTIME, "TtKkgL(60000:20000:10000)"),
        (60, {**RUNTIME, "call_limit.repeat_seconds": 0}, "TtKkgL(60000:20000)"),
        (60, {**RUNTIME, "call_limit.warning_seconds": 0}, "TtKkgL(60000)"),
        (15, RUNTIME, "TtKkgL(15000)"),  # shorter than the warning time
    ],
)
def test_limit(limit: int | None, runtime: dict[str, int], expected: str) -> None:
    """The warning beep follows the settings, and fits into the talk."""
    assert dial_options(base="TtKkg", limit=limit, runtime=runtime) == expected


def test_answered_subroutine() -> None:
    """Facts and file go to the subroutine of whoever answers."""
    options = dial_options(base="g", facts="record=a.wav", record_file="/r/a.wav")
    assert options == "gU(tamas-answered^record=a.wav^/r/a.wav)"


@pytest.mark.parametrize("evil", ["a,b=c", 'a"b', "a\\b", "a\nb", "${X}", "a;b", "a(b)"])
def test_assignments_refuse_what_mset_would_read_differently(evil: str) -> None:
    """MSet splits at commas and takes quotes away."""
    with pytest.raises(UnsafeVariable):
        assignments({"X": evil})


def test_assignments() -> None:
    """Plain values go through, empty ones too."""
    assert assignments({"A": "7:out-trunk.1/+98*#%7E", "B": ""}) == ["A=7:out-trunk.1/+98*#%7E", "B="]


@pytest.mark.parametrize(
    ("number", "barred"), [("0098", True), ("+98", True), ("0912", False), ("100", False), ("*00", False)]
)
def test_barred(number: str, barred: bool) -> None:
    """International prefixes are barred."""
    assert is_barred(number, ["00", "+"]) is barred


def test_contacts_of_several_phones() -> None:
    """Every registered phone rings."""
    given = "PJSIP/100/sip:100@192.0.2.1:5060&PJSIP/100/sip:100@[2001:db8::1]:5062;transport=tcp"
    assert contacts_string("100", given) == given


@pytest.mark.parametrize(
    "evil",
    [
        "PJSIP/100/sip:a@192.0.2.1&Local/900@tamas-outgoing",
        "PJSIP/100/sip:a@192.0.2.1&PJSIP/0098@trunk-x",
        "PJSIP/100/sip:a,30,G(x)@192.0.2.1",
        "PJSIP/100/sip:${SHELL(x)}@192.0.2.1",
        "",
    ],
)
def test_contacts_written_by_a_hostile_phone(evil: str) -> None:
    """A contact address that would dial something else, or be read as options, is left out."""
    result = contacts_string("100", evil)
    assert result in ("PJSIP/100", "PJSIP/100/sip:a@192.0.2.1")


def test_many_long_contacts_fit_into_one_command() -> None:
    """Contacts that do not fit are left out; the rest rings."""
    given = "&".join(f"PJSIP/100/sip:{'a' * 200}{i}@192.0.2.1" for i in range(10))
    assert len(contacts_string("100", given)) <= 1_500


def test_trunk() -> None:
    """A trunk's endpoint carries its prefix."""
    assert trunk_string("carrier", "0912") == "PJSIP/0912@trunk-carrier"


@pytest.mark.parametrize(
    ("status", "cause", "expected"),
    [
        ("BUSY", 17, 17),
        ("NOANSWER", None, 19),
        ("CHANUNAVAIL", None, 20),
        ("CHANUNAVAIL", 1, 1),
        ("CONGESTION", 34, 34),
        ("CONGESTION", 21, 21),
        ("ANSWER", 16, 16),
        ("SOMETHING", None, 34),
    ],
)
def test_cause(status: str, cause: int | None, expected: int) -> None:
    """The caller hears the called party's refusal where it says more than the status."""
    assert cause_of(status, cause) == expected
