"""Where in the call flow an answered call of a campaign begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import String, bindparam, cast, select

from tamas.store.autodialer_schema import campaigns, dial_attempts
from tamas.store.database import Database, HotQuery

_FIND: Final = HotQuery(
    select(campaigns.c.interface_context, campaigns.c.interface_text, dial_attempts.c.number)
    .join(campaigns, campaigns.c.serial == dial_attempts.c.campaign)
    .where(dial_attempts.c.id == cast(bindparam("attempt"), String))
)


@dataclass(frozen=True, kw_only=True)
class CampaignRoute:
    """A row of an Autodialer Route, and who was called."""

    context: str
    text: str
    number: str


async def route_of_attempt(database: Database, attempt_id: str) -> CampaignRoute | None:
    """The route of the campaign that made an attempt; ``None`` when there is no such attempt."""
    rows = await database.hot(_FIND, attempt_id)
    if not rows:
        return None
    context, text, number = rows[0]
    return CampaignRoute(context=context, text=text, number=number)
