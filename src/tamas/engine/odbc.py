"""Telling unixODBC how Asterisk reaches the store.

Asterisk has two data sources over the same database: one for the objects it reads at each call and
registration, one for the records it writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from tamas.engine.install import OdbcDriver
from tamas.errors import SetupError
from tamas.store_address import parse_address, ssl_mode

OBJECTS: Final = "tamas"
"""Data source and connection pool for endpoints, queues, contacts."""
RECORDS: Final = "tamas-records"
"""Data source and connection pool for CDR, CEL and queue log."""

SQLITE_TIMEOUT: Final = 15_000
"""Milliseconds that Asterisk waits for SQLite's write lock before it loses a row."""

_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f\[\]]")


class OdbcSettingError(SetupError):
    """The database URL holds something that cannot be passed to Asterisk; the text says what."""


def odbcinst_ini(drivers: Mapping[OdbcDriver, Path]) -> str:
    """Return the list of drivers."""
    return "\n".join(f"[{name}]\nDriver = {path}\nThreading = 0\n" for name, path in drivers.items())


def odbc_ini(database_url: str) -> str:
    """Return both data sources for a ``TAMAS_DATABASE_URL``.

    :raises OdbcSettingError: a part of the URL cannot be written.
    """
    url = parse_address(database_url)
    if url.get_backend_name() == "sqlite":
        options = _sqlite_options(url)
        return _section(OBJECTS, options) + _section(RECORDS, options)
    options = _postgresql_options(url)
    objects = options | {"ConnSettings": _encoded("SET client_encoding TO UTF8")}
    # Losing the records of the last instants when the database server itself crashes buys a call set-up
    # that does not wait for its disk; see docs/decisions/0010-records-connection.md. In Latin-1 every byte
    # that a caller may choose is a character, so that no row is refused; see tamas.store.engine_text.
    settings = "SET synchronous_commit TO off;SET client_encoding TO LATIN1"
    records = options | {"ConnSettings": _encoded(settings)}
    return _section(OBJECTS, objects) + _section(RECORDS, records)


def driver_of(database_url: str) -> OdbcDriver:
    """Name the ODBC driver for a ``TAMAS_DATABASE_URL``."""
    return "sqlite" if parse_address(database_url).get_backend_name() == "sqlite" else "postgresql"


def _sqlite_options(url: URL) -> dict[str, str]:
    return {
        "Driver": "sqlite",
        "Database": _checked("the path of the database", url.database or ""),
        "Timeout": str(SQLITE_TIMEOUT),
        "SyncPragma": "NORMAL",
        "JournalMode": "WAL",
        "NoWCHAR": "1",
    }


def _postgresql_options(url: URL) -> dict[str, str]:
    host = url.query.get("host", url.host or "127.0.0.1")
    return {
        "Driver": "postgresql",
        "Servername": _checked("the host of the database", str(host)),
        "Port": str(url.port or 5432),
        "Database": _checked("the name of the database", url.database or ""),
        "Username": _checked("the user of the database", url.username or ""),
        "Password": _encoded(url.password or ""),
        "SSLmode": ssl_mode(url),
        "ReadOnly": "0",
        "BoolsAsChar": "1",
        "MaxVarcharSize": "1024",
        "UseDeclareFetch": "0",
        "UseServerSidePrepare": "1",
        "KeepaliveTime": "60",
    }


def _section(name: str, options: Mapping[str, str]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in options.items()) + "\n"


def _checked(what: str, value: str) -> str:
    if _UNSAFE.search(value) or value != value.strip() or value.startswith(("'", '"')):
        raise OdbcSettingError(f"{what} holds characters that a configuration file cannot carry")
    return value


def _encoded(value: str) -> str:
    """Write a value in the form that psqlODBC decodes: ``%XX`` for all but letters and digits."""
    return "".join(chr(b) if chr(b).isascii() and chr(b).isalnum() else f"%{b:02X}" for b in value.encode())
