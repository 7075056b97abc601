"""Accounts and runtime settings in memory, as of one change generation (architecture rule 8)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import select

from tamas.events.receivers import list_receivers
from tamas.sa.accounts import Auth
from tamas.sa.addresses import AllowedAddresses
from tamas.sa.permissions import Permissions
from tamas.store.changes import Changes
from tamas.store.database import Database
from tamas.store.runtime_settings import load_runtime_settings
from tamas.store.schema import api_accounts


@dataclass(frozen=True, kw_only=True)
class KnownAccount:
    """An account with what is needed to let it in."""

    id: str
    username: str
    auth: Auth
    enabled: bool
    password_hash: str | None
    token_hash: str | None
    permissions: Permissions


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What every request has to know."""

    generation: int
    by_username: Mapping[str, KnownAccount]
    by_token: Mapping[str, KnownAccount]
    """By the stored hash of the token."""
    runtime: Mapping[str, Any]
    addresses: AllowedAddresses
    lenient: bool
    cors_origins: frozenset[str]
    selected: frozenset[str]
    """Events that some receiver gets."""


class Snapshots:
    """Hands out the snapshot of the current generation; reads the store only when that moved."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes
        self._reading = asyncio.Lock()
        self._current: Snapshot | None = None

    async def current(self) -> Snapshot:
        """The snapshot that is in force now."""
        generation = await self._changes.generation()
        current = self._current
        if current is not None and current.generation == generation:
            return current
        async with self._reading:
            current = self._current
            if current is None or current.generation != generation:
                # Read after the generation: what is read is at least as new as the number says.
                current = self._current = await self._read(generation)
            return current

    async def _read(self, generation: int) -> Snapshot:
        runtime = await load_runtime_settings(self._database)
        async with self._database.read() as connection:
            rows = await connection.rows(select(api_accounts))
            receivers = await list_receivers(connection)
        accounts = [
            KnownAccount(
                id=row["id"],
                username=row["username"],
                auth=row["auth"],
                enabled=bool(row["enabled"]),
                password_hash=row["password_hash"],
                token_hash=row["token_hash"],
                permissions=Permissions(msgspec.json.decode(row["permissions"], type=list[str])),
            )
            for row in rows
        ]
        return Snapshot(
            generation=generation,
            by_username={account.username: account for account in accounts},
            by_token={account.token_hash: account for account in accounts if account.token_hash},
            runtime=runtime,
            addresses=AllowedAddresses(
                everybody=runtime["sa.allow_all_ips"], networks=runtime["sa.allowed_ips"]
            ),
            lenient=runtime["sa.lenient"],
            cors_origins=frozenset(runtime["sa.cors_origins"]),
            selected=frozenset().union(*(one.events for one in receivers if one.enabled)),
        )
