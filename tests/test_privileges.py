"""Root becomes an ordinary user and serves the same instance; nothing is followed out of its folders."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamas.privileges import give_to

SYSTEM_PYTHON = Path("/usr/bin/python3")
USER = "nobody"
SOURCE = Path(__file__).parents[1] / "src"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up being root")

DROP = """
import json, os
from tamas.privileges import drop_privileges
from tamas.settings import load_settings
before = load_settings()
drop_privileges(before)
after = load_settings()
print(json.dumps({"uid": os.geteuid(), "gid": os.getegid(), "groups": os.getgroups(),
    "same": before == after, "writable": os.access(after.state_dir, os.W_OK)}))
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may look into, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="tamas-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def readable_by(user: str, folder: Path) -> bool:
    """Whether another user may look into a folder."""
    account = pwd.getpwnam(user)
    look = ["/usr/bin/test", "-x", str(folder), "-a", "-r", str(folder)]
    return subprocess.run(look, user=account.pw_uid, group=account.pw_gid, extra_groups=[]).returncode == 0


def drop(folder: Path, *, user: str) -> dict[str, object]:
    """Give up root in a process of its own, run by the system's Python because root's own may be private."""
    packages = sysconfig.get_path("purelib")
    if not (readable_by(USER, SOURCE) and readable_by(USER, Path(packages))):
        pytest.skip("this clone lies where other users may not look")
    answer = subprocess.run(
        [str(SYSTEM_PYTHON), "-c", DROP],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{SOURCE}:{packages}",
            "TAMAS_STATE_DIR": str(folder / "state"),
            "TAMAS_CACHE_DIR": str(folder / "cache"),
            "TAMAS_USER": user,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    seen: dict[str, object] = json.loads(answer.stdout)
    return seen


def test_the_workers_serve_what_root_was_asked_to_serve(open_folder: Path) -> None:
    """After the change the settings are the same, and the state directory is the user's."""
    known = pwd.getpwnam(USER)
    seen = drop(open_folder, user=USER)
    assert (seen["uid"], seen["gid"]) == (known.pw_uid, known.pw_gid)
    assert 0 not in seen["groups"]  # type: ignore[operator]
    assert seen["same"] is True
    assert seen["writable"] is True
    assert (open_folder / "state").stat().st_uid == known.pw_uid


def test_root_stays_when_there_is_no_such_user(open_folder: Path) -> None:
    """Nothing is changed, so a machine without the user works."""
    assert drop(open_folder, user="no-such-user")["uid"] == 0


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A link in the state directory to a file elsewhere leaves that file alone."""
    elsewhere, state = tmp_path / "elsewhere", tmp_path / "state"
    (state / "deep").mkdir(parents=True)
    elsewhere.touch()
    (state / "deep" / "link").symlink_to(elsewhere)
    (state / "deep" / "file").touch()
    give_to(state, 65534, 65534)
    assert elsewhere.stat().st_uid == 0
    owners = {path.lstat().st_uid for path in (state, state / "deep", *(state / "deep").iterdir())}
    assert owners == {65534}
