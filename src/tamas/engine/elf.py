"""What an ELF file asks the dynamic loader for: its libraries and the loader itself.

Only 64-bit little-endian files are read, the form of both architectures that Tamas serves (amd64, arm64).
Layout: System V ABI, chapters "Program Header" and "Dynamic Section".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from tamas.errors import TamasError

_MAGIC_64_LITTLE = b"\x7fELF\x02\x01"
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NULL, _DT_NEEDED, _DT_STRTAB = 0, 1, 5
_HEADER = struct.Struct("<32xQ14xHH")  # e_phoff, e_phentsize, e_phnum
_PROGRAM_HEADER = struct.Struct("<I4xQQ8xQ")  # p_type, p_offset, p_vaddr, p_filesz
_DYNAMIC_ENTRY = struct.Struct("<qQ")


class ElfError(TamasError):
    """A file that should be a 64-bit little-endian ELF file is not."""


@dataclass(frozen=True, kw_only=True)
class ElfLinks:
    """The names by which an ELF file is linked to others."""

    needed: tuple[str, ...]
    """Library names (sonames) in the order of the file's DT_NEEDED entries."""
    interpreter: str | None
    """Absolute path of the dynamic loader (PT_INTERP); None for most libraries."""


def is_elf(path: Path) -> bool:
    """Tell whether `path` is an ELF file that `read_links` can read."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC_64_LITTLE)) == _MAGIC_64_LITTLE


def read_links(path: Path) -> ElfLinks:
    """Read the libraries and the loader that the ELF file `path` asks for.

    Raises `ElfError` when the file is not a complete 64-bit little-endian ELF file, `OSError` when it
    cannot be read.
    """
    data = path.read_bytes()
    if not data.startswith(_MAGIC_64_LITTLE):
        raise ElfError(f"{path} is not a 64-bit little-endian ELF file")
    try:
        return _parse(data)
    except (struct.error, ValueError) as error:
        raise ElfError(f"{path} is a damaged ELF file: {error}") from error


def _parse(data: bytes) -> ElfLinks:
    offset, size, count = _HEADER.unpack_from(data)
    headers = [_PROGRAM_HEADER.unpack_from(data, offset + index * size) for index in range(count)]
    loaded = [(start, place, length) for kind, place, start, length in headers if kind == _PT_LOAD]

    def place_of(address: int) -> int:
        for start, place, length in loaded:
            if start <= address < start + length:
                return int(address - start + place)
        raise ValueError(f"address {address:#x} lies outside the file")

    def text_at(place: int) -> str:
        return data[place : data.index(b"\0", place)].decode()

    needed: list[int] = []
    strings: int | None = None
    interpreter: str | None = None
    for kind, place, _, length in headers:
        if kind == _PT_INTERP:
            interpreter = text_at(place)
        elif kind == _PT_DYNAMIC:
            section = data[place : place + length]
            if len(section) < length:
                raise ValueError("its dynamic section lies outside the file")
            for tag, value in _DYNAMIC_ENTRY.iter_unpack(section):
                if tag == _DT_NULL:
                    break
                if tag == _DT_NEEDED:
                    needed.append(value)
                elif tag == _DT_STRTAB:
                    strings = place_of(value)
    if needed and strings is None:
        raise ValueError("it needs libraries but has no string table")
    return ElfLinks(needed=tuple(text_at((strings or 0) + name) for name in needed), interpreter=interpreter)
