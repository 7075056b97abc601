"""Why something of the autodialer cannot be kept, or done, as it was asked for."""

from __future__ import annotations

from tamas.errors import TamasError


class DialerRefused(TamasError):
    """What was asked for does not fit, or is not there.

    :param field: what is wrong, as the Simotel API names it: ``trunk_manager_id``, ``numbers``, ``_id``.
    :param reason: why, for people.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
