"""``/autodialer/contacts/*``: people whose numbers campaigns may call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from tamas.sa.autodialer.field_types import CalledNumber
from tamas.sa.dates import RowDates
from tamas.sa.errors import NumberExists, OperationFailed
from tamas.sa.fields import Nested, Text, identifier, optional, required
from tamas.sa.pbx.field_types import Title
from tamas.sa.search import Listing, PagedSearch, matching
from tamas.sa.service import Added, Page, Paged, ServiceContext, Written, service
from tamas.store.autodialer_schema import dialer_contacts
from tamas.store.clock import now
from tamas.store.ids import new_id

_c = dialer_contacts.c

_NUMBER_NOTE = "Unique among contacts."


class ContactAdd(msgspec.Struct, kw_only=True):
    """A new contact."""

    name: Annotated[str, required(Title(), lenient_same_as="number", example="test_contact")]
    number: Annotated[str, required(CalledNumber(), example="112233", note=_NUMBER_NOTE)]
    description: Annotated[str, optional(Text(), example="Just for test")] = ""


class ContactUpdate(msgspec.Struct, kw_only=True):
    """Changes of a contact; what is left out stays."""

    id: Annotated[str, identifier(natural_key="number")] = ""
    name: Annotated[str | None, optional(Title(), example="test_contact_new")] = None
    number: Annotated[str | None, optional(CalledNumber(), example="11223", note=_NUMBER_NOTE)] = None
    description: Annotated[str | None, optional(Text(), example="Just for test")] = None


class ContactRemove(msgspec.Struct, kw_only=True):
    """Names the contact to delete."""

    id: Annotated[str, identifier(natural_key="number")] = ""
    number: Annotated[str | None, optional(CalledNumber(), lenient_only=True)] = None


class ContactConditions(msgspec.Struct, kw_only=True):
    """What contacts must match; ``""`` matches everything."""

    name: Annotated[str, optional(Text(max=80), example="")] = ""
    number: Annotated[str, optional(Text(max=80), example="")] = ""
    description: Annotated[str, optional(Text(), example="")] = ""
    status: Annotated[str, optional(Text(max=80), example="", note="Contacts have none: not looked at.")] = ""


class ContactSearch(PagedSearch, kw_only=True):
    """Which contacts to list."""

    conditions: Annotated[ContactConditions | None, optional(Nested(ContactConditions))] = None
    number: Annotated[str, optional(Text(max=80), lenient_only=True)] = ""


EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "60461561095d840c2e477098",
    "name": "test_contact",
    "number": "112233",
    "description": "Just for test",
    "date": "2021-03-08 15:45:29",
}
"""One row of an answer; its keys are the keys of every row, in this order."""


def _row(contact: Any, dates: RowDates) -> dict[str, Any]:
    return {
        "_id": contact.id,
        "name": contact.name,
        "number": contact.number,
        "description": contact.description,
        "date": dates.text(contact.created_at),
    }


LISTING = Listing(
    select=select(dialer_contacts),
    key=_c.id,
    sortable={
        "_id": _c.id,
        "name": _c.name,
        "number": _c.number,
        "description": _c.description,
        "date": _c.created_at,
    },
    sorting={"name": 1},
    row=_row,
)


@service(
    "autodialer/contacts/add",
    op="add",
    summary="Add a contact of the autodialer",
    request=ContactAdd,
    answer=Added(),
)
async def add(context: ServiceContext, request: ContactAdd) -> str:
    identity, at = new_id(), now()
    row = {**msgspec.structs.asdict(request), "id": identity, "created_at": at, "updated_at": at}
    try:
        async with context.database.write() as tx:
            await tx.execute(insert(dialer_contacts).values(row))
    except IntegrityError as error:
        raise NumberExists("number") from error
    return identity


@service(
    "autodialer/contacts/search",
    op="search",
    summary="List or find contacts of the autodialer",
    request=ContactSearch,
    answer=Paged(EXAMPLE_ROW, sorting=LISTING.sorting),
)
async def search(context: ServiceContext, request: ContactSearch) -> Page:
    asked = request.conditions or ContactConditions()
    texts = (
        (_c.name, asked.name),
        (_c.number, asked.number or request.number),
        (_c.description, asked.description),
    )
    return await LISTING.page(context, request, *matching(request.alike, *texts))


@service(
    "autodialer/contacts/update",
    op="update",
    summary="Change a contact of the autodialer",
    request=ContactUpdate,
    answer=Written(),
)
async def change(context: ServiceContext, request: ContactUpdate) -> None:
    values = {"name": request.name, "number": request.number, "description": request.description}
    given = {key: value for key, value in values.items() if value is not None}
    try:
        async with context.database.write() as tx:
            done = await tx.execute(
                update(dialer_contacts).where(_named(request)).values(**given, updated_at=now())
            )
    except IntegrityError as error:
        raise OperationFailed("number") from error  # the catalogue knows no other text for updates
    _check(done.rowcount, request)


@service(
    "autodialer/contacts/remove",
    op="remove",
    summary="Delete a contact of the autodialer",
    request=ContactRemove,
    answer=Written(),
)
async def remove(context: ServiceContext, request: ContactRemove) -> None:
    async with context.database.write() as tx:
        done = await tx.execute(delete(dialer_contacts).where(_named(request)))
    _check(done.rowcount, request)


def _named(request: ContactUpdate | ContactRemove) -> ColumnElement[bool]:
    return _c.id == request.id if request.id else _c.number == request.number


def _check(changed: int, request: ContactUpdate | ContactRemove) -> None:
    if not changed:
        raise OperationFailed("_id" if request.id else "number")
