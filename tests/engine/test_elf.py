from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tamas.engine import elf


def test_program_names_its_loader_and_c_library() -> None:
    """The running Python is a dynamic program: it asks for a loader and for the C library."""
    links = elf.read_links(Path(sys.executable).resolve())
    assert links.interpreter is not None
    assert Path(links.interpreter).is_absolute()
    assert "libc.so.6" in links.needed


def test_text_file_is_refused(tmp_path: Path) -> None:
    """A script in the place of a program is named, not misread."""
    script = tmp_path / "program"
    script.write_text("#!/bin/sh\n")
    with pytest.raises(elf.ElfError, match="is not a 64-bit little-endian ELF file"):
        elf.read_links(script)


@pytest.mark.parametrize("kept", [20, 64, 1000])
def test_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    """A file that was cut off is named as damaged, wherever the cut is."""
    damaged = tmp_path / "damaged"
    damaged.write_bytes(Path(sys.executable).resolve().read_bytes()[:kept])
    with pytest.raises(elf.ElfError, match="damaged"):
        elf.read_links(damaged)
