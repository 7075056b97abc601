"""Who holds a port."""

from __future__ import annotations

import os
import socket

from tamas.sockets import holds_port


def test_a_process_holds_its_own_ports_only() -> None:
    """Ours is found by port and kind; the parent process does not hold it."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        udp.bind(("127.0.0.1", 0))
        assert holds_port(os.getpid(), tcp.getsockname()[1], socket.SOCK_STREAM)
        assert holds_port(os.getpid(), udp.getsockname()[1], socket.SOCK_DGRAM)
        assert not holds_port(os.getpid(), udp.getsockname()[1], socket.SOCK_STREAM)
        assert not holds_port(os.getppid(), tcp.getsockname()[1], socket.SOCK_STREAM)
        assert not holds_port(2**22 + 1, tcp.getsockname()[1], socket.SOCK_STREAM)
