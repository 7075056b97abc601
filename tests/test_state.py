"""The state directory: closed to others, one server at a time."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tamas.console.accounts import ensure_administrator, first_password_file, reset_password
from tamas.state import StateError, only_server, prepare_state_dir, server_pid
from tamas.store.changes import Changes
from tamas.store.database import Database


def test_everything_in_it_is_closed_to_other_users(tmp_path: Path) -> None:
    """Whatever the umask, no other user can look inside."""
    state = tmp_path / "state"
    before = os.umask(0)
    try:
        prepare_state_dir(state)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (state, *state.iterdir())} == {0o700}


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A file where the directory should be."""
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(StateError, match="file"):
        prepare_state_dir(blocked / "state")


@pytest.mark.parametrize("name", ["a,b", "a&b", "a b", "a^b", "a(b)", "a;b", "${X}", "فاکس"])
def test_a_path_that_asterisk_would_misread_is_refused(tmp_path: Path, name: str) -> None:
    """Playback, MixMonitor and SendFAX would take it apart: said at the start, not at the first call."""
    with pytest.raises(StateError, match="misread"):
        prepare_state_dir(tmp_path / name / "state")
    assert not (tmp_path / name).exists()


def test_a_second_server_is_refused_and_the_first_is_known(tmp_path: Path) -> None:
    """The lock goes with the process that holds it."""
    assert server_pid(tmp_path) is None
    with only_server(tmp_path):
        assert server_pid(tmp_path) == os.getpid()
        with pytest.raises(StateError, match="another tamas serve"), only_server(tmp_path):
            pytest.fail("two servers held the lock")
    assert server_pid(tmp_path) is None


async def test_one_administrator_is_made_once(database: Database, tmp_path: Path) -> None:
    """The first start makes it, its password in a private file; a reset removes that file."""
    prepare_state_dir(tmp_path)
    assert await ensure_administrator(database, tmp_path)
    file = first_password_file(tmp_path)
    first = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(first) >= 16
    assert not await ensure_administrator(database, tmp_path)
    assert file.read_text().strip() == first
    again = await reset_password(database, Changes(database), tmp_path, "admin")
    assert again != first
    assert not file.exists()
