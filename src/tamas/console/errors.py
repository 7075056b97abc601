"""What a service of the console can answer when it does not succeed.

Each failure has an HTTP status and a code on which the pages branch and by which they translate; the text is
for whoever reads the answer itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from tamas.errors import TamasError


class ConsoleFailure(TamasError):
    """A service of the console did not do what was asked.

    :param message: for the reader of the answer, English.
    :param field: dotted name of the field at fault.
    :param params: facts that the translated text names.
    :param code: in place of the class's own.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: str = "broken"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        params: Mapping[str, Any] | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.params = dict(params or {})
        if code is not None:
            self.code = code


class SignedOut(ConsoleFailure):
    """There is no session, or it has ended."""

    status = HTTPStatus.UNAUTHORIZED
    code = "signed_out"


class SignInRefused(ConsoleFailure):
    """Signing in failed: ``wrong_credentials``, ``code_required`` or ``wrong_code``."""

    status = HTTPStatus.UNAUTHORIZED
    code = "wrong_credentials"


class Forbidden(ConsoleFailure):
    """The account may not do that: ``forbidden``, ``cross_site`` or ``password_change_required``."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class NotFound(ConsoleFailure):
    """What was named does not exist (any more)."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"


class Conflict(ConsoleFailure):
    """It cannot be done as things are; give the code, such as ``number_exists``, ``in_use``, ``lockout``."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class Invalid(ConsoleFailure):
    """A value cannot be used: ``invalid``, ``missing``, ``weak_password``, ``wrong_password``."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid"


class SlowDown(ConsoleFailure):
    """Too many attempts.

    :param retry_after: seconds.
    """

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "slow_down"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, params={"retry_after": retry_after})
        self.retry_after = retry_after


class Unavailable(ConsoleFailure):
    """Something that is needed is away: ``engine_away`` or ``store_busy``."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "engine_away"
