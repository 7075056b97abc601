"""Maintenance > Accounts: account types, the rights that their holders have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec

from tamas.console.account_types import (
    AccountType,
    AccountTypeInUse,
    FixedAccountType,
    UnknownAccountType,
    add_account_type,
    list_account_types,
    read_account_type,
    remove_account_type,
    update_account_type,
)
from tamas.console.activity import Facts, Look
from tamas.console.context import ConsoleContext
from tamas.console.errors import Conflict, Forbidden, NotFound
from tamas.console.rights import ACCOUNTS, PAGES, UPDATE, BadRights, Right, Rights, checked_rights
from tamas.console.service import service
from tamas.sa.field_types import BadValue, FieldType, Schema
from tamas.sa.fields import Id, Name, NoParameters, Text, optional, required
from tamas.store.database import Connection
from tamas.store.ids import new_id


class RightsByPage(FieldType):
    """Lists of rights by page."""

    allows_empty = True

    def convert(self, value: Any, *, lenient: bool) -> Rights:  # noqa: ARG002 - as all types
        if not isinstance(value, Mapping) or not all(isinstance(one, list) for one in value.values()):
            raise BadValue
        try:
            return checked_rights(value)
        except (BadRights, TypeError) as error:
            raise BadValue from error

    def schema(self) -> Schema:
        return {
            "type": "object",
            "properties": {
                page.id: {"type": "array", "items": {"enum": list(page.rights)}} for page in PAGES.values()
            },
            "additionalProperties": False,
        }


class AccountTypeRow(msgspec.Struct, kw_only=True):
    """An account type."""

    id: str
    name: str
    """By which accounts name it."""
    title: str
    description: str
    builtin: bool
    """One of ours, which a page may translate."""
    rights: dict[str, list[Right]]
    accounts: int


class PageRow(msgspec.Struct, kw_only=True):
    """A page and what can be granted on it."""

    id: str
    rights: list[Right]


class AccountTypes(msgspec.Struct, kw_only=True):
    """All account types, and what they can grant."""

    rows: list[AccountTypeRow]
    pages: list[PageRow]


class AccountTypeAdd(msgspec.Struct, kw_only=True):
    """A new account type."""

    title: Annotated[str, required(Name())]
    rights: Annotated[Rights, required(RightsByPage())]
    description: Annotated[str, optional(Text())] = ""


class AddedAccountType(msgspec.Struct, kw_only=True):
    """A new account type."""

    id: str


class AccountTypeUpdate(msgspec.Struct, kw_only=True):
    """What is to change; the rest stays."""

    id: Annotated[str, required(Id())]
    title: Annotated[str | None, optional(Name())] = None
    description: Annotated[str | None, optional(Text())] = None
    rights: Annotated[Rights | None, optional(RightsByPage())] = None


class OneAccountType(msgspec.Struct, kw_only=True):
    """Which account type."""

    id: Annotated[str, required(Id())]


@service("account_types/list", page=ACCOUNTS, summary="List account types")
async def list_types(context: ConsoleContext, _request: NoParameters) -> AccountTypes:
    """Ours first."""
    return AccountTypes(
        rows=[
            AccountTypeRow(
                id=one.id,
                name=one.name,
                title=one.title,
                description=one.description,
                builtin=one.builtin,
                rights=one.rights.shown(),
                accounts=one.accounts,
            )
            for one in await list_account_types(context.database)
        ],
        pages=[PageRow(id=page.id, rights=list(page.rights)) for page in PAGES.values()],
    )


@service(
    "account_types/add", page=ACCOUNTS, right=UPDATE, summary="Make an account type", request=AccountTypeAdd
)
async def add_type(context: ConsoleContext, request: AccountTypeAdd) -> AddedAccountType:
    """Make it. Nobody grants what they do not have."""
    _grantable(context, request.rights)
    type_id = new_id()
    async with context.activity.change(ACCOUNTS, "add_type", request.title, _look(type_id)):
        await add_account_type(
            context.database,
            context.changes,
            type_id=type_id,
            title=request.title,
            description=request.description,
            rights=request.rights,
        )
    return AddedAccountType(id=type_id)


@service(
    "account_types/update",
    page=ACCOUNTS,
    right=UPDATE,
    summary="Change an account type",
    request=AccountTypeUpdate,
)
async def update_type(context: ConsoleContext, request: AccountTypeUpdate) -> None:
    """Change what is given; in force for everybody of that type from their next request on."""
    found = await _found(context, request.id)
    if request.rights is not None:
        _grantable(context, request.rights)
        if found.name == context.me.account_type and not request.rights.allow(ACCOUNTS, UPDATE):
            raise Conflict("whoever asks could not take this back", code="own_type")
    with _told():
        async with context.activity.change(ACCOUNTS, "update_type", found.title, _look(request.id)):
            await update_account_type(
                context.database,
                context.changes,
                request.id,
                title=request.title,
                description=request.description,
                rights=request.rights,
            )


@service(
    "account_types/remove",
    page=ACCOUNTS,
    right=UPDATE,
    summary="Remove an account type that nobody has",
    request=OneAccountType,
)
async def remove_type(context: ConsoleContext, request: OneAccountType) -> None:
    """Remove it."""
    found = await _found(context, request.id)
    with _told():
        async with context.activity.change(ACCOUNTS, "remove_type", found.title, _look(request.id)):
            await remove_account_type(context.database, context.changes, request.id)


async def _found(context: ConsoleContext, type_id: str) -> AccountType:
    async with context.database.read() as connection:
        found = await read_account_type(connection, type_id)
    if found is None:
        raise NotFound("there is no such account type (any more)")
    _grantable(context, found.rights)
    return found


def _grantable(context: ConsoleContext, rights: Rights) -> None:
    """Refuse what would give somebody more rights than whoever asks has."""
    if not context.me.rights.cover(rights):
        raise Forbidden("these are rights that you do not have", code="more_rights")


@contextmanager
def _told() -> Iterator[None]:
    """Failures of account types as the console's."""
    try:
        yield
    except UnknownAccountType as error:
        raise NotFound(str(error)) from error
    except FixedAccountType as error:
        raise Conflict(str(error), code="fixed") from error
    except AccountTypeInUse as error:
        raise Conflict(str(error), code="in_use") from error


def _look(type_id: str) -> Look:
    async def look(connection: Connection) -> Facts | None:
        found = await read_account_type(connection, type_id)
        if found is None:
            return None
        return {"title": found.title, "description": found.description, "rights": found.rights.shown()}

    return look
