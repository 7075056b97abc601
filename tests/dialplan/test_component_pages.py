"""What components declare, as the designer and people get it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from tamas.dialplan.component import COMPONENTS
from tamas.dialplan.component_form import document, form_of, in_palette
from tamas.dialplan.graph import read_plan, write_plan
from tamas.dialplan.validation import check
from tamas.dialplan.world import Variable, VariableType, World

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


def _fields(form: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in form["parameters"]}


def test_the_pages_are_up_to_date() -> None:
    """``docs/components.md`` is what would be made now; ``make components`` makes it."""
    assert (DOCS / "components.md").read_text() == document(in_palette()), "run 'make components'"


def test_the_example_of_the_docs_can_go_live() -> None:
    """Nothing is wrong with it, given what the page says that it needs; written out it stays the same."""
    (text,) = re.findall(r"```json\n(.*?)```", (DOCS / "dialplan.md").read_text(), flags=re.DOTALL)
    plan = read_plan(text)
    world = World(
        queues=frozenset({"300"}),
        mailboxes=frozenset({"100"}),
        sounds=frozenset({"Rate us"}),
        variables={"greeting": Variable(type=VariableType.ANNOUNCEMENT, value="builtin:hello-world")},
    )
    assert check(plan, world) == []
    assert read_plan(write_plan(plan)) == plan


def test_every_component_has_a_form() -> None:
    """Each says what it does, and each default is a value that the component takes."""
    for component in COMPONENTS.values():
        form = form_of(component)
        assert form["doc"], component.kind
        assert form["outputs"] or form["row"] or form["doc"]
        defaults = {field["name"]: field["default"] for field in form["parameters"] if not field["required"]}
        msgspec.convert(defaults, component.params, strict=False)
        msgspec.json.encode(form)


def test_a_form() -> None:
    """Types, limits, units, choices, references, lists and objects within."""
    fields = _fields(form_of(COMPONENTS["Extension"]))
    assert fields["extension"]["ref"] == "extension"
    assert fields["timeout"] | {"type": "number", "unit": "seconds", "low": 1} == fields["timeout"]
    assert fields["options"]["application"] == "Dial"
    assert _fields(form_of(COMPONENTS["MixMonitor"]))["type"]["choices"] == ["start", "stop"]
    hours = _fields(form_of(COMPONENTS["TimeCondition"]))["days"]
    assert hours["type"] == "object"
    assert hours["fields"][0] | {"name": "monday", "type": "list"} == hours["fields"][0]
    assert hours["fields"][0]["item"] == {"type": "list", "item": {"type": "text"}, "length": 2}
    assert _fields(form_of(COMPONENTS["RingGroup"]))["extensions"]["item"] == {"type": "text"}
    route = form_of(COMPONENTS["OutgoingRoute"])
    (pattern,) = route["row"]
    assert (pattern["name"], pattern["ref"], pattern["required"]) == ("pattern", "pattern", True)
    assert route["entry"]
