"""What is found wrong with a plan before it goes live."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialplan._switchboard import node, row
from tamas.dialplan.component import COMPONENTS
from tamas.dialplan.default_plan import default_plan
from tamas.dialplan.graph import MAX_NODES, MAX_OUTPUTS, Node, Output, Plan, Sheet, read_plan
from tamas.dialplan.validation import Finding, Level, check
from tamas.dialplan.world import Variable, VariableType, World

WORLD = World(
    extensions=frozenset({"201", "202"}),
    queues=frozenset({"900"}),
    trunks=frozenset({"carrier"}),
    sounds=frozenset({"welcome", "64b7fe28f944002b8d333cec"}),
    mailboxes=frozenset({"201"}),
    variables={
        "seconds": Variable(type=VariableType.NUMBER, value="15"),
        "much": Variable(type=VariableType.NUMBER, value="999999"),
        "who": Variable(type=VariableType.STRING, value="201"),
        "nobody": Variable(type=VariableType.STRING, value="777"),
        "greeting": Variable(type=VariableType.ANNOUNCEMENT, value="welcome"),
        "gone": Variable(type=VariableType.ANNOUNCEMENT, value="deleted"),
    },
)
ROUTE = node("route", "OutgoingRoute", row(".", "first", pattern="."))


def plan_of(*nodes: Node, sheets: Iterable[str] = ("test",)) -> Plan:
    """A plan of nodes behind an Outgoing Route, which leads to the node ``first``."""
    return Plan(sheets=tuple(Sheet(id=name, name=name) for name in sheets), nodes=(ROUTE, *nodes))


def found(*nodes: Node, **options: Any) -> list[Finding]:
    """Findings of such a plan."""
    return check(plan_of(*nodes), WORLD, **options)


def one(findings: list[Finding], level: Level = Level.ERROR) -> Finding:
    """The only finding of a level, the other level has none."""
    assert [finding.level for finding in findings] == [level], findings
    return findings[0]


ANSWER = node("first", "Answer", next_="second")


def test_a_dial_tone_for_everybody_is_a_warning() -> None:
    """DISA without a password goes live, but not without a word; with one it does."""
    finding = one(found(node("first", "Disa")), Level.WARNING)
    assert (finding.node, finding.field) == ("first", "password")
    assert found(node("first", "Disa", params={"password": "4711"})) == []


# -- what is right -----------------------------------------------------------------------------------------


def test_the_plan_that_comes_along_has_nothing_wrong() -> None:
    """A fresh system can publish its own plan, also when nothing is set up yet."""
    assert check(default_plan(), World()) == []


def test_a_plan_with_everything_in_order_has_no_findings() -> None:
    """References that exist, variables of the right type, a sound behind an Answer, a jump."""
    findings = found(
        ANSWER,
        node("second", "Announcement", params={"announcement": {"$var": "greeting"}}, next_="third"),
        node("third", "JumpOut", params={"jump_in": "people"}),
        node("in", "JumpIn", params={"name": "people"}, next_="ring"),
        node(
            "ring",
            "Extension",
            params={"extension": {"$var": "who"}, "timeout": {"$var": "seconds"}},
            F="queue",
        ),
        node("queue", "Queue", params={"queue": "900"}),
    )
    assert findings == []


# -- sheets, ids and names ---------------------------------------------------------------------------------


def test_two_nodes_of_one_id() -> None:
    """The second is named."""
    finding = one(found(node("first", "Answer"), node("first", "Answer", name="again")))
    assert (finding.name, finding.field) == ("again", "id")


@pytest.mark.parametrize("identity", ["", "a b", "x" * 65, "a:b", "a/b", "سلام"])
def test_an_id_that_cannot_stand_on_a_channel(identity: str) -> None:
    """Ids are written on channels; what could be read differently there is refused."""
    odd = Node(id=identity, sheet="test", type="Answer", name="odd")
    findings = [f for f in check(plan_of(node("first", "Answer"), odd), WORLD) if f.level is Level.ERROR]
    assert one(findings).field == "id"


def test_names_that_two_nodes_share_are_a_warning() -> None:
    """Reports and web services tell nodes apart by name."""
    finding = one(found(ANSWER, node("second", "Answer", name="first")), Level.WARNING)
    assert (finding.node, finding.field) == ("second", "name")
    assert "first" in finding.text


@pytest.mark.parametrize("name", ["x" * 81, "two\nlines"])
def test_a_name_that_is_no_line(name: str) -> None:
    """Names stand in lists and in requests to web services."""
    assert one(found(node("first", "Answer", name=name))).field == "name"


def test_a_node_on_no_sheet_and_sheets_of_one_id() -> None:
    """Sheets are named once; nodes stand on one of them."""
    assert one(found(node("first", "Answer", sheet="nowhere"))).field == "sheet"
    findings = check(
        Plan(
            sheets=(Sheet(id="test", name="a"), Sheet(id="test", name="b")),
            nodes=(ROUTE, node("first", "Answer")),
        ),
        WORLD,
    )
    assert one(findings).field == "sheets"


# -- types and parameters ----------------------------------------------------------------------------------


def test_a_type_that_is_unknown() -> None:
    """A plan of a newer version, or a slip of the pen."""
    finding = one(found(node("first", "Telepathy")))
    assert finding.field == "type"
    assert "Telepathy" in finding.text


def test_a_parameter_that_is_unknown_and_one_of_a_wrong_type() -> None:
    """Both are found at once, each with its field."""
    findings = found(node("first", "Extension", params={"extention": "201", "timeout": "long"}))
    assert {finding.field for finding in findings} == {"extention", "timeout"}
    assert any("extension" in finding.text for finding in findings)


@pytest.mark.parametrize(
    ("kind", "params", "field"),
    [
        ("Extension", {"timeout": 0}, "timeout"),
        ("Extension", {"timeout": 10**30}, "timeout"),
        ("Answer", {"type": "perhaps"}, "type"),
        ("MixMonitor", {"type": []}, "type"),
        ("TimeCondition", {"days": {"monday": [["8:00", "16:00"]]}}, "days"),
        ("TimeCondition", {"days": {"monday": [["08:00"]]}}, "days.monday[0]"),
        ("TimeCondition", {"days": {"someday": []}}, "days"),
        ("TimeCondition", {"month_exceptions": [13]}, "month_exceptions"),
        ("TimeCondition", {"date_exceptions": ["31-12"]}, "date_exceptions"),
        ("Poll", {"poll_min": 5, "poll_max": 1}, "poll_max"),
        ("Poll", {"poll_min": 10, "poll_max": 20}, "max_digits"),
        ("FollowMe", {"followers": [{"kind": "pigeon"}]}, "followers.kind"),
        ("RingGroup", {"extensions": [["201"]]}, "extensions[0]"),
        ("JumpIn", {"name": [[[[[[[[[[[[]]]]]]]]]]]]}, "name"),
    ],
)
def test_values_that_a_component_cannot_use(kind: str, params: dict[str, Any], field: str) -> None:
    """Out of range, of another kind, or against a check of the component's own."""
    findings = [f for f in found(node("first", kind, params=params)) if f.level is Level.ERROR]
    assert [finding.field for finding in findings] == [field]
    assert findings[0].text


# -- variables ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["missing", 5, [], None, {"a": 1}])
def test_a_variable_that_is_not_there(name: Any) -> None:
    """Also when what should be its name is none."""
    finding = one(found(node("first", "Extension", params={"timeout": {"$var": name}})))
    assert finding.field == "timeout"
    assert "there is no variable" in finding.text


@pytest.mark.parametrize(
    ("kind", "params", "field"),
    [
        ("Extension", {"timeout": {"$var": "who"}}, "timeout"),
        ("Extension", {"extension": {"$var": "greeting"}}, "extension"),
        ("Announcement", {"announcement": {"$var": "who"}}, "announcement"),
        ("Extension", {"say_busy": {"$var": "who"}}, "say_busy"),
        ("Extension", {"options": {"$var": "who"}}, "options"),
        ("RingGroup", {"extensions": {"$var": "who"}}, "extensions"),
        ("RingGroup", {"extensions": ["201", {"$var": "greeting"}]}, "extensions[1]"),
        ("FollowMe", {"followers": [{"number": {"$var": "greeting"}}]}, "followers[0].number"),
    ],
)
def test_a_variable_of_the_wrong_type(kind: str, params: dict[str, Any], field: str) -> None:
    """Each place takes variables of its type; options take none, or whoever edits them could run code."""
    findings = [f for f in found(node("first", kind, params=params)) if f.level is Level.ERROR]
    assert [finding.field for finding in findings] == [field]
    assert "variable" in findings[0].text


def test_a_variable_whose_value_does_not_fit() -> None:
    """The type is right, what it holds is not."""
    assert one(found(node("first", "Extension", params={"timeout": {"$var": "much"}}))).field == "timeout"
    sound = node("second", "Announcement", params={"announcement": {"$var": "gone"}})
    assert one(found(ANSWER, sound)).field == "announcement"


# -- references --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "params", "field"),
    [
        ("Queue", {"queue": "901"}, "queue"),
        ("Trunk", {"trunk": "pigeons"}, "trunk"),
        ("Trunk", {"permitted_queues": ["900", "901"]}, "permitted_queues[1]"),
        (
            "FollowMe",
            {"followers": [{"kind": "external", "number": "1", "trunk": "x"}]},
            "followers[0].trunk",
        ),
        ("VoiceMail", {"voicemail": "299"}, "voicemail"),
        ("Poll", {"announcement_before": "nothing"}, "announcement_before"),
        ("Poll", {"announcement_before": "builtin:../secret"}, "announcement_before"),
        ("JumpOut", {"jump_in": "nowhere"}, "jump_in"),
        ("Corrector", {"extension_prefix": "0 0"}, "extension_prefix"),
    ],
)
def test_unknown_references_are_errors(kind: str, params: dict[str, Any], field: str) -> None:
    """Queues, trunks, sounds, mailboxes, Jump Ins and numbers have to be there."""
    findings = [f for f in found(ANSWER, node("second", kind, params=params)) if f.level is Level.ERROR]
    assert [finding.field for finding in findings] == [field]


@pytest.mark.parametrize(
    ("kind", "params", "field"),
    [
        ("Extension", {"extension": "299"}, "extension"),
        ("Extension", {"extension": {"$var": "nobody"}}, "extension"),
        ("RingGroup", {"extensions": ["201", "299"]}, "extensions[1]"),
        ("Disa", {"context": "elsewhere"}, "context"),
    ],
)
def test_references_that_may_come_later_are_warnings(kind: str, params: dict[str, Any], field: str) -> None:
    """People come and go while a plan stays."""
    findings = [f for f in found(node("first", kind, params=params)) if f.field == field]
    assert one(findings, Level.WARNING).text


@pytest.mark.parametrize("sound", ["builtin:hello-world", "welcome", "id:64b7fe28f944002b8d333cec", ""])
def test_sounds_that_can_be_played(sound: str) -> None:
    """One of Asterisk's own, one by name, one by id; none is played as silence."""
    assert found(ANSWER, node("second", "Announcement", params={"announcement": sound})) == []


def test_jump_ins_of_one_name_and_without_a_name() -> None:
    """A jump has to be clear."""
    first = node("first", "JumpIn", params={"name": "here"}, next_="second")
    assert one(found(first, node("second", "JumpIn", params={"name": "here"}))).field == "name"
    assert one(found(node("first", "JumpIn"))).field == "name"


# -- rights ------------------------------------------------------------------------------------------------


def test_letters_that_run_the_dialplan_need_an_administrator() -> None:
    """Anybody else is refused, unless an administrator put them there before."""
    ringing = node("first", "Extension", params={"options": "tU(there)"})
    assert found(ringing) == []
    assert one(found(ringing, administrator=False)).field == "options"
    assert found(ringing, administrator=False, live=plan_of(ringing)) == []
    changed = node("first", "Extension", params={"options": "tU(elsewhere)"})
    assert one(found(changed, administrator=False, live=plan_of(ringing))).field == "options"


def test_parameters_for_administrators_only() -> None:
    """The subroutine of a queue's agents runs dialplan: others may not set it."""
    waiting = node("first", "Queue", params={"macro": "greeting"})
    assert found(waiting) == []
    assert one(found(waiting, administrator=False)).field == "macro"
    assert one(found(node("first", "Queue", params={"macro": "a,s,1"}))).field == "macro"


def test_components_for_administrators_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may keep such a node, and wire it anew, but not add or change one."""
    monkeypatch.setattr(COMPONENTS["Corrector"], "administrators_only", True)
    own = node("first", "Corrector", params={"caller_id": "201"})
    assert found(own) == []
    assert one(found(own, administrator=False)).field == "type"
    rewired = node("first", "Corrector", params={"caller_id": "201"}, next_="second")
    assert found(rewired, node("second", "Answer"), administrator=False, live=plan_of(own)) == []
    changed = node("first", "Corrector", params={"caller_id": "202"})
    assert one(found(changed, administrator=False, live=plan_of(own))).field == "type"


def test_custom_plans_are_for_administrators() -> None:
    """Lines of Asterisk's dialplan can be written by administrators only, and have to be some."""
    custom = node("first", "CustomPlan", params={"code": "Answer\nHangup"})
    assert found(custom) == []
    assert one(found(custom, administrator=False)).field == "type"
    assert one(found(node("first", "CustomPlan", params={"code": "[default]"}))).field == "code"


def test_options_that_nobody_may_set() -> None:
    """A macro is gone from Asterisk, a comma would begin another argument."""
    for options in ("M(old)", "t,30"):
        assert one(found(node("first", "Extension", params={"options": options}))).field == "options"


# -- outputs and wires -------------------------------------------------------------------------------------


def test_a_wire_to_nowhere_and_one_into_an_entry() -> None:
    """Wires lead to nodes that calls can come to."""
    assert one(found(node("first", "Answer", next_="lost"))).field == "outputs.next"
    assert one(found(node("first", "Answer", next_="route"))).field == "outputs.next"


def test_outputs_that_a_component_does_not_have() -> None:
    """The finding says which there are."""
    finding = one(found(node("first", "Extension", X="first")))
    assert finding.field == "outputs.X"
    assert "S, B, F" in finding.text


def test_no_wire_is_an_end() -> None:
    """Outputs may be left out, or lead nowhere."""
    assert found(Node(id="first", sheet="test", type="Extension", name="x", outputs=(Output(key="S"),))) == []


def test_two_outputs_of_one_key() -> None:
    """Which of them is meant could not be told."""
    assert one(found(node("first", "Answer", row("next", None), row("next", None)))).field == "outputs.next"


def test_too_many_outputs() -> None:
    """A node has a limit, which is far beyond what one can draw."""
    rows = [row(f"{number}", None, pattern=f"{number}") for number in range(MAX_OUTPUTS + 1)]
    findings = check(
        Plan(sheets=(Sheet(id="test", name="t"),), nodes=(node("r", "OutgoingRoute", *rows),)), WORLD
    )
    assert one(findings).field == "outputs"


@pytest.mark.parametrize(
    "match",
    [{}, {"pattern": ""}, {"pattern": "[5-"}, {"pattern": "1.2"}, {"pattern": "X", "more": ""}, {"cid": "x"}],
)
def test_rows_that_match_nothing_sensible(match: dict[str, str]) -> None:
    """A pattern is there, can be read, and nothing else stands beside it."""
    route = node("route", "OutgoingRoute", row("one", None, **match))
    findings = check(Plan(sheets=(Sheet(id="test", name="t"),), nodes=(route,)), WORLD)
    assert one(findings).field == "outputs.one"


def test_a_fixed_output_is_not_chosen_by_a_match() -> None:
    """A match on it would be without effect."""
    assert one(found(node("first", "Extension", row("S", None, pattern="1")))).field == "outputs.S"


def test_incoming_rows() -> None:
    """An x stands at the ends of a number only; the same row twice is a warning."""
    route = node("in", "IncomingRoute", row("a", "first", did="9x9"), row("b", "first", cid="x9"))
    finding = one(found(route, node("first", "Answer")))
    assert (finding.node, finding.field) == ("in", "outputs.a")
    route = node("in", "IncomingRoute", row("a", "first", did="9"), row("b", "first", cid="", did="9"))
    assert one(found(route, node("first", "Answer")), Level.WARNING).field == "outputs.b"


# -- entries and paths -------------------------------------------------------------------------------------


def test_two_entries_with_one_context() -> None:
    """The first by the order of sheets wins, the other is named."""
    late = node("late", "OutgoingRoute", row(".", "first", pattern="."), sheet="b")
    early = node("early", "OutgoingRoute", row(".", "first", pattern="."), sheet="a")
    sheets = (Sheet(id="a", name="a"), Sheet(id="b", name="b"))
    findings = check(Plan(sheets=sheets, nodes=(late, early, node("first", "Answer", sheet="a"))), WORLD)
    finding = one(findings, Level.WARNING)
    assert (finding.node, finding.field) == ("late", "context")
    assert "'early'" in finding.text


def test_a_plan_into_which_no_call_comes() -> None:
    """No entry at all, or one without rows."""
    assert one(check(Plan(), WORLD), Level.WARNING).node == ""
    empty = Plan(sheets=(Sheet(id="test", name="t"),), nodes=(node("r", "IncomingRoute"),))
    assert one(check(empty, WORLD), Level.WARNING).field == "outputs"


def test_nodes_that_no_call_reaches() -> None:
    """Also a ring of nodes that only lead to each other."""
    findings = found(
        node("first", "Answer"),
        node("a", "Extension", F="b"),
        node("b", "Extension", F="a"),
    )
    assert {(finding.level, finding.node) for finding in findings} == {
        (Level.WARNING, "a"),
        (Level.WARNING, "b"),
    }


def test_a_sound_before_the_answer() -> None:
    """One way without an Answer is enough, and only the first sound on it is named."""
    sound = {"announcement": "welcome"}
    findings = found(
        node("first", "TimeCondition", yes="answer", no="second"),
        node("answer", "Answer", next_="second"),
        node("second", "Announcement", params=sound, next_="third"),
        node("third", "Announcement", params=sound),
    )
    assert one(findings, Level.WARNING).node == "second"


def test_a_sound_behind_a_talk_needs_no_answer() -> None:
    """Whoever was connected is answered; who was not is not."""
    survey = node("survey", "Poll")
    assert found(node("first", "Extension", S="survey"), survey) == []
    assert one(found(node("first", "Extension", F="survey"), survey), Level.WARNING).node == "survey"


def test_a_circle_in_which_nobody_is_waited_for() -> None:
    """It is named once, with the nodes on it; a jump closes a circle like a wire."""
    finding = one(
        found(
            node("first", "Corrector", next_="second"),
            node("second", "WhiteList", yes="third"),
            node("third", "JumpOut", params={"jump_in": "top"}),
            node("top", "JumpIn", params={"name": "top"}, next_="first"),
        )
    )
    for name in ("first", "second", "third", "top"):
        assert repr(name) in finding.text
    assert one(found(node("first", "Answer", next_="first"))).node == "first"


def test_a_circle_in_which_somebody_is_waited_for() -> None:
    """A menu that is offered again, a person who is rung again: that ends when the caller has enough."""
    assert found(node("first", "Extension", F="second"), node("second", "Corrector", next_="first")) == []


# -- size and garbage --------------------------------------------------------------------------------------


def test_the_largest_plan_is_checked_at_once() -> None:
    """5,000 nodes in a line, in one circle, and all wired to all their neighbours: well below two seconds."""
    middle = [
        node(
            f"n{number}",
            "Corrector" if number % 2 else "TimeCondition",
            row("next" if number % 2 else "✓", f"n{(number + 1) % (MAX_NODES - 1)}"),
            *([] if number % 2 else [row("✗", f"n{(number * 7) % (MAX_NODES - 1)}")]),
            params={"caller_id": "201"} if number % 2 else {"days": {"monday": [["08:00", "17:00"]]}},
        )
        for number in range(MAX_NODES - 1)
    ]
    plan = Plan(
        sheets=(Sheet(id="test", name="t"),),
        nodes=(node("route", "OutgoingRoute", row(".", "n0", pattern=".")), *middle),
    )
    began = time.process_time()
    findings = check(plan, WORLD)
    assert time.process_time() - began < 2.0
    assert len([finding for finding in findings if "circles" in finding.text]) == 1
    too_many = msgspec.structs.replace(plan, nodes=(*plan.nodes, node("more", "Answer")))
    assert str(MAX_NODES) in one(check(too_many, WORLD)).text


_texts = st.one_of(
    st.sampled_from(
        ["", "a", "b", "route", "first", "next", "S", "✓", "welcome", "builtin:beep", "201", "x\ny"]
    ),
    st.text(max_size=6),
)
_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        _texts,
        st.fixed_dictionaries({"$var": st.one_of(_texts, st.sampled_from(list(WORLD.variables)))}),
        st.just({"$var": []}),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_texts, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def _garbage(draw: st.DrawFn) -> bytes:
    """JSON of something that has the shape of a plan."""
    nodes = []
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.one_of(st.sampled_from(sorted(COMPONENTS)), _texts))
        known = [*COMPONENTS[kind].fields] if kind in COMPONENTS else ["name"]
        fields = st.one_of(st.sampled_from(known), _texts) if known else _texts
        rows = COMPONENTS[kind].row if kind in COMPONENTS else None
        matched = st.sampled_from(rows.__struct_fields__) if rows is not None else _texts
        keys = [*COMPONENTS[kind].outputs, "1", "t"] if kind in COMPONENTS else ["1"]
        nodes.append(
            {
                "id": draw(_texts),
                "sheet": draw(_texts),
                "type": kind,
                "name": draw(_texts),
                "x": draw(st.floats(allow_nan=False, allow_infinity=False)),
                "params": draw(st.dictionaries(fields, _values, max_size=4)),
                "outputs": [
                    {
                        "key": draw(st.one_of(st.sampled_from(keys), _texts)),
                        "label": draw(_texts),
                        "match": draw(st.dictionaries(matched, _texts, max_size=2)),
                        "target": draw(st.one_of(st.none(), _texts)),
                    }
                    for _ in range(draw(st.integers(0, 3)))
                ],
            }
        )
    sheets = [{"id": draw(_texts), "name": draw(_texts)} for _ in range(draw(st.integers(0, 2)))]
    return msgspec.json.encode({"sheets": sheets, "nodes": nodes})


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(_garbage(), st.booleans())
def test_no_plan_that_can_be_read_breaks_the_checks(text: bytes, administrator: bool) -> None:
    """Whatever stands in it, the answer is a list of findings, each of which says something."""
    plan = read_plan(text)
    for finding in check(plan, WORLD, administrator=administrator, live=plan):
        assert finding.text
        assert len(finding.text) < 2_000


def test_parameters_that_are_nested_without_end() -> None:
    """A hundred lists within each other are refused in words."""
    deep: Any = "end"
    for _ in range(100):
        deep = [deep]
    deepest = node("second", "Announcement", params={"announcement": deep})
    assert one(found(ANSWER, deepest)).field == "announcement"
