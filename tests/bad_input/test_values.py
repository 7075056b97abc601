"""Values that do not belong: every field refuses them, nothing changes, Asterisk never sees them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bad_input._target import FAILED, Target, services, with_value
from tamas.engine.dialing_out import DIALABLE
from tamas.sa.fields import Boolish, Dialable, ListOf, Model, Nested, OneOf, model_of
from tamas.sa.pbx.field_types import Labels, Title
from tamas.sa.search import SortColumns
from tamas.sa.service import Service

pytestmark = pytest.mark.engine

MARK = "Zq9"
"""Stands in every hostile text, so that one can look for it in places where none of them may come."""

WRONG_TYPES: list[Any] = [
    [MARK],
    {MARK: MARK},
    {"$oid": {"$oid": MARK}},
    [[[[MARK]]]],
    [],
    {},
    1.5,
    1e300,
    10**40,
]
UNPRINTABLE = [
    f"{MARK}\x00",
    f"{MARK}\x1b[31m",
    f"{MARK}\x7f",
    f"{MARK}\x85",
    f"{MARK}\u2028x",
    f"{MARK}\u202ex",
    f"{MARK}\ud800",
    f"\udfff{MARK}",
    f"{MARK}\ufffe",
]
TOO_LONG = ["1" * 4001, MARK * 2000, "ی" * 5000, "1" * 900_000]
LINE_BREAKS = [
    f"{MARK}\r\nX-Evil: {MARK}",
    f"{MARK}\nAction: Originate\nChannel: Local/{MARK}",
    f"1\r{MARK}",
    f"a\t{MARK}",
]
SYNTAX = [
    f"{MARK}${{EXTEN}}",
    f"$[1+1]{MARK}",
    f"${{SHELL(touch /tmp/{MARK})}}",
    f"{MARK},1,Dial(PJSIP/{MARK})",
    f"1&PJSIP/{MARK}",
    f"1|{MARK}",
    f"1;{MARK}=x",
    f'"{MARK}" <sip:{MARK}@127.0.0.1>',
    f'"><sip:{MARK}@127.0.0.1>',
    f"{MARK}\\",
    f"`{MARK}`",
    f"'; DROP TABLE extensions; --{MARK}",
    f"{MARK}^x",
]
NO_DIGITS = ["１２٣", "۱۲۳", "²", "1e3", "0x10", "1_0", "+", "-1", "1 2", "NaN", "__proto__"]

LINES = {"description", "more_options", "text"}
LONG = {"text"}
"""Fields for which only the last of :data:`TOO_LONG` is too long."""
FREE = LINES | {"secret", "register_string", "comment", "sender_id", "cuid"}
"""Fields that take any sign, for Asterisk gets them as data only, or taken apart and checked."""
NUMBERS = {
    "number",
    "queue",
    "agent",
    "source",
    "penalty",
    "timeout",
    "callgroup",
    "port",
    "maxlen",
    "weight",
}


def fields_of(model: Model[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every field with its dotted name and type, nested ones included."""
    for bound in model.fields:
        kind = bound.declared.type
        if bound.declared.lenient_only:
            continue
        yield prefix + bound.wire, kind
        if isinstance(kind, Nested):
            yield from fields_of(
                model_of(kind.struct), f"{prefix}{bound.wire}{'[]' if isinstance(kind, ListOf) else ''}."
            )


def hostile(service: Service, name: str, kind: Any) -> list[Any]:
    """Values that the field must refuse, whatever its type says."""
    last = name.rpartition(".")[2]
    if isinstance(kind, (Labels, SortColumns)):  # lists and objects are what they take
        return [*UNPRINTABLE, *TOO_LONG, *LINE_BREAKS, 1.5, 10**40, True, {MARK: MARK}, [{}], [[MARK]]]
    if isinstance(kind, Nested):
        wrong: list[Any] = ["x", 1, 1.5, True, [1], [[]], "[]", "{}"]
        return [*wrong, {"a": 1}] if isinstance(kind, ListOf) else wrong
    values: list[Any] = [*WRONG_TYPES, *UNPRINTABLE, *(TOO_LONG[-1:] if last in LONG else TOO_LONG)]
    if not (isinstance(kind, (Boolish, OneOf))):
        values += [True, False]
    search = service.op == "search" and "." in name
    if last not in LINES:
        values += LINE_BREAKS
    if last not in FREE and not isinstance(kind, Title) and not search:
        values += SYNTAX
    if last in NUMBERS and not search:
        letters = isinstance(kind, Dialable)  # what phones may be named; a caller need not be a number
        values += [value for value in NO_DIGITS if not (letters and DIALABLE.fullmatch(value))]
    return values


def cases(service: Service, *, each: int | None) -> list[tuple[str, Any]]:
    """Fields with values they must refuse; ``each``: so many for a field, taken in turn."""
    chosen = []
    for turn, (name, kind) in enumerate(fields_of(service.request)):
        values = hostile(service, name, kind)
        if each is not None:
            values = [values[(turn * each + step) % len(values)] for step in range(each)]
        chosen += [(name, value) for value in values]
    return chosen


def nothing_done(answer: httpx.Response) -> bool:
    """A batch of which no item was done: one that does not fit fails alone, and it was the only one."""
    data = answer.json().get("data")
    return (
        answer.status_code == 200
        and isinstance(data, dict)
        and data.get("ok") == 0
        and all(item["ok"] == 0 and item["message"] == FAILED["message"] for item in data["Data"])
    )


async def storm(target: Target, *, each: int | None) -> None:
    """Send every case of every service, and compare store and engine with what they were."""
    before = await target.settled()
    calls = calls_processed(await target.engine_knows())
    sent = 0
    together = asyncio.Semaphore(8)
    unexpected: list[str] = []

    async def refused(service: Service, body: dict[str, Any], name: str, value: Any) -> None:
        async with together:
            answer = await target.send(service.path, with_value(body, name, value))
        at_fault = answer.headers.get("x-error-field", "")
        # An empty list of objects is a missing one; an object inside may lack its own fields.
        missing = f"Field '{at_fault}':value is missing"
        known = answer.status_code == 200 and (
            answer.json() == FAILED or answer.json() == {**FAILED, "message": missing}
        )
        if not answer.headers.get("x-error-field") and nothing_done(answer):
            return
        if not known or not at_fault.startswith(name.split("[]")[0]):
            unexpected.append(f"{service.path} {name}={value!r:.80}: {answer.status_code} {answer.text:.200}")

    for service in services():
        if not service.request.fields:
            continue
        body = target.valid(service)
        chosen = cases(service, each=each)
        sent += len(chosen)
        await asyncio.gather(*(refused(service, body, name, value) for name, value in chosen))
    assert not unexpected, "\n".join(unexpected[:30])
    assert sent > 200
    assert await target.stored() == before
    await nothing_leaked(target, calls)


def calls_processed(shown: str) -> int:
    """Calls that Asterisk has seen since its start."""
    found = re.search(r"^(\d+) calls? processed", shown, re.MULTILINE)
    assert found is not None
    return int(found[1])


async def nothing_leaked(target: Target, calls: int) -> None:
    """No call was made, no hostile text is in the engine, and nothing of ours broke."""
    shown = await target.engine_knows()
    assert MARK not in shown
    assert re.search(r"^0 active channels", shown, re.MULTILINE)
    assert calls_processed(shown) == calls
    log = target.server.log
    assert "Traceback" not in log
    assert "failed unexpectedly" not in log
    assert MARK not in log


async def test_no_field_takes_what_does_not_belong(target: Target) -> None:
    """Each field of each service gets a few wrong types, odd characters and dialplan syntax, in turn."""
    await storm(target, each=4)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_no_field_takes_any_of_them(target: Target) -> None:
    """As above, with every value in every field."""
    await storm(target, each=None)


@pytest.mark.parametrize("body", [{}, {"_id": None}, {"name": ""}, {"agents": []}, {"unknown": {"a": [1]}}])
async def test_required_fields_are_named_before_values_are_looked_at(
    target: Target, body: dict[str, Any]
) -> None:
    """A body without what a service requires is refused by the first missing name, and changes nothing."""
    before = await target.settled()
    for service in services():
        required = service.request_schema().get("required")
        if required:
            answer = await target.send(service.path, body)
            assert re.fullmatch(r"Field '[A-Za-z_\[\].]+':value is missing", answer.json()["message"])
            assert answer.json()["data"] is None
    assert await target.stored() == before
