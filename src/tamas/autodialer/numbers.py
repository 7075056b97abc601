"""Reading lists of numbers: CSV with one column, vCards, and lists in a request.

Source: autodialer specification, section 2 (import rules).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from persiantools.digits import ar_to_fa, fa_to_en

from tamas.autodialer.refusals import DialerRefused

NUMBER: Final = re.compile(r"\+?[0-9]{2,31}")
"""A number that campaigns can dial."""

_SEEN_FIRST: Final = 64 * 1024
"""Bytes by which the kind of a file is told."""
_VCARD: Final = re.compile(r"\s*BEGIN:VCARD\b", re.IGNORECASE)
_TELEPHONE: Final = re.compile(r"(?:[\w-]+\.)?TEL(?:;(?P<params>[^:]*))?:(?P<value>.*)", re.IGNORECASE)
_FAX: Final = re.compile(r"\bfax\b", re.IGNORECASE)
# What people and programs write into numbers: blanks, dashes, quotes, brackets, marks that do not show.
_DROPPED: Final = dict.fromkeys(
    [
        *map(ord, " \t\u00a0\u202f'\"`()«»-"),
        *range(0x2000, 0x2010),
        *range(0x2010, 0x2020),
        *range(0x202A, 0x202F),
        0x2212,
        *range(0x2066, 0x206A),
        0x2060,
        0xFEFF,
        0x061C,
    ]
)
_DELIMITERS: Final = ",;\t"


@dataclass(kw_only=True)
class Tally:
    """What became of the numbers that were given."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    """Lines that are no number; an empty one and a header do not count."""


def normalised(text: str) -> str | None:
    """A number as it is dialed: ASCII digits, perhaps after ``+``; ``None`` when the text is none."""
    if not text.isascii():
        text = fa_to_en(ar_to_fa(text))
    if NUMBER.fullmatch(text):
        return text
    text = text.translate(_DROPPED)
    return text if NUMBER.fullmatch(text) else None


def numbers_given(texts: Sequence[str]) -> list[str]:
    """The numbers of a list in a request, each once, in order; ``""`` is none.

    :raises DialerRefused: one is no number; ``numbers`` is the field.
    """
    found: dict[str, None] = {}
    for text in texts:
        if not text.strip():
            continue
        number = normalised(text)
        if number is None:
            raise DialerRefused("numbers", f"{text[:40]!r} is no number")
        found[number] = None
    return list(found)


def numbers_in(texts: Iterable[str], tally: Tally) -> Iterator[str]:
    """The numbers among the texts of a file, doubled ones and all; counts what is rejected.

    The first text is taken for a header when it is no number.
    """
    first = True
    for text in texts:
        if not text.strip():
            continue
        number = normalised(text)
        if number is not None:
            yield number
        elif not first:
            tally.rejected += 1
        first = False


def texts_of(file: BinaryIO) -> Iterator[str]:
    """What a CSV file has in its first column, or the telephone numbers of its vCards, read as one goes on.

    UTF-8, or UTF-16 with its mark; CSV with commas, semicolons or tabs. Fax numbers of vCards are left out.

    :param file: at its beginning; it must be able to go back there.
    :raises DialerRefused: it is not text; ``file`` is the field.
    """
    head = file.read(_SEEN_FIRST)
    file.seek(0)
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not utf16 and b"\0" in head:
        raise DialerRefused("file", "this is no text: a CSV file or vCards are needed")
    encoding = "utf-16" if utf16 else "utf-8-sig"
    # What is not of the encoding is no number, and no reason to refuse the others.
    seen = head.decode(encoding, errors="replace")
    lines = io.TextIOWrapper(file, encoding=encoding, errors="replace")
    try:
        if _VCARD.match(seen):
            yield from _telephones(lines)
        else:
            yield from _first_cells(lines, seen)
    finally:
        lines.detach()


def _first_cells(lines: Iterable[str], seen: str) -> Iterator[str]:
    delimiter = next((sign for sign in seen.lstrip().partition("\n")[0] if sign in _DELIMITERS), ",")
    # A quote that nobody closed must not swallow the numbers after it; no number has a delimiter inside.
    rows = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    try:
        for row in rows:
            if row:
                yield row[0]
    except csv.Error as error:
        raise DialerRefused("file", f"line {rows.line_num} cannot be read: {error}") from error


def _telephones(lines: Iterable[str]) -> Iterator[str]:
    """Values of TEL (RFC 6350, section 6.4.1; RFC 2426, section 3.3.1)."""
    for line in _unfolded(lines):
        found = _TELEPHONE.fullmatch(line)
        if found is None or _FAX.search(found["params"] or ""):
            continue
        value = found["value"].strip()
        if value[:4].lower() == "tel:":  # a URI (RFC 3966), perhaps with parameters
            value = value[4:].partition(";")[0]
        yield value


def _unfolded(lines: Iterable[str]) -> Iterator[str]:
    """Lines with those that continue them (RFC 6350, section 3.2)."""
    whole = ""
    for line in lines:
        bare = line.rstrip("\r\n")
        if bare[:1] in (" ", "\t"):
            if len(whole) < _SEEN_FIRST:  # pictures are long, and nobody dials them
                whole += bare[1:]
            continue
        if whole:
            yield whole
        whole = bare
    if whole:
        yield whole
