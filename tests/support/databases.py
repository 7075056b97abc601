"""Fixtures: migrated stores on SQLite and PostgreSQL, a fresh one for each test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.apart import run_apart
from support.postgresql import PostgresqlCluster, running_cluster
from tamas.store.database import Database, open_database
from tamas.store.migrate import migrate


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlCluster]:
    """A throwaway PostgreSQL cluster, started when the first test asks for it."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite store to copy; never open it."""
    path = tmp_path_factory.mktemp("sqlite-template") / "tamas.db"
    run_apart(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """URL of a migrated, empty SQLite store."""
    return copied_sqlite(sqlite_template, tmp_path / "tamas.db")


@pytest.fixture
def postgresql_url(postgresql: PostgresqlCluster) -> Iterator[str]:
    """URL of a migrated, empty PostgreSQL store."""
    with fresh_postgresql(postgresql) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a migrated, empty store; the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An opened, migrated, empty store; the test runs once on SQLite and once on PostgreSQL."""
    opened = await open_database(database_url)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def sqlite_database(sqlite_url: str) -> AsyncIterator[Database]:
    """An opened, migrated, empty SQLite store, where the dialect makes no difference to the test."""
    opened = await open_database(sqlite_url)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture(scope="session")
def new_store(request: pytest.FixtureRequest, sqlite_template: Path) -> Callable[[str, Path], str]:
    """``new_store(dialect, directory)`` makes a migrated, empty store and returns its URL.

    For fixtures that live longer than one test; the stores go with their cluster when the session ends.
    """

    def make(dialect: str, directory: Path) -> str:
        if dialect == "sqlite":
            return copied_sqlite(sqlite_template, directory / "tamas.db")
        cluster: PostgresqlCluster = request.getfixturevalue("postgresql")
        return cluster.fresh_url()

    return make


def copied_sqlite(template: Path, path: Path) -> str:
    """Copy a template store to ``path`` and return its URL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, path)
    path.chmod(0o600)
    return f"sqlite:///{path}"


@contextmanager
def fresh_postgresql(cluster: PostgresqlCluster) -> Iterator[str]:
    """A migrated, empty database; whoever gets it next gets it empty."""
    url = cluster.lend()
    try:
        yield url
    finally:
        cluster.give_back(url)
