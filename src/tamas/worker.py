"""Entry of a working process: ``python -m tamas.worker main|api``, started by the supervisor."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys

import uvloop

from tamas.errors import TamasError
from tamas.logs import configure_logging
from tamas.server import ConfigurationError, serve_api, serve_main
from tamas.settings import Settings, SettingsError, load_settings
from tamas.supervisor import EXIT_CONFIGURATION, die_with_parent

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
        await (serve_main if role == "main" else serve_api)(settings, listener, stop)
    finally:
        beating.cancel()


def main() -> int:
    """Run one worker; returns its exit status."""
    parser = argparse.ArgumentParser(prog="tamas.worker")
    parser.add_argument("role", choices=["main", "api"])
    parser.add_argument("--http-fd", type=int, required=True)
    parser.add_argument("--heartbeat-fd", type=int, required=True)
    arguments = parser.parse_args()
    die_with_parent()
    try:
        settings = load_settings()
        configure_logging(settings.log_format)
        os.set_blocking(arguments.heartbeat_fd, False)
        # Asterisk outlives us and must not keep the HTTP port.
        for descriptor in (arguments.http_fd, arguments.heartbeat_fd):
            os.set_inheritable(descriptor, False)
        listener = socket.socket(fileno=arguments.http_fd)
        uvloop.run(_run(arguments.role, settings, listener, arguments.heartbeat_fd))
    except (SettingsError, ConfigurationError) as error:
        log.error("%s", error)  # noqa: TRY400 - a wrong setting needs words, not a traceback
        return EXIT_CONFIGURATION
    except TamasError as error:
        log.error("%s", error)  # noqa: TRY400
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
