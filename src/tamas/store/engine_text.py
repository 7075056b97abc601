"""A column type for text that Asterisk writes, whose bytes need not be text at all.

Callers choose what stands in a caller id or a dialed number, and SIP lets them send any byte
(RFC 3261, section 25.1: ``%ff`` in an address). Such a row must neither be lost nor stop whoever reads it:

- SQLite stores bytes as they come but refuses to read them as text, so they are read as bytes;
- PostgreSQL would refuse the row, so Asterisk writes over a connection whose encoding is Latin-1
  (:mod:`tamas.engine.odbc`), in which every byte is a character.

In Python both are decoded as UTF-8; what is no UTF-8, or could not be shown in one line, becomes U+FFFD.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, Dialect, String, TypeDecorator, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

REPLACEMENT = "\ufffd"

_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class EngineText(TypeDecorator[str]):
    """Text of a column that Asterisk writes. Not for columns that are compared or joined in SQL."""

    impl = String
    cache_ok = True

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Select the bytes."""
        return type_coerce(_Bytes(column), self)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Write text as Asterisk would."""
        if value is None or dialect.name != "postgresql":
            return value
        return value.encode().decode("latin-1")

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Make plain text of it."""
        if value is None:
            return None
        data = value if isinstance(value, bytes) else value.encode("latin-1", "replace")
        return _UNSHOWABLE.sub(REPLACEMENT, data.decode("utf-8", "replace"))


class _Bytes(FunctionElement[Any]):
    """A column in a SELECT list: its bytes on SQLite, itself elsewhere."""

    inherit_cache = True
    name = "bytes"


@compiles(_Bytes)
def _as_it_is(element: _Bytes, compiler: SQLCompiler, **how: Any) -> str:
    return compiler.process(element.clauses, **how)


@compiles(_Bytes, "sqlite")
def _as_blob(element: _Bytes, compiler: SQLCompiler, **how: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **how)} AS BLOB)"
