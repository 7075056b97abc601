"""The SA catalogue as the conformance tests read it: a copy of the reference data beside this file."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
METHODS = ("POST", "PUT", "DELETE", "GET")
SERVED = ("setting/ping/", "call/originate/", "pbx/users/", "pbx/trunks/", "pbx/queues/")
"""Beginnings of the paths that this version serves."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One request field: ``agents[].queue`` is a field of each item, ``conditions.name`` of an object."""

    name: str
    required: bool
    example: Any


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One service of the catalogue."""

    path: str
    op: str
    methods: frozenset[str]
    query: bool
    parameters: tuple[Parameter, ...]
    kind: str
    message: str | None
    data: Any
    """The sample of ``data``, where the catalogue has one."""
    row: str | None

    def __str__(self) -> str:
        return self.path


@cache
def load(name: str) -> Any:
    """One file of the catalogue."""
    return yaml.safe_load((HERE / name).read_text())


def endpoints() -> list[Endpoint]:
    """The services this version serves."""
    return [
        _endpoint(entry) for entry in load("endpoints.yaml")["endpoints"] if entry["path"].startswith(SERVED)
    ]


def shape(name: str) -> dict[str, Any]:
    """A sample row, in the order of its keys."""
    row: dict[str, Any] = load("endpoints.yaml")["shapes"][name]["row"]
    return row


def _endpoint(entry: dict[str, Any]) -> Endpoint:
    return Endpoint(
        path=entry["path"],
        op=entry["op"],
        methods=frozenset(entry["methods"]["accept"]),
        query=entry["query_accepted"] != "never",
        parameters=tuple(
            Parameter(name=item["name"], required=item["required"] == "required", example=item.get("example"))
            for item in entry["params"]
        ),
        kind=entry["response"]["kind"],
        message=entry["response"].get("message"),
        data=entry["response"].get("data"),
        row=entry["response"].get("row"),
    )


def body_of(endpoint: Endpoint) -> dict[str, Any]:
    """A request with every documented field at its example."""
    body: dict[str, Any] = {}
    for parameter in endpoint.parameters:
        name = parameter.name
        if "[]" in name or parameter.example is None:
            continue
        place = body
        if "." in name:
            outer, name = name.split(".", 1)
            place = body.setdefault(outer, {})
        place[name] = parameter.example
    return body


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    """A deep copy of a request that lacks one field."""
    copy = deepcopy(body)
    if "[]." in name:
        outer, inner = name.split("[].", 1)
        for item in copy[outer]:
            item.pop(inner, None)
    elif "." in name:
        outer, inner = name.split(".", 1)
        copy[outer].pop(inner, None)
    else:
        copy.pop(name, None)
    return copy
