"""The product as it is shipped, started on a fresh state directory, and what a bench does with it."""

from __future__ import annotations

import asyncio
import base64
import getpass
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil
from sqlalchemy import Executable

from bench.figures import BenchBroken
from bench.processes import running, wait_until
from support.ports import free_port
from tamas.engine.layout import EngineLayout
from tamas.engine.running import EngineRecord, read_record
from tamas.store.database import Row, open_database

T = TypeVar("T")

RTP_PORTS = "10000-15999"
"""Two for each leg; below the ports that tests use."""
START_SECONDS = 90.0
ACCOUNT = "bench"
WORKER = "tamas.worker"


@dataclass(kw_only=True)
class Product:
    """A running instance. Everything in it listens on loopback."""

    state_dir: Path
    database_url: str
    http_port: int
    sip_port: int
    environment: Mapping[str, str]
    serve_pid: int
    authorization: str = ""
    log: Path
    _client: http.client.HTTPConnection | None = field(default=None, repr=False)

    @property
    def sip_address(self) -> tuple[str, int]:
        return "127.0.0.1", self.sip_port

    def url(self, service: str) -> str:
        """Address of a service of the API."""
        return f"http://127.0.0.1:{self.http_port}/api/v4/{service}"

    def ask(self, service: str, values: Mapping[str, Any]) -> Any:
        """Call a service and return its data. :raises BenchBroken: it did not succeed."""
        if self._client is None:
            self._client = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=30)
        headers = {"Authorization": self.authorization, "Content-Type": "application/json"}
        self._client.request("POST", f"/api/v4/{service}", json.dumps(values).encode(), headers)
        with self._client.getresponse() as response:
            answer = response.read()
            if response.status != 200:
                raise BenchBroken(f"{service} answered {response.status} {answer!r}")
        decoded = json.loads(answer)
        if decoded["success"] != 1:
            raise BenchBroken(f"{service} of {values} answered {decoded}")
        return decoded["data"]

    def worker_pid(self) -> int:
        """Process id of the main worker: the process that runs every room."""
        for child in psutil.Process(self.serve_pid).children():
            words = child.cmdline()
            if WORKER in words and "main" in words:
                return child.pid
        raise BenchBroken("the main worker is not there")

    def engine(self) -> tuple[EngineRecord, str]:
        """Where Asterisk's manager interface is, and its secret."""
        layout = EngineLayout(state_dir=self.state_dir)
        record = read_record(layout.record)
        if record is None:
            raise BenchBroken("the engine left no record of itself")
        return record, layout.ami_secret.read_text().strip()

    def rows(self, statement: Executable) -> list[Row]:
        """Read the store directly."""

        async def read() -> list[Row]:
            database = await open_database(self.database_url)
            try:
                async with database.read() as connection:
                    return await connection.rows(statement)
            finally:
                await database.close()

        return run(read())

    def complaints(self) -> str:
        """Warnings and errors in its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if " WARNING " in line or " ERROR " in line)[-4000:]

    def ready(self) -> bool:
        """Whether it says that it serves and Asterisk is there. :raises BenchBroken: it has ended."""
        if psutil.Process(self.serve_pid).status() == psutil.STATUS_ZOMBIE:
            raise BenchBroken(f"the product ended at its start:\n{self.log.read_text()[-4000:]}")
        client = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
        try:
            client.request("GET", "/readyz")
            return client.getresponse().status == 200
        except OSError:
            return False
        finally:
            client.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, whether or not an event loop runs in this thread."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()


@contextmanager
def running_product(database_url: str = "") -> Iterator[Product]:
    """Start an instance with one account that may do everything, and end it afterwards.

    :param database_url: an empty PostgreSQL database; SQLite in the state directory when empty.
    """
    state_dir = Path(tempfile.mkdtemp(prefix="tamas-bench-"))
    http_port, sip_port = free_port(), free_port()
    environment = {
        "TAMAS_STATE_DIR": str(state_dir),
        "TAMAS_DATABASE_URL": database_url,
        "TAMAS_HTTP_HOST": "127.0.0.1",
        "TAMAS_HTTP_PORT": str(http_port),
        "TAMAS_SIP_HOST": "127.0.0.1",
        "TAMAS_SIP_PORT": str(sip_port),
        "TAMAS_RTP_PORTS": RTP_PORTS,
        "TAMAS_USER": getpass.getuser(),
    }
    log = state_dir / "serve.log"
    try:
        with running([sys.executable, "-m", "tamas.cli", "serve"], log=log, env=environment) as process:
            product = Product(
                state_dir=state_dir,
                database_url=database_url or f"sqlite:///{state_dir / 'tamas.db'}",
                http_port=http_port,
                sip_port=sip_port,
                environment=environment,
                serve_pid=process.pid,
                log=log,
            )
            wait_until(product.ready, within=START_SECONDS, what="the product's readiness")
            product.authorization = _make_account(environment)
            product.ask("setting/ping/act", {})
            yield product
    finally:
        shutil.rmtree(state_dir, ignore_errors=True)


def _make_account(environment: Mapping[str, str]) -> str:
    """Make the account through the command line; returns its ``Authorization``."""
    words = [sys.executable, "-m", "tamas.cli", "account", "add", ACCOUNT, "--json"]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=60, check=False, env=_whole(environment)
    )
    if done.returncode:
        raise BenchBroken(f"no account could be made: {done.stdout}{done.stderr}")
    made = json.loads(done.stdout)
    pair = f"{made['username']}:{made['password']}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _whole(environment: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **environment}
