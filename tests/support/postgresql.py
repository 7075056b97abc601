"""A throwaway PostgreSQL cluster from the distribution's package, and fresh databases in it."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

import asyncpg

from support.apart import run_apart
from support.ports import free_port
from tamas.store.migrate import migrate

START_SECONDS = 30.0
ROLE = "tamas"
TEMPLATE = "tamas_template"

_SPEED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "jit=off")
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_USED_SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL"
_SHAPE = """
    SELECT md5(string_agg(line, ';' ORDER BY line)) FROM (
        SELECT format('%s %s %s', relname, relkind, reloptions) AS line
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = 'public'
        UNION ALL
        SELECT format('%s.%s %s', attrelid::regclass, attname, atttypid::regtype)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = 'public' AND NOT attisdropped
        UNION ALL
        SELECT format('%s %s %s', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger
        UNION ALL
        SELECT format('%s %s', viewname, definition) FROM pg_views WHERE schemaname = 'public'
    ) AS lines
"""
"""Changes when a test altered tables, indexes, triggers or views."""
_INITDB_OPTIONS = ("-E", "UTF8", "--no-locale", "--no-sync")
_PR_SET_PDEATHSIG = 1


class PostgresqlMissing(Exception):
    """PostgreSQL's programs are not installed. Run 'make setup' (it installs the package postgresql)."""


class PostgresqlCluster:
    """A running cluster on a loopback port; everybody on this machine may log in."""

    def __init__(self, port: int, start: Callable[[], subprocess.Popen[bytes]], log: Path) -> None:
        self.port = port
        self._start = start
        self._log = log
        self._server: subprocess.Popen[bytes] | None = None
        self._names = (f"test_{number}" for number in count(1))
        self._has_template = False
        self._returned: list[str] = []
        self._shape: str | None = None
        self._tables: list[str] = []
        self._rows: dict[str, list[tuple[object, ...]]] = {}
        """Of the template, by table."""

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._server = self._start()
        _wait_until_it_answers(self, self._server, self._log)

    def stop(self) -> None:
        """End the server as its administrator does, whoever is connected."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(timeout=START_SECONDS)
            self._server = None

    def url(self, name: str) -> str:
        """The ``TAMAS_DATABASE_URL`` of a database."""
        return f"postgresql+asyncpg://{ROLE}:unused@127.0.0.1:{self.port}/{name}"

    def fresh_url(self) -> str:
        """A new database that holds the migrated, empty store."""
        if not self._has_template:
            self.execute(f"CREATE DATABASE {TEMPLATE}")
            run_apart(migrate(self.url(TEMPLATE)))
            self._has_template = True
        name = next(self._names)
        self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        return self.url(name)

    def empty_url(self) -> str:
        """A new database with nothing in it."""
        name = next(self._names)
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def lend(self) -> str:
        """A database as of :meth:`fresh_url`, perhaps one that was given back: making one takes longer."""
        return self._returned.pop() if self._returned else self.fresh_url()

    def give_back(self, url: str) -> None:
        """Empty a lent database for the next; drop it when somebody is connected or changed its shape."""
        if run_apart(self._emptied(url)):
            self._returned.append(url)
        else:
            self.drop(url)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        self.execute(f"DROP DATABASE IF EXISTS {_name(url)} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Run one statement as the cluster's owner."""

        async def run() -> None:
            async with self._connected("postgres") as connection:
                await connection.execute(statement)

        run_apart(run())

    @asynccontextmanager
    async def _connected(self, database: str) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=self.port, user=ROLE, database=database, timeout=10
        )
        try:
            yield connection
        finally:
            await connection.close()

    async def _emptied(self, url: str) -> bool:
        """Bring a database's content back to that of the template; ``False`` when it cannot be lent again."""
        if self._shape is None:
            async with self._connected(TEMPLATE) as connection:
                self._shape = await connection.fetchval(_SHAPE)
                self._tables = [row[0] for row in await connection.fetch(_TABLES)]
                for table in self._tables:
                    rows = await connection.fetch(f'SELECT * FROM "{table}"')  # noqa: S608 - names of ours
                    if rows:
                        self._rows[table] = [tuple(row) for row in rows]
        async with self._connected(_name(url)) as connection:
            others = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
            if (
                await connection.fetchval(others, _name(url))
                or await connection.fetchval(_SHAPE) != self._shape
            ):
                return False
            deletions = [f'DELETE FROM "{table}"' for table in self._tables]  # noqa: S608 - names of ours
            await connection.execute(";".join(deletions))
            for table, rows in self._rows.items():
                await connection.copy_records_to_table(table, records=rows)
            for row in await connection.fetch(_USED_SEQUENCES):
                await connection.execute(f'ALTER SEQUENCE "{row[0]}" RESTART')
        return True


def _name(url: str) -> str:
    return url.rsplit("/", 1)[1]


@contextmanager
def running_cluster() -> Iterator[PostgresqlCluster]:
    """Make a cluster, run it, and remove it. :raises PostgresqlMissing: the programs are not there."""
    programs = _programs()
    # initdb and postgres refuse to run as root; the package made the user postgres.
    user = "postgres" if os.geteuid() == 0 else None
    directory = Path(tempfile.mkdtemp(prefix="tamas-postgresql-"))
    try:
        if user is not None:
            account = pwd.getpwnam(user)
            os.chown(directory, account.pw_uid, account.pw_gid)
        data, log = directory / "data", directory / "log"
        _run_to_end(
            [f"{programs}/initdb", "-D", f"{data}", "-U", ROLE, "-A", "trust", *_INITDB_OPTIONS],
            directory,
            user,
        )
        port = free_port()
        options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", *_SPEED]

        def start() -> subprocess.Popen[bytes]:
            with log.open("ab") as output:
                return subprocess.Popen(
                    [f"{programs}/postgres", "-D", f"{data}", "-p", f"{port}"]
                    + [word for option in options for word in ("-c", option)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=directory,
                    user=user,
                    group=user,
                    extra_groups=None if user is None else [],
                    preexec_fn=_end_with_parent(),
                    start_new_session=True,
                )

        cluster = PostgresqlCluster(port, start, log)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(directory)


def _programs() -> Path:
    found = sorted(
        (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else 0,
    )
    if found:
        return found[-1]
    on_path = shutil.which("initdb")
    if on_path is None:
        raise PostgresqlMissing(PostgresqlMissing.__doc__)
    return Path(on_path).resolve().parent


def _run_to_end(words: list[str], directory: Path, user: str | None) -> None:
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
        cwd=directory,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    assert done.returncode == 0, f"{words[0]} failed:\n{done.stdout}{done.stderr}"


def _end_with_parent() -> Callable[[], None]:
    """What a child runs so that a test run killed without warning leaves no server behind; see prctl(2)."""
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)

    return ask


def _wait_until_it_answers(cluster: PostgresqlCluster, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while problem := _problem(cluster):
        text = log.read_text(errors="replace")
        assert server.poll() is None, f"PostgreSQL ended at its start:\n{text}"
        assert time.monotonic() < deadline, f"PostgreSQL did not answer ({problem}):\n{text}"
        time.sleep(0.02)


def _problem(cluster: PostgresqlCluster) -> str:
    try:
        cluster.execute("SELECT 1")
    except (OSError, asyncpg.PostgresError) as error:
        return str(error) or type(error).__name__
    return ""
