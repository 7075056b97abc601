"""Where the store is: ``TAMAS_DATABASE_URL`` taken apart, in the one place where all its readers get it.

PostgreSQL's TLS mode may be written as libpq writes it (``?sslmode=verify-full``) or as asyncpg does
(``?ssl=``). Each of our clients takes it in another way, so it is kept apart from the address. Certificates
for ``verify-ca`` and ``verify-full`` are named by libpq's ``PGSSLROOTCERT``, which all of them read.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from tamas.errors import SetupError

SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""Source: PostgreSQL manual, "Database Connection Control Functions", parameter ``sslmode``."""
DEFAULT_SSL_MODE: Final = "prefer"

_SSL_KEYS: Final = ("sslmode", "ssl")
_BACKENDS: Final = {
    "sqlite": "sqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}


class StoreAddressError(SetupError):
    """The URL of the database cannot be used; the text says why, and holds no password."""


def parse_address(text: str) -> URL:
    """The URL in the form that every other function of the store takes.

    :raises StoreAddressError: it is malformed, or asks for what we cannot do.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:  # its text would show the password
        raise StoreAddressError(
            "it is no URL: is the port a number, are signs in the password escaped?"
        ) from (None if "@" in text else error)
    driver = _BACKENDS.get(url.drivername)
    if driver is None:
        raise StoreAddressError("it must begin with sqlite:/// or postgresql+asyncpg://")
    url = url.set(drivername=driver)
    if driver == "sqlite":
        if url.host or not url.database or url.query:
            raise StoreAddressError("it must be sqlite:///PATH, with four slashes for an absolute path")
        return url
    if not url.database:
        raise StoreAddressError("it names no database")
    if unknown := url.query.keys() - {*_SSL_KEYS, "host"}:
        raise StoreAddressError(f"it holds the unknown option {min(unknown)}")
    if ssl_mode(url) not in SSL_MODES:
        raise StoreAddressError(f"its SSL mode {ssl_mode(url)!r} is none of {', '.join(SSL_MODES)}")
    return url


def ssl_mode(url: URL) -> str:
    """libpq's name for how a PostgreSQL connection is encrypted and checked."""
    for key in _SSL_KEYS:
        if value := url.query.get(key):
            return value if isinstance(value, str) else value[-1]
    return DEFAULT_SSL_MODE


def without_ssl_mode(url: URL) -> URL:
    """The address alone."""
    return url.difference_update_query(_SSL_KEYS)
