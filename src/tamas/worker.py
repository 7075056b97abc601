"""Entry of a working process: ``python -m tamas.worker main|api``, started by the supervisor."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys

import uvloop

from tamas.console.app import declared_services as declare_console
from tamas.errors import SetupError, TamasError
from tamas.logs import configure_logging
from tamas.sa.app import declared_services as declare_sa
from tamas.server import serve_api, serve_main
from tamas.settings import Settings, load_settings
from tamas.supervisor import EXIT_CONFIGURATION, PREPARED

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 0.5


async def _beat(descriptor: int) -> None:
    """Write a byte twice a second for as long as the event loop turns."""
    while True:
        with contextlib.suppress(BlockingIOError):  # a full pipe holds beats enough
            os.write(descriptor, b".")
        await asyncio.sleep(HEARTBEAT_SECONDS)


async def _run(role: str, settings: Settings, listener: socket.socket, heartbeat: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    beating = asyncio.create_task(_beat(heartbeat), name="heartbeat")
    try:
        if role == "main":
            await serve_main(settings, listener, stop, prepared=lambda: os.write(heartbeat, PREPARED))
        else:
            await serve_api(settings, listener, stop)
    finally:
        beating.cancel()


def _expected(error: BaseException) -> TamasError | None:
    """The failure that can be told in words, out of the groups that task groups make; else ``None``."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error if isinstance(error, TamasError) else None


def _relieve_garbage_collector() -> None:
    """Leave what was imported alone, and look for cycles less often: calls wait while it looks."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def main() -> int:
    """Run one worker; returns its exit status."""
    parser = argparse.ArgumentParser(prog="tamas.worker")
    parser.add_argument("role", choices=["main", "api"])
    parser.add_argument("--http-fd", type=int, required=True)
    parser.add_argument("--heartbeat-fd", type=int, required=True)
    arguments = parser.parse_args()
    try:
        settings = load_settings()
        configure_logging(settings.log_format)
        os.set_blocking(arguments.heartbeat_fd, False)
        # Asterisk outlives us and must not keep the HTTP port.
        for descriptor in (arguments.http_fd, arguments.heartbeat_fd):
            os.set_inheritable(descriptor, False)
        listener = socket.socket(fileno=arguments.http_fd)
        # Half a second in which the event loop would stand still, with calls waiting.
        declare_sa()
        declare_console()
        _relieve_garbage_collector()
        uvloop.run(_run(arguments.role, settings, listener, arguments.heartbeat_fd))
    except Exception as error:
        expected = _expected(error)
        if expected is None:
            raise
        log.error("%s", expected)  # noqa: TRY400 - an expected failure needs words, not a traceback
        return EXIT_CONFIGURATION if isinstance(expected, SetupError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
