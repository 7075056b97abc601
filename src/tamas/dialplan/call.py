"""A call as components see it: what it carries, what the store knows, and what can be done to its channel.

Every value that reaches Asterisk passes here: numbers are checked (``DIALABLE``), all else goes as a variable
or through ``AgiSession.execute``, which refuses what could be read differently.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tamas.dialplan.bursts import RecentCallers
from tamas.dialplan.call_recording import talk_takes_over
from tamas.dialplan.call_state import VARIABLE as STATE_VARIABLE
from tamas.dialplan.call_state import CallState, write_state
from tamas.dialplan.component import End
from tamas.dialplan.dial import (
    LIMIT_VARIABLES,
    Cause,
    assignments,
    cause_of,
    contacts_string,
    dial_options,
    phone_string,
    reason_of,
)
from tamas.dialplan.directory import Caller, Extension, Lookup, look_up
from tamas.dialplan.entry import Entry, Way
from tamas.dialplan.facts import EVENT, encode_facts, encode_pairs
from tamas.dialplan.prompts import Prompts
from tamas.dialplan.resume import Outcome, Place
from tamas.dialplan.store_wait import in_time
from tamas.engine.dialing_out import DIALABLE
from tamas.engine.fastagi import AgiCommandFailed, AgiHangup, AgiRaw, AgiSession
from tamas.engine.fixed_dialplan import DIAL_OPTIONS
from tamas.recordings.names import Recording, RecordingNames
from tamas.settings import Settings
from tamas.store.changes import Changes
from tamas.store.database import Database

if TYPE_CHECKING:
    from tamas.dialplan.graph import Node
    from tamas.dialplan.mailroom import Mailroom
    from tamas.dialplan.plans import LivePlan
    from tamas.dialplan.sounds import Sounds
    from tamas.dialplan.web_service import WebServices
    from tamas.engine.layout import EngineLayout
    from tamas.engine.link import EngineAccess
    from tamas.engine.sip_secrets import SecretSeal

log = logging.getLogger(__name__)

GROUP_CATEGORY: Final = "tamas"
"""Category of ``GROUP()`` in which channels count against their extension's limit of simultaneous calls."""
KEEP_CALLER_ID: Final = "I"
"""Option of Dial and Queue: who answers does not become the caller's connected line."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """What all calls share."""

    database: Database
    settings: Settings
    changes: Changes
    layout: EngineLayout
    seal: SecretSeal
    names: RecordingNames
    mailroom: Mailroom
    sounds: Sounds
    web: WebServices
    runtime: Callable[[], Awaitable[Mapping[str, Any]]]
    """Runtime settings as they are now; raises ``StoreUnreachable``."""
    engine: EngineAccess | None = None
    """Manager connection, for what AGI cannot do; ``None`` in processes without one."""
    bursts: RecentCallers = field(default_factory=RecentCallers)
    """Who called lately, for Spit Detection."""


class Call:
    """One call in one AGI session, at one node."""

    def __init__(
        self,
        services: Services,
        session: AgiSession,
        entry: Entry,
        state: CallState,
        live: LivePlan,
    ) -> None:
        self.services = services
        self.session = session
        self.entry = entry
        self.state = state
        self.live = live
        """The version of the plan that this call walks, with the variables as they are now."""
        self._node: Node | None = None
        self.caller: Caller | None = None
        """Who sits at the phone this channel is; ``None`` for callers from outside."""
        self.prompts = Prompts(session)
        self.recorded = entry.recording
        """Whether the coming talk is being recorded already."""
        self._is_up = entry.answered
        self._untold: list[tuple[str, str]] = []
        self._known: dict[tuple[str, str], Lookup] = {}

    # -- where it is ------------------------------------------------------------------------------------

    @property
    def node(self) -> Node:
        """The node that is being run."""
        if self._node is None:
            raise LookupError("the call is at no node yet")
        return self._node

    def at(self, node: Node) -> None:
        """Go to a node."""
        self._node = node

    @property
    def cuid(self) -> str:
        """Unique id of the call: key of reports and events."""
        return self.entry.cuid

    @property
    def caller_name(self) -> str:
        """Name of who calls: as set, else as the network says. Not to be trusted."""
        return self.state.src_name or self.session.caller_name

    @property
    def caller_number(self) -> str:
        """Who calls: as reported, else as the network says. Not to be trusted."""
        return self.state.src or self.session.caller_number

    @property
    def is_foreign(self) -> bool:
        """Whether it has nobody's rights: it came over a trunk, or a campaign called somebody over one."""
        return not self.state.phone and (self.entry.way is not Way.ORIGINATED or bool(self.entry.attempt))

    def number(self, fixed: str = "", *, skip: int = 0, prefix: str = "") -> str:
        """The number a component acts on: its own, else the effective one, cut by ``skip``, after ``prefix``.

        Empty when that cannot be dialed.
        """
        found = fixed or prefix + self.state.effective_number[skip:]
        return found if DIALABLE.fullmatch(found) else ""

    # -- what the store knows ---------------------------------------------------------------------------

    async def look_up(self, dialed: str, *, phone: str | None = None) -> Lookup:
        """Who or what a number is. :raises StoreUnreachable: the store does not answer."""
        key = (self.state.phone if phone is None else phone, dialed)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = await in_time(
                look_up(self.services.database, phone=key[0], dialed=dialed)
            )
        return found

    def learn(self, phone: str, dialed: str, found: Lookup) -> None:
        """Keep what was looked up already, until :meth:`forget`."""
        self._known[phone, dialed] = found

    def forget(self) -> None:
        """Ask the store anew from now on: time has passed."""
        self._known.clear()

    async def runtime(self) -> Mapping[str, Any]:
        """Runtime settings. :raises StoreUnreachable: the store does not answer."""
        return await self.services.runtime()

    # -- what is on record ------------------------------------------------------------------------------

    def later(self, *facts: tuple[str, str]) -> None:
        """State facts with the next that are stated, at the latest before the next step that takes time."""
        self._untold.extend(facts)

    def destination(self, number: str) -> None:
        """State where the call goes, when that is news."""
        if number and number != self.state.dst:
            self.state.dst = number
            self.later(("dst", number))

    def count_as_answered(self) -> None:
        """Let the reports count our own answer as one."""
        if not self.state.definite:
            self.state.definite = True
            self.later(("definite", "1"))

    async def flush(self, *, dead: bool = False) -> None:
        """State what waits to be stated.

        :param dead: the channel has hung up; what Asterisk takes no more is lost.
        """
        facts, self._untold = self._untold, []
        for encoded in encode_pairs(facts):
            await self.session.execute("CELGenUserEvent", EVENT, encoded, dead=dead)

    async def mark(self) -> None:
        """Write on the channel where the call is, so that another process can go on from here."""
        await self.flush()
        place = Place(version=self.live.version, node=self.node.id)
        marks = {
            "TAMAS_NODE": str(place),
            "DIALSTATUS": "",
            "QUEUESTATUS": "",
            STATE_VARIABLE: write_state(self.state),
            "TAMAS_TALKED": "1" if self.state.talked else "",
        }
        await self.set(**marks)

    async def tell(self, facts: Mapping[str, str]) -> None:
        """State facts (:mod:`tamas.dialplan.facts`) about this call, durably."""
        encoded = encode_facts(facts)
        if encoded:
            await self.session.execute("CELGenUserEvent", EVENT, encoded)

    async def set(self, **variables: str) -> None:
        """Set channel variables, in one round trip. :raises UnsafeVariable: a value cannot be set so."""
        await self.session.execute("MSet", *assignments(variables))

    # -- hearing and pressing ---------------------------------------------------------------------------

    async def play(self, *sounds: str, keys: str = "") -> str | None:
        """Play sounds (``Ref.SOUND``), one after the other; empty ones are skipped.

        :returns: the key of ``keys`` that stopped it, else ``None``. A sound that is not there is logged and
            left out.
        """
        return await self.prompts.play(*await self.files(*sounds), keys=keys)

    async def files(self, *sounds: str) -> Sequence[str]:
        """What Asterisk plays for sounds: names without ending; those that are not there are left out."""
        return await self.services.sounds.files(sounds)

    async def collect(self, *sounds: str, timeout: float, max_digits: int, finish: str = "#") -> str:
        """Play sounds, which the first digit cuts off, and collect digits.

        :param timeout: seconds of silence after the sounds, and between digits; 0: no limit.
        :param finish: signs that end the input; empty: none does.
        :returns: the digits (``0-9*#`` but for ``finish``); empty when the caller pressed none.
        """
        files = await self.files(*sounds)
        first = await self.prompts.play(*files[:-1], keys=DIGITS) or ""
        if first and (first in finish or max_digits == 1):
            return first.strip(finish or None)
        last = files[-1] if files and not first else ""
        return first + await self._read(last, timeout or NO_LIMIT_SECONDS, max_digits - len(first), finish)

    async def _read(self, file: str, timeout: float, max_digits: int, finish: str) -> str:
        """Play a sound and collect digits within Asterisk: AGI drops those pressed between two commands."""
        try:
            if finish == "#":
                # Unlike Read it ends when we die, so that who comes after us begins at once.
                return await self.session.get_data(file, timeout=timeout, max_digits=max_digits)
        except AgiCommandFailed:
            if not file:
                raise
            log.warning("there is no sound %s", file)
            return await self._read("", timeout, max_digits, finish)
        limits = (str(max_digits), f"nt({finish})", "1", f"{timeout:g}")
        await self.session.execute("Read", READ_VARIABLE, file, *limits)
        result = await self.session.get_full_variable(READ_RESULT)
        status, _, digits = (result or "").partition(":")
        if status == "HANGUP":
            raise AgiHangup("the caller hung up while digits were read")
        if status == "ERROR" and file:
            log.warning("there is no sound %s", file)
            return await self._read("", timeout, max_digits, finish)
        return digits

    async def answer(self) -> None:
        """Answer the channel, if it is not answered yet."""
        if not self._is_up:
            await self.session.answer()
            self._is_up = True

    # -- reaching people --------------------------------------------------------------------------------

    def limit(self, own: int = 0) -> int | None:
        """Seconds of talk that the coming connection may have; ``None``: no limit.

        The smallest of the component's own, that of the originate, and a one-shot limit, which is used up.
        """
        limits = [each for each in (own, self.entry.limit, self.state.next_limit) if each]
        self.state.next_limit = 0
        return min(limits, default=None)

    async def recording(self, *, wanted: bool) -> Recording | None:
        """A name for the coming talk, when either side asks for a recording and none is running."""
        if await talk_takes_over(self):
            return await self.take_recording()
        if self.recorded or not (wanted or (self.caller is not None and self.caller.record)):
            return None
        return await self.take_recording()

    async def take_recording(self) -> Recording | None:
        """A fresh name for a stretch of recording."""
        runtime = await self.runtime()
        return self.services.names.take(self.cuid, str(runtime["timezone"]), runtime["recordings.format"])

    async def ring(
        self,
        extension: Extension,
        *,
        timeout: int | None,
        limit: int | None = None,
        options: str | None = None,
        recording: Recording | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Ring the phones of an extension until one answers and the talk is over.

        :param options: letters of Dial; ``None``: transfers and parking for both sides.
        :param facts: stated on the channel that answers.
        """
        variables: dict[str, str] = {}
        if not extension.phone:
            return Outcome(status="CHANUNAVAIL")
        if extension.call_limit is not None:
            if await self.calls_of(extension.phone) >= extension.call_limit:
                return Outcome(status="BUSY")
            variables["OUTBOUND_GROUP_ONCE"] = f"{extension.phone}@{GROUP_CATEGORY}"
        return await self.dial(
            await self.dial_string(extension),
            timeout=timeout,
            limit=limit,
            options=options,
            recording=recording,
            facts=facts,
            variables=variables,
        )

    async def dial_string(self, extension: Extension) -> str:
        """What Dial calls to ring every phone of an extension."""
        if not extension.several_phones:
            return phone_string(extension.phone)
        contacts = await self.session.get_variable(f"PJSIP_DIAL_CONTACTS({extension.phone})")
        return contacts_string(extension.phone, contacts or "")

    async def calls_of(self, phone: str) -> int:
        """Calls of a phone that count against its limit."""
        count = await self.session.get_variable(f"GROUP_COUNT({phone}@{GROUP_CATEGORY})")
        return int(count) if count and count.isdigit() else 0

    @property
    def masking(self) -> str:
        """Options that keep the parties of an originated call from seeing each other's numbers."""
        return KEEP_CALLER_ID if self.entry.way is Way.ORIGINATED else ""

    async def dial(
        self,
        target: str,
        *,
        timeout: int | None,
        limit: int | None = None,
        options: str | None = None,
        recording: Recording | None = None,
        facts: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run ``Dial`` and return what came of it; the recording's name is given back when nobody answered.

        :param target: a dial string whose writer has made it safe.
        :param timeout: seconds of ringing; ``None``: no limit.
        :param limit: seconds of talk, see :meth:`limit`.
        """
        set_before = {**(variables or {}), **(LIMIT_VARIABLES if limit is not None else {})}
        if set_before:
            await self.set(**set_before)
        stated = dict(facts or {}) | ({"record": recording.name} if recording else {})
        words = dial_options(
            base=DIAL_OPTIONS + self.masking if options is None else options,
            facts=encode_facts(stated),
            record_file=recording.file if recording else "",
            limit=limit,
            runtime=await self.runtime() if limit is not None else None,
        )
        await self.session.execute("Dial", AgiRaw(target), str(timeout or ""), words)
        result = await self.session.get_full_variable("${DIALSTATUS}:${HANGUPCAUSE}")
        status, _, cause = (result or "").partition(":")
        outcome = Outcome(status=status, cause=int(cause) if cause.isdigit() else None)
        if outcome.status != "ANSWER" and recording is not None:
            self.services.names.give_back(self.cuid, recording)
        return outcome

    def note(self, outcome: Outcome) -> bool:
        """Keep what came of a Dial for the end of the call; tells whether somebody answered."""
        answered = outcome.status == "ANSWER"
        state = self.state
        state.talked = state.talked or answered
        state.failed = "" if answered else reason_of(outcome.status)
        state.cause = int(Cause.NORMAL if answered else cause_of(outcome.status, outcome.cause))
        state.started = state.started or outcome.status not in ("CHANUNAVAIL", "INVALIDARGS", "")
        return answered

    def end(self) -> End:
        """The end of the call as it stands: what came of the last Dial or Queue."""
        state = self.state
        return End(
            cause=state.cause or Cause.NORMAL, failed=state.failed, started=state.started or state.talked
        )


DIGITS: Final = "0123456789*#"
READ_VARIABLE: Final = "TAMAS_DIGITS"
READ_RESULT: Final = f"${{READSTATUS}}:${{{READ_VARIABLE}}}"
NO_LIMIT_SECONDS: Final = 3_600.0
"""A caller is not waited for longer, even where the administrator set no limit."""
