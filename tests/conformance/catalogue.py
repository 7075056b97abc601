"""The SA catalogue as the conformance tests read it: a copy of the reference data beside this file."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from tamas.sa.app import declared_services

HERE = Path(__file__).parent
METHODS = ("POST", "PUT", "DELETE", "GET")
COMPLETE = (
    "setting/ping/",
    "call/originate/",
    "pbx/users/",
    "pbx/trunks/",
    "pbx/queues/",
    "pbx/blacklists/",
    "pbx/whitelists/",
    "pbx/announcements/",
    "pbx/musiconholds/",
    "pbx/faxes/",
    "voicemails/",
    "reports/",
    "autodialer/",
)
"""Groups of which this version serves every service."""
OURS = frozenset({"autodialer/trunks/add", "autodialer/trunks/remove"})
"""Services that the catalogue does not have."""


NEEDED = {"pbx/faxes/add": "to"}
"""By path a field that is not required on paper and without which the operation fails (catalogue, quirks)."""


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
    query: Literal["never", "get", "any"]
    """On which methods parameters may come in the query."""
    parameters: tuple[Parameter, ...]
    kind: str
    message: str | None
    data: Any
    """The sample of ``data``, where the catalogue has one."""
    row: str | None
    extra: dict[str, Any]
    """Of a page: what stands between pagination and rows."""
    sorting: dict[str, int]
    """Of a page: its own order."""
    media_types: tuple[str, ...]
    """Of a file."""

    def __str__(self) -> str:
        return self.path


@cache
def load(name: str) -> Any:
    """One file of the catalogue."""
    return yaml.safe_load((HERE / name).read_text())


def endpoints() -> list[Endpoint]:
    """The services of the catalogue that are declared."""
    served = {service.path for service in declared_services()}
    return [_endpoint(entry) for entry in load("endpoints.yaml")["endpoints"] if entry["path"] in served]


def unserved() -> list[str]:
    """Paths of the catalogue that are not declared."""
    served = {service.path for service in declared_services()}
    return [entry["path"] for entry in load("endpoints.yaml")["endpoints"] if entry["path"] not in served]


def shape(name: str) -> dict[str, Any]:
    """A sample row, in the order of its keys."""
    row: dict[str, Any] = load("endpoints.yaml")["shapes"][name]["row"]
    return row


def finished(name: str) -> dict[str, Any]:
    """What a row has besides, behind the others, once it is completed."""
    more: dict[str, Any] = load("endpoints.yaml")["shapes"][name].get("finished_only", {})
    return more


def sometimes(name: str) -> frozenset[str]:
    """Keys of a sample row that a row may lack."""
    return frozenset(load("endpoints.yaml")["shapes"][name].get("sometimes", ()))


def _endpoint(entry: dict[str, Any]) -> Endpoint:
    return Endpoint(
        path=entry["path"],
        op=entry["op"],
        methods=frozenset(entry["methods"]["accept"]),
        query=entry["query_accepted"],
        parameters=tuple(
            Parameter(name=item["name"], required=item["required"] == "required", example=item.get("example"))
            for item in entry["params"]
        ),
        kind=entry["response"]["kind"],
        message=entry["response"].get("message"),
        data=entry["response"].get("data"),
        row=entry["response"].get("row"),
        extra=entry["response"].get("extra", {}),
        sorting=entry["response"].get("default_sorting", {}),
        media_types=tuple(entry["response"].get("content_type", ())),
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
