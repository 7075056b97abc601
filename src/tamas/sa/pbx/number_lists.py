"""What the black list and the white list share: entries that are found by their number."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, Table, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tamas.sa.dates import RowDates
from tamas.sa.errors import NumberExists, OperationFailed
from tamas.sa.fields import Dialable, Field, Nested, Text, alike, identifier, logical, optional, required
from tamas.sa.pbx.rows import fetch, plain_rows
from tamas.sa.search import matching
from tamas.sa.service import ServiceContext
from tamas.store.clock import now
from tamas.store.ids import new_id

_NUMBER_NOTE = "Unique in the list."


def _comment() -> Field:
    return optional(Text(), aliases=("description",), example="")


class EntryAdd(msgspec.Struct, kw_only=True):
    """A new entry."""

    number: Annotated[str, required(Dialable(), example="557", note=_NUMBER_NOTE)]
    comment: Annotated[str, _comment()] = ""


class EntryUpdate(msgspec.Struct, kw_only=True):
    """Changes of an entry; what is left out stays."""

    id: Annotated[str, identifier(natural_key="number")] = ""
    number: Annotated[str | None, logical(Dialable(), example="558", note=_NUMBER_NOTE)] = None
    comment: Annotated[str | None, _comment()] = None


class EntryRemove(msgspec.Struct, kw_only=True):
    """Names the entry to delete."""

    id: Annotated[str, identifier(natural_key="number")] = ""
    number: Annotated[str | None, optional(Dialable(), lenient_only=True)] = None


class EntryConditions(msgspec.Struct, kw_only=True):
    """What entries must match; ``""`` matches everything."""

    number: Annotated[str, optional(Text(max=80), example="55")] = ""


class EntrySearch(msgspec.Struct, kw_only=True):
    """Which entries to list."""

    alike: Annotated[bool, alike()]
    conditions: Annotated[EntryConditions | None, optional(Nested(EntryConditions))] = None
    number: Annotated[str, optional(Text(max=80), lenient_only=True)] = ""


@dataclass(frozen=True, kw_only=True)
class NumberList:
    """A table of entries with ``id``, a unique ``number`` and ``comment``."""

    table: Table

    async def add(self, context: ServiceContext, values: Mapping[str, Any]) -> str:
        """Make an entry; gives its id. :raises NumberExists: see there."""
        identity, moment = new_id(), now()
        row = {**values, "id": identity, "created_at": moment, "updated_at": moment}
        try:
            async with context.database.write() as tx:
                await tx.execute(insert(self.table).values(row))
        except IntegrityError as error:
            raise NumberExists("number") from error
        return identity

    async def change(
        self, context: ServiceContext, request: EntryUpdate, values: Mapping[str, Any | None]
    ) -> None:
        """Change the entry that a request names; ``None`` stays as it is.

        :raises NumberExists: another entry has the number.
        :raises OperationFailed: there is no such entry.
        """
        given = {key: value for key, value in values.items() if value is not None}
        try:
            async with context.database.write() as tx:
                done = await tx.execute(
                    update(self.table).where(self._named(request)).values(**given, updated_at=now())
                )
        except IntegrityError as error:
            raise NumberExists("number") from error
        _check(done.rowcount, request)

    async def remove(self, context: ServiceContext, request: EntryRemove) -> None:
        """Delete the entry that a request names. :raises OperationFailed: there is none."""
        async with context.database.write() as tx:
            done = await tx.execute(delete(self.table).where(self._named(request)))
        _check(done.rowcount, request)

    async def find(
        self, context: ServiceContext, request: EntrySearch, columns: Sequence[ColumnElement[Any]]
    ) -> list[tuple[Any, ...]]:
        """The columns of the entries that a request asks for, as people read numbers."""
        number = request.number if request.conditions is None else request.conditions.number
        entry = self.table.c
        statement = select(*columns).where(*matching(request.alike, (entry.number, number)))
        return await context.database.long_read(
            fetch(statement.order_by(func.length(entry.number), entry.number))
        )

    def _named(self, request: EntryUpdate | EntryRemove) -> ColumnElement[bool]:
        entry = self.table.c
        return entry.id == request.id if request.id else entry.number == request.number


def _check(changed: int, request: EntryUpdate | EntryRemove) -> None:
    if not changed:
        raise OperationFailed("_id" if request.id else "number")


async def entry_rows(
    context: ServiceContext, found: Sequence[Sequence[Any]], keys: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of an answer."""
    return await asyncio.to_thread(plain_rows, found, keys, RowDates(context.runtime))
