"""The rules of Spit Detection that are made by hand: areas whose calls get a ready answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import delete, insert, select

from tamas.errors import TamasError
from tamas.store.clock import now
from tamas.store.database import Database, Row
from tamas.store.dialplan_schema import burst_rules
from tamas.store.ids import new_id

PRE_CODE: Final = re.compile(r"[0-9]{4,20}")
"""An area code without the code of the own region."""
MAX_PRE_CODES: Final = 1_000
MAX_TITLE: Final = 80


class BurstRuleRefused(TamasError):
    """A rule cannot be kept, or there is none like that; the text says why."""


async def list_burst_rules(database: Database) -> list[Row]:
    """Every rule, in the order in which they are tried; ``pre_codes`` is a list."""
    async with database.read() as connection:
        rows = await connection.rows(select(burst_rules).order_by(burst_rules.c.id))
    return [{**row, "pre_codes": msgspec.json.decode(row["pre_codes"])} for row in rows]


async def add_burst_rule(
    database: Database,
    *,
    title: str,
    pre_codes: Sequence[str],
    announcement: str = "",
    enabled: bool = True,
    comment: str = "",
) -> str:
    """Add a rule and return its id; calls obey it from the next on.

    :param pre_codes: beginnings of numbers as they are dialed in the own region, of at least four digits.
    :param announcement: what callers hear (``Ref.SOUND``); ``""``: nothing.
    :raises BurstRuleRefused: a value cannot be used.
    """
    if not title.strip() or len(title) > MAX_TITLE or not title.isprintable():
        raise BurstRuleRefused(f"a title has 1 to {MAX_TITLE} characters")
    if len(announcement) > MAX_TITLE:
        raise BurstRuleRefused(f"the name of an announcement has at most {MAX_TITLE} characters")
    wanted = list(dict.fromkeys(pre_codes))
    if not 0 < len(wanted) <= MAX_PRE_CODES:
        raise BurstRuleRefused(f"a rule has 1 to {MAX_PRE_CODES} pre-codes")
    for pre_code in wanted:
        if PRE_CODE.fullmatch(pre_code) is None:
            raise BurstRuleRefused(f"{pre_code!r} is no pre-code: at least four digits")
    rule_id, at = new_id(), now()
    async with database.write() as tx:
        await tx.execute(
            insert(burst_rules).values(
                id=rule_id,
                title=title.strip(),
                pre_codes=msgspec.json.encode(wanted).decode(),
                enabled=enabled,
                announcement=announcement,
                comment=comment,
                created_at=at,
                updated_at=at,
            )
        )
    return rule_id


async def remove_burst_rule(database: Database, rule: str) -> None:
    """Delete a rule. :param rule: its id or title. :raises BurstRuleRefused: there is none like that."""
    async with database.write() as tx:
        result = await tx.execute(
            delete(burst_rules).where((burst_rules.c.id == rule) | (burst_rules.c.title == rule))
        )
    if result.rowcount == 0:
        raise BurstRuleRefused(f"there is no burst rule {rule!r}")
