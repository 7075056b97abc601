"""Free ports for the processes that tests start, without collisions between runs side by side.

A run takes a block of ports for as long as it lives by binding an abstract UNIX socket named after the block:
the kernel frees it when the process dies, however it dies. Blocks lie below the range that the kernel uses
for outgoing connections. Within the block each port is tried with a real bind, TCP and UDP, before use.
"""

from __future__ import annotations

import errno
import socket

FIRST_PORT = 16_000
LAST_PORT = 32_000
BLOCK = 400
"""Ports taken at a time; a test server needs two and its RTP range."""
MOST_BLOCKS = 8
"""Of one book; then it begins with its first again, so that many runs find room beside each other."""


class NoFreePorts(Exception):
    """Every block is taken: very many runs at once, or processes that never ended."""


class PortBook:
    """Hands out ports of blocks that this process holds."""

    def __init__(self) -> None:
        self._locks: list[socket.socket] = []
        self._next = 0
        self._end = 0
        self._blocks: list[int] = []
        """First ports of the blocks that are ours, the longest unused first."""

    def port(self) -> int:
        """A port on which nobody listens on loopback, TCP or UDP."""
        return self.range(1)[0]

    def range(self, count: int) -> range:
        """``count`` ports in a row, beginning with an even one when there are several (RTP wants that)."""
        if count > BLOCK:
            raise NoFreePorts(f"a range of {count} ports is longer than a block of {BLOCK}")
        while True:
            if count > 1 and self._next % 2:
                self._next += 1
            if self._next + count > self._end:
                self._take_block()
                continue
            wanted = range(self._next, self._next + count)
            busy = [port for port in wanted if not _is_free(port)]
            if not busy:
                self._next = wanted.stop
                return wanted
            self._next = busy[-1] + 1

    def _take_block(self) -> None:
        """Go on to a new block, or to the one of ours that was left longest ago."""
        given = range(FIRST_PORT, LAST_PORT, BLOCK) if len(self._blocks) < MOST_BLOCKS else ()
        for first in given:
            lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                lock.bind(f"\0tamas-test-ports-{first}")
            except OSError as error:
                lock.close()
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            self._locks.append(lock)
            break
        else:
            if not self._blocks:
                raise NoFreePorts(f"every block between {FIRST_PORT} and {LAST_PORT} is taken")
            first = self._blocks.pop(0)
        self._blocks.append(first)
        self._next, self._end = first, first + BLOCK

    def close(self) -> None:
        """Give the blocks back."""
        for lock in self._locks:
            lock.close()
        self._locks.clear()
        self._blocks.clear()
        self._next = self._end = 0


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


BOOK = PortBook()
"""The port book of this process."""


def free_port() -> int:
    """A port for a process that a test starts."""
    return BOOK.port()


def free_range(count: int) -> range:
    """Ports in a row, as an RTP range needs."""
    return BOOK.range(count)
