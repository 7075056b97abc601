"""What a service of the SA can answer when it does not succeed.

Texts are the catalogue's, word for word (SA catalogue, ``operation_errors``). All of these travel as HTTP 200
with ``success`` 0 and ``data`` null; the field at fault goes into the header ``X-Error-Field`` and the API
log only.
"""

from __future__ import annotations

from typing import ClassVar

from tamas.errors import TamasError


class ServiceFailure(TamasError):
    """A service did not do what was asked.

    :param field: dotted name of the field at fault, as on the wire (``forward_policy.No Answer``).
    """

    message: ClassVar[str] = "Requested operation failed"

    def __init__(self, field: str | None = None) -> None:
        super().__init__(self.text(field))
        self.field = field

    @classmethod
    def text(cls, field: str | None) -> str:  # noqa: ARG003 - a subclass names the field
        """The ``message`` of the answer."""
        return cls.message


class OperationFailed(ServiceFailure):
    """Requested operation failed: unknown id, bad value, or the engine refused."""


class NumberExists(ServiceFailure):
    """The number already belongs to something that can be dialed."""

    message = "This number already exists"


class TrunkExists(ServiceFailure):
    """A trunk of that name exists."""

    message = "This trunk already exists"


class QueueExists(ServiceFailure):
    """A queue of that name exists. The lower-case first letter is the catalogue's."""

    message = "this queue already exists"


class MissingField(ServiceFailure):
    """A required field is absent, null or empty."""

    def __init__(self, field: str) -> None:
        super().__init__(field)

    @classmethod
    def text(cls, field: str | None) -> str:
        return f"Field '{field}':value is missing"


class FileMissing(TamasError):
    """The file to download does not exist: 404, without envelope."""
