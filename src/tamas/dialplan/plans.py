"""The plan that calls walk: kept in memory, read again when a version is published or a variable changes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from sqlalchemy import select

from tamas.dialplan.component import COMPONENTS, VARIABLE, Component, Params, ParamsInvalid
from tamas.dialplan.graph import Node, Output, Plan, read_plan
from tamas.store.changes import Changes
from tamas.store.database import Database
from tamas.store.dialplan_schema import dialplan_live, dialplan_variables, dialplan_versions

MAX_DEPTH: Final = 8
"""Of lists and objects within a parameter."""


USUAL_CONTEXT: Final = "main_routing"
"""Of extensions and of their Outgoing Route, where nobody says otherwise."""
AUTODIALER_CONTEXT: Final = "autodialer"
"""Of an Autodialer Route, where nobody says otherwise."""


@dataclass(frozen=True)
class LivePlan:
    """One version of the plan with the variables as they are now."""

    version: int
    plan: Plan
    variables: Mapping[str, str]
    _params: dict[str, Params] = field(default_factory=dict)

    @cached_property
    def nodes(self) -> Mapping[str, Node]:
        """By id."""
        return {node.id: node for node in self.plan.nodes}

    @cached_property
    def jumps(self) -> Mapping[str, Node]:
        """Jump In nodes by the name jumped to."""
        return {str(node.params.get("name", "")): node for node in self.of_type("JumpIn")}

    def of_type(self, type_: str) -> tuple[Node, ...]:
        """Nodes of a type in the order of sheets, then as they stand in the plan."""
        return self._by_type.get(type_, ())

    def entry(self, kind: str, context: str) -> Node | None:
        """The entry of a kind for a context; of several the first by the order of sheets."""
        return self._entries.get((kind, context))

    @cached_property
    def _entries(self) -> Mapping[tuple[str, str], Node]:
        found: dict[tuple[str, str], Node] = {}
        for kind, nodes in self._by_type.items():
            if kind in COMPONENTS and COMPONENTS[kind].entry:
                for node in nodes:
                    found.setdefault((kind, self._context(node)), node)
        return found

    def _context(self, node: Node) -> str:
        try:
            return str(self.params(node).context)
        except ParamsInvalid:
            return ""

    @cached_property
    def _by_type(self) -> Mapping[str, tuple[Node, ...]]:
        order = {sheet.id: position for position, sheet in enumerate(self.plan.sheets)}
        found: dict[str, list[Node]] = {}
        for node in sorted(self.plan.nodes, key=lambda node: order.get(node.sheet, len(order))):
            found.setdefault(node.type, []).append(node)
        return {type_: tuple(nodes) for type_, nodes in found.items()}

    def output(self, node: Node, key: str) -> Output | None:
        """An output of a node by its key."""
        return next((output for output in node.outputs if output.key == key), None)

    def component(self, node: Node) -> Component[Any]:
        """What a node is. :raises ParamsInvalid: nothing this version knows."""
        found = COMPONENTS.get(node.type)
        if found is None:
            raise ParamsInvalid("type", f"there is no component {node.type}")
        return found

    def params(self, node: Node) -> Any:
        """A node's parameters, variables replaced.

        :raises ParamsInvalid: a variable does not fit, or is gone.
        """
        known = self._params.get(node.id)
        if known is None:
            values = resolve(node.params, self.variables)
            known = self._params[node.id] = self.component(node).read(values)
        return known


def resolve(value: Any, variables: Mapping[str, str], *, depth: int = 0) -> Any:
    """A parameter value with variables replaced.

    :raises ParamsInvalid: there is no such variable, or the value is nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise ParamsInvalid("", "is nested too deeply")
    if isinstance(value, dict):
        if set(value) == {VARIABLE}:
            name = value[VARIABLE]
            if not isinstance(name, str) or name not in variables:
                raise ParamsInvalid("", f"there is no variable {name!r:.80}; make it, or choose another")
            return variables[name]
        return {key: resolve(item, variables, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, variables, depth=depth + 1) for item in value]
    return value


class Plans:
    """The live plan and, for calls that began with them, older versions."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes
        self._generation: int | None = None
        self._live = 0
        self._variables: Mapping[str, str] = {}
        self._plans: dict[int, Plan] = {}
        self._ready: dict[int, LivePlan] = {}

    async def live(self) -> LivePlan:
        """What a new call walks."""
        await self._refresh()
        return await self._version(self._live)

    async def version(self, version: int) -> LivePlan | None:
        """The version that a call began with; ``None`` when there is none of that number."""
        await self._refresh()
        try:
            return await self._version(version)
        except LookupError:
            return None

    async def _version(self, version: int) -> LivePlan:
        ready = self._ready.get(version)
        if ready is None:
            plan = self._plans.get(version)
            if plan is None:
                plan = self._plans[version] = await load_version(self._database, version)
            ready = self._ready[version] = LivePlan(version, plan, self._variables)
        return ready

    async def _refresh(self) -> None:
        generation = await self._changes.generation()
        if generation == self._generation:
            return
        async with self._database.read() as connection:
            live = await connection.scalar(select(dialplan_live.c.version))
            rows = await connection.rows(select(dialplan_variables.c.name, dialplan_variables.c.value))
        variables = {str(row["name"]): str(row["value"]) for row in rows}
        if variables != self._variables:
            self._variables = variables
            self._ready.clear()
        self._live = int(live or 0)
        self._generation = generation


async def load_version(database: Database, version: int) -> Plan:
    """A version of the plan; 0 is the one that every system begins with.

    :raises LookupError: there is none.
    """
    if version == 0:
        from tamas.dialplan.default_plan import default_plan

        return default_plan()
    async with database.read() as connection:
        text = await connection.scalar(
            select(dialplan_versions.c.plan).where(dialplan_versions.c.version == version)
        )
    if text is None:
        raise LookupError(f"there is no version {version} of the plan")
    return read_plan(str(text))


async def outgoing_contexts(database: Database) -> frozenset[str]:
    """Contexts for which the live plan has an Outgoing Route."""
    return await _contexts(database, "OutgoingRoute", USUAL_CONTEXT)


async def autodialer_contexts(database: Database) -> frozenset[str]:
    """Contexts for which the live plan has an Autodialer Route."""
    return await _contexts(database, "AutodialerRoute", AUTODIALER_CONTEXT)


async def _contexts(database: Database, type_: str, usual: str) -> frozenset[str]:
    live = await Plans(database, Changes(database)).live()
    found = set()
    for node in live.of_type(type_):
        # Not by the component: this is also asked where components are not loaded.
        with suppress(ParamsInvalid):
            found.add(str(resolve(node.params.get("context", usual), live.variables)))
    return frozenset(found)
