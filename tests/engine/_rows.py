"""Rows as the API would write them, with only what a test cares about."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import insert

from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.ids import new_id
from tamas.store.schema import extensions, queue_members, queues, trunks
from tamas.store.views import REALM


async def add_extension(database: Database, number: str, secret: str, **columns: Any) -> None:
    """Insert an extension whose other columns have their defaults."""
    digest = hashlib.md5(f"{number}:{REALM}:{secret}".encode(), usedforsecurity=False).hexdigest()
    row = {
        "id": new_id(),
        "name": f"Phone {number}",
        "number": number,
        "secret_ha1": digest,
        "secret_sealed": b"",
        "created_at": now(),
        "updated_at": now(),
    }
    async with database.write() as transaction:
        await transaction.execute(insert(extensions).values(**{**row, **columns}))


async def add_trunk(database: Database, name: str, **columns: Any) -> None:
    """Insert a trunk whose other columns have their defaults."""
    row = {"id": new_id(), "name": name, "created_at": now(), "updated_at": now()}
    async with database.write() as transaction:
        await transaction.execute(insert(trunks).values(**{**row, **columns}))


async def add_queue(database: Database, number: str, agents: tuple[str, ...], **columns: Any) -> None:
    """Insert a queue and its members."""
    row = {
        "id": new_id(),
        "name": f"Queue {number}",
        "number": number,
        "created_at": now(),
        "updated_at": now(),
    }
    async with database.write() as transaction:
        await transaction.execute(insert(queues).values(**{**row, **columns}))
        for agent in agents:
            await transaction.execute(
                insert(queue_members).values(
                    queue_name=number,
                    interface=f"Local/{agent}@simotel-local-agents/n",
                    membername=agent,
                    state_interface=f"PJSIP/{agent}",
                    joined_at=now(),
                )
            )
