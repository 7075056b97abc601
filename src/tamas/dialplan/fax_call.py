"""Calls that send a fax: claimed from the store, then asked of Asterisk, which does the rest by itself.

A claim is one transaction that gives the fax the unique id of its channel and writes the row in
``originates``, before Asterisk hears of the call. So a fax is tried once: whatever is killed after that, the
call's record settles it (:mod:`tamas.records.faxes`), as it closes every other originate.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, case, func, insert, literal_column, select, update

from tamas.dialplan.originate import EngineRefused, fresh_ids
from tamas.engine.ami import AmiActionFailed, AmiClient, AmiError, AmiTimeout
from tamas.engine.dialing_out import caller_id_header, trunk_string
from tamas.engine.fixed_dialplan import FAX_SEND_CONTEXT
from tamas.events.of_faxes import outgoing_fax
from tamas.events.outbox import emit
from tamas.store.clock import now
from tamas.store.database import Connection, Database, HotQuery
from tamas.store.fax_schema import faxes
from tamas.store.schema import originates, uploads

log = logging.getLogger(__name__)

CONTEXT: Final = "fax"
"""Outgoing route in the records of these calls."""
SECONDS_FOR_A_PAGE: Final = 120
"""A full page of fine resolution at 2400 bit/s takes about as long."""
CODECS: Final = "alaw,ulaw"
"""Others do not carry the tones of a fax machine."""

_f = faxes.c
# As text, so that both stores see that the index of these rows serves.
_UNDER_WAY = (_f.type == literal_column("'outbox'"), _f.status == literal_column("'SENDING'"))
_WAITS = (*_UNDER_WAY, _f.uniqueid.is_(None))
_ANY_WAITS = HotQuery(select(select(_f.id).where(*_WAITS).exists()))
_RUNS = (*_UNDER_WAY, _f.uniqueid.is_not(None))


@dataclass(frozen=True, kw_only=True)
class FaxCall:
    """A fax that was claimed and is to be called now."""

    fax_id: str
    originated_call_id: str
    uniqueid: str
    """Of its channel."""
    trunk: str
    number: str
    ext: str
    """Digits to dial after the answer; may be empty."""
    file: str
    """Name among the documents to fax."""
    pages: int


async def waiting_trunks(database: Database) -> dict[str, int]:
    """Trunks over which a fax waits to be sent, with how many are under way."""
    ((any_waits,),) = await database.hot(_ANY_WAITS)
    if not any_waits:
        return {}
    waits = func.sum(case((_f.uniqueid.is_(None), 1), else_=0))
    runs = func.sum(case((_f.uniqueid.is_(None), 0), else_=1))
    statement = select(_f.trunk, runs.label("runs")).where(*_UNDER_WAY).group_by(_f.trunk).having(waits > 0)
    async with database.read() as connection:
        return {row["trunk"]: int(row["runs"]) for row in await connection.rows(statement)}


async def claim_fax(database: Database, trunk: str, runtime: Mapping[str, Any]) -> FaxCall | None:
    """Claim the oldest fax that waits for a trunk; ``None`` when there is none, or no more may be under way.

    One at a time, so that whoever dies between a claim and its call takes one fax along at most.

    :param runtime: settings of the store; ``fax.calls_per_trunk`` is how many may be under way.
    """
    async with database.write() as tx:
        under_way = await tx.scalar(select(func.count()).select_from(faxes).where(*_RUNS, _f.trunk == trunk))
        if int(under_way) >= int(runtime["fax.calls_per_trunk"]):
            return None
        row = await tx.row(_oldest(trunk))
        return None if row is None else await _claim(tx, row, runtime)


def _oldest(trunk: str) -> Select[Any]:
    """The next fax of a trunk, but for those that another process is claiming."""
    pages = select(uploads.c.pages).where(uploads.c.filename == _f.file).scalar_subquery()
    return (
        select(_f.id, _f.dst, _f.ext, _f.trunk, _f.file, _f.account, pages.label("document_pages"))
        .where(*_WAITS, _f.trunk == trunk)
        .order_by(_f.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=faxes)
    )


async def _claim(tx: Connection, row: Mapping[str, Any], runtime: Mapping[str, Any]) -> FaxCall:
    at = now()
    originated_call_id, uniqueid = fresh_ids(at)
    caller_id = str(runtime["fax.caller_id"])
    await tx.execute(
        insert(originates).values(
            originated_call_id=originated_call_id,
            uniqueid=uniqueid,
            account=row["account"],
            caller=caller_id,
            callee=row["dst"],
            context=CONTEXT,
            caller_id=caller_id,
            trunk_name=row["trunk"],
            timeout=int(runtime["fax.answer_seconds"]),
            created_at=at,
            fax_id=row["id"],
        )
    )
    await tx.execute(update(faxes).where(_f.id == row["id"]).values(uniqueid=uniqueid))
    begins = outgoing_fax(row["id"], "SENDING", call=uniqueid, at=at, details={}, reason=None)
    await emit(tx, [begins])
    return FaxCall(
        fax_id=row["id"],
        originated_call_id=originated_call_id,
        uniqueid=uniqueid,
        trunk=row["trunk"],
        number=row["dst"],
        ext=row["ext"],
        file=row["file"],
        pages=int(row["document_pages"] or 1),
    )


async def call_fax(ami: AmiClient, call: FaxCall, runtime: Mapping[str, Any]) -> None:
    """Have Asterisk make the call of a claimed fax, without waiting for what comes of it.

    :raises EngineRefused: the caller of this function closes the row in ``originates``.
    """
    try:
        await ami.action("Originate", _fields(call, runtime))
    except AmiTimeout:
        # It may still be carried out, so the row stays open; records closes it one way or the other.
        log.warning("the engine did not confirm fax %s in time", call.fax_id)
    except AmiActionFailed as error:
        raise EngineRefused(call.originated_call_id, f"the engine refused: {error}") from error
    except AmiError as error:
        raise EngineRefused(call.originated_call_id, f"the engine went away: {error}") from error


def _fields(call: FaxCall, runtime: Mapping[str, Any]) -> Mapping[str, str | Sequence[str]]:
    """The fields of the AMI action Originate. Every value was checked: digits, numbers, names of ours."""
    caller_id = str(runtime["fax.caller_id"])
    variables = {
        "TAMAS_ORIGINATE": call.originated_call_id,
        "TAMAS_FAX_FILE": call.file,
        # The called side asks for T.38, at once or later; G.711 until then. Asking for it ourselves (z) takes
        # so long where it is refused that the far end gives up.
        "TAMAS_FAX_OPTIONS": "F" if runtime["fax.transport"] == "audio" else "f",
        "TAMAS_FAX_STATION": caller_id,
        "TAMAS_FAX_LIMIT": int(runtime["fax.abandon_seconds"]) + call.pages * SECONDS_FOR_A_PAGE,
        "TAMAS_FAX_DIGITS": call.ext,
        "TAMAS_FAX_DIGIT_GAP": runtime["fax.digit_gap_ms"],
        "TAMAS_FAX_BEFORE_DIGITS": runtime["fax.seconds_before_digits"],
        "TAMAS_FAX_AFTER_DIGITS": runtime["fax.seconds_after_digits"],
        "TAMAS_FAX_BEFORE_SEND": runtime["fax.seconds_before_send"],
    }
    return {
        "Channel": trunk_string(call.trunk, call.number),
        "Context": FAX_SEND_CONTEXT,
        "Exten": "s",
        "Priority": "1",
        "Timeout": str(int(runtime["fax.answer_seconds"]) * 1000),
        "CallerID": caller_id_header(caller_id),
        "ChannelId": call.uniqueid,
        "Codecs": CODECS,
        "Async": "true",
        "Variable": [f"{name}={value}" for name, value in variables.items()],
    }
