"""The page at ``/docs``: every service of the SA for people, made from the declarations, self-contained.

Texts and shapes come from the templates in ``pages/``; here they are only filled in.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from tamas import __version__
from tamas.sa.fields import ListOf, Model, Nested, model_of, notes
from tamas.sa.openapi import ANY_ADDRESS, REFUSALS
from tamas.sa.service import FileBytes, Registry, Service

PAGES = files("tamas.sa") / "pages"


def documentation_page(registry: Registry, address: str) -> bytes:
    """The whole page as UTF-8. It is made once per registry.

    :param address: ``scheme://host`` of this server, as the reader reached it.
    """
    return _page(registry).replace(ANY_ADDRESS.encode(), escape(address).encode())


@cache
def _page(registry: Registry) -> bytes:
    groups: dict[str, list[Service]] = {}
    for service in registry:
        groups.setdefault(service.path.rpartition("/")[0], []).append(service)
    page = _template("documentation.html").substitute(
        version=escape(__version__),
        address=ANY_ADDRESS,
        style=_text("documentation.css"),
        script=_text("documentation.js"),
        contents="".join(_contents(name, services) for name, services in groups.items()),
        services="".join(_service(service, ANY_ADDRESS) for group in groups.values() for service in group),
        refusals="".join(_refusal(status, *texts) for status, texts in REFUSALS.items()),
    )
    return page.encode()


def _contents(name: str, services: Iterable[Service]) -> str:
    entries = "".join(
        _template("documentation_entry.html").substitute(
            anchor=escape(_anchor(service)),
            name=escape(service.path.rpartition("/")[2]),
            summary=escape(service.summary),
        )
        for service in services
    )
    return _template("documentation_group.html").substitute(name=escape(name), entries=entries)


def _service(service: Service, address: str) -> str:
    fields = "".join(_field(*row) for row in field_rows(service.request))
    return _template("documentation_service.html").substitute(
        anchor=escape(_anchor(service)),
        path=escape(service.path),
        summary=escape(service.summary),
        description=escape(service.description),
        methods="".join(f"<span>{method}</span>" for method in ordered_methods(service)),
        permission=escape(service.permission),
        fields=_template("documentation_fields.html").substitute(rows=fields)
        if fields
        else _text("documentation_no_fields.html"),
        curl=escape(curl_example(service, address)),
        answer=escape(_answer(service)),
    )


def _answer(service: Service) -> str:
    answer = service.answer
    if isinstance(answer, FileBytes):
        return f"The bytes of the file, {' or '.join(answer.media_types)}; 404 when there is none."
    return json.dumps(answer.example(), indent=2, ensure_ascii=False)


def _field(name: str, kind: str, requirement: str, example: str, note: str) -> str:
    return _template("documentation_field.html").substitute(
        name=escape(name),
        kind=escape(kind),
        requirement=escape(requirement),
        example=escape(example),
        note=escape(note),
    )


def _refusal(status: str, meaning: str, messages: Iterable[str]) -> str:
    return _template("documentation_refusal.html").substitute(
        status=escape(status),
        meaning=escape(meaning),
        messages="<br>".join(f"<code>{escape(message)}</code>" for message in messages),
    )


def field_rows(model: Model[Any], prefix: str = "") -> list[tuple[str, str, str, str, str]]:
    """Each field of a request by its dotted name: name, type, requirement, example, note."""
    rows: list[tuple[str, str, str, str, str]] = []
    for bound in model.fields:
        declared = bound.declared
        if declared.lenient_only:
            continue
        schema = declared.type.schema()
        example = "" if declared.example is None else json.dumps(declared.example, ensure_ascii=False)
        note = " ".join([*notes(declared), str(schema.get("description", ""))]).strip()
        name = prefix + bound.wire
        rows.append((name, _kind(schema), declared.requirement, example, note))
        if isinstance(declared.type, Nested):
            separator = "[]." if isinstance(declared.type, ListOf) else "."
            rows.extend(field_rows(model_of(declared.type.struct), name + separator))
    return rows


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        words = dict.fromkeys(str(word).lower() for word in schema["enum"])
        return " | ".join(words)
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("format") == "binary":
        return "file"
    if schema.get("pattern", "").startswith("^[0-9]{"):
        return "digits"
    if schema.get("pattern", "").startswith("^[0-9A-Fa-f]{24}"):
        return "id"
    return {"string": "text", "array": "list"}.get(str(schema.get("type")), str(schema.get("type", "any")))


def ordered_methods(service: Service) -> list[str]:
    """Accepted methods, the usual one first."""
    return [method for method in ("POST", "PUT", "GET", "DELETE") if method in service.methods]


def curl_example(service: Service, address: str) -> str:
    """A command that works when pasted, once USER and PASSWORD are an account's and ``_id`` an object's.

    What an upload sends must be there too.
    """
    words = ["curl -u USER:PASSWORD"]
    example = service.request.example()
    if service.max_file:
        words.extend(f"-F {shlex.quote(f'{name}={value}')}" for name, value in example.items())
    elif example:
        words.append("-H 'Content-Type: application/json'")
        words.append("-d " + shlex.quote(json.dumps(example, ensure_ascii=False, indent=2)))
    else:
        words.append("-X POST")
    words.append(f"{address}/api/v4/{service.path}")
    return " \\\n  ".join(words)


def _anchor(service: Service) -> str:
    return service.path.replace("/", "-")


@cache
def _text(name: str) -> str:
    return (PAGES / name).read_text("utf-8")


@cache
def _template(name: str) -> Template:
    return Template(_text(name))
