"""Reading custom dialplan lines."""

from __future__ import annotations

import pytest

from tamas.dialplan.custom_code import CustomCodeInvalid, context_name, context_text, read_code


def test_the_three_forms_of_a_line() -> None:
    """Lines with extension, lines that go on, and applications alone end up as numbered lines that return."""
    code = """
        ; says hello
        exten => s,1,NoOp(begin)   ; of the call
        same => n(again),Playback(hello-world)
        Set(X=${IF($["${X}" = "" ]?1:2)})
        GotoIf($["${X}" = "1"]?again)
        exten => other,1,Hangup
    """
    assert context_text(code).splitlines()[4:] == [
        "exten => s,1,NoOp(begin)",
        "exten => s,2(again),Playback(hello-world)",
        'exten => s,3,Set(X=${IF($["${X}" = "" ]?1:2)})',
        'exten => s,4,GotoIf($["${X}" = "1"]?again)',
        "exten => other,1,Hangup()",
        "exten => s,5,Return()",
        "exten => other,2,Return()",
    ]


def test_applications_alone() -> None:
    """The shortest code is a list of applications."""
    steps = read_code("Answer\r\nPlayback(hello-world)\r\n")
    assert [(step.exten, step.priority, step.application) for step in steps] == [
        ("s", 1, "Answer"),
        ("s", 2, "Playback"),
    ]


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("", 0),
        ("; nothing", 0),
        ("exten => x,1,NoOp()", 0),
        ("[default]", 1),
        ("Answer\n#include /etc/passwd", 2),
        ("#exec /bin/sh", 1),
        ("include => other", 1),
        ("switch => Realtime", 1),
        ("exten => s,hint,PJSIP/201", 1),
        ("exten => s/201,1,NoOp()", 1),
        ("exten => tamas,1,NoOp()", 1),
        ("exten => s,n,NoOp()", 1),
        ("same => n,NoOp()", 1),
        ("exten => s,1,NoOp()\nexten => s,1,NoOp()", 2),
        ("exten => s,1(a),NoOp()\nsame => n(a),NoOp()", 2),
        ("NoOp(a", 1),
        ("NoOp(a))", 1),
        ("NoOp(${X)", 1),
        ("No Op()", 1),
        ("NoOp()\x00", 1),
        ("NoOp(a) ;-- comment", 1),
        ("NoOp(" + "a" * 2000 + ")", 1),
        ("NoOp()\n" * 600, 0),
    ],
)
def test_everything_else_is_refused(code: str, line: int) -> None:
    """What could be something else in Asterisk's configuration is named with its line, and not loaded."""
    with pytest.raises(CustomCodeInvalid) as refused:
        context_text(code)
    assert refused.value.line == line


def test_another_code_has_another_context() -> None:
    """Calls in a code that was changed meanwhile go on in the one they began with."""
    assert context_name("Answer") == context_name("Answer")
    assert context_name("Answer") != context_name("Answer ")
