"""The state directory: what is in it and who may read it."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tamas.errors import SetupError

PRIVATE = 0o700
_USABLE = re.compile(r"/[A-Za-z0-9/_.+@=~-]*")
"""Paths that Asterisk's applications take as they are: recordings, sounds and faxes are named to them, and
a comma, an ampersand or a blank would split the name."""


class StateError(SetupError):
    """The state directory cannot be used; the text says why."""


def prepare_state_dir(state_dir: Path) -> None:
    """Create the state directory and its folders, closed to other users.

    :raises StateError: it cannot be created or written, or its path is one that Asterisk would misread.
    """
    if _USABLE.fullmatch(str(state_dir)) is None:
        raise StateError(
            f"the state directory {state_dir} cannot be used: Asterisk would misread its path; "
            "take one of ASCII letters, digits and /_.+@=~-"
        )
    try:
        for folder in (state_dir, state_dir / "secrets", state_dir / "asterisk", state_dir / "recordings"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(PRIVATE)
    except OSError as error:
        raise StateError(f"cannot use the state directory {state_dir}: {error.strerror}") from error
    if not os.access(state_dir, os.W_OK | os.X_OK):
        raise StateError(f"the state directory {state_dir} is not writable for this user")


@contextmanager
def only_server(state_dir: Path) -> Iterator[None]:
    """Hold the right to serve from a state directory.

    :raises StateError: another ``tamas serve`` runs on it.
    """
    with (state_dir / "serve.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateError(f"another tamas serve already runs on {state_dir}") from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def server_pid(state_dir: Path) -> int | None:
    """Process id of the ``tamas serve`` that runs on a state directory, if one does."""
    try:
        with (state_dir / "serve.lock").open("r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read().strip() or 0) or None
    except (OSError, ValueError):
        return None
    return None
