"""Starting a two-party call: the first party is rung, and when it answers the second goes through the flow.

The row in ``originates`` is committed before Asterisk hears of the call, with the unique id the first channel
will have, so that a first party who never answers leaves a record too (architecture rule 5).
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import insert, select

from tamas.dialplan.dial import phone_string
from tamas.dialplan.directory import Extension, active_trunk, look_up
from tamas.dialplan.plans import outgoing_contexts
from tamas.engine.ami import AmiActionFailed, AmiClient, AmiError, AmiTimeout, variable_assignment
from tamas.engine.dialing_out import DIALABLE, caller_id_header, is_barred, trunk_string
from tamas.engine.fixed_dialplan import ORIGINATED_CONTEXT
from tamas.errors import TamasError
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Connection, Database, IntegrityError
from tamas.store.ids import fresh_uniqueid
from tamas.store.runtime_settings import load_runtime_settings
from tamas.store.schema import extensions, originates
from tamas.store.views import FIRST_LEG_CONTEXT

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT: Final = 30
"""Seconds for the first party to answer (SA catalogue, ``call/originate/act``)."""
MAX_TIMEOUT: Final = 600
MAX_CALL_LIMIT: Final = 86_400
MAX_ACCOUNT: Final = 64
"""Characters."""
DEFAULT_CONTEXTS: Final = frozenset({"main_routing"})
"""Outgoing routes that exist without any extension using them."""
CAUSE_FAILED: Final = 38
"""Network out of order (ITU-T Q.850): the engine could not be asked."""

_ID_TRIES: Final = 8
_SHOWN: Final = re.compile(r'[^\x00-\x1f\x7f-\x9f\u2028\u2029${}\[\],&|;"<>\\`^]{1,80}')


class OriginateError(TamasError):
    """A call could not be started."""


class BadOriginate(OriginateError):
    """The request cannot be carried out; no row was written.

    :param field: name of the parameter at fault.
    :param reason: what is wrong with it.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class EngineAway(OriginateError):
    """There is no engine to ask; no row was written."""


class EngineRefused(OriginateError):
    """The engine refused, or went away while it was asked. The row is there and has to be closed.

    :param originated_call_id: key of the row.
    """

    def __init__(self, originated_call_id: str, reason: str) -> None:
        super().__init__(reason)
        self.originated_call_id = originated_call_id


@dataclass(frozen=True, kw_only=True)
class OriginateRequest:
    """What ``call/originate/act`` asks for."""

    caller: str
    """First party: an extension, an agent, or a number beyond ``trunk_name``."""
    callee: str
    """Second party: any number that can be dialed."""
    context: str
    """Outgoing route of the second party."""
    caller_id: str
    """Shown to both parties: a number or a text."""
    trunk_name: str = ""
    """For a first party that is neither extension nor agent; else ignored."""
    timeout: int = DEFAULT_TIMEOUT
    """Seconds for the first party to answer."""
    call_limit: int | None = None
    """Seconds of talk; ``None``: no limit."""
    account: str | None = None
    """Who asks: an API account, or somebody at the console; the record keeps :data:`MAX_ACCOUNT` of it."""
    start: str = ""
    """Place of the plan where the call begins once the first party answers; empty: the outgoing route."""
    contexts: frozenset[str] = DEFAULT_CONTEXTS
    """Outgoing routes that exist besides those of extensions."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Further channel variables, names and words of ours."""


@dataclass(frozen=True, kw_only=True)
class Originated:
    """A call that was started."""

    originated_call_id: str
    linkedid: str
    """Under which the engine and the call's record know it."""


Also = Callable[[Connection, str, str], Awaitable[object]]
"""Gets a transaction, the id of the originate and that of its channel."""


async def originate(
    database: Database, ami: AmiClient, request: OriginateRequest, *, also: Also | None = None
) -> Originated:
    """Start a call without waiting for anybody to answer.

    :param also: what else is committed with the call's row, before Asterisk hears of it.
    :raises BadOriginate: a value is malformed, or names what does not exist.
    :raises EngineAway: Asterisk is not connected.
    :raises EngineRefused: the caller of this function closes the row.
    """
    _check(request)
    extension = (await look_up(database, phone="", dialed=request.caller)).extension
    if extension is None:
        await _check_trunk(database, request)
    await _check_context(database, request)
    if not ami.connected:
        raise EngineAway("the engine is not connected")
    originated_call_id, uniqueid = await _write_row(database, request, also)
    try:
        await ami.action("Originate", _fields(request, extension, originated_call_id, uniqueid))
    except AmiTimeout:
        # It may still be carried out, so the row stays open; records closes it one way or the other.
        log.warning("the engine did not confirm %s in time", originated_call_id)
    except AmiActionFailed as error:
        raise EngineRefused(originated_call_id, f"the engine refused: {error}") from error
    except AmiError as error:
        raise EngineRefused(originated_call_id, f"the engine went away: {error}") from error
    return Originated(originated_call_id=originated_call_id, linkedid=uniqueid)


def _check(request: OriginateRequest) -> None:
    for name in ("caller", "callee"):
        if DIALABLE.fullmatch(getattr(request, name)) is None:
            raise BadOriginate(name, "not a number that can be dialed")
    if _SHOWN.fullmatch(request.caller_id) is None:
        raise BadOriginate("caller_id", "cannot be shown to a phone")
    if not 1 <= request.timeout <= MAX_TIMEOUT:
        raise BadOriginate("timeout", f"must be from 1 to {MAX_TIMEOUT} seconds")
    if request.call_limit is not None and not 1 <= request.call_limit <= MAX_CALL_LIMIT:
        raise BadOriginate("call_limit", f"must be from 1 to {MAX_CALL_LIMIT} seconds")


async def _check_trunk(database: Database, request: OriginateRequest) -> None:
    if is_barred(request.caller, (await load_runtime_settings(database))["calls.barred_prefixes"]):
        raise BadOriginate("caller", "barred number")
    if not await active_trunk(database, request.trunk_name):
        raise BadOriginate("trunk_name", "the first party is no extension, and this is no active trunk")


async def _check_context(database: Database, request: OriginateRequest) -> None:
    if request.context in request.contexts:
        return
    async with database.read() as connection:
        statement = select(extensions.c.id).where(extensions.c.context == request.context).limit(1)
        used = await connection.scalar(statement)
    if used is None and request.context not in await outgoing_contexts(database):
        raise BadOriginate("context", "no such outgoing route")


def fresh_ids(at: int) -> tuple[str, str]:
    """Ids that are hardly ever taken: of the originate, and of its channel.

    :param at: microseconds since the epoch.
    """
    seconds = at // MICROSECONDS
    # The fraction is random: several processes may ask in the same microsecond.
    originated_call_id = f"orig.call.{seconds}.{secrets.randbelow(MICROSECONDS):06d}"
    return originated_call_id, fresh_uniqueid(at)


async def _write_row(database: Database, request: OriginateRequest, also: Also | None) -> tuple[str, str]:
    """Write the row under ids nobody has, and return them: ours and the channel's."""
    for _ in range(_ID_TRIES):
        at = now()
        originated_call_id, uniqueid = fresh_ids(at)
        row = {
            "originated_call_id": originated_call_id,
            "uniqueid": uniqueid,
            "account": request.account and request.account[:MAX_ACCOUNT],
            "caller": request.caller,
            "callee": request.callee,
            "context": request.context,
            "caller_id": request.caller_id,
            "trunk_name": request.trunk_name,
            "timeout": request.timeout,
            "call_limit": request.call_limit,
            "created_at": at,
        }
        try:
            async with database.write() as transaction:
                await transaction.execute(insert(originates).values(**row))
                if also is not None:
                    await also(transaction, originated_call_id, uniqueid)
        except IntegrityError:
            continue
        return originated_call_id, uniqueid
    raise OriginateError("no free id was found")


def _fields(
    request: OriginateRequest, extension: Extension | None, originated_call_id: str, uniqueid: str
) -> Mapping[str, str | Sequence[str]]:
    """The fields of the AMI action Originate."""
    variables = [
        f"TAMAS_ORIGINATE={originated_call_id}",
        f"TAMAS_PARTY={request.caller}",
        f"TAMAS_CONTEXT={request.context}",
    ]
    if request.start:
        variables.append(f"TAMAS_START={request.start}")
    if request.call_limit is not None:
        variables.append(f"TAMAS_LIMIT={request.call_limit}")
    variables.extend(variable_assignment(name, value) for name, value in request.variables.items())
    fields: dict[str, str | Sequence[str]] = {
        "Channel": _first_leg(request, extension),
        "Context": ORIGINATED_CONTEXT,
        "Exten": request.callee,
        "Priority": "1",
        "Timeout": str(request.timeout * 1000),
        "CallerID": caller_id_header(request.caller_id),
        "ChannelId": uniqueid,
        "Async": "true",
        "Variable": variables,
    }
    if extension is not None:
        fields["Account"] = extension.phone or extension.number
    return fields


def _first_leg(request: OriginateRequest, extension: Extension | None) -> str:
    if extension is None:
        return trunk_string(request.trunk_name, request.caller)
    if extension.several_phones or extension.call_limit is not None:
        # Without /n the Local channel would leave the call once answered, and its unique id with it.
        return f"Local/{extension.number}@{FIRST_LEG_CONTEXT}/n"
    # A switched-off extension has no phone: Asterisk says so, and the record has the reason.
    return phone_string(extension.phone or extension.number)
