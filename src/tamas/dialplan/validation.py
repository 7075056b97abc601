"""Whether a plan makes sense, before it goes live: each finding names the node, the field, and the way out.

What is checked and how grave it is stands in ``docs/dialplan.md``. Everything is linear in the size of the
plan, and no plan that :func:`tamas.dialplan.graph.read_plan` can read makes a check fail.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

import tamas.dialplan.components  # noqa: F401 - declares them
from tamas.dialplan.application_options import options_problem
from tamas.dialplan.component import COMPONENTS, ROWS, Component, Param, Params, ParamsInvalid, Ref
from tamas.dialplan.graph import MAX_NODES, MAX_OUTPUTS, Node, Output, Plan
from tamas.dialplan.parameter_walk import fields_of, texts_in, variables_in
from tamas.dialplan.patterns import incoming_problem, pattern_problem
from tamas.dialplan.plan_paths import circles, reachable
from tamas.dialplan.plans import resolve
from tamas.dialplan.sounds import BUILTIN, is_builtin
from tamas.dialplan.world import VariableType, World
from tamas.engine.dialing_out import DIALABLE
from tamas.outgoing.addresses import address_problem

MAX_NAME: Final = 80
MAX_KEY: Final = 64
MAX_LABEL: Final = 255
MAX_SHEETS: Final = 200
SHOWN_IN_CIRCLE: Final = 5

_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_OUTGOING: Final = "OutgoingRoute"


class Level(StrEnum):
    """How grave a finding is."""

    ERROR = "error"
    """The plan cannot go live."""
    WARNING = "warning"
    """It can, but perhaps something else was meant."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong, or looks so."""

    level: Level
    text: str
    """What is wrong and how to mend it."""
    node: str = ""
    """Id; empty: the plan as a whole."""
    name: str = ""
    """Of the node."""
    field: str = ""
    """Parameter, or ``outputs.KEY``; empty: the node as a whole."""


def check(plan: Plan, world: World, *, administrator: bool = True, live: Plan | None = None) -> list[Finding]:
    """Everything that is wrong with a plan: what concerns the whole, then node by node.

    :param administrator: whether whoever made it may use what only administrators may.
    :param live: the plan as it is now: what administrators put there may stay.
    """
    return _Checks(plan, world, administrator=administrator, live=live).run()


def has_errors(findings: list[Finding]) -> bool:
    """Whether they keep the plan from going live."""
    return any(finding.level is Level.ERROR for finding in findings)


class _Checks:
    def __init__(self, plan: Plan, world: World, *, administrator: bool, live: Plan | None) -> None:
        self._plan = plan
        self._world = world
        self._values = {name: variable.value for name, variable in world.variables.items()}
        self._may_do_all = administrator
        self._sheet_order = {sheet.id: place for place, sheet in enumerate(plan.sheets)}
        self._jumps: dict[str, Node] = {}
        self._kept = {node.id: (node.type, node.params) for node in live.nodes} if live is not None else {}
        self._nodes: dict[str, Node] = {}
        self._params: dict[str, Params] = {}
        self._found: list[Finding] = []

    def run(self) -> list[Finding]:
        nodes = self._plan.nodes
        if len(nodes) > MAX_NODES:
            self._error(None, f"has {len(nodes)} nodes; at most {MAX_NODES} are possible, so divide it")
            return self._found
        self._sheets()
        for node in nodes:
            self._identity(node)
        for node in nodes:
            if (component := COMPONENTS.get(node.type)) is None:
                self._error(node, f"there is no component {node.type!r:.80}", "type")
            else:
                self._parameters(node, component)
                self._rights(node, component)
            self._outputs(node, component)
        self._jump_ins()
        self._references()
        self._entries()
        self._names()
        self._paths()
        order = {identity: place for place, identity in enumerate(self._nodes)}
        return sorted(self._found, key=lambda finding: order.get(finding.node, -1))

    # -- findings ---------------------------------------------------------------------------------------

    def _add(self, level: Level, node: Node | None, text: str, field: str) -> None:
        self._found.append(
            Finding(
                level=level,
                text=text,
                node=node.id if node is not None else "",
                name=node.name if node is not None else "",
                field=field,
            )
        )

    def _error(self, node: Node | None, text: str, field: str = "") -> None:
        self._add(Level.ERROR, node, text, field)

    def _warn(self, node: Node | None, text: str, field: str = "") -> None:
        self._add(Level.WARNING, node, text, field)

    # -- sheets and names -------------------------------------------------------------------------------

    def _sheets(self) -> None:
        sheets = self._plan.sheets
        if len(sheets) > MAX_SHEETS:
            self._error(None, f"has {len(sheets)} sheets; at most {MAX_SHEETS} are possible")
        for identity, count in Counter(sheet.id for sheet in sheets).items():
            if count > 1:
                self._error(None, f"{count} sheets have the id {identity!r:.80}; give each its own", "sheets")
            if not _ID.fullmatch(identity):
                self._error(None, f"a sheet cannot have the id {identity!r:.80}; {_ID_HELP}", "sheets")
        for sheet in sheets:
            if not _is_line(sheet.name, MAX_NAME):
                self._error(None, f"the name of sheet {sheet.id!r:.80} is {_LINE_HELP}", "sheets")

    def _identity(self, node: Node) -> None:
        if node.id in self._nodes:
            self._error(node, f"another node has the id {node.id!r:.80} too; give each its own", "id")
            return
        self._nodes[node.id] = node
        if not _ID.fullmatch(node.id):
            self._error(node, f"a node cannot have the id {node.id!r:.80}; {_ID_HELP}", "id")
        if not _is_line(node.name, MAX_NAME):
            self._error(node, f"its name is {_LINE_HELP}", "name")
        if not (math.isfinite(node.x) and math.isfinite(node.y)):
            self._error(node, "its place on the sheet is no number", "x")
        if node.sheet not in self._sheet_order:
            self._error(node, f"there is no sheet {node.sheet!r:.80}; name one of the plan's", "sheet")

    def _names(self) -> None:
        seen: dict[str, Node] = {}
        for node in self._nodes.values():
            if not node.name:
                continue
            if node.name in seen:
                self._warn(
                    node,
                    f"node {seen[node.name].id} has the same name; reports and web services cannot tell them "
                    "apart",
                    "name",
                )
            seen.setdefault(node.name, node)

    # -- parameters -------------------------------------------------------------------------------------

    def _parameters(self, node: Node, component: Component[Any]) -> None:
        fields = fields_of(component.params)
        values: dict[str, Any] = {}
        for name, value in node.params.items():
            if name not in fields:
                known = ", ".join(fields) or "none"
                self._error(node, f"{node.type} has no parameter {name!r:.80}; it has: {known}", _short(name))
                continue
            hint, param = fields[name]
            try:
                resolved = resolve(value, self._values)
            except ParamsInvalid as error:
                self._error(node, error.reason, name)
                continue
            if self._variables(node, value, hint, param, name):
                try:
                    msgspec.convert(resolved, hint, strict=False)
                except msgspec.ValidationError as error:
                    text, _, place = str(error).partition(" - at `$")
                    self._error(node, text, f"{name}{place.rstrip('`')}")
                    continue
                values[name] = resolved
        if len(values) < len(node.params):
            return
        try:
            params = self._params.setdefault(node.id, component.read(values))
        except ParamsInvalid as error:
            self._error(node, error.reason, error.field)
            return
        if component.advice is not None:
            try:
                component.advice(params)
            except ParamsInvalid as error:
                self._warn(node, error.reason, error.field)

    def _variables(self, node: Node, value: Any, hint: Any, param: Param | None, name: str) -> bool:
        """Whether variables in a value may stand where they stand."""
        fit = True
        for path, variable, place, described in variables_in(value, hint, param, name):
            problem = _variable_problem(self._world.variables[variable].type, place, described)
            if problem is not None:
                self._error(node, f"variable {variable!r} cannot stand here: {problem}", path)
                fit = False
        return fit

    def _rights(self, node: Node, component: Component[Any]) -> None:
        if self._may_do_all or self._kept.get(node.id) == (node.type, node.params):
            return
        if component.administrators_only:
            self._error(node, f"only an administrator may add or change a {component.title}", "type")
        if (params := self._params.get(node.id)) is None:
            return
        for path, text, param in texts_in(params, None, ""):
            if param.administrators_only and text:
                self._error(node, "only an administrator may set it", path)
            if param.ref is Ref.OPTIONS:
                problem = options_problem(param.application, text, administrator=False)
                if problem is not None:
                    self._error(node, problem, path)

    # -- outputs ----------------------------------------------------------------------------------------

    def _outputs(self, node: Node, component: Component[Any] | None) -> None:
        if len(node.outputs) > MAX_OUTPUTS:
            self._error(
                node, f"has {len(node.outputs)} outputs; at most {MAX_OUTPUTS} are possible", "outputs"
            )
            return
        seen: set[str] = set()
        matches: dict[str, str] = {}
        for output in node.outputs:
            field = f"outputs.{_short(output.key)}"
            if output.key in seen:
                self._error(node, "two outputs have this key; give each its own", field)
            seen.add(output.key)
            if not output.key or not _is_line(output.key, MAX_KEY):
                self._error(node, f"the key of an output is a text of 1 to {MAX_KEY} signs", field)
            if not _is_line(output.label, MAX_LABEL):
                self._error(node, f"its label is {_LINE_HELP}", field)
            self._wire(node, output, field)
            if component is not None:
                self._row(node, component, output, matches, field)
        if component is not None and component.entry and component.row is not None and not node.outputs:
            self._warn(node, "has no rows, so no call gets through; add one", "outputs")

    def _wire(self, node: Node, output: Output, field: str) -> None:
        if output.target is None:
            return
        target = self._nodes.get(output.target)
        if target is None:
            self._error(node, f"leads to {output.target!r:.80}, which is not there; wire it to a node", field)
        elif target.type in COMPONENTS and COMPONENTS[target.type].entry:
            self._error(
                node, f"leads to {target.name!r}, where calls begin; nothing can be wired into that", field
            )

    def _row(
        self,
        node: Node,
        component: Component[Any],
        output: Output,
        matches: dict[str, str],
        field: str,
    ) -> None:
        fixed = (*component.outputs, *component.optional)
        if output.key in fixed:
            if output.match:
                self._error(node, "this output is not chosen by a match; take the match away", field)
            return
        if component.row is None:
            known = ", ".join(fixed) or "none"
            self._error(node, f"{node.type} has no output {output.key!r:.80}; it has: {known}", field)
            return
        try:
            row = msgspec.convert(output.match, component.row)
        except msgspec.ValidationError as error:
            wanted = ", ".join(component.row.__struct_fields__)
            self._error(node, f"its match does not fit ({error}); it has: {wanted}", field)
            return
        for path, text, param in texts_in(row, None, ""):
            problem = _row_problem(param, text)
            if problem is not None:
                self._error(node, f"{path} {text!r:.80}: {problem}", field)
        key = repr(row)
        if key in matches:
            self._warn(node, f"matches the same as output {matches[key]!r:.80}, which comes first", field)
        matches.setdefault(key, output.key)

    # -- references -------------------------------------------------------------------------------------

    def _jump_ins(self) -> None:
        for node in self._of_type("JumpIn"):
            name = str(getattr(self._params.get(node.id), "name", ""))
            if not name and node.id in self._params:
                self._error(node, "has no name to jump to; give it one", "name")
            elif name in self._jumps:
                self._error(
                    node,
                    f"node {self._jumps[name].id} receives jumps to {name!r} already; rename one of them",
                    "name",
                )
            else:
                self._jumps[name] = node

    def _references(self) -> None:
        contexts = {str(getattr(self._params.get(n.id), "context", "")) for n in self._of_type(_OUTGOING)}
        checks = _reference_checks(self._world, self._jumps, contexts)
        for identity, params in self._params.items():
            for path, text, param in texts_in(params, None, ""):
                if not text or param.ref is None or param.ref not in checks:
                    continue
                problem = checks[param.ref](text)
                if problem is not None:
                    level = Level.WARNING if param.ref in FILLED_LATER else Level.ERROR
                    self._add(level, self._nodes[identity], problem, path)

    def _entries(self) -> None:
        seen: dict[tuple[str, str], Node] = {}
        order = self._sheet_order
        entries = [node for node in self._nodes.values() if self._is_entry(node)]
        for node in sorted(entries, key=lambda node: order.get(node.sheet, len(order))):
            if node.id not in self._params:
                continue
            context = str(getattr(self._params[node.id], "context", ""))
            first = seen.setdefault((node.type, context), node)
            if first is not node:
                self._warn(
                    node,
                    f"never gets a call: {first.name!r} ({first.id}) has the context {context!r} too and "
                    "comes first; change one of them",
                    "context",
                )
        if not entries:
            self._warn(None, "no call can come in: there is no node where calls begin")

    # -- paths ------------------------------------------------------------------------------------------

    def _paths(self) -> None:
        wires = {
            identity: [target for _, target in self._ways(node)] for identity, node in self._nodes.items()
        }
        entries = [identity for identity, node in self._nodes.items() if self._is_entry(node)]
        reached = reachable(entries, wires)
        for identity, node in self._nodes.items():
            if identity not in reached:
                self._warn(node, "no call gets here; wire it to something, or take it away")
        silent = {
            identity: targets
            for identity, targets in wires.items()
            if (component := COMPONENTS.get(self._nodes[identity].type)) is not None
            and not component.interacts
        }
        for circle in circles(silent):
            self._circle(circle)
        self._unanswered(entries)

    def _circle(self, circle: list[str]) -> None:
        names = [self._nodes[identity].name or identity for identity in circle]
        shown = ", ".join(f"{name!r}" for name in names[:SHOWN_IN_CIRCLE])
        more = f" and {len(names) - SHOWN_IN_CIRCLE} more" if len(names) > SHOWN_IN_CIRCLE else ""
        self._error(
            self._nodes[circle[0]],
            f"calls would go in circles for ever through {shown}{more}; let a step that waits for the caller "
            "or for somebody to answer stand between, or take a wire away",
        )

    def _unanswered(self, entries: list[str]) -> None:
        """Warn of each sound to which a way leads on which nothing answers the call."""
        waiting = list(entries)
        seen = set(waiting)
        while waiting:
            node = self._nodes[waiting.pop()]
            component = COMPONENTS.get(node.type)
            if component is not None and component.plays:
                self._warn(
                    node,
                    "plays something, but a way leads here on which the call is not answered; put an Answer "
                    "before",
                )
                continue  # what comes behind is not worth another word
            for key, target in self._ways(node):
                if target not in seen and not _answers(component, key):
                    seen.add(target)
                    waiting.append(target)

    def _ways(self, node: Node) -> Iterator[tuple[str, str]]:
        """Output and id of each node that a node leads to."""
        for output in node.outputs:
            target = self._nodes.get(output.target or "")
            if target is not None and not self._is_entry(target):
                yield output.key, target.id
        if (params := self._params.get(node.id)) is not None:
            for _, text, param in texts_in(params, None, ""):
                if param.ref is Ref.JUMP and text in self._jumps:
                    yield "", self._jumps[text].id

    def _of_type(self, kind: str) -> list[Node]:
        return [node for node in self._nodes.values() if node.type == kind]

    @staticmethod
    def _is_entry(node: Node) -> bool:
        return node.type in COMPONENTS and COMPONENTS[node.type].entry


# -- single values -----------------------------------------------------------------------------------------

FILLED_LATER: Final = frozenset({Ref.EXTENSION, Ref.MUSIC, Ref.CONTEXT})
"""Kinds of references whose target may come later without harm: unknown ones are warned of.

People and phones come and go while a plan stays: an unknown extension leaves by ``F`` like one that is
unreachable. Asterisk plays its default music for an unknown class, and an unknown context ends the call.
"""

_ID_HELP: Final = "an id has 1 to 64 letters, digits, dots, hyphens or underscores"
_LINE_HELP: Final = f"no line of at most {MAX_NAME} signs; shorten it"
_BUILTIN_HELP: Final = f"is no built-in sound; write {BUILTIN}hello-world"


def _reference_checks(
    world: World, jumps: Mapping[str, Node], contexts: set[str]
) -> Mapping[Ref, Callable[[str], str | None]]:
    """What is wrong with a text, by what it refers to; ``None``: nothing."""

    def among(known: frozenset[str] | set[str] | Mapping[str, Any], what: str) -> Callable[[str], str | None]:
        return lambda text: (
            None if text in known else f"there is no {what} {text!r:.80}; make it, or choose another"
        )

    return {
        Ref.EXTENSION: among(world.extensions, "extension"),
        Ref.QUEUE: among(world.queues, "queue"),
        Ref.TRUNK: among(world.trunks, "trunk"),
        Ref.MAILBOX: among(world.mailboxes, "mailbox"),
        Ref.MUSIC: among(world.music, "class of music on hold"),
        Ref.JUMP: among(jumps, "Jump In"),
        Ref.CONTEXT: among(contexts, "Outgoing Route with context"),
        Ref.SOUND: lambda text: _sound_problem(world, text),
        Ref.URL: address_problem,
        Ref.NUMBER: _number_problem,
    }


def _sound_problem(world: World, sound: str) -> str | None:
    if sound.startswith(BUILTIN):
        return None if is_builtin(sound) else f"{sound!r:.80} {_BUILTIN_HELP}"
    return (
        None
        if world.has_sound(sound)
        else f"there is no announcement {sound!r:.80}; upload it, or choose another"
    )


def _number_problem(number: str) -> str | None:
    if DIALABLE.fullmatch(number):
        return None
    return f"{number!r:.80} cannot be dialed; a number has 1 to 32 digits, letters, +, * or #"


def _row_problem(param: Param, text: str) -> str | None:
    if param.ref is Ref.PATTERN:
        return pattern_problem(text)
    if param.ref is Ref.MASK:
        return incoming_problem(text)
    if len(text) > param.max_length:
        return f"has more than {param.max_length} signs"
    return None


def _variable_problem(kind: VariableType, place: Any, param: Param | None) -> str | None:
    """Why a variable of a type cannot stand in place of a value."""
    ref = param.ref if param is not None else None
    if ref is Ref.OPTIONS:
        return "options of an application are written out, because of what they may do"
    if place in (int, float):
        return None if kind is VariableType.NUMBER else "a variable of type number is needed"
    if place is not str:
        return "this is no single number or text"
    if ref is Ref.SOUND:
        return None if kind is VariableType.ANNOUNCEMENT else "a variable of type announcement is needed"
    return None if kind is not VariableType.ANNOUNCEMENT else "this is no sound"


def _answers(component: Component[Any] | None, key: str) -> bool:
    if component is None:
        return False
    if key in component.answers:
        return True
    return ROWS in component.answers and key not in component.outputs


def _is_line(text: str, at_most: int) -> bool:
    return len(text) <= at_most and (text.isprintable())


def _short(text: str) -> str:
    return text[:MAX_KEY]
