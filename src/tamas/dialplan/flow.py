"""The call flow: what Asterisk's fixed dialplan hands every call to.

One coroutine per call, driven by one AGI connection: it finds how the call came (:mod:`tamas.dialplan.entry`)
and takes it through the live plan (:mod:`tamas.dialplan.walker`); ``TAMAS_END`` marks the real end.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from tamas.autodialer.routes import route_of_attempt
from tamas.dialplan import components as components  # declares them
from tamas.dialplan.call import GROUP_CATEGORY, Call, Services
from tamas.dialplan.call_state import CallState
from tamas.dialplan.component import End, HandOver
from tamas.dialplan.dial import Cause, assignments
from tamas.dialplan.directory import Lookup, look_up
from tamas.dialplan.entry import RESUME_SCRIPT, Entry, Way, read_entry
from tamas.dialplan.facts import EVENT, encode_facts
from tamas.dialplan.introduction import INTRODUCE_SCRIPT, introduce
from tamas.dialplan.legs import after_leg, ring_leg
from tamas.dialplan.mailroom import Mailroom
from tamas.dialplan.plans import LivePlan, Plans
from tamas.dialplan.resume import Leg, Place, Resumption, read_place, read_resumption
from tamas.dialplan.sounds import Sounds
from tamas.dialplan.store_wait import StoreUnreachable, in_time
from tamas.dialplan.walker import CAMPAIGNS, INCOMING, OUTGOING, Walker
from tamas.dialplan.web_service import WebServices
from tamas.engine.dialing_out import DIALABLE
from tamas.engine.fastagi import AgiCallEnded, AgiSession
from tamas.engine.layout import EngineLayout
from tamas.engine.link import EngineAccess
from tamas.engine.sip_secrets import SecretSeal, open_seal
from tamas.recordings.folders import RecordingFolders
from tamas.recordings.names import RecordingNames
from tamas.settings import Settings
from tamas.store.changes import Changes
from tamas.store.database import Database
from tamas.store.runtime_settings import load_runtime_settings

log = logging.getLogger(__name__)

FAILED_DESTINATION: Final = "failed"
"""Reported destination of an originated call whose second party could not be called at all."""


class CallFlow:
    """The AGI handler. Holds no state of calls: they may be resumed by another process."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        changes: Changes | None = None,
        seal: SecretSeal | None = None,
        engine: EngineAccess | None = None,
    ) -> None:
        """:param changes: tells when plan and settings change; without it the store is asked each time.
        :param seal: opens passwords of mailboxes; without it the key of the state directory is read.
        :param engine: manager connection, for components that need one.
        """
        self._database = database
        self._changes = changes or Changes(database)
        self._runtime: Mapping[str, Any] = {}
        self._runtime_generation: int | None = None
        layout = EngineLayout(state_dir=settings.state_dir)
        seal = seal or open_seal(layout.state_dir)
        self.plans = Plans(database, self._changes)
        self.services = Services(
            database=database,
            settings=settings,
            changes=self._changes,
            layout=layout,
            seal=seal,
            names=RecordingNames(RecordingFolders(root=layout.recordings)),
            mailroom=Mailroom(database, layout.voicemail, seal, self.runtime),
            sounds=Sounds(database, layout.announcements),
            web=WebServices(seal),
            runtime=self.runtime,
            engine=engine,
        )

    async def handle(self, session: AgiSession) -> None:
        """Take a call from the fixed dialplan to its end.

        Raises ``AgiHangup`` when the caller hangs up, which is an end like others. When the store is out of
        reach this returns without an end, so that the dialplan asks again.
        """
        if session.script == INTRODUCE_SCRIPT:
            await introduce(session)
            return
        entry = read_entry(session)
        resumption = None
        if session.script == RESUME_SCRIPT:
            log.info("taking over call %s on %s", entry.cuid, session.channel)
            await session.execute("StopMusicOnHold")
            await session.set_variable("TAMAS_MUSIC", "")
            resumption = read_resumption(session)
        try:
            end = await self._take(session, entry, resumption)
        except AgiCallEnded:
            end = End(cause=Cause.NORMAL)
        except StoreUnreachable as error:
            log.error("call %s on %s has to wait: %s", entry.cuid, session.channel, error)  # noqa: TRY400
            return
        if isinstance(end, HandOver):
            # Carried out once this connection is closed; nothing of ours is needed any more.
            await session.execute("Goto", end.context, end.exten, "1")
        else:
            await _close(session, entry, end)

    async def close(self) -> None:
        """Close connections to web services."""
        await self.services.web.close()

    async def runtime(self) -> Mapping[str, Any]:
        """Runtime settings as they are now. :raises StoreUnreachable: the store does not answer."""
        return await in_time(self._current_runtime())

    async def _current_runtime(self) -> Mapping[str, Any]:
        generation = await self._changes.generation()
        if generation != self._runtime_generation:
            self._runtime = await load_runtime_settings(self._database)
            self._runtime_generation = generation
        return self._runtime

    async def _take(self, session: AgiSession, entry: Entry, resumption: Resumption | None) -> End | HandOver:
        if DIALABLE.fullmatch(entry.dialed) is None:
            return End(cause=Cause.INVALID_NUMBER, failed="no number that can be dialed", started=False)
        if entry.way in (Way.AGENT, Way.FIRST_LEG):
            return await self._leg(session, entry, resumption)
        if resumption is not None and isinstance(resumption.place, Place):
            live = await in_time(self.plans.version(resumption.place.version))
            node = None if live is None else live.nodes.get(resumption.place.node)
            if live is not None and node is not None:
                call = self._call(session, entry, resumption.state, live)
                call.caller = await _speaker(call)
                return await Walker(call).resume(node, resumption.outcome)
            log.error("call %s was at %s of the plan, which is gone", entry.cuid, resumption.place)
        if entry.attempt:
            return await self._begin_campaign(session, entry)
        return await self._begin(session, entry)

    async def _begin_campaign(self, session: AgiSession, entry: Entry) -> End | HandOver:
        """A number that a campaign called has picked up: begin at the campaign's route."""
        route = await in_time(route_of_attempt(self._database, entry.attempt))
        if route is None:
            return End(cause=Cause.UNALLOCATED, failed="no such attempt of a campaign", started=False)
        live = await in_time(self.plans.live())
        state = CallState(type="outgoing", src=route.number, exten=route.text)
        call = self._call(session, entry, state, live)
        call.later(("type", state.type), ("src", route.number), ("context", route.context))
        # Whoever is rung for this call sees whom it is with, not what the number was shown.
        await call.set(**{"CALLERID(num)": route.number, "CALLERID(name)": ""})
        return await Walker(call).enter(CAMPAIGNS, route.context)

    def _call(self, session: AgiSession, entry: Entry, state: CallState, live: LivePlan) -> Call:
        return Call(self.services, session, entry, state, live)

    async def _leg(self, session: AgiSession, entry: Entry, resumption: Resumption | None) -> End:
        if resumption is not None and isinstance(resumption.place, Leg) and resumption.outcome.status:
            return after_leg(resumption.outcome)
        live = await in_time(self.plans.live())
        return await ring_leg(self._call(session, entry, CallState(exten=entry.dialed), live))

    async def _begin(self, session: AgiSession, entry: Entry) -> End | HandOver:
        live = await in_time(self.plans.live())
        state = CallState(exten=entry.dialed, phone=entry.phone)
        call = self._call(session, entry, state, live)
        found = await in_time(
            look_up(self._database, phone=entry.phone, dialed=entry.dialed, trunk=entry.trunk)
        )
        call.learn(entry.phone, entry.dialed, found)
        call.caller = await _speaker(call, found)
        await _introduce(call, found)
        if (refused := await _take_place(call)) is not None:
            await call.flush()
            return refused
        walker = Walker(call)
        if isinstance(place := read_place(entry.start), Place):
            started = await in_time(self.plans.version(place.version))
            if started is not None and (node := started.nodes.get(place.node)) is not None:
                call.live = started
                return await walker.start(node)
        if entry.way is Way.ORIGINATED:
            return await walker.enter(OUTGOING, entry.context)
        # Whom a trunk sends on, by a transfer of its own too, gets no further than its calls do.
        return await walker.enter(INCOMING if entry.trunk else OUTGOING, found.context)


async def _speaker(call: Call, found: Lookup | None = None) -> Any:
    """Who talks on this channel: after a transfer not the one whose rights it has."""
    entry = call.entry
    if found is not None and entry.speaker == entry.phone:
        return found.caller
    return (await call.look_up("", phone=entry.speaker)).caller


async def _introduce(call: Call, found: Lookup) -> None:
    """State what is known before anybody rings; show the agent's caller id in place of the phone's."""
    entry, state, caller = call.entry, call.state, call.caller
    if entry.way is Way.TRANSFER:
        # The call keeps its source, type and destination; only a forward changes where it goes.
        state.dst = entry.dialed
        return
    if entry.way is Way.TRUNK:
        state.type, state.did = "incoming", entry.dialed
        facts = {"did": state.did, "entry": entry.trunk}
    elif entry.way is Way.ORIGINATED:
        state.type, state.src = "local" if found.caller is not None else "outgoing", entry.party
        facts = {"src": state.src}
    else:
        state.type, state.src = "local", caller.shown_number if caller else ""
        facts = {"src": state.src}
        if caller is not None and caller.mapped:
            await call.session.set_variable("CALLERID(num)", caller.shown_number)
            await call.session.set_variable("CALLERID(name)", caller.name)
    context = found.context if entry.way in (Way.PHONE, Way.TRUNK) else ""
    stated = {"type": state.type, **facts, "context": context}
    call.later(*((key, value) for key, value in stated.items() if value))
    call.destination(entry.dialed)


async def _take_place(call: Call) -> End | None:
    """Count the caller's phone against its limit of simultaneous calls."""
    caller = call.caller
    if caller is None or caller.call_limit is None or call.entry.way is not Way.PHONE:
        return None
    await call.session.set_variable(f"GROUP({GROUP_CATEGORY})", caller.phone)
    if await call.calls_of(caller.phone) <= caller.call_limit:
        return None
    return End(cause=Cause.CONGESTION, failed="too many calls at once from this extension", started=False)


async def _close(session: AgiSession, entry: Entry, end: End) -> None:
    """State why nobody was connected, and let the dialplan hang up."""
    if end.failed:
        facts = {"failed": end.failed}
        if entry.way is Way.ORIGINATED and not end.started:
            facts["dst"] = FAILED_DESTINATION
        await session.execute("CELGenUserEvent", EVENT, encode_facts(facts))
    await session.execute("MSet", *assignments({"TAMAS_CAUSE": str(int(end.cause)), "TAMAS_END": "1"}))
