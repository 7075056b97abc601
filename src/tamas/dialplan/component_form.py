"""What components declare, as data: the designer's form, and the pages of documentation."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from tamas.dialplan.component import COMPONENTS, MAX_WHOLE, ROWS, Component, Group, Param
from tamas.dialplan.parameter_walk import fields_of, is_struct, item_of

_TYPES: Final = {bool: "boolean", int: "number", float: "number", str: "text"}
_GROUP_TITLES: Final = {
    Group.ENTRY: "Entry: where calls begin",
    Group.MENU: "Menus and web decisions",
    Group.REACH: "Reaching people and lines",
    Group.AUDIO: "Audio and answering",
    Group.CONDITION: "Conditions",
    Group.FLOW: "Flow and data",
    Group.SERVICE: "Supervision and user services",
}


def in_palette() -> list[Component[Any]]:
    """Every component in the order of the designer's palette: by group, then by title."""
    order = list(Group)
    return sorted(COMPONENTS.values(), key=lambda each: (order.index(each.group), each.title))


def form_of(component: Component[Any]) -> dict[str, Any]:
    """Everything a designer needs to offer a component and show its form."""
    return {
        "type": component.kind,
        "title": component.title,
        "group": component.group.value,
        "doc": component.doc,
        "entry": component.entry,
        "administrators_only": component.administrators_only,
        "plays": component.plays,
        "interacts": component.interacts,
        "outputs": list(component.outputs),
        "optional_outputs": list(component.optional),
        "row": None if component.row is None else list(_fields(component.row)),
        "parameters": list(_fields(component.params)),
    }


def _fields(struct: type[Any]) -> Iterator[dict[str, Any]]:
    defaults = {field.name: field for field in msgspec.structs.fields(struct)}
    for name, (hint, param) in fields_of(struct).items():
        field: dict[str, Any] = {"name": name, "label": param.label if param is not None else name}
        field |= _type(hint)
        field["required"] = defaults[name].required
        if not defaults[name].required:
            field["default"] = msgspec.to_builtins(_default(defaults[name]))
        if param is not None:
            field |= _described(param, field["type"], field.get("item", {}).get("type", ""))
        yield field


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _type(hint: Any) -> dict[str, Any]:
    if is_struct(hint):
        return {"type": "object", "fields": list(_fields(hint))}
    if typing.get_origin(hint) in (list, tuple):
        arguments = typing.get_args(hint)
        item: dict[str, Any] = {"type": "list", "item": _type(item_of(hint))}
        if Ellipsis not in arguments and len(arguments) > 1:
            item["length"] = len(arguments)
        return item
    if typing.get_origin(hint) is typing.Literal:
        return {"type": "text", "choices": list(typing.get_args(hint))}
    return {"type": _TYPES.get(hint, "text")}


def _described(param: Param, kind: str, item: str) -> dict[str, Any]:
    described: dict[str, Any] = {"help": param.help}
    if param.ref is not None:
        described["ref"] = param.ref.value
    if param.application:
        described["application"] = param.application
    if param.unit:
        described["unit"] = param.unit
    if "number" in (kind, item):
        described["low"] = param.low or 0
        described["high"] = MAX_WHOLE if param.high is None else param.high
    if "text" in (kind, item):
        described["max_length"] = param.max_length
    if param.administrators_only:
        described["administrators_only"] = True
    if param.choices:
        described["choices"] = list(param.choices)
    return described


# -- documentation -----------------------------------------------------------------------------------------


_HEAD: Final = """\
# Components

Made by `make components` from what each component declares; a test fails when it is stale. What a plan is
and how to write one stands in [dialplan.md](dialplan.md).

"""


def document(components: Iterable[Component[Any]]) -> str:
    """``docs/components.md``."""
    return _HEAD + markdown(components)


def markdown(components: Iterable[Component[Any]]) -> str:
    """The pages of components, for people."""
    parts: list[str] = []
    group: Group | None = None
    for component in components:
        if component.group is not group:
            group = component.group
            parts.append(f"## {_GROUP_TITLES[group]}\n")
        parts.append(_page(component))
    return "\n".join(parts)


def _page(component: Component[Any]) -> str:
    heading = f"### {component.title} `{component.kind}`\n"
    lines = [heading, component.doc, ""]
    notes = [_outputs(component)]
    if component.administrators_only:
        notes.append("Only administrators may add or change it.")
    if component.answers == component.outputs != ():
        notes.append("Behind it the caller's line is up.")
    elif component.answers:
        keys = ["rows" if key == ROWS else f"`{key}`" for key in component.answers]
        notes.append(f"Behind {', '.join(keys)} the caller's line is up.")
    lines += [" ".join(notes), ""]
    fields = list(_table(component.params))
    if fields:
        lines += ["| Parameter | Value | Default | |", "|---|---|---|---|", *fields, ""]
    return "\n".join(lines)


def _outputs(component: Component[Any]) -> str:
    found = [f"`{key}`" for key in component.outputs]
    text = f"Outputs: {', '.join(found)}." if found else ""
    if component.row is not None:
        matched = ", ".join(f"`{name}`" for name in component.row.__struct_fields__)
        text = f"{text} One output for each row, which matches {matched}.".strip()
    if component.optional:
        text += f" May be added: {', '.join(f'`{key}`' for key in component.optional)}."
    return text or "Outputs: none."


def _table(struct: type[Any], before: str = "") -> Iterator[str]:
    defaults = {field.name: field for field in msgspec.structs.fields(struct)}
    for name, (hint, param) in fields_of(struct).items():
        help_ = "" if param is None else param.help
        label = name if param is None else param.label
        default = "" if defaults[name].required else _shown(_default(defaults[name]))
        about = f"{label}. {help_}".rstrip() if help_ else label
        yield f"| `{before}{name}` | {_value(hint, param)} | {default} | {_cell(about)} |"
        inner = hint if is_struct(hint) else item_of(hint)
        if is_struct(inner):
            yield from _table(inner, f"{before}{name}.")


def _value(hint: Any, param: Param | None) -> str:
    if is_struct(hint):
        return "object"
    if typing.get_origin(hint) in (list, tuple):
        arguments = typing.get_args(hint)
        if Ellipsis not in arguments and len(arguments) > 1:
            return f"list of {len(arguments)}"
        return f"list: {_value(item_of(hint), param)}"
    if param is not None and param.choices:
        return " or ".join(f"`{choice}`" for choice in param.choices)
    kind = _TYPES.get(hint, "text")
    if kind == "number" and param is not None:
        high = MAX_WHOLE if param.high is None else param.high
        unit = f" {param.unit}" if param.unit else ""
        return f"{param.low or 0}–{high}{unit}"
    if param is not None and param.application:
        return f"options of {param.application}"
    return kind if param is None or param.ref is None else param.ref.value


def _shown(value: Any) -> str:
    plain = msgspec.to_builtins(value)
    if plain in ("", [], {}) or isinstance(plain, dict):
        return ""
    if isinstance(plain, bool):
        return "on" if plain else "off"
    return f"`{plain}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
