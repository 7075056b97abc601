"""Variables of the plan: values that several nodes share, read when a step runs.

A change acts on every node that uses the variable, at once. So a variable that the live plan uses is not
deleted, and gets no value with which the live plan could not go on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import delete, insert, select, update

from tamas.dialplan.component import COMPONENTS
from tamas.dialplan.graph import Node, Plan
from tamas.dialplan.parameter_walk import fields_of, variables_in
from tamas.dialplan.plans import load_version
from tamas.dialplan.publishing import live_version
from tamas.dialplan.sounds import BUILTIN, is_builtin
from tamas.dialplan.validation import Level, check
from tamas.dialplan.world import Variable, VariableType, World, world_of
from tamas.errors import TamasError
from tamas.store.changes import Changes
from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.dialplan_schema import dialplan_variables
from tamas.store.ids import new_id

MAX_VALUE: Final = 255
NAME: Final = re.compile(r"[\w.-]{1,64}")
_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")

_v = dialplan_variables.c


class VariableRefused(TamasError):
    """A variable cannot be so, or cannot go."""


@dataclass(frozen=True, kw_only=True)
class VariableRow:
    """A variable as administrators see it."""

    name: str
    type: VariableType
    value: str
    description: str
    used_by: list[str]
    """Nodes of the live plan, by name or id."""


async def list_variables(database: Database) -> list[VariableRow]:
    """Every variable, by name."""
    async with database.read() as connection:
        rows = await connection.rows(select(dialplan_variables).order_by(_v.name))
        live = await live_version(connection)
    plan = await load_version(database, live)
    return [
        VariableRow(
            name=row["name"],
            type=VariableType(row["type"]),
            value=row["value"],
            description=row["description"],
            used_by=[node.name or node.id for node in users_of(plan, row["name"])],
        )
        for row in rows
    ]


async def set_variable(
    database: Database,
    changes: Changes,
    name: str,
    value: str,
    *,
    type: VariableType | None = None,  # noqa: A002 - the specification's word
    description: str | None = None,
) -> bool:
    """Make a variable, or change it.

    :param type: ``None``: stays, of a new one ``string``.
    :param description: ``None``: stays.
    :returns: whether it is new.
    :raises VariableRefused: the name or the value cannot be used, or a node of the live plan could not go on.
    """
    if NAME.fullmatch(name) is None:
        raise VariableRefused(
            "a name has 1 to 64 letters, digits, underscores, dots or hyphens, so no spaces"
        )
    async with database.write() as tx:
        old = await tx.row(select(_v.id, _v.type).where(_v.name == name))
        kind = type or (VariableType(old["type"]) if old is not None else VariableType.STRING)
        world = await world_of(tx)
        _check_value(kind, value, world)
        plan = await load_version(database, await live_version(tx))
        _check_users(plan, world, name, Variable(type=kind, value=value))
        moment = now()
        values: dict[str, object] = {"type": kind.value, "value": value, "updated_at": moment}
        if description is not None:
            values["description"] = description
        if old is None:
            new = {"id": new_id(), "name": name, "created_at": moment}
            await tx.execute(insert(dialplan_variables).values({**new, **values}))
        else:
            await tx.execute(update(dialplan_variables).where(_v.id == old["id"]).values(values))
        await changes.bump(tx)
    return old is None


async def remove_variable(database: Database, changes: Changes, name: str) -> None:
    """Delete a variable. :raises VariableRefused: there is none, or the live plan uses it."""
    async with database.write() as tx:
        plan = await load_version(database, await live_version(tx))
        users = users_of(plan, name)
        if users:
            shown = ", ".join(repr(node.name or node.id) for node in users[:5])
            raise VariableRefused(f"variable {name!r} is used by {shown} of the live plan")
        done = await tx.execute(delete(dialplan_variables).where(_v.name == name))
        if not done.rowcount:
            raise VariableRefused(f"there is no variable {name!r}")
        await changes.bump(tx)


def users_of(plan: Plan, name: str) -> list[Node]:
    """The nodes of a plan that use a variable."""
    return [node for node in plan.nodes if name in _names_in(node)]


def _names_in(node: Node) -> set[str]:
    component = COMPONENTS.get(node.type)
    fields = fields_of(component.params) if component is not None else {}
    return {
        name
        for field, value in node.params.items()
        for _, name, _, _ in variables_in(value, *fields.get(field, (None, None)), field)
    }


def _check_value(kind: VariableType, value: str, world: World) -> None:
    if len(value) > MAX_VALUE or not value.isprintable():
        raise VariableRefused(f"a value is a line of at most {MAX_VALUE} signs")
    if kind is VariableType.NUMBER and _WHOLE.fullmatch(value) is None:
        raise VariableRefused(f"{value!r} is no whole number; a telephone number is a string")
    if kind is VariableType.ANNOUNCEMENT and not (is_builtin(value) or world.has_sound(value)):
        raise VariableRefused(
            f"there is no announcement {value!r}; upload it, or write {BUILTIN} and one of Asterisk's own"
        )


def _check_users(plan: Plan, world: World, name: str, new: Variable) -> None:
    """Whether the nodes that use a variable can go on with what it is to be."""
    users = users_of(plan, name)
    if not users:
        return
    alone = _with_only(plan, users)
    after = replace(world, variables={**world.variables, name: new})
    before = {(f.node, f.field, f.text) for f in check(alone, world)}
    for finding in check(alone, after):
        if finding.level is Level.ERROR and (finding.node, finding.field, finding.text) not in before:
            raise VariableRefused(f"{finding.name or finding.node} could not go on: {finding.text}")


def _with_only(plan: Plan, nodes: list[Node]) -> Plan:
    """A plan of these nodes alone."""
    return Plan(sheets=plan.sheets, nodes=tuple(nodes))
