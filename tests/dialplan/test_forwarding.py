"""Forward policies."""

from __future__ import annotations

import pytest

from tamas.dialplan.forwarding import forward_target

POLICY = '{"Busy": "1", "No Answer": "2", "UnAvailable": "", "All": "9"}'


@pytest.mark.parametrize(
    ("status", "target"),
    [
        ("BUSY", "1"),
        ("NOANSWER", "2"),
        ("CHANUNAVAIL", "9"),
        ("CONGESTION", "9"),
        ("ANSWER", None),
        ("CANCEL", None),
    ],
)
def test_condition(status: str, target: str | None) -> None:
    """The specific key wins over All; All covers the conditions only."""
    assert forward_target(POLICY, status, ("100",)) == target


def test_no_policy() -> None:
    """Nothing set: the call ends."""
    assert forward_target("{}", "BUSY", ("100",)) is None
    assert forward_target("", "BUSY", ("100",)) is None


def test_no_loop() -> None:
    """A target that was rung before is not rung again."""
    assert forward_target('{"All": "100"}', "BUSY", ("100", "101")) is None


def test_five_hops_at_most() -> None:
    """The fifth forward is carried out, the sixth is not."""
    rung = ("1", "2", "3", "4", "5")
    assert forward_target('{"All": "9"}', "BUSY", rung) == "9"
    assert forward_target('{"All": "9"}', "BUSY", (*rung, "6")) is None
