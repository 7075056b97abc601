"""Background work goes on when the store is in trouble, and says so once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tamas.store.database import STORE_ERRORS


class StoreTrouble:
    """Trouble of the store as one background work meets it."""

    def __init__(self, log: logging.Logger, complaint: str) -> None:
        """:param complaint: plain words of what has to wait; the error follows."""
        self._log = log
        self._complaint = complaint
        self.present = False
        """Whether the last try met trouble."""

    @contextmanager
    def told(self) -> Iterator[None]:
        """Try something. One of ``STORE_ERRORS`` ends the block; the first in a row is logged."""
        try:
            yield
        except STORE_ERRORS as error:
            if not self.present:
                self._log.warning("%s: %s", self._complaint, error)
            self.present = True
        else:
            self.present = False
