"""The built-in call flow: what every call does until the call-flow graph is there.

An extension's number rings its phones, a queue's number joins the queue, a mailbox's number leads into the
mailbox, a number that is set up for faxes receives one, any other number leaves by the first active trunk.
From a trunk only extensions, queues and fax numbers can be reached, else the fallback number. Transfers and
forwards count as dialed by whoever transfers or forwards. Calls that an extension does not take and does not
forward go to the mailbox with its number; who dials their own number listens to it.

One coroutine per call, driven by one AGI connection. Before each step that may outlive this process the step
is written on the channel (:mod:`tamas.dialplan.resume`); ``TAMAS_END`` marks the real end.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from tamas.dialplan.dial import (
    LIMIT_VARIABLES,
    TRUNK_RING_SECONDS,
    Cause,
    assignments,
    cause_of,
    contacts_string,
    dial_options,
    is_barred,
    phone_string,
    reason_of,
    trunk_string,
)
from tamas.dialplan.directory import Caller, Extension, Lookup, Mailbox, Queue, look_up
from tamas.dialplan.entry import DIALABLE, RESUME_SCRIPT, Entry, Way, read_entry
from tamas.dialplan.facts import EVENT, encode_facts
from tamas.dialplan.forwarding import forward_target
from tamas.dialplan.mailroom import Mailroom
from tamas.dialplan.message_menu import MessageMenu, admitted
from tamas.dialplan.resume import Node, Outcome, Resumption, Step, read_resumption, write_hops
from tamas.dialplan.store_wait import StoreUnreachable, in_time
from tamas.dialplan.take_message import From, Left, saved_meanwhile, take_message
from tamas.engine.fastagi import AgiCallEnded, AgiRaw, AgiSession
from tamas.engine.fixed_dialplan import (
    DIAL_OPTIONS,
    EXTENSION_RING_SECONDS,
    FAX_RECEIVE_CONTEXT,
    QUEUE_ANSWERED_SUBROUTINE,
)
from tamas.engine.layout import EngineLayout
from tamas.engine.sip_secrets import SecretSeal, load_or_create_seal_key
from tamas.recordings.folders import RecordingFolders
from tamas.recordings.names import Recording, RecordingNames
from tamas.settings import Settings
from tamas.store.changes import Changes
from tamas.store.database import Database
from tamas.store.runtime_settings import load_runtime_settings

log = logging.getLogger(__name__)

GROUP_CATEGORY: Final = "tamas"
"""Category of ``GROUP()`` in which channels count against their extension's limit of simultaneous calls."""
QUEUE_OPTIONS: Final = "tTkKc"
"""Transfers and parking for both sides; the caller goes on when the agent hangs up."""
KEEP_CALLER_ID: Final = "I"
"""Option of Dial and Queue: who answers does not become the caller's connected line."""
MISSED: Final = frozenset({"BUSY", "NOANSWER", "CHANUNAVAIL", "CONGESTION"})
"""DIALSTATUS of a Dial after which an extension's mailbox takes the call."""
FAILED_DESTINATION: Final = "failed"
"""Reported destination of an originated call whose second party could not be called at all."""

_BAD_QUEUE_REASONS: Final[Mapping[str, str]] = {
    "TIMEOUT": "waited in the queue too long",
    "FULL": "the queue is full",
    "JOINEMPTY": "nobody works in the queue",
    "LEAVEEMPTY": "everybody left the queue",
    "JOINUNAVAIL": "nobody in the queue is available",
    "LEAVEUNAVAIL": "nobody in the queue is available any more",
    "WITHDRAW": "withdrawn from the queue",
}


@dataclass(frozen=True, kw_only=True)
class ToFax:
    """The flow is over: the fixed dialplan receives a fax."""


@dataclass(frozen=True, kw_only=True)
class End:
    """The end of the flow: what the caller gets."""

    cause: int
    failed: str = ""
    """Plain reason when nobody was connected."""
    started: bool = True
    """Whether anybody could be called at all."""


class CallFlow:
    """The AGI handler. Holds no state of calls: they may be resumed by another process."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        changes: Changes | None = None,
        seal: SecretSeal | None = None,
    ) -> None:
        """:param changes: tells when runtime settings change; without it the store is asked each time.
        :param seal: opens passwords of mailboxes; without it the key of the state directory is read.
        """
        self._database = database
        self._fallback_number = settings.fallback_number
        self._changes = changes or Changes(database)
        self._runtime: Mapping[str, Any] = {}
        self._runtime_generation: int | None = None
        layout = EngineLayout(state_dir=settings.state_dir)
        self._names = RecordingNames(RecordingFolders(root=layout.recordings))
        seal = seal or SecretSeal(load_or_create_seal_key(layout.secrets / "seal.key"))
        self.mailroom = Mailroom(database, layout.voicemail, seal, self.runtime)

    async def handle(self, session: AgiSession) -> None:
        """Take a call from the fixed dialplan to its end.

        Raises ``AgiHangup`` when the caller hangs up, which is an end like others. When the store is out of
        reach this returns without an end, so that the dialplan asks again.
        """
        entry = read_entry(session)
        resumption = None
        if session.script == RESUME_SCRIPT:
            log.info("taking over call %s on %s", entry.cuid, session.channel)
            await session.execute("StopMusicOnHold")
            await session.set_variable("TAMAS_MUSIC", "")
            resumption = read_resumption(session)
        call = _Call(self, session, entry)
        end: End | ToFax
        try:
            end = await (call.resume(resumption) if resumption else call.begin())
        except AgiCallEnded:
            end = End(cause=Cause.NORMAL)
        except StoreUnreachable as error:
            log.error("call %s on %s has to wait: %s", entry.cuid, session.channel, error)  # noqa: TRY400
            return
        if isinstance(end, ToFax):
            # Carried out once this connection is closed; nothing of ours is needed any more.
            await session.execute("Goto", FAX_RECEIVE_CONTEXT, "s", "1")
        else:
            await call.end(end)

    async def look_up(self, *, phone: str, dialed: str, trunk: str = "") -> Lookup:
        """What the store knows. :raises StoreUnreachable: it does not answer."""
        return await in_time(look_up(self._database, phone=phone, dialed=dialed, trunk=trunk))

    async def runtime(self) -> Mapping[str, Any]:
        """Runtime settings as they are now. :raises StoreUnreachable: the store does not answer."""
        return await in_time(self._current_runtime())

    async def _current_runtime(self) -> Mapping[str, Any]:
        generation = await self._changes.generation()
        if generation != self._runtime_generation:
            self._runtime = await load_runtime_settings(self._database)
            self._runtime_generation = generation
        return self._runtime

    async def take_recording(self, cuid: str) -> Recording | None:
        runtime = await self.runtime()
        return self._names.take(cuid, str(runtime["timezone"]), runtime["recordings.format"])

    def give_back_recording(self, cuid: str, recording: Recording) -> None:
        self._names.give_back(cuid, recording)

    @property
    def fallback_number(self) -> str:
        """Extension that takes calls from trunks to unknown numbers; may be empty."""
        return self._fallback_number


class _Call:
    """One call in one AGI session."""

    def __init__(self, flow: CallFlow, session: AgiSession, entry: Entry) -> None:
        self._flow = flow
        self._session = session
        self._entry = entry
        self._hops: tuple[str, ...] = ()
        self._caller: Caller | None = None
        self._context = ""

    async def begin(self) -> End | ToFax:
        """Route the dialed number."""
        entry = self._entry
        if DIALABLE.fullmatch(entry.dialed) is None:
            return End(cause=Cause.INVALID_NUMBER, failed="no number that can be dialed", started=False)
        found = await self._flow.look_up(phone=entry.phone, dialed=entry.dialed, trunk=entry.trunk)
        if entry.way in (Way.PHONE, Way.TRUNK):  # of an originated call it stands in the request
            self._context = found.context
        self._caller = await self._speaker(found)
        if entry.way in (Way.AGENT, Way.FIRST_LEG):
            return await self._ring_leg(found)
        if (refused := await self._take_place()) is not None:
            return refused
        return await self._route(entry.dialed, found, first=True)

    async def resume(self, resumption: Resumption) -> End | ToFax:
        """Go on behind the step that a process before us began."""
        node, outcome = resumption.node, resumption.outcome
        if node.step in ("mailbox", "mailbox-busy", "mailbox-menu"):
            return await self._resume_mailbox(resumption)
        if not outcome.status:
            return await self._repeat(resumption)
        self._hops = resumption.hops
        if node.step == "queue":
            return await self._after_queue(outcome)
        if node.step == "extension" and outcome.status != "ANSWER":
            found = await self._flow.look_up(phone=self._entry.phone, dialed=node.target)
            self._caller = await self._speaker(found)
            if found.extension is not None:
                return await self._after_extension(found.extension, found.mailbox, outcome)
        return self._after_leg(outcome) if node.step in ("agent", "first-leg") else self._after_dial(outcome)

    async def _speaker(self, found: Lookup) -> Caller | None:
        """Who talks on this channel: after a transfer not the one whose rights it has."""
        if self._entry.speaker == self._entry.phone:
            return found.caller
        return (await self._flow.look_up(phone=self._entry.speaker, dialed="")).caller

    async def _repeat(self, resumption: Resumption) -> End | ToFax:
        """Do a step that was marked but never begun."""
        target, hops = resumption.node.target, resumption.hops
        before = hops[:-1] if hops and hops[-1] == target else hops
        if not before:
            return await self.begin()
        self._hops = before
        self._caller = await self._speaker(await self._flow.look_up(phone=self._entry.phone, dialed=target))
        found = await self._flow.look_up(phone=before[-1], dialed=target)
        return await self._route(target, found, first=False)

    async def end(self, end: End) -> None:
        """State why nobody was connected, and let the dialplan hang up."""
        if end.failed:
            facts = {"failed": end.failed}
            if self._entry.way is Way.ORIGINATED and not end.started:
                facts["dst"] = FAILED_DESTINATION
            await self._state(facts)
        await self._session.execute(
            "MSet", *assignments({"TAMAS_CAUSE": str(int(end.cause)), "TAMAS_END": "1"})
        )

    # -- routing ----------------------------------------------------------------------------------------

    async def _route(self, number: str, found: Lookup, *, first: bool) -> End | ToFax:
        if number in (await self._flow.runtime())["fax.numbers"]:
            await self._introduce(found, number, first=first, kind="local")
            return ToFax()
        if found.queue is not None:
            await self._introduce(found, number, first=first, kind="local", queue=number)
            return await self._join(found.queue)
        if found.mailbox is not None and first and self._owns(found.mailbox):
            await self._introduce(found, number, first=first, kind="local")
            return await self._to_menu(found.mailbox)
        if found.extension is not None:
            await self._introduce(found, number, first=first, kind="local")
            return await self._ring(found.extension, found.mailbox)
        foreign = found.caller is None and self._entry.way is not Way.ORIGINATED
        if found.mailbox is not None and (not foreign or number == self._flow.fallback_number):
            await self._introduce(found, number, first=first, kind="local")
            return await self._to_mailbox(found.mailbox)
        if foreign:
            return await self._unknown_from_outside(number, first=first)
        if is_barred(number):
            await self._introduce(found, number, first=first, kind="outgoing")
            return End(cause=Cause.REJECTED, failed="barred number", started=False)
        if found.trunk is None:
            await self._introduce(found, number, first=first, kind="outgoing")
            return End(cause=Cause.UNALLOCATED, failed="no such number, and no active trunk", started=False)
        await self._introduce(found, number, first=first, kind="outgoing", exit=found.trunk)
        return await self._dial_out(found.trunk, number)

    async def _unknown_from_outside(self, number: str, *, first: bool) -> End | ToFax:
        fallback = self._flow.fallback_number
        if first and self._entry.way is Way.TRUNK and fallback and fallback != number:
            found = await self._flow.look_up(phone="", dialed=fallback)
            if found.queue is not None or found.extension is not None or found.mailbox is not None:
                return await self._route(fallback, found, first=True)
        await self._introduce(None, number, first=first, kind="local")
        return End(cause=Cause.UNALLOCATED, failed="no such number", started=False)

    async def _introduce(
        self, found: Lookup | None, number: str, *, first: bool, kind: str, **more: str
    ) -> None:
        """State what is known before anybody rings; show the agent's caller id in place of the phone's."""
        entry = self._entry
        caller = found.caller if found is not None else None
        if not first or entry.way is Way.TRANSFER:
            # The call keeps its source and type; a forward changes where it goes.
            await self._state({"dst": number if not first else "", "exit": more.get("exit", "")})
            return
        if entry.way is Way.TRUNK:
            facts = {"type": "incoming", "dst": number, "did": entry.dialed, "entry": entry.trunk}
        elif entry.way is Way.ORIGINATED:
            facts = {"type": kind if caller is not None else "outgoing", "src": entry.party, "dst": number}
        else:
            facts = {"type": kind, "src": caller.shown_number if caller else "", "dst": number}
            if caller is not None and caller.mapped:
                await self._session.set_variable("CALLERID(num)", caller.shown_number)
                await self._session.set_variable("CALLERID(name)", caller.name)
        await self._state(facts | more | {"context": self._context})

    async def _take_place(self) -> End | None:
        """Count the caller's phone against its limit of simultaneous calls."""
        caller, entry = self._caller, self._entry
        if caller is None or caller.call_limit is None or entry.way is not Way.PHONE:
            return None
        await self._session.set_variable(f"GROUP({GROUP_CATEGORY})", caller.phone)
        if await self._calls_of(caller.phone) <= caller.call_limit:
            return None
        facts = {"type": "local", "src": caller.shown_number, "dst": entry.dialed}
        await self._state(facts | {"context": self._context})
        return End(cause=Cause.CONGESTION, failed="too many calls at once from this extension", started=False)

    async def _calls_of(self, phone: str) -> int:
        count = await self._session.get_variable(f"GROUP_COUNT({phone}@{GROUP_CATEGORY})")
        return int(count) if count and count.isdigit() else 0

    # -- extensions -------------------------------------------------------------------------------------

    async def _ring(self, extension: Extension, mailbox: Mailbox | None) -> End | ToFax:
        self._hops = (*self._hops, extension.number)
        if extension.detects_fax:
            # On the caller's side: what the extension itself faxes to others is not ours.
            await self._session.set_variable("FAXOPT(faxdetect)", "yes")
        recording = await self._recording(extension.record)
        outcome = await self._dial_phone(
            extension,
            Node(step="extension", target=extension.number),
            recording=recording,
            timeout=EXTENSION_RING_SECONDS,
        )
        if outcome.status == "ANSWER":
            return self._after_dial(outcome)
        if recording is not None:
            self._flow.give_back_recording(self._entry.cuid, recording)
        return await self._after_extension(extension, mailbox, outcome)

    async def _after_extension(
        self, extension: Extension, mailbox: Mailbox | None, outcome: Outcome
    ) -> End | ToFax:
        """Forward a call that was not taken, as if the extension had dialed the target; else its mailbox."""
        target = forward_target(extension.forward_policy, outcome.status, self._hops)
        if target is not None and DIALABLE.fullmatch(target) is not None:
            found = await self._flow.look_up(phone=extension.number, dialed=target)
            if found.caller is not None:  # an agent without an extension has no policy, and no rights to lend
                return await self._route(target, found, first=False)
        if mailbox is not None and outcome.status in MISSED:
            return await self._to_mailbox(mailbox, busy=outcome.status == "BUSY")
        return self._after_dial(outcome)

    async def _ring_leg(self, found: Lookup) -> End:
        """Ring for a queue or for the first leg of an originated call: no forwarding, no further steps."""
        entry, extension = self._entry, found.extension
        if extension is None:
            return End(cause=Cause.UNALLOCATED)
        if entry.way is Way.FIRST_LEG:
            outcome = await self._dial_phone(
                extension,
                Node(step="first-leg", target=extension.number),
                recording=None,
                base=KEEP_CALLER_ID,
            )
            return self._after_leg(outcome)
        recording = None
        if extension.record and not entry.recording:
            recording = await self._flow.take_recording(entry.cuid)
        outcome = await self._dial_phone(
            extension,
            Node(step="agent", target=extension.number),
            recording=recording,
            facts={"agent": extension.number},
            base="",
        )
        return self._after_leg(outcome)

    async def _dial_phone(
        self,
        extension: Extension,
        node: Node,
        *,
        recording: Recording | None,
        facts: Mapping[str, str] | None = None,
        timeout: int | None = None,
        base: str | None = None,
    ) -> Outcome:
        variables: dict[str, str] = {}
        if not extension.phone:
            return Outcome(status="CHANUNAVAIL")
        if extension.call_limit is not None:
            if await self._calls_of(extension.phone) >= extension.call_limit:
                return Outcome(status="BUSY")
            variables["OUTBOUND_GROUP_ONCE"] = f"{extension.phone}@{GROUP_CATEGORY}"
        target = phone_string(extension.phone)
        if extension.several_phones:
            contacts = await self._session.get_variable(f"PJSIP_DIAL_CONTACTS({extension.phone})")
            target = contacts_string(extension.phone, contacts or "")
        return await self._dial(
            target, node, variables=variables, recording=recording, facts=facts, timeout=timeout, base=base
        )

    # -- mailboxes --------------------------------------------------------------------------------------

    def _owns(self, mailbox: Mailbox) -> bool:
        """Whether the caller sits at the phone of a mailbox's owner."""
        caller, way = self._caller, self._entry.way
        return caller is not None and caller.number == mailbox.number and way in (Way.PHONE, Way.ORIGINATED)

    async def _to_mailbox(self, mailbox: Mailbox, *, busy: bool = False) -> End:
        """Let the caller leave a message."""
        session, entry, caller = self._session, self._entry, self._caller
        await self._enter(mailbox, "mailbox-busy" if busy else "mailbox")
        party = entry.party if entry.way is Way.ORIGINATED else session.caller_number
        sender = From(
            number=party if caller is None else caller.shown_number,
            name=session.caller_name if caller is None else caller.name,
            cuid=entry.cuid,
        )
        left = await take_message(session, self._flow.mailroom, mailbox, busy=busy, sender=sender)
        return await self._to_menu(mailbox) if left is Left.TO_MENU else End(cause=Cause.NORMAL)

    async def _to_menu(self, mailbox: Mailbox) -> End:
        """Let the caller listen to the messages, if they may."""
        await self._enter(mailbox, "mailbox-menu")
        session, mailroom = self._session, self._flow.mailroom
        owns = self._owns(mailbox)
        if mailbox.required_password or not owns:
            origin = self._caller.phone if self._caller is not None else ""
            if not await admitted(session, mailroom, mailbox, origin=origin):
                return End(cause=Cause.NORMAL)
        await MessageMenu(session, mailroom, mailbox).run()
        return End(cause=Cause.NORMAL)

    async def _enter(self, mailbox: Mailbox, step: Step) -> None:
        """A mailbox takes the call, which is then one that was answered."""
        marks = {"TAMAS_NODE": str(Node(step=step, target=mailbox.number)), "TAMAS_HOPS": ""}
        await self._session.execute("MSet", *assignments(marks))
        await self._state({"step": "VoiceMail", "name": mailbox.name, "definite": "1"})
        await self._session.answer()

    async def _resume_mailbox(self, resumption: Resumption) -> End:
        """The message may have been recorded while no process of ours lived; else begin at the greeting."""
        found = await self._flow.look_up(phone=self._entry.phone, dialed=resumption.node.target)
        self._caller = await self._speaker(found)
        saved = await saved_meanwhile(self._session, self._flow.mailroom)
        if saved or found.mailbox is None:
            return End(cause=Cause.NORMAL)
        if resumption.node.step == "mailbox-menu":
            return await self._to_menu(found.mailbox)
        return await self._to_mailbox(found.mailbox, busy=resumption.node.step == "mailbox-busy")

    # -- trunks -----------------------------------------------------------------------------------------

    async def _dial_out(self, trunk: str, number: str) -> End:
        recording = await self._recording(False)
        outcome = await self._dial(
            trunk_string(trunk, number),
            Node(step="trunk", target=number),
            recording=recording,
            timeout=TRUNK_RING_SECONDS,
        )
        if outcome.status != "ANSWER" and recording is not None:
            self._flow.give_back_recording(self._entry.cuid, recording)
        return self._after_dial(outcome)

    # -- queues -----------------------------------------------------------------------------------------

    async def _join(self, queue: Queue) -> End:
        session, entry = self._session, self._entry
        recording = await self._recording(queue.record)
        if not entry.answered:
            await session.answer()
        variables = {
            "TAMAS_NODE": str(Node(step="queue", target=queue.number)),
            "TAMAS_HOPS": write_hops(self._hops),
            "QUEUESTATUS": "",
            # One underscore: for the members' channels, not for what these call later.
            "_TAMAS_RECORD_NAME": recording.name if recording else "",
            "_TAMAS_RECORD_DIR": recording.directory if recording else "",
            "_TAMAS_LIMIT": str(entry.limit or ""),
        }
        await session.execute("MSet", *assignments(variables))
        subroutine = QUEUE_ANSWERED_SUBROUTINE if recording else ""
        options = QUEUE_OPTIONS + self._masking
        await session.execute("Queue", queue.number, options, "", "", "", "", subroutine)
        status = await session.get_variable("QUEUESTATUS")
        return await self._after_queue(Outcome(status=status or ""))

    @property
    def _masking(self) -> str:
        """Options that keep the parties of an originated call from seeing each other's numbers."""
        return KEEP_CALLER_ID if self._entry.way is Way.ORIGINATED else ""

    # -- what all share ---------------------------------------------------------------------------------

    async def _recording(self, wanted: bool) -> Recording | None:
        """A name for the coming talk, when either side asks for a recording and none is running."""
        if self._entry.recording or not (wanted or (self._caller is not None and self._caller.record)):
            return None
        return await self._flow.take_recording(self._entry.cuid)

    async def _dial(
        self,
        target: str,
        node: Node,
        *,
        recording: Recording | None,
        variables: Mapping[str, str] | None = None,
        facts: Mapping[str, str] | None = None,
        timeout: int | None = None,
        base: str | None = None,
    ) -> Outcome:
        """Mark the step, dial, and return what came of it."""
        session, entry = self._session, self._entry
        # What a first leg is limited to is the talk, which begins when the second party answers.
        limit = None if entry.way is Way.FIRST_LEG else entry.limit
        marks = {
            "TAMAS_NODE": str(node),
            "TAMAS_HOPS": write_hops(self._hops),
            "DIALSTATUS": "",
            **(variables or {}),
            **(LIMIT_VARIABLES if limit is not None else {}),
        }
        await session.execute("MSet", *assignments(marks))
        stated = dict(facts or {}) | ({"record": recording.name} if recording else {})
        options = dial_options(
            base=DIAL_OPTIONS + self._masking if base is None else base,
            facts=encode_facts(stated),
            record_file=recording.file if recording else "",
            limit=limit,
            runtime=await self._flow.runtime() if limit is not None else None,
        )
        await session.execute("Dial", AgiRaw(target), str(timeout or ""), options)
        result = await session.get_full_variable("${DIALSTATUS}:${HANGUPCAUSE}")
        status, _, cause = (result or "").partition(":")
        return Outcome(status=status, cause=int(cause) if cause.isdigit() else None)

    async def _state(self, facts: Mapping[str, str]) -> None:
        encoded = encode_facts(facts)
        if encoded:
            await self._session.execute("CELGenUserEvent", EVENT, encoded)

    @staticmethod
    def _after_dial(outcome: Outcome) -> End:
        if outcome.status == "ANSWER":
            return End(cause=Cause.NORMAL)
        return End(
            cause=cause_of(outcome.status, outcome.cause),
            failed=reason_of(outcome.status),
            started=outcome.status not in ("CHANUNAVAIL", "INVALIDARGS", ""),
        )

    def _after_leg(self, outcome: Outcome) -> End:
        # A leg is one attempt of several; the reason belongs to the call.
        return replace(self._after_dial(outcome), failed="")

    async def _after_queue(self, outcome: Outcome) -> End:
        await self._state({"queue_status": outcome.status})
        if outcome.status in ("CONTINUE", ""):
            return End(cause=Cause.NORMAL)
        return End(
            cause=Cause.NO_USER_RESPONSE,
            failed=_BAD_QUEUE_REASONS.get(outcome.status, "nobody in the queue took the call"),
        )
