"""Asterisk dialplan lines that an administrator wrote: read strictly, and written down as a context.

A line is ``exten => EXTENSION,PRIORITY,Application(arguments)``, ``same => PRIORITY,Application(arguments)``
or the application alone, which comes next in its extension. The code begins at extension ``s``, priority 1;
where it does not end by itself it returns. Comments begin with ``;`` as in Asterisk. Everything else that
Asterisk's configuration files may have (sections, includes, hints, switches) is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tamas.errors import TamasError

MAX_LINES: Final = 500
MAX_LINE: Final = 1_000
"""Characters."""
ENTRY: Final = "tamas"
"""Extension by which the flow enters; it marks the end of the code."""
DONE: Final = "TAMAS_CUSTOM"
"""Channel variable that is ``1`` once the code has returned."""
START: Final = "s"

_FORM: Final = b"1"
"""Changed with what :func:`context_text` writes around the code, so that it gets a context of its own."""
_ASSIGNED: Final = re.compile(r"(?P<key>[A-Za-z]+)\s*=>?\s*(?P<value>.+)")
_EXTEN: Final = re.compile(r"_?[A-Za-z0-9*#+.!\[\]-]{1,60}")
_PRIORITY: Final = re.compile(r"(?P<number>n|[0-9]{1,5})(?:\((?P<label>[A-Za-z_][A-Za-z0-9_-]{0,60})\))?")
_APPLICATION: Final = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_]{0,79})\s*(?:\((?P<arguments>.*)\))?")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_COMMENT: Final = re.compile(r"(?<!\\);")


class CustomCodeInvalid(TamasError):
    """Code that is not loaded.

    :param line: counted from 1; 0: the whole.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.line = line


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line."""

    line: int
    exten: str
    priority: int
    label: str
    application: str
    arguments: str


def read_code(code: str) -> tuple[Step, ...]:
    """The steps of a custom plan. :raises CustomCodeInvalid: a line is none, or the code has no begin."""
    steps: list[Step] = []
    last: dict[str, int] = {}
    labels: set[tuple[str, str]] = set()
    exten = START
    for number, text in _lines(code):
        exten, priority, label, body = _taken_apart(number, text, exten, last)
        application, arguments = _application(number, body)
        if priority in {step.priority for step in steps if step.exten == exten}:
            raise CustomCodeInvalid(number, f"extension {exten} has two lines {priority}")
        if label and (exten, label) in labels:
            raise CustomCodeInvalid(number, f"extension {exten} has two labels {label}")
        labels.add((exten, label))
        last[exten] = priority
        steps.append(
            Step(
                line=number,
                exten=exten,
                priority=priority,
                label=label,
                application=application,
                arguments=arguments,
            )
        )
    if not any(step.exten == START and step.priority == 1 for step in steps):
        raise CustomCodeInvalid(0, f"the code begins at extension {START}, priority 1, and there is none")
    return tuple(steps)


def context_name(code: str) -> str:
    """The context of a code; another code has another one, so that calls in progress keep theirs."""
    return f"tamas-custom-{hashlib.sha256(_FORM + code.encode()).hexdigest()[:24]}"


def context_text(code: str) -> str:
    """The context of a code as Asterisk reads it. :raises CustomCodeInvalid: see :func:`read_code`."""
    steps = read_code(code)
    lines = [
        f"[{context_name(code)}]",
        f"exten => {ENTRY},1,Gosub({START},1)",
        f"exten => {ENTRY},2,Set({DONE}=1)",
        f"exten => {ENTRY},3,Return()",
    ]
    for step in steps:
        label = f"({step.label})" if step.label else ""
        lines.append(f"exten => {step.exten},{step.priority}{label},{step.application}({step.arguments})")
    for exten in dict.fromkeys(step.exten for step in steps):
        end = max(step.priority for step in steps if step.exten == exten) + 1
        lines.append(f"exten => {exten},{end},Return()")
    return "\n".join(lines) + "\n"


def _lines(code: str) -> Iterator[tuple[int, str]]:
    """Lines that say something, without comments."""
    lines = code.replace("\r\n", "\n").split("\n")
    if len(lines) > MAX_LINES:
        raise CustomCodeInvalid(0, f"the code has more than {MAX_LINES} lines")
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            raise CustomCodeInvalid(number, f"has more than {MAX_LINE} characters")
        if _CONTROL.search(line) is not None:
            raise CustomCodeInvalid(number, "has a control character")
        if ";--" in line:
            raise CustomCodeInvalid(number, "comments over several lines are not taken")
        text = _COMMENT.split(line, maxsplit=1)[0].strip()
        if text:
            yield number, text


def _taken_apart(number: int, text: str, exten: str, last: dict[str, int]) -> tuple[str, int, str, str]:
    """Extension, priority, label and application of a line."""
    assigned = _ASSIGNED.fullmatch(text)
    key = assigned["key"].lower() if assigned is not None else ""
    if assigned is None or "(" in text.partition("=")[0]:
        return exten, last.get(exten, 0) + 1, "", text
    if key not in ("exten", "same"):
        raise CustomCodeInvalid(number, "begins with neither exten nor same, nor an application")
    rest = assigned["value"]
    if key == "exten":
        exten, comma, rest = (part.strip() for part in rest.partition(","))
        if not comma or _EXTEN.fullmatch(exten) is None or exten.lower() == ENTRY:
            raise CustomCodeInvalid(number, "has no extension that can be used")
    place, comma, body = (part.strip() for part in rest.partition(","))
    match = _PRIORITY.fullmatch(place)
    if not comma or match is None:
        raise CustomCodeInvalid(number, "has no priority: a number or n, then a label in parentheses if any")
    if match["number"] != "n":
        return exten, int(match["number"]), match["label"] or "", body
    if exten not in last:
        raise CustomCodeInvalid(number, f"extension {exten} has no line 1 before this one")
    return exten, last[exten] + 1, match["label"] or "", body


def _application(number: int, body: str) -> tuple[str, str]:
    match = _APPLICATION.fullmatch(body)
    if match is None:
        raise CustomCodeInvalid(number, "has no application, such as Playback(hello-world)")
    arguments = match["arguments"] or ""
    depth = 0
    for sign in arguments:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth < 0:
            break
    if depth:
        raise CustomCodeInvalid(number, "its parentheses do not match")
    if arguments.count("${") + arguments.count("$[") > arguments.count("}") + arguments.count("]"):
        raise CustomCodeInvalid(number, "an expression is not closed")
    return match["name"], arguments
