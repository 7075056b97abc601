"""Options that administrators may give to Asterisk's applications."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamas.dialplan.application_options import needs_administrator, options_problem


@pytest.mark.parametrize(
    ("application", "options"),
    [
        ("Dial", "TtKkg"),
        ("Dial", "L(60000:20000:10000)m"),
        ("Dial", "m(default)A(beep:hello-world)"),
        ("Queue", "tTkKc"),
        ("Page", "dqA(beep)"),
        ("ChanSpy", "qdv(-2)"),
        ("MixMonitor", "bB(30)v(2)"),
        ("Dial", ""),
    ],
)
def test_harmless_options_are_for_everyone(application: str, options: str) -> None:
    """Letters that change only how the call sounds or what its parties may press."""
    assert options_problem(application, options, administrator=False) is None


@pytest.mark.parametrize(
    ("application", "options"),
    [("Dial", letter + "(there^s^1)") for letter in "bBFGU"]
    + [("Dial", "F"), ("Queue", "F"), ("Queue", "B(there)"), ("Page", "b(there)")],
)
def test_letters_that_run_the_dialplan_are_for_administrators(application: str, options: str) -> None:
    """A subroutine or a jump of their own is what only administrators may set."""
    assert options_problem(application, options) is None
    assert options_problem(application, options, administrator=False)
    assert needs_administrator(application, options)


@pytest.mark.parametrize(
    ("application", "options"),
    [
        ("Dial", "M(macro)"),
        ("Dial", "t,U(there)"),
        ("Dial", "U(there)^"),
        ("Dial", "A(/etc/passwd)"),
        ("Dial", "A(../secret)"),
        ("Dial", "S"),
        ("Dial", "L(soon)"),
        ("Dial", "t(x)"),
        ("Dial", "o(${SECRET})"),
        ("Dial", "w"),
        ("MixMonitor", "d"),
        ("MixMonitor", "r(/tmp/x)"),
        ("ChanSpy", "r"),
        ("ChanSpy", "X"),
        ("System", "x"),
    ],
)
def test_everything_else_is_refused_with_a_reason(application: str, options: str) -> None:
    """Not even an administrator may write what the application must not get."""
    assert options_problem(application, options)
    assert not needs_administrator(application, options)


@given(st.sampled_from(["Dial", "Queue", "Page", "ChanSpy", "MixMonitor"]), st.text(max_size=30))
def test_what_passes_cannot_be_read_as_another_argument(application: str, options: str) -> None:
    """No accepted text holds a comma, a quote, a variable or an open parenthesis."""
    if options_problem(application, options) is None:
        assert not set(options) & set(",\"'\\${}[]|; \n")
        assert options.count("(") == options.count(")")
