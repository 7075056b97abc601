"""From the free-form option lines of a queue to the columns that ``app_queue`` reads.

The options are those of ``queues.conf`` in Asterisk 22 for which the API has no field of its own. The list
for people is in ``docs/asterisk.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tamas.engine.more_options import read_more_options
from tamas.errors import TamasError

_YES_NO = re.compile("yes|no")
_AUTOPAUSE = re.compile("yes|no|all")
_SECONDS = re.compile("[0-9]{1,5}")
_COUNT = re.compile("[0-9]{1,5}")
_SOUND = re.compile(r"[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+){0,5}")

_SWITCHES = (_YES_NO, _AUTOPAUSE)

FORMS: Mapping[str, re.Pattern[str]] = {
    "announce": _SOUND,
    "announce_position_limit": _COUNT,
    "announce_position_only_up": _YES_NO,
    "announce_round_seconds": re.compile("0|5|10|15|20|30"),
    "announce_to_first_user": _YES_NO,
    "autopause": _AUTOPAUSE,
    "autopausebusy": _YES_NO,
    "autopausedelay": _SECONDS,
    "autopauseunavail": _YES_NO,
    "log_caller_id_name": _YES_NO,
    "log_restricted_caller_id": _YES_NO,
    "memberdelay": _SECONDS,
    "penaltymemberslimit": _COUNT,
    "periodic_announce": re.compile(rf"{_SOUND.pattern}(?:,{_SOUND.pattern}){{0,9}}"),
    "periodic_announce_startdelay": _SECONDS,
    "queue_callerannounce": _SOUND,
    "queue_holdtime": _SOUND,
    "queue_minute": _SOUND,
    "queue_minutes": _SOUND,
    "queue_quantity1": _SOUND,
    "queue_quantity2": _SOUND,
    "queue_reporthold": _SOUND,
    "queue_seconds": _SOUND,
    "random_periodic_announce": _YES_NO,
    "relative_periodic_announce": _YES_NO,
    "timeoutpriority": re.compile("app|conf"),
    "timeoutrestart": _YES_NO,
}
"""Values of each of :data:`tamas.store.views.QUEUE_OPTIONS`."""

_NAMES = {**{name: name for name in FORMS}, **{name.replace("_", "-"): name for name in FORMS}}
_TRUTH = {"true": "yes", "1": "yes", "on": "yes", "false": "no", "0": "no", "off": "no"}


class QueueOptionError(TamasError):
    """A known option has a value that ``app_queue`` would not take."""


def queue_options(text: str) -> dict[str, str]:
    """The options that a text of option lines sets, by column name; other lines are left out.

    :raises QueueOptionError: a value does not fit its option.
    """
    options: dict[str, str] = {}
    for key, value in read_more_options(text, known=_NAMES).applied.items():
        form = FORMS[_NAMES[key]]
        written = _TRUTH.get(value.lower(), value.lower()) if form in _SWITCHES else value
        if not form.fullmatch(written):
            raise QueueOptionError(f"{key} cannot be {value!r}")
        options[_NAMES[key]] = written
    return options


def ignored_queue_options(text: str) -> tuple[str, ...]:
    """Option lines of a queue that have no effect."""
    return read_more_options(text, known=_NAMES).ignored
