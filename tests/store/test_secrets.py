"""What a store in trouble says: never the values it was given."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from sa.pbx.conftest import EngineAway, open_api
from tamas.store.database import Database, open_database
from tamas.store.schema import dialable_numbers

PASSWORD = "tr0nk-s3cret"


@pytest.mark.parametrize("trouble", ["ALTER TABLE trunks RENAME TO gone", "refuse"])
async def test_a_broken_store_shows_no_password(
    database: Database, database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    """Adding a trunk fails in the database: neither the log nor the answer holds its password."""
    caplog.set_level(logging.DEBUG, "tamas")
    async with open_api(database, database_url, tmp_path, EngineAway()) as api:
        async with database.write() as tx:
            await tx.execute(text("DROP VIEW IF EXISTS ps_endpoints"))
            for statement in _refusal(database.dialect) if trouble == "refuse" else (trouble,):
                await tx.execute(text(statement))
        more = f"username=me\nsecret={PASSWORD}"
        answer = await api.raw("pbx/trunks/add", {"name": "t1", "host": "10.0.0.1", "more_options": more})
    assert answer.json()["success"] == 0
    assert PASSWORD not in answer.text
    assert trouble == "refuse" or "INSERT INTO trunks" in caplog.text, "the failure is logged"
    assert PASSWORD not in caplog.text


async def test_a_refused_row_is_not_shown(postgresql_url: str) -> None:
    """PostgreSQL shows the whole row that fails a constraint: not in our errors, nor in their causes."""
    database = await open_database(postgresql_url)
    row = {"number": "101", "kind": None, "owner_id": PASSWORD}
    with pytest.raises(IntegrityError) as caught:
        async with database.write() as tx:
            await tx.execute(insert(dialable_numbers).values(row))
    assert "kind" in str(caught.value)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    await database.close()


def _refusal(dialect: str) -> tuple[str, ...]:
    """Statements that make every new trunk fail."""
    if dialect == "sqlite":
        return ("CREATE TRIGGER no BEFORE INSERT ON trunks BEGIN SELECT RAISE(FAIL, 'refused'); END",)
    return (
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$",
        "CREATE TRIGGER no BEFORE INSERT ON trunks FOR EACH ROW EXECUTE FUNCTION no()",
    )
