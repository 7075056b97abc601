"""Versions of the plan, and variables."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, insert, select

from dialplan._switchboard import node, row
from tamas.dialplan.default_plan import default_plan
from tamas.dialplan.graph import Node, Plan, Sheet
from tamas.dialplan.plans import Plans
from tamas.dialplan.publishing import (
    NoSuchVersion,
    PlanMoved,
    PlanRefused,
    keep,
    load,
    publish,
    publish_kept,
    restore,
    versions,
)
from tamas.dialplan.variables import (
    VariableRefused,
    list_variables,
    remove_variable,
    set_variable,
)
from tamas.dialplan.world import VariableType
from tamas.store.changes import Changes
from tamas.store.database import Database
from tamas.store.dialplan_schema import dialplan_versions
from tamas.store.ids import new_id
from tamas.store.schema import announcements


def a_plan(number: str, *more: Node) -> Plan:
    """A plan that differs by the number that its Corrector sets."""
    return Plan(
        sheets=(Sheet(id="test", name="Test"),),
        nodes=(
            node("route", "OutgoingRoute", row(".", "fix", pattern=".")),
            node("fix", "Corrector", params={"extension": number}, next_="ring"),
            node("ring", "Extension"),
            *more,
        ),
    )


@pytest.fixture
def changes(database: Database) -> Changes:
    """As a command sees them."""
    return Changes(database)


async def _count(database: Database) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(dialplan_versions)))


async def test_a_fresh_system_has_the_plan_that_comes_along(database: Database) -> None:
    """Version 0, in no row."""
    assert await load(database) == default_plan()
    (only,) = await versions(database)
    assert (only.version, only.live, only.created_at) == (0, True, None)


async def test_publishing(database: Database, changes: Changes) -> None:
    """New calls walk the new version at once; who began with the old one finds it as it was."""
    walked = Plans(database, changes)
    assert (await walked.live()).version == 0
    first = await publish(database, changes, a_plan("201"), account="ann", comment="first")
    assert first.changed
    began = await walked.live()
    assert (began.version, began.plan) == (first.version, a_plan("201"))
    second = await publish(database, changes, a_plan("202"), account="ben", comment="second")
    assert (await walked.live()).plan == a_plan("202")
    assert await walked.version(first.version) == began
    assert await load(database, first.version) == a_plan("201")
    listed = await versions(database)
    assert [(each.version, each.live, each.account, each.comment) for each in listed[:2]] == [
        (second.version, True, "ben", "second"),
        (first.version, False, "ann", "first"),
    ]
    assert listed[-1].version == 0


async def test_the_same_plan_again_makes_no_version(database: Database, changes: Changes) -> None:
    """It is said which version it is."""
    first = await publish(database, changes, a_plan("201"), account="ann")
    again = await publish(database, changes, a_plan("201"), account="ann")
    assert (again.version, again.changed) == (first.version, False)
    assert await _count(database) == 1
    kept = await keep(database, a_plan("201"), account="ann")
    assert not kept.changed


async def test_a_plan_with_errors_is_refused_with_all_findings(database: Database, changes: Changes) -> None:
    """Nothing changes, and the warnings are told too."""
    broken = a_plan("201", node("lost", "Queue", params={"queue": "901"}), node("odd", "Telepathy"))
    with pytest.raises(PlanRefused) as refused:
        await publish(database, changes, broken, account="ann")
    found = refused.value.findings
    assert {(each.node, each.level.value) for each in found} >= {
        ("lost", "error"),
        ("lost", "warning"),
        ("odd", "error"),
    }
    assert "901" in str(refused.value)
    assert await load(database) == default_plan()
    assert await _count(database) == 0


async def test_warnings_do_not_hinder(database: Database, changes: Changes) -> None:
    """They come with the version."""
    done = await publish(database, changes, a_plan("201", node("alone", "Answer")), account="ann")
    assert [(each.node, each.level.value) for each in done.findings] == [("alone", "warning")]


async def test_rights(database: Database, changes: Changes) -> None:
    """What only administrators may, others keep but do not change, nor bring back from an old version."""
    plain = a_plan("201")
    special = a_plan("201", node("own", "Extension", params={"options": "U(there)"}))
    with pytest.raises(PlanRefused):
        await publish(database, changes, special, account="ann")
    with_special = await publish(database, changes, special, account="root", administrator=True)
    beside = a_plan("202", node("own", "Extension", params={"options": "U(there)"}))
    await publish(database, changes, beside, account="ann")
    await publish(database, changes, plain, account="ann")
    with pytest.raises(PlanRefused):
        await restore(database, changes, with_special.version, account="ann")
    await restore(database, changes, with_special.version, account="root", administrator=True)


async def test_restoring_is_a_new_version(database: Database, changes: Changes) -> None:
    """The history stays in order; the plan that comes along can be restored too."""
    first = await publish(database, changes, a_plan("201"), account="ann")
    await publish(database, changes, a_plan("202"), account="ann")
    back = await restore(database, changes, first.version, account="ben")
    assert back.version > first.version + 1
    assert await load(database) == a_plan("201")
    newest = (await versions(database))[0]
    assert (newest.version, newest.comment) == (back.version, f"version {first.version} restored")
    await restore(database, changes, 0, account="ben")
    assert await load(database) == default_plan()
    with pytest.raises(NoSuchVersion):
        await restore(database, changes, 999, account="ben")


async def test_keeping_now_and_publishing_later(database: Database, changes: Changes) -> None:
    """A kept version is not live until it is published, by its number or as the newest."""
    with pytest.raises(NoSuchVersion):
        await publish_kept(database, changes)
    early = await keep(database, a_plan("201"), account="ann", comment="for tonight")
    late = await keep(database, a_plan("202"), account="ann")
    assert await load(database) == default_plan()
    assert [each.published_at for each in (await versions(database))[:2]] == [None, None]
    assert (await publish_kept(database, changes)).version == late.version
    assert await load(database) == a_plan("202")
    assert (await publish_kept(database, changes, early.version)).version == early.version
    assert await load(database) == a_plan("201")
    with pytest.raises(NoSuchVersion, match="restore"):
        await publish_kept(database, changes, late.version)


async def test_a_kept_version_is_checked_again(database: Database, changes: Changes) -> None:
    """What it refers to may be gone by the time it goes live."""
    await set_variable(database, changes, "who", "201")
    plan = a_plan("201", node("v", "Extension", params={"extension": {"$var": "who"}}))
    await keep(database, plan, account="ann")
    await remove_variable(database, changes, "who")
    with pytest.raises(PlanRefused, match="variable"):
        await publish_kept(database, changes)


async def test_two_who_change_the_same_version(database: Database, changes: Changes) -> None:
    """The second is told instead of undoing the work of the first."""
    await publish(database, changes, a_plan("201"), account="ann", based_on=0)
    with pytest.raises(PlanMoved):
        await publish(database, changes, a_plan("202"), account="ben", based_on=0)
    assert await load(database) == a_plan("201")


async def test_many_at_once(database: Database, changes: Changes) -> None:
    """Every one gets a version of its own, and one of them is live."""
    done = await asyncio.gather(
        *(publish(database, changes, a_plan(f"{number}"), account="ann") for number in range(201, 209))
    )
    numbers = [each.version for each in done]
    assert len(set(numbers)) == 8
    assert next(each.version for each in await versions(database) if each.live) in numbers


# -- variables ---------------------------------------------------------------------------------------------


async def _use(database: Database, changes: Changes, **params: object) -> None:
    plan = a_plan("201", node("user", "Extension", name="the user", params=params))
    await publish(database, changes, plan, account="ann")


async def test_a_variable_acts_on_all_who_use_it(database: Database, changes: Changes) -> None:
    """A change is in force without a new version of the plan."""
    assert await set_variable(database, changes, "ring", "20", type=VariableType.NUMBER, description="d")
    await _use(database, changes, timeout={"$var": "ring"})
    plans = Plans(database, changes)
    live = await plans.live()
    assert live.params(live.nodes["user"]).timeout == 20
    assert not await set_variable(database, changes, "ring", "25")
    live = await plans.live()
    assert live.params(live.nodes["user"]).timeout == 25
    (only,) = await list_variables(database)
    assert (only.type, only.value, only.description, only.used_by) == (
        VariableType.NUMBER,
        "25",
        "d",
        ["the user"],
    )


async def test_a_variable_in_use_stays(database: Database, changes: Changes) -> None:
    """It can go when the live plan uses it no more, although old versions do."""
    await set_variable(database, changes, "who", "201")
    await _use(database, changes, extension={"$var": "who"})
    with pytest.raises(VariableRefused, match="the user"):
        await remove_variable(database, changes, "who")
    await publish(database, changes, a_plan("202"), account="ann")
    await remove_variable(database, changes, "who")
    with pytest.raises(VariableRefused):
        await remove_variable(database, changes, "who")


async def test_a_value_with_which_the_live_plan_could_not_go_on(database: Database, changes: Changes) -> None:
    """Out of range there, or of another type: refused with the node; elsewhere the value is fine."""
    await set_variable(database, changes, "ring", "20", type=VariableType.NUMBER)
    await _use(database, changes, timeout={"$var": "ring"})
    with pytest.raises(VariableRefused, match="the user"):
        await set_variable(database, changes, "ring", "0")
    with pytest.raises(VariableRefused, match="the user"):
        await set_variable(database, changes, "ring", "long", type=VariableType.STRING)
    assert await set_variable(database, changes, "other", "0", type=VariableType.NUMBER)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("with space", "1", "string"),
        ("", "1", "string"),
        ("x" * 65, "1", "string"),
        ("n", "0912", "number"),
        ("n", "1.5", "number"),
        ("n", "", "number"),
        ("n", "two\nlines", "string"),
        ("n", "x" * 256, "string"),
        ("n", "nothing", "announcement"),
        ("n", "builtin:../x", "announcement"),
    ],
)
async def test_variables_that_cannot_be(
    database: Database, changes: Changes, name: str, value: str, kind: str
) -> None:
    """Names are words, numbers whole, announcements there."""
    with pytest.raises(VariableRefused):
        await set_variable(database, changes, name, value, type=VariableType(kind))


async def test_announcements_that_can_be(database: Database, changes: Changes) -> None:
    """By name, by id, or one of Asterisk's own."""
    identity = new_id()
    async with database.write() as tx:
        await tx.execute(
            insert(announcements).values(
                id=identity, name="welcome", filename="x.wav", created_at=1, updated_at=1
            )
        )
    for value in ("welcome", f"id:{identity}", "builtin:hello-world"):
        await set_variable(database, changes, "greeting", value, type=VariableType.ANNOUNCEMENT)
