"""The URL of the store, and how PostgreSQL connections are encrypted."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import text

from support.apart import run_apart
from support.postgresql import PostgresqlCluster
from tamas.engine.odbc import odbc_ini
from tamas.store.database import Database, PostgresqlDatabase, StoreError, open_database
from tamas.store.migrate import migrate
from tamas.store.version import current_version
from tamas.store_address import StoreAddressError, parse_address, ssl_mode

BASE = "postgresql+asyncpg://tamas:p%40ss@db:5433/tamas"
ENCRYPTED = text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")


@pytest.mark.parametrize(
    ("query", "mode"),
    [("", "prefer"), ("?sslmode=verify-full", "verify-full"), ("?ssl=require", "require")],
)
def test_both_spellings_of_the_tls_mode_reach_every_reader(query: str, mode: str) -> None:
    """libpq's and asyncpg's spelling mean the same, for us and for Asterisk."""
    assert ssl_mode(parse_address(BASE + query)) == mode
    assert odbc_ini(BASE + query).count(f"SSLmode = {mode}\n") == 2


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret@h:port/x",
        "postgresql://u:s3cret@h",
        "postgresql://u:s3cret@h/x?sslmode=perhaps",
        "postgresql://u:s3cret@h/x?sslmod=require",
        "mysql://u:s3cret@h/x",
        "sqlite://s3cret/x",
        "sqlite:///",
        "s3cret",
    ],
)
def test_an_unusable_url_is_refused_without_showing_it(url: str) -> None:
    """One kind of error for all of them, and no password in it."""
    with pytest.raises(StoreAddressError) as caught:
        parse_address(url)
    assert "s3cret" not in str(caught.value)


async def test_required_tls_is_not_done_without(postgresql_url: str) -> None:
    """The server has no TLS: a URL that requires it is refused by every way into the store."""
    url = f"{postgresql_url}?sslmode=require"
    for way in (open_database, migrate, current_version):
        with pytest.raises(StoreError, match="SSL"):
            await way(url)


@pytest.fixture
def tls(postgresql: PostgresqlCluster) -> Iterator[None]:
    """The server takes TLS connections during the test."""
    folder = Path(run_apart(_data_directory(postgresql)))
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    at = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(at - dt.timedelta(days=1))
        .not_valid_after(at + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    owner = folder.stat()
    for file, content in (
        (folder / "server.crt", certificate.public_bytes(serialization.Encoding.PEM)),
        (folder / "server.key", private),
    ):
        file.write_bytes(content)
        file.chmod(0o600)
        os.chown(file, owner.st_uid, owner.st_gid)
    for statement in ("ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"):
        postgresql.execute(statement)
    yield
    for statement in ("ALTER SYSTEM RESET ssl", "SELECT pg_reload_conf()"):
        postgresql.execute(statement)


@pytest.mark.usefixtures("tls")
async def test_required_tls_is_used_by_every_connection(postgresql_url: str) -> None:
    """Statements, hot reads and the listener are all encrypted."""
    url = f"{postgresql_url}?ssl=require"
    database = await _opened(url)
    assert isinstance(database, PostgresqlDatabase)
    async with database.read() as connection:
        assert await connection.scalar(ENCRYPTED) is True
    async with database.write() as tx:
        assert await tx.scalar(ENCRYPTED) is True
    listener = await database.raw_connection()
    unencrypted = (
        "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE NOT ssl AND datname = $1"
    )
    assert await listener.fetchval(unencrypted, database.url.database) == 0
    await listener.close()
    await migrate(url)
    await database.close()


async def _opened(url: str) -> Database:
    """Open it once the server has read its configuration again."""
    async with asyncio.timeout(5):
        while True:
            try:
                return await open_database(url)
            except StoreError:
                await asyncio.sleep(0.02)


async def _data_directory(cluster: PostgresqlCluster) -> str:
    connection = await asyncpg.connect(cluster.url("postgres").replace("+asyncpg", ""))
    try:
        return str(await connection.fetchval("SHOW data_directory"))
    finally:
        await connection.close()
