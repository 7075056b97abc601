"""The lists of feature codes and speed dials, as administrators keep them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from tamas.dialplan.feature_codes import FOR_QUEUES, Auth, CodeType, WhichQueue, WhoseNumber
from tamas.engine.dialing_out import DIALABLE
from tamas.engine.sip_secrets import SecretSeal
from tamas.errors import TamasError
from tamas.store.clock import now
from tamas.store.database import Connection, Database, Row
from tamas.store.dialplan_schema import feature_codes, speed_dials
from tamas.store.ids import new_id
from tamas.store.schema import dialable_numbers, queues

CODE: Final = re.compile(r"[*#0-9]{1,16}")
PASSWORD: Final = re.compile(r"[0-9]{1,32}")
MAX_NAME: Final = 80

_f = feature_codes.c
_s = speed_dials.c
_SHOWN: Final = (_f.id, _f.code, _f.type, _f.auth, _f.agent, _f.queue, _f.queue_number)


class CodeRefused(TamasError):
    """A code cannot be kept as it was given.

    :param field: what is wrong: ``code``, ``password``, ``queue_number``, ``number``, ``name``.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


async def clash(database: Database, code: str) -> str | None:
    """What else a code is (``extension``, ``feature code``, ...), in words; ``None``: nothing.

    A feature code wins over a speed dial, and both win over every number that can be dialed.
    """
    async with database.read() as connection:
        kind = await connection.scalar(
            select(dialable_numbers.c.kind).where(dialable_numbers.c.number == code)
        )
        if kind is not None:
            return str(kind)
        if await connection.scalar(select(_f.id).where(_f.code == code)):
            return "feature code"
    return None


# -- feature codes -----------------------------------------------------------------------------------------


async def list_feature_codes(database: Database) -> list[dict[str, Any]]:
    """Every code; passwords are not told."""
    async with database.read() as connection:
        return [dict(row) for row in await connection.rows(select(*_SHOWN).order_by(_f.code))]


async def add_feature_code(
    database: Database,
    seal: SecretSeal,
    *,
    code: str,
    type_: CodeType,
    auth: Auth = Auth.NONE,
    password: str = "",
    agent: WhoseNumber = WhoseNumber.PHONE,
    queue: WhichQueue | None = None,
    queue_number: str = "",
) -> Row:
    """Make a code. :raises CodeRefused: something is missing, does not fit, or is taken.

    :param queue: default: the one in ``queue_number`` if given; else it is asked for where one is needed.
    """
    if queue is None:
        needed = WhichQueue.ASK if type_ in FOR_QUEUES else WhichQueue.NONE
        queue = WhichQueue.DEFAULT if queue_number else needed
    at = now()
    values = {
        "code": code,
        "type": type_.value,
        "auth": auth.value,
        "agent": agent.value,
        "queue": queue.value,
        "queue_number": queue_number,
    }
    try:
        async with database.write() as tx:
            await _check_feature_code(tx, values, has_password=bool(password))
            row = {**values, "id": new_id(), "password_sealed": _sealed(seal, password)}
            await tx.execute(insert(feature_codes).values(**row, created_at=at, updated_at=at))
    except IntegrityError as error:
        raise CodeRefused("code", f"{code} is taken") from error
    return {"id": row["id"], **values}


async def change_feature_code(
    database: Database,
    seal: SecretSeal,
    code: str,
    *,
    password: str | None = None,
    changes: Mapping[str, str | None],
) -> Row:
    """Change a code; what is ``None`` stays. :raises CodeRefused: as :func:`add_feature_code`, or unknown.

    :param changes: columns and their new values, as texts.
    """
    given = {name: str(value) for name, value in changes.items() if value is not None}
    try:
        async with database.write() as tx:
            row = await tx.row(select(feature_codes).where(_f.code == code).with_for_update())
            if row is None:
                raise CodeRefused("code", f"there is no feature code {code}")
            values = {column.name: row[column.name] for column in _SHOWN} | given
            if "queue_number" in given and "queue" not in given:
                values["queue"] = given["queue"] = WhichQueue.DEFAULT.value
            sealed = row["password_sealed"] if password is None else _sealed(seal, password)
            await _check_feature_code(tx, values, has_password=sealed is not None)
            await tx.execute(
                update(feature_codes)
                .where(_f.id == row["id"])
                .values(**given, password_sealed=sealed, updated_at=now())
            )
    except IntegrityError as error:
        raise CodeRefused("code", f"{given.get('code', code)} is taken") from error
    return values


async def remove_feature_code(database: Database, code: str) -> None:
    """Delete a code. :raises CodeRefused: there is none."""
    async with database.write() as tx:
        if not (await tx.execute(delete(feature_codes).where(_f.code == code))).rowcount:
            raise CodeRefused("code", f"there is no feature code {code}")


async def _check_feature_code(tx: Connection, values: Mapping[str, Any], *, has_password: bool) -> None:
    if CODE.fullmatch(values["code"]) is None:
        raise CodeRefused("code", "must be 1 to 16 of 0-9, * and #")
    if values["auth"] == Auth.PASSWORD and not has_password:
        raise CodeRefused("password", "is missing")
    number = values["queue_number"]
    if values["queue"] == WhichQueue.DEFAULT and not number:
        raise CodeRefused("queue_number", "is missing")
    if number and not await tx.scalar(select(queues.c.id).where(queues.c.number == number)):
        raise CodeRefused("queue_number", f"there is no queue {number}")


def _sealed(seal: SecretSeal, password: str) -> bytes | None:
    if not password:
        return None
    if PASSWORD.fullmatch(password) is None:
        raise CodeRefused("password", "must be 1 to 32 digits")
    return seal.seal(password)


# -- speed dials -------------------------------------------------------------------------------------------


async def list_speed_dials(database: Database) -> list[dict[str, Any]]:
    """Every speed dial."""
    async with database.read() as connection:
        rows = await connection.rows(select(_s.id, _s.name, _s.code, _s.number).order_by(_s.code))
    return [dict(row) for row in rows]


async def add_speed_dial(database: Database, *, name: str, code: str, number: str) -> Row:
    """Make a speed dial. :raises CodeRefused: something does not fit, or the code is taken."""
    row = _speed_dial(name, code, number)
    at = now()
    try:
        async with database.write() as tx:
            await tx.execute(insert(speed_dials).values(**row, created_at=at, updated_at=at))
    except IntegrityError as error:
        raise CodeRefused("code", f"{code} is taken") from error
    return row


async def import_speed_dials(database: Database, entries: Sequence[tuple[str, str, str]]) -> dict[str, int]:
    """Take in name, code and number of many, all or none; those whose code is there already are changed.

    :raises CodeRefused: one does not fit; tells which.
    """
    rows = []
    for line, entry in enumerate(entries, start=1):
        try:
            rows.append(_speed_dial(*entry))
        except CodeRefused as error:
            raise CodeRefused(error.field, f"entry {line}: {error}") from error
    counts = {"added": 0, "changed": 0}
    async with database.write() as tx:
        for row in rows:
            at = now()
            values = {"name": row["name"], "number": row["number"], "updated_at": at}
            done = await tx.execute(update(speed_dials).where(_s.code == row["code"]).values(**values))
            if not done.rowcount:
                await tx.execute(insert(speed_dials).values(**row, created_at=at, updated_at=at))
            counts["changed" if done.rowcount else "added"] += 1
    return counts


async def remove_speed_dial(database: Database, code: str) -> None:
    """Delete a speed dial. :raises CodeRefused: there is none."""
    async with database.write() as tx:
        if not (await tx.execute(delete(speed_dials).where(_s.code == code))).rowcount:
            raise CodeRefused("code", f"there is no speed dial {code}")


def _speed_dial(name: str, code: str, number: str) -> dict[str, str]:
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise CodeRefused("name", f"must have 1 to {MAX_NAME} printable characters")
    if CODE.fullmatch(code) is None:
        raise CodeRefused("code", "must be 1 to 16 of 0-9, * and #")
    if DIALABLE.fullmatch(number) is None:
        raise CodeRefused("number", "cannot be dialed")
    return {"id": new_id(), "name": name, "code": code, "number": number}
