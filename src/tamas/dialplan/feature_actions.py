"""What feature codes do, and what the person at the phone hears and types meanwhile.

Every question ends with ``#``; ``#`` alone takes what stands to reason: the person at the phone, the queue
that the code names. Done twice, after our death in between, each leaves the same.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from sqlalchemy import select, union_all, update
from sqlalchemy.dialects import postgresql, sqlite

from tamas.agents.memberships import (
    MembershipRefused,
    leave,
    lock_memberships,
    queues_of,
    set_paused,
    sign_in,
)
from tamas.dialplan.component import End
from tamas.dialplan.dial import Cause
from tamas.dialplan.entry import Way
from tamas.dialplan.feature_codes import Auth, Code, CodeType, WhoseNumber
from tamas.dialplan.store_wait import in_time
from tamas.dialplan.typed_secrets import ask_own_secret, ask_sealed
from tamas.engine.dialing_out import DIALABLE
from tamas.engine.effects import Effect, break_told, carry_over, phones_followed, refreshed
from tamas.store.clock import now
from tamas.store.database import Connection
from tamas.store.dialplan_schema import feature_codes
from tamas.store.ids import new_id
from tamas.store.schema import blacklist, calls, extensions, queue_visits

if TYPE_CHECKING:
    from tamas.dialplan.call import Call
    from tamas.dialplan.directory import Caller

log = logging.getLogger(__name__)

T = TypeVar("T")

TYPING_SECONDS: Final = 6.0
MAX_DIGITS: Final = 32
QUESTIONS: Final = 3
"""How often something is asked before the call ends."""

FORWARD_KEY: Final = "All"
"""Condition of ``forward_policy`` that people set for themselves; the others are the administrator's."""

_REFUSED: Final = "feature-not-avail-line"


class _GaveUp(Exception):
    """The person at the phone gave no usable answer."""


async def run_feature_code(call: Call, code: Code) -> End:
    """Do what a dialed code says; the call is over then. Answers the call.

    Only for whoever sits at one of our phones: nobody else is anybody here.

    :raises StoreUnreachable: the store does not answer.
    """
    call.state.type = "feature"
    call.later(("type", "feature"))
    await call.flush()
    await call.answer()
    caller = call.caller
    if caller is None or call.entry.way not in (Way.PHONE, Way.ORIGINATED):
        await call.prompts.play(_REFUSED)
        return End(cause=Cause.NORMAL, failed="a feature code, but not from a phone of ours", started=False)
    run = _Run(call, caller, code)
    try:
        failed = await run.act()
    except _GaveUp:
        failed = "no usable answer to a question of the code"
    await call.prompts.play("vm-goodbye" if failed else "auth-thankyou")
    return End(cause=Cause.NORMAL, failed=failed)


@dataclass
class _Run:
    """One code being carried out; each action gives the reason it failed, or ``""``."""

    call: Call
    caller: Caller
    code: Code

    async def act(self) -> str:
        code = self.code
        action: Callable[[str], Awaitable[str]] = {
            CodeType.QUEUE_JOIN: self._join,
            CodeType.QUEUE_LEAVE: self._leave,
            CodeType.QUEUE_PAUSE: self._pause_one,
            CodeType.QUEUE_UNPAUSE: self._pause_one,
            CodeType.PAUSE: self._pause_all,
            CodeType.UNPAUSE: self._pause_all,
            CodeType.BLACKLIST: self._blacklist,
            CodeType.WHO_AM_I: self._who_am_i,
            CodeType.FORWARD: self._forward,
        }[code.type]
        agent = self.caller.number
        if code.agent is WhoseNumber.ASK:
            agent = await self._ask("agent-user", default=agent)
        if not await self._admitted(agent):
            return "wrong secret"
        return await action(agent)

    # -- questions --------------------------------------------------------------------------------------

    async def _admitted(self, agent: str) -> bool:
        """Ask for the secret that the code wants."""
        code, call = self.code, self.call
        if code.auth is Auth.NONE:
            return True
        if code.auth is Auth.PASSWORD:
            sealed = await in_time(self._password())
            return sealed is not None and await ask_sealed(call, subject=f"code:{code.id}", sealed=sealed)
        # An agent without an extension has no secret of its own: the phone's vouches for it.
        return await ask_own_secret(call, agent, self.caller.phone)

    async def _password(self) -> bytes | None:
        async with self.call.services.database.read() as connection:
            sealed: bytes | None = await connection.scalar(
                select(feature_codes.c.password_sealed).where(feature_codes.c.id == self.code.id)
            )
            return sealed

    async def _typed(self, *prompts: str) -> str | None:
        """What the caller types after prompts, up to ``#``; ``None``: nothing at all."""
        call = self.call
        first = await call.prompts.play(*prompts, keys="0123456789*#")
        first = first or await call.session.wait_for_digit(TYPING_SECONDS)
        if first is None or first == "#":
            return None if first is None else ""
        # Within Asterisk: AGI drops what is pressed between two commands.
        return first + await call.session.get_data("", timeout=TYPING_SECONDS, max_digits=MAX_DIGITS - 1)

    async def _ask(self, *prompts: str, default: str = "") -> str:
        """A number that the caller types; ``#`` alone: the default. :raises _GaveUp: there is none."""
        for _ in range(QUESTIONS):
            typed = await self._typed(*prompts)
            found = default if typed == "" else typed or ""
            if found.isascii() and found.isdigit():
                return found
            await self._say("invalid")
        raise _GaveUp

    async def _queue(self) -> str:
        """The queue that the code acts in. :raises _GaveUp: the caller names none."""
        return self.code.queue_number or await self._ask("agent-newlocation")

    async def _say(self, *names: str) -> None:
        await self.call.prompts.play(*names)

    # -- queues -----------------------------------------------------------------------------------------

    async def _join(self, agent: str) -> str:
        queue, phone = await self._queue(), self.caller.phone

        async def join(tx: Connection) -> set[str]:
            return await sign_in(tx, queue=queue, agent=agent, phone=phone)

        try:
            changed = await self._change(join)
        except MembershipRefused as error:
            await self._say("agent-incorrect" if error.field == "agent" else "pbx-invalid")
            return str(error)
        await self._tell_engine([*refreshed(changed), phones_followed(phone)])
        await self._say("agent-loginok", "for", f"={queue}")
        return ""

    async def _leave(self, agent: str) -> str:
        queue = await self._queue()

        async def go(tx: Connection) -> set[str]:
            if queue not in await queues_of(tx, agent):
                return set()
            return await leave(tx, queue=queue, agent=agent)

        await self._tell_engine(refreshed(await self._change(go)))
        await self._say("agent-loggedoff", f"={queue}")
        return ""

    async def _pause_one(self, agent: str) -> str:
        queue = await self._queue()
        try:
            await self._pause(agent, queue)
        except MembershipRefused as error:
            await self._say("agent-incorrect")
            return str(error)
        return ""

    async def _pause_all(self, agent: str) -> str:
        if not await self._pause(agent, None):
            await self._say("agent-incorrect")
            return f"{agent} is in no queue"
        return ""

    async def _pause(self, agent: str, queue: str | None) -> bool:
        """Begin or end a break in one queue, or in all; tells whether there was any."""
        paused = self.code.type in (CodeType.QUEUE_PAUSE, CodeType.PAUSE)

        async def change(tx: Connection) -> list[str]:
            found = await queues_of(tx, agent) if queue is None else [queue]
            for each in found:
                await set_paused(tx, queue=each, agent=agent, paused=paused, reason="")
            return found

        queues = await self._change(change)
        await self._tell_engine([break_told(each, agent, paused=paused) for each in queues])
        if queues:
            await self._say("do-not-disturb", "activated" if paused else "de-activated")
        return bool(queues)

    # -- the others -------------------------------------------------------------------------------------

    async def _who_am_i(self, agent: str) -> str:
        await self._say("your", "extension", "is", f"={agent}")
        return ""

    async def _blacklist(self, agent: str) -> str:
        last = await in_time(self._last_caller(agent))
        number = ""
        if last:
            key = await self.call.prompts.play("privacy-to-blacklist-last-caller", keys="1")
            number = last if key or await self._pressed_one() else ""
        if not number:
            number = await self._ask("enter-num-blacklist")

        async def add(tx: Connection) -> None:
            insert = sqlite.insert if self.call.services.database.dialect == "sqlite" else postgresql.insert
            at = now()
            row = {"number": number, "comment": f"by {agent}", "created_at": at, "updated_at": at}
            await tx.execute(insert(blacklist).values(id=new_id(), **row).on_conflict_do_nothing())

        await self._change(add)
        await self._say("num-was-successfully", "added", f"={number}")
        return ""

    async def _pressed_one(self) -> bool:
        return await self.call.session.wait_for_digit(2.0) == "1"

    async def _last_caller(self, agent: str) -> str:
        """Number of whoever called a person last, by name or through a queue."""
        direct = select(calls.c.src, calls.c.started_at).where(calls.c.dst == agent, calls.c.src != "")
        queued = select(queue_visits.c.src, queue_visits.c.started_at).where(
            queue_visits.c.agent == agent, queue_visits.c.src != ""
        )
        latest = [
            each.order_by(each.selected_columns.started_at.desc()).limit(1).subquery()
            for each in (direct, queued)
        ]
        both = union_all(*(select(each.c.src, each.c.started_at) for each in latest)).subquery()
        async with self.call.services.database.read() as connection:
            number = await connection.scalar(select(both.c.src).order_by(both.c.started_at.desc()).limit(1))
        return number if number is not None and DIALABLE.fullmatch(number) else ""

    async def _forward(self, agent: str) -> str:
        target = await self._forward_target()

        async def change(tx: Connection) -> str:
            for number in (agent, self.caller.phone):
                row = await tx.row(
                    select(extensions.c.id, extensions.c.forward_policy)
                    .where(extensions.c.number == number)
                    .with_for_update()
                )
                if row is not None:
                    policy = msgspec.json.decode(row["forward_policy"] or "{}") | {FORWARD_KEY: target}
                    text = msgspec.json.encode(policy).decode()
                    await tx.execute(
                        update(extensions)
                        .where(extensions.c.id == row["id"])
                        .values(forward_policy=text, updated_at=now())
                    )
                    return number
            return ""

        if not (number := await self._change(change)):
            await self._say("pbx-invalid")
            return f"there is no extension {agent}"
        if target:
            await self._say("call-forwarding", "for", "extension", f"={number}", "is-set-to", f"={target}")
        else:
            await self._say("call-forwarding", "de-activated")
        return ""

    async def _forward_target(self) -> str:
        """The number to forward to; ``#`` alone: none. :raises _GaveUp: the caller types nothing usable."""
        for _ in range(QUESTIONS):
            typed = await self._typed("call-forwarding", "agent-newlocation")
            if typed == "" or (typed and typed.isascii() and typed.isdigit()):
                return typed
            await self._say("invalid")
        raise _GaveUp

    # -- the store and the engine -----------------------------------------------------------------------

    async def _change(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do something in one transaction in which nobody else changes memberships."""
        database = self.call.services.database

        async def change() -> T:
            async with database.write() as tx:
                await lock_memberships(database, tx)
                return await work(tx)

        return await in_time(change())

    async def _tell_engine(self, effects: Sequence[Effect]) -> None:
        engine = self.call.services.engine
        if engine is not None:
            await carry_over(engine, effects)
