"""No live picture of the engine: everything is shown as unreachable, and no stream begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from tamas.console.context import SignedIn
from tamas.engine.watch.view import CallView, PhoneView, QueueView, TrunkView


class AbsentLive:
    """A hub and a stream without an engine behind them; also the view that the hub shows."""

    ready = False

    async def view(self) -> AbsentLive:
        """Nothing can be seen."""
        return self

    def phone(self, _number: str) -> PhoneView:
        """Unreachable."""
        return PhoneView(registered=False, state="unavailable", calls=0)

    def trunk(self, _name: str) -> TrunkView:
        """Unreachable."""
        return TrunkView(state="unavailable", registration="none", calls=0)

    def queue(self, _number: str) -> QueueView:
        """Empty."""
        return QueueView()

    def calls(self) -> Sequence[CallView]:
        """None."""
        return ()

    def call(self, _linkedid: str) -> CallView | None:
        """None."""
        return None

    async def serve(
        self,
        _scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
        *,
        who: SignedIn,  # noqa: ARG002 - as a stream is asked
        check: Callable[[], Awaitable[SignedIn | None]],  # noqa: ARG002
    ) -> None:
        """Ask the browser to come again later (RFC 6455, code 1013)."""
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1013})
