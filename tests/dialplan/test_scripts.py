"""Keeping AGI scripts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tamas.dialplan import confined
from tamas.dialplan.confined import landlock_version
from tamas.dialplan.script_run import LIMITS, READABLE
from tamas.dialplan.scripts import (
    MAX_BYTES,
    NAME,
    ScriptRefused,
    add_script,
    list_scripts,
    remove_script,
    script_file,
)

SCRIPT = b"#!/bin/sh\nexit 0\n"


@pytest.mark.parametrize("title", ["../../etc/passwd", "", "Ünïcode name.PY", "a" * 300, "-rf"])
def test_names_are_chosen_by_us(tmp_path: Path, title: str) -> None:
    """Whatever a file is called, the script lies in the directory under a name that cannot do harm."""
    name = add_script(tmp_path, title, SCRIPT)
    assert NAME.fullmatch(name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert script_file(tmp_path, name).read_bytes() == SCRIPT


def test_the_same_file_twice(tmp_path: Path) -> None:
    """A second upload is another script: calls that run the first keep it."""
    names = {add_script(tmp_path, "menu.py", SCRIPT) for _ in range(2)}
    assert {script.name for script in list_scripts(tmp_path)} == names
    for name in names:
        remove_script(tmp_path, name)
    assert not list_scripts(tmp_path)


@pytest.mark.parametrize("content", [b"", b"print(1)", b"#!python3\n", b"#!/bin/sh\n" + b"x" * MAX_BYTES])
def test_what_cannot_run_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that nothing could run, or that is too long, is not kept."""
    with pytest.raises(ScriptRefused):
        add_script(tmp_path, "x", content)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "..", "../secrets/seal.key", "x", ".menu-00000000"])
def test_other_files_are_no_scripts(tmp_path: Path, name: str) -> None:
    """Only a stored script can be run."""
    with pytest.raises(ScriptRefused):
        script_file(tmp_path, name)


SNOOPING = """#!/bin/sh
cat "$1" && echo read
echo x > "$2" && echo wrote
echo x > own && echo own
"""


@pytest.mark.skipif(landlock_version() == 0, reason="this kernel has no Landlock")
def test_a_program_without_another_user_sees_only_its_folder(tmp_path: Path) -> None:
    """A server that is not root cannot become somebody else; files are hidden all the same."""
    folder, secret = tmp_path / "folder", tmp_path / "seal.key"
    folder.mkdir()
    secret.write_text("key")
    program = folder / "script"
    program.write_text(SNOOPING)
    program.chmod(0o500)
    how = {"uid": None, "gid": None, "limits": LIMITS, "readable": READABLE, "writable": [str(folder)]}
    done = subprocess.run(
        [
            *(sys.executable, "-I", "-S", str(confined.__file__), json.dumps(how), str(program)),
            *(str(secret), str(tmp_path / "new")),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert done.stdout.split() == ["own"]
