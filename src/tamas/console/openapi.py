"""The OpenAPI 3.1 document of the console's API, made from the declarations.

The pages take their types from it: ``python -m tamas.console.openapi`` prints it. So names are what programs
like to read: an operation is called as its path, a request as its operation, an answer as its Struct.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from starlette.responses import Response

from tamas import __version__
from tamas.console.service import PREFIX, ConsoleRegistry, ConsoleService
from tamas.sa.field_types import Schema

DESCRIPTION = (
    "What the pages of the console call. A session is opened by session/sign_in and held by a cookie; every "
    "other POST carries the session's csrf in the header X-CSRF-Token. Failures are told by their status and "
    "the code in the answer. Times are milliseconds since the epoch, UTC."
)
_REFERENCE = "#/components/schemas/{name}"


@cache
def openapi_document(registry: ConsoleRegistry) -> bytes:
    """The document as JSON. It is made once per registry."""
    services = sorted(registry, key=lambda service: service.path)
    described = [service for service in services if _is_described(service.answer)]
    found, components = msgspec.json.schema_components(
        [service.answer for service in described], ref_template=_REFERENCE
    )
    answers = {service.path: schema for service, schema in zip(described, found, strict=True)}
    schemas: dict[str, Schema] = {"Failure": _failure()}
    schemas |= {
        _request_name(service): service.request.schema() for service in services if _has_body(service)
    }
    schemas |= components
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Tamas console", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": PREFIX}],
        "tags": [{"name": tag} for tag in dict.fromkeys(_tag(service) for service in services)],
        "security": [{"session": [], "csrf": []}],
        "paths": {
            "/" + service.path: {service.method.lower(): _operation(service, answers.get(service.path))}
            for service in services
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "tamas_session"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
            },
            "responses": {
                "Failure": {
                    "description": "It was not done; the status and the code say why.",
                    "content": {"application/json": {"schema": _reference("Failure")}},
                }
            },
        },
    }
    return msgspec.json.encode(_with_plain_names(document, components))


def _operation(service: ConsoleService, answer: Schema | None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": service.path.replace("/", "_"),
        "summary": service.summary,
        "tags": [_tag(service)],
        "description": f"{service.description}\n\n{_who(service)}".strip(),
        "responses": {**_success(service, answer), "default": {"$ref": "#/components/responses/Failure"}},
    }
    if service.public:
        operation["security"] = []
    if service.method == "GET" and service.request.fields:
        operation["parameters"] = list(_parameters(service))
    elif _has_body(service):
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(_request_name(service))}},
        }
    return operation


def _success(service: ConsoleService, answer: Schema | None) -> dict[str, Any]:
    if answer is not None:
        return {"200": {"description": "Done.", "content": {"application/json": {"schema": answer}}}}
    if service.answer in (None, types.NoneType):
        return {"204": {"description": "Done."}}
    return {"200": {"description": "A file.", "content": {"*/*": {}}}}


def _parameters(service: ConsoleService) -> Iterable[dict[str, Any]]:
    schema = service.request.schema()
    for name, described in schema["properties"].items():
        parameter = {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": described,
        }
        if described.get("type") == "array":
            parameter |= {"style": "form", "explode": False}
        yield parameter


def _who(service: ConsoleService) -> str:
    if service.public:
        return "Open to everybody."
    if service.page is None:
        return "Open to everybody who is signed in."
    return f"Needs the right to {service.right} {service.page.id}."


def _is_described(answer: Any) -> bool:
    """Whether an answer is JSON."""
    return answer not in (None, types.NoneType) and not (
        isinstance(answer, type) and issubclass(answer, Response)
    )


def _has_body(service: ConsoleService) -> bool:
    return service.method == "POST" and bool(service.request.fields)


def _request_name(service: ConsoleService) -> str:
    return "".join(word.capitalize() for word in re.split(r"[/_]", service.path)) + "Request"


def _tag(service: ConsoleService) -> str:
    return service.path.rpartition("/")[0]


def _failure() -> Schema:
    error = {
        "type": "object",
        "properties": {
            "code": {"type": "string"},
            "field": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "At fault."},
            "message": {"type": "string", "description": "English."},
            "params": {"type": "object", "description": "Facts that a translated text names."},
        },
        "required": ["code", "field", "message", "params"],
    }
    return {"type": "object", "properties": {"error": error}, "required": ["error"]}


def _reference(name: str) -> Schema:
    return {"$ref": _REFERENCE.format(name=name)}


def _with_plain_names(value: Any, components: dict[str, Any]) -> Any:
    """A document whose components end in no underscore: ``Window_Row``, made of ``Window[Row]``."""
    plain = {name: name.strip("_") for name in components}

    def renamed(inner: Any) -> Any:
        if isinstance(inner, dict):
            return {
                plain.get(key, key): _REFERENCE.format(name=plain[target])
                if key == "$ref" and (target := str(one).rpartition("/")[2]) in plain
                else renamed(one)
                for key, one in inner.items()
            }
        return [renamed(one) for one in inner] if isinstance(inner, list) else inner

    return renamed(value)


if __name__ == "__main__":
    from tamas.console.app import declared_services

    sys.stdout.write(msgspec.json.format(openapi_document(declared_services()), indent=2).decode() + "\n")
