"""The envelope of every JSON answer, and the failures a service may raise.

Services import their failures from here or from :mod:`tamas.sa.errors`; they are the same classes.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tamas.sa.errors import (
    FileMissing,
    MissingField,
    NumberExists,
    OperationFailed,
    QueueExists,
    ServiceFailure,
    TrunkExists,
)

DONE = "Requested operation is done successfully"
"""Message of services that change something (SA catalogue, ``success_messages``)."""

_encode = msgspec.json.Encoder().encode


def envelope(success: int, message: str | None, data: Any) -> bytes:
    """The JSON body ``{success, message, data}``, keys in this order.

    :param success: 1 or 0.
    """
    return _encode({"success": success, "message": message, "data": data})


__all__ = [
    "DONE",
    "FileMissing",
    "MissingField",
    "NumberExists",
    "OperationFailed",
    "QueueExists",
    "ServiceFailure",
    "TrunkExists",
    "envelope",
]
