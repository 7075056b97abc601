"""The command language of Smart API."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamas.dialplan.smart_api import (
    MAX_COMMANDS,
    ClearUserData,
    Command,
    Exit,
    GetData,
    MusicOnHold,
    PlayAnnouncement,
    Playback,
    SayClock,
    SayDate,
    SayDigit,
    SayDuration,
    SayNumber,
    SetExten,
    SetLimitOnCall,
    SmartApiError,
    parse_commands,
)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("PlayAnnouncement('welcome')", PlayAnnouncement("welcome")),
        ("PlayAnnouncement ('welcome')", PlayAnnouncement("welcome")),
        ("PlayAnnouncement('id:5be6a5f294c28e3f068b4575')", PlayAnnouncement("id:5be6a5f294c28e3f068b4575")),
        ("PlayAnnouncement(‘welcome’)", PlayAnnouncement("welcome")),
        ("PlayAnnouncement(“خوش آمدید”)", PlayAnnouncement("خوش آمدید")),
        ("Playback('hello-world')", Playback("hello-world")),
        ("SayNumber(5201)", SayNumber(5201)),
        ("SayNumber('-5201')", SayNumber(-5201)),
        ("SayDigit(1239)", SayDigit("1239")),
        ("SayDigit(0123)", SayDigit("0123")),
        ("SayDuration('6.16:0:51')", SayDuration(6, 16, 0, 51)),
        ("SayDuration('16:00:51')", SayDuration(0, 16, 0, 51)),
        ("SayClock('12:14:09')", SayClock(12, 14, 9)),
        ('SayClock("14:00")', SayClock(14, 0, None)),
        ("SayClock(14:00)", SayClock(14, 0, None)),
        ("SayClock(14:00:00)", SayClock(14, 0, 0)),
        ("SayDate('1395-02-21', 'jalali')", SayDate(1395, 2, 21, "jalali")),
        ("SayDate('1399-12-30','jalali')", SayDate(1399, 12, 30, "jalali")),
        ("SayDate('2024-02-29','gregorian')", SayDate(2024, 2, 29, "gregorian")),
        ("SayDate('1445-09-30','hijri')", SayDate(1445, 9, 30, "hijri")),
        ("GetData('enter-number', 10, 1)", GetData(("enter-number",), 10, 1)),
        ("GetData('a&id:5be6a5f294c28e3f068b4575&c', '10', '1')",
         GetData(("a", "id:5be6a5f294c28e3f068b4575", "c"), 10, 1)),
        ("MusicOnHold('default', 60)", MusicOnHold("default", 60)),
        ("SetExten('200')", SetExten("200")),
        ("SetExten(200)", SetExten("200")),
        ("SetLimitOnCall(150)", SetLimitOnCall(150)),
        ("ClearUserData()", ClearUserData()),
        ("ClearUserData( )", ClearUserData()),
        ("Exit('3')", Exit("3")),
        ("Exit('go-s2')", Exit("go-s2")),
        ("Exit(1)", Exit("1")),
    ],
)  # fmt: skip
def test_each_command(text: str, command: Command) -> None:
    """Every documented example, and what integrators write in their place."""
    assert parse_commands(text) == (command,)


@pytest.mark.parametrize("text", ["", "  ", ";", ";; ;\n"])
def test_an_empty_list(text: str) -> None:
    """A web service may have nothing to say."""
    assert parse_commands(text) == ()


def test_a_list() -> None:
    """As a PHP helper writes it: no quotes around the clock, a ``;`` at the end, line breaks between."""
    text = "ClearUserData();SetExten('200') ;;\r\n SayClock(14:00:00); Exit('go-b');"
    assert parse_commands(text) == (ClearUserData(), SetExten("200"), SayClock(14, 0, 0), Exit("go-b"))


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("SayNumber(1) Exit('1')", 14, "; or the end"),
        ("saynumber(1)", 1, "no command saynumber"),
        ("SayNumber(1);Reboot()", 14, "no command Reboot"),
        ("SayNumber", 10, "( after SayNumber"),
        ("SayNumber(1", 12, ", or )"),
        ("SayNumber(1,2)", 1, "1 arguments, not 2"),
        ("Exit()", 1, "1 arguments, not 0"),
        ("ClearUserData(1)", 1, "0 arguments"),
        ("Exit(home)", 6, "an argument"),
        ("Exit('home)", 6, "not closed"),
        ("Exit('')", 6, "name of a case"),
        ("Exit('a\nb')", 6, "control characters"),
        ("SayNumber('many')", 11, "whole number"),
        ("SayNumber(9999999999999)", 11, "from"),
        ("SayDigit('12a')", 10, "digits"),
        ("SayClock(24:00)", 10, "time of day"),
        ("SayDuration('1:61:00')", 13, "below 60"),
        ("SayDate('1400-12-30','jalali')", 9, "jalali"),
        ("SayDate('2023-02-29','gregorian')", 9, "gregorian"),
        ("SayDate('1395-02-21','persian')", 22, "one of"),
        ("GetData('a',-1,1)", 13, "from 0"),
        ("GetData('a&&b',1,1)", 9, "name of an announcement"),
        ("SetExten('200,30,b')", 10, "dialed"),
        ("SetExten('200&PJSIP/evil')", 10, "dialed"),
        ("SetExten('${SHELL(id)}')", 10, "dialed"),
        ("Playback('../../etc/passwd')", 10, "built-in sound"),
        ("Playback('a&b')", 10, "built-in sound"),
        ("MusicOnHold('default,1)(', 5)", 13, "hold music"),
        ("System('id')", 1, "no command System"),
    ],
)
def test_what_is_refused(text: str, position: int, expected: str) -> None:
    """Faults, and what would be dangerous in Asterisk: the error tells where and what was expected."""
    with pytest.raises(SmartApiError) as caught:
        parse_commands(text)
    assert caught.value.position == position
    assert expected in str(caught.value)


def test_too_much() -> None:
    """A list has an end: in characters and in commands."""
    assert len(parse_commands("ClearUserData();" * MAX_COMMANDS)) == MAX_COMMANDS
    with pytest.raises(SmartApiError):
        parse_commands("ClearUserData();" * (MAX_COMMANDS + 1))
    with pytest.raises(SmartApiError):
        parse_commands(" " * 100_000)


NAMES = st.sampled_from(["Exit", "SayNumber", "GetData", "SayDate", "SayClock", "SetExten", "Nothing", ""])
PIECES = st.one_of(
    NAMES,
    st.sampled_from(
        ["(", ")", ",", ";", "'", '"', "‘", "’", "“", " ", "\n", "1", "-", "14:00", "jalali", "\0"]
    ),
    st.text(max_size=6),
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever a web service sends: commands, or an error that tells where; nothing else happens."""
    with contextlib.suppress(SmartApiError):
        for command in parse_commands(text):
            assert command


@given(st.text(max_size=300))
def test_any_unicode_is_read_or_refused(text: str) -> None:
    """The same with text that has nothing to do with the language."""
    with contextlib.suppress(SmartApiError):
        parse_commands(text)


@given(
    st.lists(
        st.one_of(
            st.builds(SayNumber, st.integers(-(10**9), 10**9)),
            st.builds(Exit, st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True)),
            st.builds(SetExten, st.from_regex(r"[+*#0-9]{1,20}", fullmatch=True)),
        ),
        max_size=8,
    ),
    st.sampled_from([";", " ; ", ";;", ";\n"]),
    st.sampled_from(["''", '""', "‘’", "“”", "’’"]),
)
def test_what_is_written_is_read(
    commands: list[SayNumber | Exit | SetExten], separator: str, quotes: str
) -> None:
    """A list written with any quotes and separators is read back as it was."""
    opening, closing = quotes[0], quotes[1]
    text = separator.join(
        f"{type(command).__name__}({opening}{next(iter(vars(command).values()))}{closing})"
        for command in commands
    )
    assert list(parse_commands(text)) == commands
