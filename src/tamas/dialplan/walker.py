"""Walking the graph: node after node, until the plan ends.

Before a node that takes time its place and what the call carries are written on the channel
(:mod:`tamas.dialplan.resume`), and what was walked so far is stated as facts; nodes that are over at once are
repeated after our restart instead.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from tamas.dialplan.call import Call
from tamas.dialplan.component import COMPONENTS, Component, End, Exit, HandOver, Jump, ParamsInvalid, Reroute
from tamas.dialplan.dial import Cause
from tamas.dialplan.graph import ERROR, FAILURE, INVALID, NEXT, NO, Node
from tamas.dialplan.plans import USUAL_CONTEXT
from tamas.dialplan.resume import Outcome
from tamas.dialplan.store_wait import StoreUnreachable
from tamas.engine.fastagi import AgiCommandFailed, AgiError, AgiHangup, AgiUnsafeValue
from tamas.store.clock import now
from tamas.store.database import STORE_ERRORS

log = logging.getLogger(__name__)

MAX_STEPS: Final = 500
"""Of one call (dialplan specification, section 1)."""
OUTGOING: Final = "OutgoingRoute"
INCOMING: Final = "IncomingRoute"
CAMPAIGNS: Final = "AutodialerRoute"
_ALIASES: Final = {"default": USUAL_CONTEXT, "": USUAL_CONTEXT}
"""What clients of the SA send who mean the usual route, and the context of whoever names none."""
_WAYS_OUT_OF_TROUBLE: Final = (FAILURE, ERROR, INVALID, NO, NEXT)
"""Where a call goes on from a node that cannot do its work, in order of preference."""


class Walker:
    """Takes one call through its version of the plan."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def enter(self, kind: str, context: str) -> End | HandOver:
        """Begin at the entry of a kind and context."""
        return await self._walk(self._entry(kind, context))

    async def start(self, node: Node) -> End | HandOver:
        """Begin at a node."""
        return await self._walk(node)

    async def resume(self, node: Node, outcome: Outcome) -> End | HandOver:
        """Go on at a node that Asterisk finished without us, or that never began.

        :param outcome: its status is empty when the node has to run again.
        """
        call = self._call
        known = COMPONENTS.get(node.type)
        if known is None or known.resume is None or not (outcome.status or known.resumes_always):
            return await self._walk(node, again=True)
        resume = known.resume
        call.at(node)

        async def go_on(node: Node, _component: Component[Any]) -> Exit:
            return await resume(call, call.live.params(node), outcome)

        return await self._walk(self._following(node, await self._work(node, go_on)))

    async def _walk(self, at: Node | End | HandOver, *, again: bool = False) -> End | HandOver:
        try:
            return await self._steps(at, again=again)
        except AgiHangup:
            with contextlib.suppress(AgiError):  # the connection may be gone as well
                await self._call.flush(dead=True)
            raise

    async def _steps(self, at: Node | End | HandOver, *, again: bool) -> End | HandOver:
        call = self._call
        while isinstance(at, Node):
            call.state.steps += 1
            if call.state.steps > MAX_STEPS:
                log.error("call %s was led in circles by the plan, at %s %r", call.cuid, at.type, at.name)
                at = End(cause=Cause.CONGESTION, failed="the call flow goes in circles")
                break
            at = self._following(at, await self._run(at, again=again))
            again = False
        await call.flush()
        return at

    async def _run(self, node: Node, *, again: bool) -> Exit:
        call = self._call
        call.at(node)
        if not again:
            call.later(("step", node.type), ("name", node.name or node.type), ("at", str(now())))
        return await self._work(node, self._perform)

    async def _perform(self, node: Node, component: Component[Any]) -> Exit:
        call = self._call
        params = call.live.params(node)
        if not component.instant and not component.own_mark:
            await call.mark()
        leave: Exit = await component.run(call, params)
        if not component.instant:
            call.forget()
        return leave

    async def _work(self, node: Node, work: Callable[[Node, Component[Any]], Awaitable[Exit]]) -> Exit:
        """What a node gives; where it cannot do its work, its way out of trouble.

        The end of the call and of the connection go through, and so does a store that does not answer: the
        dialplan then asks again.
        """
        component: Component[Any] | None = None
        try:
            component = self._call.live.component(node)
            return await work(node, component)
        except (ParamsInvalid, AgiCommandFailed, AgiUnsafeValue) as error:
            log.error("%s %r of the plan cannot work: %s", node.type, node.name, error)  # noqa: TRY400
        except (AgiError, StoreUnreachable):
            raise
        except STORE_ERRORS as error:
            raise StoreUnreachable(f"{node.type} {node.name!r}: {str(error) or 'no answer'}") from error
        except Exception:
            # A defect of ours. The caller is not the one to wait for it to be mended.
            log.exception("%s %r of the plan failed in call %s", node.type, node.name, self._call.cuid)
        return self._out_of_trouble(node, component)

    def _out_of_trouble(self, node: Node, component: Component[Any] | None) -> Exit:
        known = {output.key for output in node.outputs} | set(component.outputs if component else ())
        for key in _WAYS_OUT_OF_TROUBLE:
            if key in known:
                return key
        return End(cause=Cause.CONGESTION, failed=f"{node.type} {node.name} cannot work")

    def _following(self, node: Node, leave: Exit) -> Node | End | HandOver:
        """The node behind an exit; the end where no wire leads on."""
        call = self._call
        if isinstance(leave, End | HandOver):
            return leave
        if isinstance(leave, Jump):
            return call.live.jumps.get(leave.name) or call.end()
        if isinstance(leave, Reroute):
            state = call.state
            state.exten, state.data, state.phone = leave.number, "", leave.phone
            return self._entry(OUTGOING, leave.context)
        output = call.live.output(node, leave)
        target = None if output is None or output.target is None else call.live.nodes.get(output.target)
        return target or call.end()

    def _entry(self, kind: str, context: str) -> Node | End:
        call = self._call
        found = call.live.entry(kind, context) or call.live.entry(kind, _ALIASES.get(context, ""))
        if found is not None:
            call.state.context = context
            return found
        call.later(("step", kind), ("name", context or kind), ("at", str(now())))
        call.later(("context", context))
        return End(cause=Cause.UNALLOCATED, failed=f"no {kind} for context {context!r}", started=False)
