"""A set of services, each declared once and found by its path; sealed when serving begins.

The Simotel API and the console each have one; what a declaration says beyond its path is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from tamas.errors import TamasError


class Declared(Protocol):
    """A declared service."""

    @property
    def path(self) -> str:
        """Below the API's prefix, without slashes at its ends."""


D = TypeVar("D", bound=Declared)


class DeclarationError(TamasError):
    """A service was declared twice, wrongly, or after the registry was sealed."""


class Declarations(Generic[D]):
    """All services of one API in a process, by path."""

    def __init__(self) -> None:
        self._services: dict[str, D] = {}
        self._sealed = False

    def add(self, declared: D) -> None:
        """Take a declaration. :raises DeclarationError: see there."""
        path = declared.path
        if self._sealed:
            raise DeclarationError(f"{path} was declared after start-up")
        if path in self._services:
            raise DeclarationError(f"{path} is declared twice")
        if path != path.strip("/").lower() or "//" in path:
            raise DeclarationError(f"{path!r} is no path of a service")
        self._services[path] = declared

    def seal(self) -> None:
        """From now on nothing can be declared."""
        self._sealed = True

    def arrange(self, place: Callable[[D], int]) -> None:
        """Put them in an order, whatever the order in which they were declared; equal places keep theirs."""
        self._services = {one.path: one for one in sorted(self._services.values(), key=place)}

    def get(self, path: str) -> D | None:
        """The service at a path below the API's prefix."""
        return self._services.get(path)

    def __iter__(self) -> Iterator[D]:
        return iter(self._services.values())

    def __len__(self) -> int:
        return len(self._services)
