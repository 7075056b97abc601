"""The OpenAPI 3.1 document of the SA, made from the declarations."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec

from tamas import __version__
from tamas.sa.errors import MissingField, OperationFailed
from tamas.sa.field_types import Schema
from tamas.sa.service import (
    AgentBatch,
    AgentDone,
    Answer,
    FileBytes,
    Listed,
    Ordered,
    Paged,
    Registry,
    Service,
)

DESCRIPTION = (
    "The Simotel API v4. Every answer is JSON with the keys success (1 or 0), message and data. "
    "An operation that fails is answered with HTTP 200 and success 0; the header X-Error-Field then names "
    "the field at fault. Statuses other than 200 mean that the request did not reach a service."
)

REFUSALS: dict[str, tuple[str, tuple[str, ...]]] = {
    "400": ("The body is no JSON object, or larger than 1 MiB.", ("Unable to parse content",)),
    "401": (
        "No credentials, or wrong ones.",
        ("BasicAuth or ApiKey is missing", "BasicAuth or ApiKey is invalid"),
    ),
    "403": (
        "The account may not call this service, or the address may not call at all.",
        ('"/pbx/users/add";Access denied', "IP is not permitted"),
    ),
    "405": ("The service does not take this method.", ("Method not allowed",)),
    "415": (
        "The body is not application/json, or that of an upload not multipart/form-data.",
        ("Unsupported Media Type",),
    ),
    "500": ("Something broke on our side; the log tells under X-Request-Id.", (OperationFailed.message,)),
    "501": ("There is no such service.", ("Requested service does not exist",)),
    "503": (
        "So many guesses of this address wait that this one cannot; ask again.",
        (OperationFailed.message,),
    ),
}
"""Answers that any service can give: what they mean and their messages."""

_BYTES: Schema = {"type": "string", "format": "binary"}
_FAILED_EXAMPLE = {
    "summary": "The operation failed",
    "value": {"success": 0, "message": OperationFailed.message, "data": None},
}

ANY_ADDRESS = "http://address.invalid"
"""Stands for the server's address in what is made once and kept."""


def openapi_document(registry: Registry, address: str) -> bytes:
    """The document as JSON. It is made once per registry.

    :param address: ``scheme://host`` of this server, as the reader reached it.
    """
    return _document(registry).replace(ANY_ADDRESS.encode(), address.encode())


@cache
def _document(registry: Registry) -> bytes:
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Simotel API", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": f"{ANY_ADDRESS}/api/v4"}],
        "security": [{"basic": []}, {"token": []}, {"basic": [], "token": []}],
        "tags": [{"name": name} for name in dict.fromkeys(_tag(service) for service in registry)],
        "paths": {"/" + service.path: _path_item(service) for service in registry},
        "components": {
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "token": {"type": "apiKey", "in": "header", "name": "X-APIKEY"},
            },
            "schemas": {"Failure": _failure_schema()},
            "responses": _refusals(),
            "headers": {
                "RequestId": {"description": "Names this request in our log.", "schema": {"type": "string"}},
                "ErrorField": {"description": "The field at fault.", "schema": {"type": "string"}},
            },
        },
    }
    return msgspec.json.encode(document)


def _tag(service: Service) -> str:
    return service.path.rpartition("/")[0]


def _path_item(service: Service) -> dict[str, Any]:
    return {
        method.lower(): _operation(service, method) for method in sorted(service.methods, key=_usual_first)
    }


def _usual_first(method: str) -> int:
    return ["POST", "PUT", "GET", "DELETE"].index(method)


def _operation(service: Service, method: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": re.sub(r"[^a-z0-9]+", "_", service.path) + "_" + method.lower(),
        "summary": service.summary,
        "tags": [_tag(service)],
        "description": f"{service.description}\n\nPermission: {service.permission}".strip(),
        "responses": {"200": _success(service)}
        | {status: {"$ref": f"#/components/responses/{status}"} for status in REFUSALS}
        | (_parts_of_a_file(service.answer) if isinstance(service.answer, FileBytes) else {}),
    }
    if not service.request.fields:
        return operation
    if method == "GET":
        operation["parameters"] = _parameters(service)
    else:
        operation["requestBody"] = {
            "required": bool(service.request_schema().get("required")),
            "content": {
                "multipart/form-data": {"schema": service.request_schema()},
            }
            if service.max_file
            else {
                "application/json": {
                    "schema": service.request_schema(),
                    "example": service.request.example(),
                }
            },
        }
    return operation


def _parameters(service: Service) -> list[dict[str, Any]]:
    """Query parameters of a GET; objects travel as JSON text."""
    schema = service.request_schema()
    parameters = []
    for name, described in schema["properties"].items():
        parameter: dict[str, Any] = {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
        }
        if described.get("type") in ("object", "array"):
            parameter["content"] = {"application/json": {"schema": described}}
        else:
            parameter["schema"] = described
        parameters.append(parameter)
    return parameters


def _success(service: Service) -> dict[str, Any]:
    answer = service.answer
    return {
        "description": "Done, or a failed operation with success 0.",
        "headers": {
            "X-Request-Id": {"$ref": "#/components/headers/RequestId"},
            "X-Error-Field": {"$ref": "#/components/headers/ErrorField"},
        },
        "content": _file_or_failure(answer) if isinstance(answer, FileBytes) else _envelopes(answer),
    }


def _envelopes(answer: Answer) -> dict[str, Any]:
    example = answer.example()
    return {
        "application/json": {
            "schema": {"anyOf": [_answer_schema(answer, example), {"$ref": "#/components/schemas/Failure"}]},
            "examples": {"done": {"summary": "Done", "value": example}, "failed": _FAILED_EXAMPLE},
        }
    }


def _file_or_failure(answer: FileBytes) -> dict[str, Any]:
    return {name: {"schema": _BYTES} for name in answer.media_types} | {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/Failure"},
            "examples": {"failed": _FAILED_EXAMPLE},
        }
    }


def _parts_of_a_file(answer: FileBytes) -> dict[str, Any]:
    """What an answer with a file can be besides the whole file."""
    parts = {name: {"schema": _BYTES} for name in (*answer.media_types, "multipart/byteranges")}
    plain = {"text/plain": {"schema": {"type": "string"}}}
    headers = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    return {
        "206": {"description": "The part that Range asked for.", "headers": headers, "content": parts},
        "404": {"description": "There is no such file.", "headers": headers, "content": plain},
        "416": {"description": "The file has no such part.", "headers": headers, "content": plain},
    }


def _answer_schema(answer: Answer, example: Any) -> Schema:
    message: Schema = {"const": answer.message}
    return _object(
        {"success": {"const": 1}, "message": message, "data": _data_schema(answer, example["data"])}
    )


def _data_schema(answer: Answer, data: Any) -> Schema:
    if isinstance(answer, Listed):
        return _rows(answer)
    if isinstance(answer, Paged):
        count = {"type": "integer", "minimum": 0}
        sorting = {"type": "object", "additionalProperties": {"enum": [1, -1]}}
        pagination = _object({"start": count, "count": count, "sorting": sorting, "total": count})
        extra = {name: {"const": value} for name, value in answer.extra.items()}
        return _object({"pagination": pagination, **extra, "data": _rows(answer)})
    if isinstance(answer, Ordered):
        return _object({"last_id": {"type": "string"}, "data": _rows(answer)})
    if isinstance(answer, AgentBatch):
        item = _object({name: {} if name == "ok" else {"type": "string"} for name in answer.item})
        item["properties"]["ok"] = {"enum": [0, 1]}
        return _object({"Data": {"type": "array", "items": item}, "ok": {"enum": [0, 1]}})
    if isinstance(answer, AgentDone):
        return _object({"message": {"const": answer.text}, "ok": {"const": 1}})
    return schema_of(data)


def _rows(answer: Listed | Paged | Ordered) -> Schema:
    row = schema_of(answer.row)
    for name in answer.sometimes:
        row["properties"][name] = {"anyOf": [row["properties"][name], {"type": "null"}]}
    row["required"] = [name for name in row["required"] if name not in answer.sometimes]
    return {"type": "array", "items": row}


def schema_of(value: Any) -> Schema:
    """The JSON schema that an example shows: types, and keys that are always there."""
    if value is None:
        return {"type": "null"}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer"}
    if isinstance(value, float):
        return {"type": "number"}
    if isinstance(value, str):
        return {"type": "string"}
    if isinstance(value, list):
        return {"type": "array", "items": schema_of(value[0])} if value else {"type": "array"}
    return _object({name: schema_of(inner) for name, inner in value.items()})


def _object(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _failure_schema() -> Schema:
    schema = _object({"success": {"const": 0}, "message": {"type": "string"}, "data": {"type": "null"}})
    schema["examples"] = [
        {"success": 0, "message": MissingField.text("name"), "data": None},
        {"success": 0, "message": OperationFailed.message, "data": None},
    ]
    return schema


def _refusals() -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, (description, messages) in REFUSALS.items():
        responses[status] = {
            "description": description,
            "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}},
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Failure"},
                    "examples": {
                        f"example{number}": {"value": {"success": 0, "message": text, "data": None}}
                        for number, text in enumerate(messages, 1)
                    },
                }
            },
        }
    return responses


__all__ = ["ANY_ADDRESS", "REFUSALS", "openapi_document", "schema_of"]
