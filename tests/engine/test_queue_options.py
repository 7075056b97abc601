"""Option lines of queues: which reach app_queue, and in which form."""

from __future__ import annotations

import pytest

from tamas.engine.queue_options import FORMS, QueueOptionError, ignored_queue_options, queue_options
from tamas.store.views import QUEUE_OPTIONS


def test_every_option_has_a_column() -> None:
    """What can be set is what Asterisk's view of queues shows, and the other way round."""
    assert sorted(FORMS) == sorted(QUEUE_OPTIONS)


def test_known_lines_are_sorted_out() -> None:
    """Names with dashes or underscores, switches in any spelling; other lines set nothing."""
    lines = """
        ; a comment
        autopause = TRUE
        announce-position-limit=5
        queue_minutes => custom/minutes
        periodic-announce=custom/wait,queue-periodic-announce
        memberdelay=3
        memberdelay=2
        strategy=linear
        nothing
    """
    assert queue_options(lines) == {
        "autopause": "yes",
        "announce_position_limit": "5",
        "queue_minutes": "custom/minutes",
        "periodic_announce": "custom/wait,queue-periodic-announce",
        "memberdelay": "2",
    }
    assert queue_options("") == {}


@pytest.mark.parametrize(
    "line",
    [
        "autopause=perhaps",
        "autopausebusy=all",
        "memberdelay=-1",
        "memberdelay=",
        "announce_round_seconds=7",
        "timeoutpriority=both",
        "announce=../../etc/passwd",
        "periodic-announce=a&b",
        "queue-minute=a;b",
    ],
)
def test_values_that_do_not_fit_are_refused(line: str) -> None:
    """A value that app_queue would warn of, or that leaves the sounds, is no option."""
    with pytest.raises(QueueOptionError, match=line.partition("=")[0]):
        queue_options(line)


def test_lines_without_effect_are_told() -> None:
    """What has a field of its own, is not ours to set or is unknown has no effect; comments are no lines."""
    text = "memberdelay=2\n; note\ncontext=x\nQueue-Minute = a\ntimeout=9\nnonsense"
    assert ignored_queue_options(text) == ("context=x", "timeout=9", "nonsense")
