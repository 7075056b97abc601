"""Receivers that speak HTTPS: the certificate counts."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from sqlalchemy import select

from support.certificates import certificate
from support.integrator import Integrator, page
from support.receivers import delivering, numbered, numbers, receiver_at, tell
from support.waiting import eventually
from tamas.store.database import Database
from tamas.store.events_schema import event_attempts


async def _first_error(database: Database) -> str:
    async with database.read() as connection:
        return str(await connection.scalar(select(event_attempts.c.error)) or "")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
async def test_certificates(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """Nothing is told to a server whose certificate nobody vouches for, or that is another's."""
    chain, key = certificate(tmp_path, address)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain, key)
    async with Integrator(answers={"/": page("")}, tls=tls) as crm:
        await receiver_at(sqlite_database, crm.url())
        async with delivering(sqlite_database):
            await tell(sqlite_database, *numbered("1.1", 2))
            await eventually(lambda: _first_error(sqlite_database))
            assert "CERTIFICATE_VERIFY_FAILED" in await _first_error(sqlite_database)
        assert not crm.asked
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
        async with delivering(sqlite_database):
            if address == "127.0.0.1":
                await eventually(lambda: numbers(crm, "1.1") == [0, 1])
            else:
                await eventually(lambda: _tried_again(sqlite_database))
                assert not crm.asked


async def _tried_again(database: Database) -> bool:
    async with database.read() as connection:
        tries = await connection.rows(select(event_attempts).order_by(event_attempts.c.id.desc()))
    return len(tries) > 1 and "mismatch" in str(tries[0]["error"])
