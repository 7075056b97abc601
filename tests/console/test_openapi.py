"""The OpenAPI document of the console, of which the pages' types are made."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec

from console._console import RunningConsole
from tamas.console.app import declared_services
from tamas.console.openapi import openapi_document


def document() -> dict[str, Any]:
    """The document, decoded."""
    decoded: dict[str, Any] = msgspec.json.decode(openapi_document(declared_services()))
    return decoded


def references(value: Any) -> set[str]:
    """Every reference in a document."""
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*(references(inner) for inner in value.values()))
    return set().union(*(references(inner) for inner in value)) if isinstance(value, list) else set()


def test_every_service_is_in_it() -> None:
    """With its method, a name that programs can use, and a reference to nothing that is not there."""
    described = document()
    names = []
    for service in declared_services():
        operation = described["paths"]["/" + service.path][service.method.lower()]
        names.append(operation["operationId"])
        assert operation["operationId"].isidentifier()
        assert operation["summary"]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in described["components"]["schemas"])
    for reference in references(described):
        part: Any = described
        for word in reference.removeprefix("#/").split("/"):
            part = part[word]


def test_answers_say_what_is_always_there() -> None:
    """A field without default is required, whatever its value may be; a request says what must be sent."""
    schemas = document()["components"]["schemas"]
    session = schemas["Session"]
    assert set(session["required"]) == set(session["properties"])
    assert {"type": "null"} in schemas["Current"]["properties"]["session"]["anyOf"]
    assert schemas["SessionSignInRequest"]["required"] == ["username", "password"]
    assert set(schemas["Failure"]["properties"]["error"]["required"]) == {
        "code",
        "field",
        "message",
        "params",
    }
    listed = document()["paths"]["/accounts/list"]["get"]
    assert {one["name"] for one in listed["parameters"]} == {"search", "start", "count", "sort", "descending"}
    reference = listed["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert reference == "#/components/schemas/Window_AccountRow"


async def test_only_who_is_signed_in_reads_it(console: RunningConsole) -> None:
    """Strangers do not learn which services there are."""
    assert (await console.get("openapi.json"))["info"]["title"] == "Tamas console"
    visitor = await console.visitor()
    assert (await visitor.refused("openapi.json", "GET"))["code"] == "signed_out"


def test_the_build_prints_it() -> None:
    """``python -m tamas.console.openapi`` writes it to standard output and nothing else."""
    printed = subprocess.run(
        [sys.executable, "-m", "tamas.console.openapi"], capture_output=True, check=True, timeout=60
    )
    assert msgspec.json.decode(printed.stdout) == document()
    assert printed.stderr == b""
