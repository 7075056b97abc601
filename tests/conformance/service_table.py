"""``make services``: which tests prove which service of the Simotel API, as ``docs/services.md``.

What is read are the tests themselves: a file proves a service when its path stands in it, whole or put
together (``f"{GROUP}/add"``) from words of that file and of tests' modules it imports from. What runs for
every service alike is said once, above.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from conformance.catalogue import load
from tamas.sa.app import declared_services

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "services.md"
LOOKED_AT = ("sa", "recordings")
"""Folders of tests that are about services. Those of the console have services of the same names."""

_PATH = re.compile(r"[a-z_]+(?:/[a-z_]+)*")
_PREFIX = "/api/v4/"
_HEAD = """\
# Services and their tests

Made by `make services`; a test fails when it is stale.

Each service of the catalogue that is served is driven over HTTP by `tests/conformance/test_services.py`, on
SQLite and on PostgreSQL, as the catalogue describes it: `pytest tests/conformance -k SERVICE`. Its documented
example is sent by `tests/sa/test_examples.py`, what no client should send by
`tests/bad_input/test_documented.py`, and `tests/sa/test_schemathesis.py` makes up requests from its
description. `tests/clients/test_simotel_connect.py` calls every method of the public Python client. The table
says what else proves it, below `tests/`.

| service | tests of its own |
|---|---|
"""


def service_table() -> str:
    """The whole document."""
    served = {service.path for service in declared_services()}
    paths = [entry["path"] for entry in load("endpoints.yaml")["endpoints"]]
    proven = own_tests(paths)
    tests = {path: ", ".join(f"`{name}`" for name in names) for path, names in proven.items()}
    lines = [f"| `{path}` | {tests[path] if path in served else 'not served yet'} |" for path in paths]
    return _HEAD + "\n".join(lines) + "\n"


def own_tests(paths: list[str]) -> Mapping[str, list[str]]:
    """For each service the test files in which it stands, below ``tests``."""
    found: dict[str, list[str]] = {path: [] for path in paths}
    tests = ROOT / "tests"
    for folder in LOOKED_AT:
        for file in sorted((tests / folder).rglob("test_*.py")):
            named = _named(ast.parse(file.read_text()))
            for path in paths:
                if any(pattern.fullmatch(path) for pattern in named):
                    found[path].append(str(file.relative_to(tests)))
    return found


def _named(tree: ast.AST) -> list[re.Pattern[str]]:
    """What could be a path in a file."""
    texts = _texts(tree)
    words = sorted({*texts, *_imported(tree)})
    any_word = "(?:" + "|".join(re.escape(word) for word in words if _PATH.fullmatch(word)) + ")"
    patterns = {re.escape(_bare(text)) for text in texts if "/" in text and _PATH.fullmatch(_bare(text))}
    patterns |= set(_put_together(tree, any_word))
    return [re.compile(pattern) for pattern in patterns]


def _texts(tree: ast.AST) -> set[str]:
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


def _imported(tree: ast.AST) -> set[str]:
    """Texts of those modules beside the tests from which something is imported."""
    texts: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            file = ROOT / "tests" / f"{node.module.replace('.', '/')}.py"
            if file.name.startswith("_") and file.exists():
                texts |= _texts(ast.parse(file.read_text()))
    return texts


def _put_together(tree: ast.AST, any_word: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr):
            continue
        fixed = [part.value for part in node.values if isinstance(part, ast.Constant)]
        if not any("/" in str(text) for text in fixed):
            continue
        pieces = [
            re.escape(str(part.value)) if isinstance(part, ast.Constant) else any_word for part in node.values
        ]
        yield "".join(pieces).removeprefix(_PREFIX)


def _bare(text: str) -> str:
    return text.removeprefix(_PREFIX).strip("/")


if __name__ == "__main__":
    DOCUMENT.write_text(service_table())
