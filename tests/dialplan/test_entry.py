"""How a call came to us, and what to resume."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tamas.dialplan.call_state import CallState, read_state, write_state
from tamas.dialplan.entry import Way, read_entry
from tamas.dialplan.resume import Leg, Place, read_place, read_resumption
from tamas.engine.fastagi import AgiSession


def _session(context: str, *arguments: str, endpoint: str = "", account: str = "") -> AgiSession:
    fake: Any = SimpleNamespace(
        context=context,
        channel=endpoint if "/" in endpoint else f"PJSIP/{endpoint}-0000000a",
        extension="202",
        arguments=arguments,
        uniqueid="1.1",
        environment={"agi_accountcode": account},
    )
    return cast("AgiSession", fake)


@pytest.mark.parametrize(
    ("context", "endpoint", "arguments", "expected"),
    [
        ("tamas-outgoing", "201", (), (Way.PHONE, "201", "")),
        ("tamas-incoming", "trunk-carrier", (), (Way.TRUNK, "", "carrier")),
        ("tamas-originated", "201", ("party=201",), (Way.ORIGINATED, "201", "")),
        ("simotel-local-agents", "201", (), (Way.AGENT, "", "")),
        ("tamas-first-leg", "201", (), (Way.FIRST_LEG, "", "")),
        # Transfers: the transferer's rights, not those of who is transferred.
        ("tamas-outgoing", "trunk-carrier", ("blind=PJSIP/202-0000000a",), (Way.TRANSFER, "202", "")),
        ("tamas-outgoing", "201", ("blind=PJSIP/trunk-carrier-0000000a",), (Way.TRANSFER, "", "carrier")),
        (
            "tamas-outgoing",
            "201",
            ("blind=Local/210@simotel-local-agents-0000000a;1",),
            (Way.TRANSFER, "210", ""),
        ),
        ("tamas-outgoing", "201", ("blind=Local/210@elsewhere-0000000a;1",), (Way.TRANSFER, "", "")),
        ("tamas-outgoing", "", ("attended=PJSIP/203-0000000b",), (Way.TRANSFER, "203", "")),
        # What a phone forwards by itself has nobody's rights.
        ("tamas-outgoing", "Local/0912@tamas-outgoing-0000000a;2", (), (Way.PHONE, "", "")),
    ],
)
def test_way(context: str, endpoint: str, arguments: tuple[str, ...], expected: tuple[Way, str, str]) -> None:
    """Context, channel and transferer decide whose rights a call has."""
    entry = read_entry(_session(context, *arguments, endpoint=endpoint))
    assert (entry.way, entry.phone, entry.trunk) == expected


def test_first_leg_at_several_phones() -> None:
    """A Local channel has no endpoint: the account code we gave it says whose it is."""
    channel = "Local/203@tamas-first-leg-0000000a;1"
    entry = read_entry(_session("tamas-originated", endpoint=channel, account="203"))
    assert (entry.way, entry.phone) == (Way.ORIGINATED, "203")


def test_what_the_dialplan_hands_over() -> None:
    """Linked id, state, limit and recording are read from the request."""
    entry = read_entry(
        _session("tamas-originated", "linkedid=5.6", "state=Up", "party=201", "limit=30", "recording=1")
    )
    assert (entry.cuid, entry.answered, entry.party, entry.limit, entry.recording) == (
        "5.6",
        True,
        "201",
        30,
        True,
    )


def test_an_agent_leg_of_a_recorded_queue_call() -> None:
    """The queue's recording counts for the agent's leg, and only there."""
    assert read_entry(_session("simotel-local-agents", "record=a.wav")).recording
    assert not read_entry(_session("tamas-outgoing", "record=a.wav")).recording


def test_place_and_state_come_back() -> None:
    """What is written on the channel is read again, signs that mean something to Asterisk included."""
    state = CallState(exten="202", data="5#", src_name='علی ",${X}', hops="201-202", steps=7, talked=True)
    resumption = read_resumption(
        _session(
            "tamas-outgoing",
            f"node={Place(version=12, node='menu-1')}",
            f"carried={write_state(state)}",
            "dialstatus=BUSY",
            "cause=17",
        )
    )
    assert resumption is not None
    assert resumption.place == Place(version=12, node="menu-1")
    assert (resumption.outcome.status, resumption.outcome.cause) == ("BUSY", 17)
    assert resumption.state == state
    assert re.fullmatch(r"[A-Za-z0-9_.=/%~-]*", write_state(state))


def test_leg_comes_back() -> None:
    """A leg that rings for a queue is resumed as what it is."""
    leg = Leg(kind="agent", number="210")
    assert read_place(str(leg)) == leg


@pytest.mark.parametrize("node", ["", "graph:7:9", "leg:nothing:202", "7:a b", "7:a;b", "7:"])
def test_node_that_is_none(node: str) -> None:
    """Nothing to resume: the flow starts from the beginning."""
    assert read_resumption(_session("tamas-outgoing", f"node={node}")) is None


@pytest.mark.parametrize("text", ["", "x", "steps=many/exten=201", "nothing=5", "exten"])
def test_state_that_is_none(text: str) -> None:
    """What cannot be read is left at its default; the number survives."""
    assert read_state(text).exten == ("201" if "201" in text else "")
