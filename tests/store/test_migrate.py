"""Preparing a store: empty, current, newer."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect, text

from tamas.store import search_indexes
from tamas.store.database import Database, StoreError, open_database
from tamas.store.migrate import migrate
from tamas.store.schema import SCHEMA_VERSION, metadata
from tamas.store.version import current_version, ensure_schema
from tamas.store.views import VIEWS

NEVER_MADE = {"ck_api_accounts_auth", "ck_change_generation_one_row"}
"""Of the first version; SQLite would have to make those tables anew, and nobody but us writes them."""


async def test_the_migrations_make_the_tables_of_the_schema(database: Database) -> None:
    """Upgrading an empty store gives exactly what the table definitions say."""

    def declared(_object: object, name: str | None, kind: str, *_more: object) -> bool:
        return kind != "index" or not (name or "").startswith(search_indexes.PREFIX)

    differences = await database.long_read(
        lambda connection: compare_metadata(
            MigrationContext.configure(connection, opts={"include_object": declared}), metadata
        )
    )
    assert differences == []


async def test_the_migrations_make_the_checks_of_the_schema(database: Database) -> None:
    """Which the comparison of metadata leaves out."""
    made = await database.long_read(
        lambda connection: {
            check["name"]
            for checks in inspect(connection).get_multi_check_constraints().values()
            for check in checks
        }
    )
    columns = [column for table in metadata.sorted_tables for column in table.columns]
    constraints = {constraint for each in columns for constraint in each.constraints}
    constraints |= {constraint for table in metadata.sorted_tables for constraint in table.constraints}
    declared = {str(each.name) for each in constraints if isinstance(each, CheckConstraint)}
    assert "ck_faxes_type" in declared
    assert made == declared - NEVER_MADE


async def test_every_view_can_be_read(database: Database) -> None:
    """Each view's SELECT is valid on this database."""
    for name in VIEWS:
        rows = await database.long_read(
            lambda connection, name=name: connection.execute(text(f"SELECT * FROM {name}")).all()  # type: ignore[misc]  # noqa: S608
        )
        assert rows == []


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    """A current store may be migrated at every start."""
    await migrate(database_url)
    assert await current_version(database_url) == SCHEMA_VERSION


async def test_a_store_of_a_newer_version_is_refused(database_url: str, database: Database) -> None:
    """We do not touch what we do not know."""
    async with database.write() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer"):
        await migrate(database_url)


async def test_a_new_sqlite_store_is_closed_to_other_users(tmp_path: Path) -> None:
    """Trunk passwords are readable in it, so nobody else may read the file."""
    url = f"sqlite:///{tmp_path / 'deep' / 'tamas.db'}"
    assert await current_version(url) is None
    await ensure_schema(url)
    assert stat.S_IMODE((tmp_path / "deep" / "tamas.db").stat().st_mode) == 0o600
    database = await open_database(url)
    tables = await database.long_read(lambda connection: inspect(connection).get_table_names())
    assert "extensions" in tables
    await database.close()
