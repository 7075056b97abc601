"""How services of the autodialer answer what is refused further down."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tamas.autodialer.refusals import DialerRefused
from tamas.sa.errors import OperationFailed
from tamas.sa.service import ServiceContext

log = logging.getLogger(__name__)


@contextmanager
def answered(context: ServiceContext) -> Iterator[None]:
    """Make a refusal the catalogue's; why it was, stands in the log."""
    try:
        yield
    except DialerRefused as refusal:
        log.info("request %s refused: %s", context.request_id, refusal)
        raise OperationFailed(refusal.field) from refusal
