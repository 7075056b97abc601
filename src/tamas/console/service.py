"""One declaration per service of the console, as for the Simotel API (architecture rule 1).

::

    @service("pbx/users/list", page=USERS, right=READ, summary="List extensions", request=UserQuery)
    async def list_users(context: ConsoleContext, request: UserQuery) -> UserPage: ...

Out of it come the address, the method (reading is GET, everything else POST), who may call it, validation,
the OpenAPI document and, from that, the types of the pages. The answer is what the function says it returns:
a Struct, ``None`` (204), or a Starlette ``Response`` for downloads.
"""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from tamas.console.rights import READ, Page, Right
from tamas.sa.declarations import Declarations
from tamas.sa.fields import Model, NoParameters, model_of

if TYPE_CHECKING:
    from tamas.console.context import ConsoleContext

Method = Literal["GET", "POST"]
R = TypeVar("R", bound=msgspec.Struct)
Run = Callable[["ConsoleContext", R], Awaitable[Any]]

PREFIX = "/api/console/v1"


@dataclass(frozen=True, kw_only=True)
class ConsoleService:
    """A declared service of the console."""

    path: str
    """Below :data:`PREFIX`, without slashes at its ends."""
    method: Method
    summary: str
    description: str
    request: Model[Any]
    run: Callable[[ConsoleContext, Any], Awaitable[Any]]
    page: Page | None
    """Whose right is needed; ``None``: any session will do."""
    right: Right
    public: bool
    """Whether it may be called without a session."""

    @property
    def answer(self) -> Any:
        """The type that it returns."""
        return typing.get_type_hints(self.run)["return"]

    @property
    def before_password_change(self) -> bool:
        """Whether somebody whose password is the generated one may call it."""
        return self.path.startswith("session/")


class ConsoleRegistry(Declarations[ConsoleService]):
    """All services of the console in a process, by path."""

    def service(
        self,
        path: str,
        *,
        summary: str,
        page: Page | None = None,
        right: Right = READ,
        method: Method | None = None,
        public: bool = False,
        request: type[R] = NoParameters,  # type: ignore[assignment]
        description: str = "",
    ) -> Callable[[Run[R]], Run[R]]:
        """Declare the decorated coroutine function as a service.

        It fails by raising a :class:`~tamas.console.errors.ConsoleFailure` or a
        :class:`~tamas.sa.errors.ServiceFailure`, which the gateway translates.

        :param method: when it is not GET for ``read`` and ``play`` and POST for ``update``.
        :raises tamas.sa.declarations.DeclarationError: the path is taken or malformed, or it is too late.
        """

        def declare(run: Run[R]) -> Run[R]:
            self.add(
                ConsoleService(
                    path=path,
                    method=method or ("POST" if right == "update" else "GET"),
                    summary=summary,
                    description=description,
                    request=model_of(request),
                    run=run,
                    page=page,
                    right=right,
                    public=public,
                )
            )
            return run

        return declare


registry = ConsoleRegistry()
"""The services of this process; filled when their modules are imported."""

service = registry.service
"""Declares a service in :data:`registry`."""
