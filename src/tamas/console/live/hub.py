"""Who watches the engine, and what they are told."""

from __future__ import annotations

from typing import Protocol

from tamas.engine.watch.view import EngineView


class LiveHub(Protocol):
    """What services need of the live stream."""

    async def view(self) -> EngineView:
        """The engine as it is now.

        The first caller makes us watch the engine, which goes on for a while after the last.
        """
