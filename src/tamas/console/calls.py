"""Calls now: calls in progress, starting and ending them, and the records of those that are over."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from pathlib import Path
from typing import Annotated, Any

import msgspec
from sqlalchemy import select
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from tamas.console.context import ConsoleContext
from tamas.console.errors import Invalid, NotFound, Unavailable
from tamas.console.field_types import Whole
from tamas.console.lists import MAX_COUNT
from tamas.console.live.messages import CallsSnapshot, calls_snapshot
from tamas.console.rights import CALLS, PLAY, READ, UPDATE
from tamas.console.service import service
from tamas.console.times import milliseconds
from tamas.dialplan.originate import (
    DEFAULT_CONTEXTS,
    DEFAULT_TIMEOUT,
    MAX_CALL_LIMIT,
    MAX_TIMEOUT,
    BadOriginate,
    EngineRefused,
    OriginateError,
    originate,
)
from tamas.dialplan.plans import outgoing_contexts
from tamas.engine.ami import AmiActionFailed
from tamas.engine.engine import EngineNotReady
from tamas.engine.layout import EngineLayout
from tamas.media.formats import MEDIA_TYPES
from tamas.recordings.folders import RecordingFolders
from tamas.recordings.playable import Recordings
from tamas.records.calls import Call, get_call, list_calls
from tamas.sa.call.originate import LENIENT_CONTEXTS, Originate, asked_call, close_refused
from tamas.sa.fields import (
    ContextName,
    Dialable,
    Id,
    IntOrDigits,
    NoParameters,
    SafeText,
    Text,
    TrunkName,
    optional,
    required,
)
from tamas.sa.sent_files import sent_file
from tamas.sa.uploads import incoming
from tamas.store.schema import extensions, trunks

RECENT_COUNT = 50
LIST_SECONDS = 10.0
NORMAL_CLEARING = "16"
"""Hangup cause (ITU-T Q.850)."""
USUAL_CONTEXT = "main_routing"

_CALL_ID = Text(max=48)


class CallById(msgspec.Struct, kw_only=True):
    """Names a call in progress."""

    id: Annotated[str, required(_CALL_ID)]


class TwoWayCall(msgspec.Struct, kw_only=True):
    """A call to start: the caller's phone rings first."""

    caller: Annotated[str, required(Dialable(), note="Extension, agent or outside number.")]
    callee: Annotated[str, required(Dialable(), note="Extension, queue or outside number.")]
    context: Annotated[str, optional(ContextName(), note="Outgoing route of the callee.")] = USUAL_CONTEXT
    caller_id: Annotated[
        str, optional(SafeText(max=80), note="What both parties see; the caller when left out.")
    ] = ""
    trunk_name: Annotated[str, optional(TrunkName(allows_empty=True), note="To a caller outside.")] = ""
    timeout: Annotated[
        int, optional(IntOrDigits(high=MAX_TIMEOUT), note="Seconds for the caller to answer; 0: the default.")
    ] = DEFAULT_TIMEOUT
    call_limit: Annotated[
        int, optional(IntOrDigits(high=MAX_CALL_LIMIT), note="Seconds of talk; 0: no limit.")
    ] = 0


class StartedCall(msgspec.Struct, kw_only=True):
    """How a call that was started is known from now on."""

    originated_call_id: str
    call_id: str


class CallChoices(msgspec.Struct, kw_only=True):
    """What a call to start can name."""

    contexts: list[str]
    trunks: list[str]


class RecentQuery(msgspec.Struct, kw_only=True):
    """Which records, the latest first."""

    number: Annotated[str, optional(Text(max=80), note="Of either party, whole.")] = ""
    call_id: Annotated[
        str, optional(_CALL_ID, note="Only this call: no rows until its record is written.")
    ] = ""
    before: Annotated[str | None, optional(Id(), note="The last id of the page before.")] = None
    count: Annotated[int, optional(Whole(low=1, high=MAX_COUNT))] = RECENT_COUNT


class RecordQuery(msgspec.Struct, kw_only=True):
    """Which record."""

    call_id: Annotated[str, required(_CALL_ID, unless="originated_call_id")] = ""
    originated_call_id: Annotated[str, optional(_CALL_ID)] = ""


class RecordingQuery(msgspec.Struct, kw_only=True):
    """Of which call."""

    call_id: Annotated[str, required(_CALL_ID)]


class CallRecord(msgspec.Struct, kw_only=True):
    """A call that is over."""

    id: str
    call_id: str
    type: str
    """incoming, outgoing, local, feature, or ``no defined``."""
    src: str
    src_name: str
    dst: str
    did: str
    started_at: int
    answered_at: int | None
    """When a person was connected."""
    ended_at: int
    wait_ms: int
    billsec_ms: int
    disposition: str
    hangup_cause: int | None
    """ITU-T Q.850."""
    reason: str | None
    """Plain words for a call that did not connect."""
    recorded: bool
    entry_point: str | None
    outgoing_point: str | None
    queue: str | None
    agent: str | None
    originated_call_id: str | None


class RecentCalls(msgspec.Struct, kw_only=True):
    """Records, the latest first."""

    rows: list[CallRecord]
    more: bool


@service("calls/current", page=CALLS, right=READ, summary="List the calls in progress")
async def current(context: ConsoleContext, _request: NoParameters) -> CallsSnapshot:
    """Look at the engine."""
    return calls_snapshot(await context.live.view())


@service("calls/hang_up", page=CALLS, right=UPDATE, summary="End a call in progress", request=CallById)
async def hang_up(context: ConsoleContext, request: CallById) -> None:
    """Hang every party up."""
    ami = context.ami
    subject = await _parties(context, request.id)
    channels = await ami.list_action("CoreShowChannels", {}, timeout=LIST_SECONDS)
    ended = 0
    for channel in channels:
        if channel.get("Linkedid") != request.id:
            continue
        try:
            await ami.action("Hangup", {"Channel": channel["Channel"], "Cause": NORMAL_CLEARING})
        except AmiActionFailed:
            continue  # it ended with one of the others
        ended += 1
    if not ended:
        raise NotFound("the call is over")
    await context.activity.note(CALLS.id, "hang_up", subject)


async def _parties(context: ConsoleContext, call_id: str) -> str:
    """A call in words."""
    call = (await context.live.view()).call(call_id)
    if call is None:
        return call_id
    return _in_words(call.caller.number, "" if call.callee is None else call.callee.number)


def _in_words(caller: str, callee: str) -> str:
    return f"{caller} → {callee}" if callee else caller


@service(
    "calls/originate",
    page=CALLS,
    right=UPDATE,
    summary="Start a two-party call: ring the caller, then connect the callee",
    description="What becomes of it is seen among the calls in progress, and in its record when it is over.",
    request=TwoWayCall,
)
async def start(context: ConsoleContext, request: TwoWayCall) -> StartedCall:
    """Start a call, as ``call/originate/act`` does."""
    call = asked_call(
        context.sa,
        Originate(
            caller=request.caller,
            callee=request.callee,
            context=request.context,
            caller_id=request.caller_id or request.caller,
            trunk_name=request.trunk_name,
            timeout=request.timeout,
            call_limit=request.call_limit,
        ),
    )
    try:
        async with context.activity.change(CALLS, "originate", _in_words(request.caller, request.callee)):
            started = await originate(context.database, context.ami, call)
    except BadOriginate as error:
        raise Invalid(error.reason, field=error.field) from error
    except EngineRefused as error:
        await close_refused(context.database, error)
        raise Unavailable(str(error)) from error
    except (OriginateError, EngineNotReady) as error:
        raise Unavailable(str(error)) from error
    return StartedCall(originated_call_id=started.originated_call_id, call_id=started.linkedid)


@service("calls/choices", page=CALLS, right=READ, summary="List what a call to start can name")
async def choices(context: ConsoleContext, _request: NoParameters) -> CallChoices:
    """Read outgoing routes and trunks."""
    async with context.database.read() as connection:
        used = await connection.rows(select(extensions.c.context).distinct())
        names = await connection.rows(
            select(trunks.c.name)
            .where(trunks.c.active == "yes", trunks.c.trunk_type == "SIP")
            .order_by(trunks.c.name)
        )
    known = DEFAULT_CONTEXTS | (LENIENT_CONTEXTS if context.sa.lenient else frozenset())
    contexts = {*known, *(row["context"] for row in used), *await outgoing_contexts(context.database)}
    return CallChoices(
        contexts=sorted(contexts, key=lambda name: (name != USUAL_CONTEXT, name)),
        trunks=[row["name"] for row in names],
    )


@service(
    "calls/recent",
    page=CALLS,
    right=READ,
    summary="List records of calls, the latest first",
    request=RecentQuery,
)
async def recent(context: ConsoleContext, request: RecentQuery) -> RecentCalls:
    """Read records."""
    if request.call_id:
        call = await get_call(context.database, request.call_id)
        return RecentCalls(rows=[] if call is None else [_record(call)], more=False)
    found = await list_calls(
        context.database, limit=request.count + 1, before=request.before, number=request.number or None
    )
    return RecentCalls(
        rows=[_record(call) for call in found[: request.count]], more=len(found) > request.count
    )


@service(
    "calls/record",
    page=CALLS,
    right=READ,
    summary="Read the record of a call",
    description="It is there a moment after the call's end.",
    request=RecordQuery,
)
async def record(context: ConsoleContext, request: RecordQuery) -> CallRecord:
    """Read one record."""
    if request.call_id:
        call = await get_call(context.database, request.call_id)
    else:
        found = await list_calls(context.database, limit=1, originated_call_id=request.originated_call_id)
        call = found[0] if found else None
    if call is None:
        raise NotFound("there is no record of this call (yet)")
    return _record(call)


@service(
    "calls/recording",
    page=CALLS,
    right=PLAY,
    summary="Listen to the recording of a call",
    request=RecordingQuery,
)
async def recording(context: ConsoleContext, request: RecordingQuery) -> FileResponse:
    """Send the recording, or the part of it that is asked for."""
    call = await get_call(context.database, request.call_id)
    if call is None or call.record is None:
        raise NotFound("there is no recording of this call")
    state_dir = context.settings.state_dir
    folders = RecordingFolders(root=EngineLayout(state_dir=state_dir).recordings)
    found = await Recordings(folders=folders, scratch=incoming(state_dir)).playable(call.record)
    if found is None:
        raise NotFound("the recording is not here")
    file = await asyncio.to_thread(sent_file, found.path, media_type=MEDIA_TYPES[found.form])
    # A player that asks for another part must not notice that the recording has been converted meanwhile.
    unchanged = {
        "etag": f'"{call.record}-{file.state.st_size}"',
        "last-modified": formatdate(call.ended_at / 1e6, usegmt=True),
    }
    return _Playing(
        file.path,
        media_type=file.media_type,
        filename=found.name,
        stat_result=file.state,
        content_disposition_type="inline",
        headers=unchanged,
        temporary=found.temporary,
    )


class _Playing(FileResponse):
    """A file, removed afterwards when it was made for this answer."""

    def __init__(self, *args: Any, temporary: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        self._temporary = temporary

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._temporary:
                await asyncio.to_thread(Path(self.path).unlink, missing_ok=True)


def _record(call: Call) -> CallRecord:
    return CallRecord(
        id=call.id,
        call_id=call.cuid,
        type=call.type,
        src=call.src,
        src_name=call.src_name,
        dst=call.dst,
        did=call.did,
        started_at=milliseconds(call.started_at),
        answered_at=milliseconds(call.answered_at),
        ended_at=milliseconds(call.ended_at),
        wait_ms=milliseconds(call.wait),
        billsec_ms=milliseconds(call.billsec),
        disposition=call.disposition,
        hangup_cause=call.hangup_cause,
        reason=call.reason,
        recorded=call.record is not None,
        entry_point=call.entry_point,
        outgoing_point=call.outgoing_point,
        queue=call.queue,
        agent=call.agent,
        originated_call_id=call.originated_call_id,
    )
