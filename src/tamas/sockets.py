"""Whether a port can be had, and which process holds it (from ``/proc``, see proc(5) and proc_net(5))."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

_TABLES = {socket.SOCK_STREAM: ("tcp", "tcp6"), socket.SOCK_DGRAM: ("udp", "udp6")}
_LOCAL_ADDRESS = 1
_INODE = 9


def bind_failure(host: str, port: int, kind: socket.SocketKind) -> int | None:
    """Why a port cannot be bound (an ``errno``); ``None``: it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            if kind == socket.SOCK_STREAM:
                probe.listen(1)
        except OSError as error:
            return error.errno or errno.EIO
    return None


def holds_port(pid: int, port: int, kind: socket.SocketKind) -> bool:
    """Whether a process has a socket of a kind bound to a port.

    Says no also when the process is gone or belongs to somebody else.
    """
    wanted = {f"socket:[{inode}]" for inode in _inodes(port, kind)}
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
    return any(_target(descriptor) in wanted for descriptor in descriptors)


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:  # closed since it was listed
        return ""


def _inodes(port: int, kind: socket.SocketKind) -> list[str]:
    inodes = []
    for table in _TABLES[kind]:
        path = Path("/proc/net", table)
        lines = path.read_text().splitlines()[1:] if path.exists() else []
        for line in lines:
            fields = line.split()
            if int(fields[_LOCAL_ADDRESS].rsplit(":", 1)[1], 16) == port:
                inodes.append(fields[_INODE])
    return inodes
