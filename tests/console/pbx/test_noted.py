"""What the activity log is told of many extensions."""

from __future__ import annotations

from tamas.console.pbx.noted import named, spans, values_before


def test_spans() -> None:
    """Numbers that follow each other become one; numbers of different length never do."""
    assert spans(["201", "200", "202", "300", "99", "0203"]) == ["99", "200-202", "300", "0203"]
    assert spans(["099", "100"]) == ["099-100"]
    assert spans(["99", "100"]) == ["99", "100"]
    assert spans([]) == []


def test_values_before() -> None:
    """One value where all had it, else who had which."""
    rows = [{"number": str(n), "context": "city" if n < 103 else "world"} for n in range(101, 105)]
    assert values_before(rows[:2], "context") == "city"
    assert values_before(rows, "context") == {"city": ["101-102"], "world": ["103-104"]}


def test_names() -> None:
    """An extension that is named like its number is told once."""
    assert (named("101", "101"), named("101", "Sara")) == ("101", "101 Sara")
