"""Versions of the plan: kept, published, restored (dialplan specification, section 1).

A version is a row that is never changed or deleted: calls go on with the version they began with, whatever is
published meanwhile. Numbers are never used again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tamas.dialplan.graph import Plan, write_plan
from tamas.dialplan.plans import load_version
from tamas.dialplan.validation import Finding, Level, check, has_errors
from tamas.dialplan.world import load_world
from tamas.errors import TamasError
from tamas.store.changes import Changes
from tamas.store.clock import now
from tamas.store.database import Connection, Database, Row
from tamas.store.dialplan_schema import dialplan_live, dialplan_versions

BROUGHT_ALONG: Final = 0
"""The version that every system begins with; it is in no row."""
MAX_COMMENT: Final = 255

_v = dialplan_versions.c


class PlanRefused(TamasError):
    """A plan cannot go live.

    :param findings: all of them, warnings too.
    """

    def __init__(self, findings: list[Finding]) -> None:
        errors = [finding for finding in findings if finding.level is Level.ERROR]
        first = errors[0]
        where = f"{first.name or first.node}: " if first.node else ""
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"the plan cannot go live: {where}{first.text}{more}")
        self.findings = findings


class NoSuchVersion(TamasError):
    """There is no version of that number."""


class PlanMoved(TamasError):
    """Another version went live since the one that was changed was read."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """What came of publishing or keeping a plan."""

    version: int
    changed: bool
    """``False``: it is the live plan already, and no version was made."""
    findings: list[Finding]
    """Warnings."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """One line of the history."""

    version: int
    comment: str
    account: str
    created_at: int | None
    published_at: int | None
    """When it went live the first time; ``None``: never, or it is the version brought along."""
    live: bool


async def publish(
    database: Database,
    changes: Changes,
    plan: Plan,
    *,
    account: str,
    comment: str = "",
    administrator: bool = False,
    based_on: int | None = None,
) -> Published:
    """Make a plan live for the calls that come from now on.

    :param account: who does it.
    :param administrator: whether that account may use what only administrators may.
    :param based_on: the version that was changed into this plan, to notice that another was published
        meanwhile; ``None``: whatever is live is replaced.
    :raises PlanRefused: it has errors. :raises PlanMoved: see ``based_on``.
    """
    live, findings = await _checked(database, plan, administrator=administrator)
    if plan == live.plan:
        return Published(version=live.version, changed=False, findings=findings)
    async with database.write() as tx:
        if based_on is not None and (current := await live_version(tx)) != based_on:
            raise PlanMoved(
                f"version {current} went live meanwhile, while version {based_on} was changed; "
                "look at it, and publish again"
            )
        version = await _store(tx, plan, account=account, comment=comment, live=True)
        await _go_live(database, changes, tx, version)
    return Published(version=version, changed=True, findings=findings)


async def keep(
    database: Database, plan: Plan, *, account: str, comment: str = "", administrator: bool = False
) -> Published:
    """Keep a plan as a version that is not live yet. :raises PlanRefused: it has errors."""
    live, findings = await _checked(database, plan, administrator=administrator)
    if plan == live.plan:
        return Published(version=live.version, changed=False, findings=findings)
    async with database.write() as tx:
        version = await _store(tx, plan, account=account, comment=comment, live=False)
    return Published(version=version, changed=True, findings=findings)


async def publish_kept(
    database: Database, changes: Changes, version: int | None = None, *, administrator: bool = False
) -> Published:
    """Make a version live that was only kept so far.

    :param version: ``None``: the newest that never was live.
    :raises NoSuchVersion: there is none, or it was live already. :raises PlanRefused: it has errors by now.
    """
    never_live = select(_v.version).where(_v.published_at.is_(None)).order_by(_v.version.desc())
    if version is not None:
        never_live = never_live.where(_v.version == version)
    async with database.read() as connection:
        found = await connection.scalar(never_live.limit(1))
    if found is None:
        raise NoSuchVersion(
            "there is no imported version that was not live yet"
            if version is None
            else f"there is no version {version} that was not live yet; an old one is restored"
        )
    number = int(found)
    plan = await load_version(database, number)
    _, findings = await _checked(database, plan, administrator=administrator)
    async with database.write() as tx:
        await tx.execute(update(dialplan_versions).where(_v.version == number).values(published_at=now()))
        await _go_live(database, changes, tx, number)
    return Published(version=number, changed=True, findings=findings)


async def restore(
    database: Database,
    changes: Changes,
    version: int,
    *,
    account: str,
    comment: str = "",
    administrator: bool = False,
) -> Published:
    """Publish a copy of an old version, so that the history stays in order.

    :raises NoSuchVersion: there is none. :raises PlanRefused: it has errors by now.
    """
    plan = await load(database, version)
    return await publish(
        database,
        changes,
        plan,
        account=account,
        comment=comment or f"version {version} restored",
        administrator=administrator,
    )


async def load(database: Database, version: int | None = None) -> Plan:
    """A version of the plan. :param version: ``None``: the live one. :raises NoSuchVersion: there is none."""
    if version is None:
        async with database.read() as connection:
            version = await live_version(connection)
    try:
        return await load_version(database, version)
    except LookupError as error:
        raise NoSuchVersion(str(error)) from error


async def versions(database: Database, *, limit: int = 50, offset: int = 0) -> list[Version]:
    """The history, newest first; the version brought along comes last."""
    statement: Select[tuple[int]] = (
        select(_v.version, _v.comment, _v.account, _v.created_at, _v.published_at)
        .order_by(_v.version.desc())
        .limit(limit)
        .offset(offset)
    )
    async with database.read() as connection:
        live = await live_version(connection)
        rows = await connection.rows(statement)
    found = [_version(row, live) for row in rows]
    if len(found) < limit:
        found.append(
            Version(
                version=BROUGHT_ALONG,
                comment="the plan that Tamas brings along",
                account="",
                created_at=None,
                published_at=None,
                live=live == BROUGHT_ALONG,
            )
        )
    return found


async def live_version(connection: Connection) -> int:
    """Number of the version that new calls walk."""
    return int(await connection.scalar(select(dialplan_live.c.version)) or BROUGHT_ALONG)


@dataclass(frozen=True, kw_only=True)
class _Live:
    version: int
    plan: Plan


async def _checked(database: Database, plan: Plan, *, administrator: bool) -> tuple[_Live, list[Finding]]:
    """The live plan, and what is to be said of one that shall take its place."""
    async with database.read() as connection:
        version = await live_version(connection)
    live = _Live(version=version, plan=await load_version(database, version))
    world = await load_world(database)
    findings = check(plan, world, administrator=administrator, live=live.plan)
    if has_errors(findings):
        raise PlanRefused(findings)
    return live, findings


async def _store(tx: Connection, plan: Plan, *, account: str, comment: str, live: bool) -> int:
    moment = now()
    row = {
        "plan": write_plan(plan),
        "comment": comment[:MAX_COMMENT],
        "account": account,
        "created_at": moment,
        "published_at": moment if live else None,
    }
    return int(await tx.scalar(insert(dialplan_versions).values(row).returning(_v.version)))


async def _go_live(database: Database, changes: Changes, tx: Connection, version: int) -> None:
    upsert = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
    statement = upsert(dialplan_live).values(id=1, version=version)
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"version": statement.excluded.version})
    )
    await changes.bump(tx)


def _version(row: Row, live: int) -> Version:
    return Version(
        version=row["version"],
        comment=row["comment"],
        account=row["account"],
        created_at=row["created_at"],
        published_at=row["published_at"],
        live=row["version"] == live,
    )
