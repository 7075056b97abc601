"""The back-off policy, as a table of cases."""

from __future__ import annotations

import pytest

from tamas.outgoing.backoff import BackOff


@pytest.mark.parametrize(
    ("failures", "draw", "seconds"),
    [(0, 0.0, 0.025), (0, 0.5, 0.0375), (1, 0.0, 0.05), (5, 0.5, 1.2), (6, 0.5, 1.5), (5_000, 0.0, 1.0)],
)
def test_wait_doubles_up_to_its_cap(failures: int, draw: float, seconds: float) -> None:
    """Each failure doubles the wait until the cap, also after so many that powers overflow."""
    assert BackOff().delay(failures, draw) == pytest.approx(seconds)


def test_jitter_spreads_the_waits_of_many_clients() -> None:
    """Two draws give two waits, both within the upper half of the ceiling."""
    policy = BackOff(first=1.0, cap=8.0)
    assert 4.0 <= policy.delay(9, 0.1) < policy.delay(9, 0.9) < 8.0


def test_negative_count_is_refused() -> None:
    """A negative number of failures is a programming error."""
    with pytest.raises(ValueError, match="negative"):
        BackOff().delay(-1, 0.5)
