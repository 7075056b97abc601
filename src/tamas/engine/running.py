"""What is written down about the running Asterisk, so that a later start can take it over."""

from __future__ import annotations

from pathlib import Path

import msgspec


class EngineRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of ``engine.json``."""

    pid: int
    process_started: int
    """Start of that process in clock ticks since boot: tells it from a later one with the same pid."""
    ami_port: int
    agi_port: int
    config_digest: str
    version: str
    origin: str
    started_at: int
    """Microseconds since the epoch, UTC."""


def read_record(path: Path) -> EngineRecord | None:
    """Return what was written down; None when there is nothing, or nothing that can be understood."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=EngineRecord)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_record(path: Path, record: EngineRecord) -> None:
    """Put a record in place of the former one, whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2))
    fresh.chmod(0o600)
    fresh.replace(path)
