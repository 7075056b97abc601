"""Extensions, trunks, queues and registrations for the tests of their pages, and what was noted of them."""

from __future__ import annotations

import json
import time
from typing import Any

from sqlalchemy import insert, select

from console._console import Browser, RunningConsole
from tamas.store.database import Row
from tamas.store.schema import console_activity, ps_contacts


async def user(browser: Browser, number: str, **settings: Any) -> str:
    """Add an extension; its id."""
    body = {"number": number, "name": f"Person {number}", "secret": f"geheim{number}", **settings}
    return str((await browser.post("pbx/users/add", **body))["id"])


async def queue(browser: Browser, number: str, **settings: Any) -> str:
    """Add a queue; its id."""
    return str((await browser.post("pbx/queues/add", number=number, name=f"Q{number}", **settings))["id"])


async def trunk(browser: Browser, name: str, **settings: Any) -> str:
    """Add a trunk; its id."""
    return str((await browser.post("pbx/trunks/add", name=name, **settings))["id"])


async def contact(console: RunningConsole, number: str, *, seconds: int = 600) -> None:
    """A registration as Asterisk writes it, ending in so many seconds."""
    async with console.database.write() as tx:
        await tx.execute(
            insert(ps_contacts).values(
                id=f"{number}^3B@{seconds}",
                endpoint=number,
                uri=f"sip:{number}@192.0.2.7:5062^3Btransport=tcp",
                user_agent="Phone^3B 1.0",
                expiration_time=int(time.time()) + seconds,
                via_addr="10.0.0.9",
                via_port=5060,
            )
        )


async def rows_of(console: RunningConsole, statement: Any) -> list[Row]:
    """Rows of the store."""
    async with console.database.read() as connection:
        return await connection.rows(statement)


async def noted(console: RunningConsole) -> list[dict[str, Any]]:
    """Activity of the switchboard's pages, oldest first, before and after decoded."""
    statement = select(console_activity).where(console_activity.c.page.like("pbx.%"))
    return [
        {**row, **{side: json.loads(row[side]) if row[side] else None for side in ("before", "after")}}
        for row in await rows_of(console, statement.order_by(console_activity.c.id))
    ]
