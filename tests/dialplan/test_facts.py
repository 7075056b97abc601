"""Facts on their way into CEL."""

from __future__ import annotations

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from tamas.dialplan.facts import MAX_LENGTH, encode_facts


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(min_size=1, max_size=40), max_size=6
    )
)
def test_any_value_travels(facts: dict[str, str]) -> None:
    """Whatever a value holds, it comes back, and no sign that an application would read is in between."""
    facts = {key: value for key, value in facts.items() if value.isprintable()}
    encoded = encode_facts(facts)
    if len(encoded) < MAX_LENGTH - 300:
        assert dict(parse_qsl(encoded)) == facts
    assert not set(encoded) & set(",\"'\\(){}[]$^|; \n")


def test_empty_values_are_left_out() -> None:
    """Nothing is stated about what is not known."""
    assert encode_facts({"src": "", "dst": "202"}) == "dst=202"


def test_too_much_is_cut_at_whole_facts() -> None:
    """The column's length is kept; what stays can be read."""
    encoded = encode_facts({"type": "local", "failed": "x" * 2000})
    assert encoded == "type=local"
