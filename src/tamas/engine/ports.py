"""Choosing TCP ports on loopback for AMI and FastAGI, and seeing whether somebody listens on one."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tamas.errors import TamasError

FIRST_PORT: Final = 20_001
LAST_PORT: Final = 32_767
TRIES: Final = 200

_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TCP_TABLE: Final = Path("/proc/net/tcp")
_LISTEN: Final = "0A"


class NoFreePortError(TamasError):
    """No TCP port on loopback is free for Asterisk or for us."""


def candidate_ports(*, avoid: frozenset[int], draw: random.Random | None = None) -> Iterator[int]:
    """Yield ports to try, in random order.

    They lie below the range from which the kernel takes the ports of outgoing connections: nobody gets ours
    by chance while we are down, and a connection to a port where nobody listens cannot meet itself.
    """
    last = min(LAST_PORT, int(_EPHEMERAL.read_text().split()[0]) - 1)
    first = min(FIRST_PORT, last // 2)
    generator = draw or random.SystemRandom()
    for _ in range(TRIES):
        port = generator.randint(first, last)
        if port not in avoid:
            yield port


def free_port(host: str, *, avoid: frozenset[int]) -> int:
    """Return a port on which nobody listens now. :raises NoFreePortError: none was found."""
    for port in candidate_ports(avoid=avoid):
        if is_free(host, port):
            return port
    raise NoFreePortError(f"no free TCP port was found on {host}")


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def is_listening(port: int) -> bool:
    """Tell whether somebody listens on an IPv4 port of this machine, without connecting; see proc(5)."""
    wanted = f":{port:04X}"
    with _TCP_TABLE.open() as table:
        next(table)
        for line in table:
            fields = line.split()
            if fields[1].endswith(wanted) and fields[3] == _LISTEN:
                return True
    return False
