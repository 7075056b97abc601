"""Ports for tests."""

from __future__ import annotations

import socket

import pytest

from support.ports import BLOCK, NoFreePorts, PortBook


def test_books_never_share_a_port() -> None:
    """Two books, as two runs have them, take different blocks; a closed one gives its block back."""
    first, second = PortBook(), PortBook()
    try:
        taken = {first.port() for _ in range(50)} | set(first.range(30))
        assert len(taken) == 80
        others = {second.port() for _ in range(50)}
        assert not taken & others
    finally:
        first.close()
        second.close()


def test_a_busy_port_is_passed_over() -> None:
    """A port that somebody listens on is not handed out, alone or in a range."""
    book, probe = PortBook(), PortBook()
    try:
        start = book.port() + 1
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
            busy.bind(("127.0.0.1", start + 3))
            found = book.range(10)
            assert start + 3 not in found
            assert found.start % 2 == 0
    finally:
        book.close()
        probe.close()


def test_too_long_a_range() -> None:
    """No block holds it."""
    with pytest.raises(NoFreePorts, match="longer than a block"):
        PortBook().range(BLOCK + 1)
