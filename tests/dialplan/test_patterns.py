"""Which row takes a number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamas.dialplan.patterns import best_match, incoming_match, incoming_problem, pattern_problem

TOKENS = st.sampled_from(
    [*"0123456789", "X", "Z", "N", "x", "z", "n", "[5-8]", "[3568]", "[0-9a-zA-Z]", "*", "#", "+", "a"]
)
PATTERNS = st.builds(
    lambda places, tail: "".join(places) + tail,
    st.lists(TOKENS, min_size=1, max_size=8),
    st.sampled_from(["", ".", "!"]),
)
NUMBERS = st.text("0123456789*#+a", max_size=10)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("ZXX", ["100", "256", "999"], ["099", "1000"]),
        ("9X.", ["911", "90912"], ["91", "811"]),
        ("X.", ["12", "1abc"], ["1"]),
        ("1!", ["1", "123"], ["21"]),
        ("[2-5]6[02468].", ["2621", "36888"], ["262", "368"]),
        ("ZXXXXXX", ["2228045"], ["0228045"]),
        ("nxx", ["200", "999"], ["100", "199"]),
        ("[3568]", ["3", "8"], ["4", "7", "35"]),
        ("[0-9a-zA-Z]", ["0", "f", "Q"], ["*", "#", "00"]),
        ("0-21-XX", ["02155"], ["0-21-55"]),
        ("[1-]", ["1", "-"], ["2"]),
        ("*7X", ["*71"], ["71"]),
        (".", ["1", "abc"], [""]),
        ("!", ["", "1"], []),
    ],
)
def test_the_syntax(pattern: str, yes: list[str], no: list[str]) -> None:
    """The specification's table, where the vendor's own examples contradict it, and the finer points."""
    assert pattern_problem(pattern) is None
    assert [text for text in yes if best_match([pattern], text) is None] == []
    assert [text for text in no if best_match([pattern], text) is not None] == []


@pytest.mark.parametrize(
    ("patterns", "text", "winner"),
    [
        (["XXX", "ZXX", "NXX", "2XX", "201"], "201", "201"),
        (["XXX", "ZXX", "NXX", "2XX"], "201", "2XX"),
        (["XXX", "ZXX", "NXX"], "201", "NXX"),
        (["XXX", "ZXX", "NXX"], "101", "ZXX"),
        (["X.", "[12]XX", "ZXX"], "101", "[12]XX"),
        (["X!", "X."], "12", "X."),
        (["X.", "XX"], "12", "XX"),
        (["X.", "9."], "911", "9."),
        (["NX5", "ZX.", "2[1-9]X"], "215", "2[1-9]X"),
        (["X.", "0XX"], "1", None),
        (["[", "X"], "1", "X"),
    ],
)
def test_the_most_special_pattern_wins(patterns: list[str], text: str, winner: str | None) -> None:
    """A literal first, then the smaller set at the first position that differs, then ``.``, then ``!``."""
    found = best_match(patterns, text)
    assert (None if found is None else patterns[found]) == winner


def test_equal_patterns_go_by_position() -> None:
    """Two rows with sets of one size: the administrator's order decides."""
    assert best_match(["[1-5]", "[1-4,]", "[2-6]"], "3") == 0
    assert best_match(["[2-6]", "[1-5]"], "3") == 0


@given(st.lists(PATTERNS, max_size=6), NUMBERS)
def test_the_winner_takes_the_number(patterns: list[str], text: str) -> None:
    """Who wins among many would win alone; when nobody wins, nobody alone would."""
    found = best_match(patterns, text)
    alone = [best_match([pattern], text) is not None for pattern in patterns]
    assert any(alone) if found is not None else not any(alone)
    assert found is None or alone[found]


@given(st.lists(PATTERNS, min_size=1, max_size=6), NUMBERS)
def test_the_winner_does_not_depend_on_the_order_of_others(patterns: list[str], text: str) -> None:
    """Rows in another order: the winner is the same pattern, or one that is as special."""
    found = best_match(patterns, text)
    turned = patterns[::-1]
    other = best_match(turned, text)
    assert (found is None) == (other is None)
    if found is not None and other is not None and patterns[found] != turned[other]:
        pair = [patterns[found], turned[other]]
        assert best_match(pair, text) == best_match(pair[::-1], text) == 0


@given(st.text(max_size=100), st.text(max_size=100))
def test_any_text_is_a_pattern_or_has_a_problem(pattern: str, text: str) -> None:
    """Whatever an administrator types: it is used or explained, and never takes a call when it is wrong."""
    if pattern_problem(pattern) is not None:
        assert best_match([pattern], text) is None


@pytest.mark.parametrize(
    "pattern", ["", "-", "1 2", "[12", "12]", "[]", "[5-2]", "1.2", "1!0", ".!", "1\n", "1" * 81]
)
def test_what_is_no_pattern(pattern: str) -> None:
    """The faults that an administrator is told of."""
    assert pattern_problem(pattern)


@pytest.mark.parametrize(
    ("row", "did", "fits"),
    [
        ("x310410", "310410", True),
        ("x310410", "51310410", True),
        ("x310410", "+9821310410", True),
        ("x310410", "3104101", False),
        ("310410x", "310410", True),
        ("310410x", "31041099", True),
        ("310410x", "1310410", False),
        ("x3104x", "931041", True),
        ("x3104x", "31", False),
        ("x", "", True),
        ("", "anything", True),
        ("310410", "310410", True),
        ("310410", "0310410", False),
    ],
)
def test_x_stands_for_any_run(row: str, did: str, fits: bool) -> None:
    """``x`` at the front, at the back, at both, alone; the field for the caller works alike."""
    assert (incoming_match([("", row)], "0912", did) is not None) == fits
    assert (incoming_match([(row, "")], did, "3000") is not None) == fits


def test_the_order_of_incoming_rows() -> None:
    """From the most special row to the one for all, whatever their order on the sheet."""
    rows = [
        ("", ""),
        ("091x", ""),
        ("", "30x"),
        ("0912", ""),
        ("", "3000"),
        ("0912", "3000"),
    ]
    for count in range(len(rows), 0, -1):
        assert incoming_match(rows[:count], "0912", "3000") == count - 1
    assert incoming_match(rows[:0], "0912", "3000") is None
    assert incoming_match([("1", ""), ("", ""), ("x", "")], "0912", "3000") == 1


@pytest.mark.parametrize("text", ["3x4", "x3x4x", "+98x21", "1 2", "1\t", "1" * 81])
def test_what_is_no_incoming_number(text: str) -> None:
    """The faults that an administrator is told of."""
    assert incoming_problem(text)


@pytest.mark.parametrize("text", ["", "x", "x310410", "310410x", "+98213104", "taxi", "anonymous"])
def test_what_is_an_incoming_number(text: str) -> None:
    """Numbers, runs, and names that a trunk may send."""
    assert incoming_problem(text) is None
