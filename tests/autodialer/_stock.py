"""Things that campaigns are made of, straight in a store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from tamas.autodialer.campaigns import add_campaign
from tamas.autodialer.trunk_managers import add_trunk_manager
from tamas.store.autodialer_schema import dialer_sounds
from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.ids import new_id
from tamas.store.schema import trunks


async def trunk(database: Database, name: str = "carrier") -> str:
    """A trunk; gives its id."""
    identity, at = new_id(), now()
    async with database.write() as tx:
        await tx.execute(insert(trunks).values(id=identity, name=name, created_at=at, updated_at=at))
    return identity


async def manager(database: Database, **settings: Any) -> str:
    """A trunk manager over a trunk of its own; gives its id."""
    trunk_id = settings.pop("trunk_id", None) or await trunk(database, f"trunk-{new_id()}")
    title = settings.pop("title", "Line")
    return await add_trunk_manager(database, title=title, trunk_id=trunk_id, **settings)


async def sound(database: Database) -> str:
    """A sound of the dialer without a file; gives its id."""
    identity, at = new_id(), now()
    async with database.write() as tx:
        await tx.execute(
            insert(dialer_sounds).values(
                id=identity, name="Hello", filename=f"{identity}.wav", created_at=at, updated_at=at
            )
        )
    return identity


async def campaign(database: Database, **settings: Any) -> str:
    """A campaign of one number, or as it is told; gives its id."""
    if "trunk_manager_id" not in settings:
        settings["trunk_manager_id"] = await manager(database)
    if not settings.get("interface_context"):
        settings.setdefault("announcement", await sound(database))
    settings.setdefault("name", "Campaign")
    if not settings.get("groups"):
        settings.setdefault("numbers", ["09120000000"])
    return await add_campaign(database, **settings)
