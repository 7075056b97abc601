"""Lists of numbers as people send them."""

from __future__ import annotations

import io
import time

import pytest

from tamas.autodialer.numbers import Tally, normalised, numbers_given, numbers_in, texts_of
from tamas.autodialer.refusals import DialerRefused


def read(content: bytes) -> tuple[list[str], int]:
    """Numbers of a file, and how many of its lines were rejected."""
    tally = Tally()
    return list(numbers_in(texts_of(io.BytesIO(content)), tally)), tally.rejected


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("09120000000", "09120000000"),
        (" 0912 000-00 00 ", "09120000000"),
        ("۰۹۱۲۰۰۰۰۰۰۰", "09120000000"),
        ("٠٩١٢٠٠٠٠٠٠٠", "09120000000"),
        ("\ufeff0912", "0912"),
        ("“0912”", "0912"),
        ("'0912", "0912"),
        ("+98 (21) 1234", "+98211234"),
        ("\u202a0912\u202c", "0912"),
        ("021\u20111234", "0211234"),
        ("1" * 31, "1" * 31),
    ],
)
def test_numbers_as_people_write_them(written: str, number: str) -> None:
    """Blanks, dashes, quotes, brackets and invisible marks go; digits of other scripts become ASCII."""
    assert normalised(written) == number


@pytest.mark.parametrize(
    "written",
    ["", "number", "9.12E+09", "9123456789.0", "0912/0913", "0912a", "1", "1" * 32, "+", "09+12", "०१"],
)
def test_what_is_no_number(written: str) -> None:
    """What would have to be guessed is none; above all what a spreadsheet made of a number."""
    assert normalised(written) is None


def test_a_table_of_one_column() -> None:
    """Header, mark, quotes, blank lines and every kind of line end; the header is not counted."""
    content = '\ufeffشماره\r\n"0912 1"\r\n\r\n۰۹۱۳\n0914\rnobody\n0912-1\n'.encode()
    assert read(content) == (["09121", "0913", "0914", "09121"], 1)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_first_column_counts(delimiter: str) -> None:
    """Further columns are not looked at, whatever parts them, and an open quote swallows nothing."""
    lines = [("number", "name"), ("0911", '"Ali'), ("0912", "Sara"), ("", "Reza")]
    content = "\n".join(delimiter.join(line) for line in lines).encode()
    assert read(content) == (["0911", "0912"], 0)


def test_unicode_text_of_a_spreadsheet() -> None:
    """UTF-16 with its mark, as spreadsheets save it."""
    assert read("0911\r\n۰۹۱۲\r\n".encode("utf-16"))[0] == ["0911", "0912"]


def test_letters_of_another_encoding_cost_only_their_line() -> None:
    """A line that is no UTF-8 is rejected, the others are read."""
    assert read(b"0911\n\xc7\xe1\xe3\n0912\n") == (["0911", "0912"], 1)


VCARDS = b"""BEGIN:VCARD\r
VERSION:3.0\r
FN:Ali\r
TEL;TYPE=CELL,VOICE:+98 912 000 00 01\r
item1.TEL;TYPE=work:0212\r
 345\r
TEL;TYPE="work,fax":0219999\r
NOTE:TEL is a word\r
END:VCARD\r
BEGIN:VCARD\r
VERSION:4.0\r
TEL;VALUE=uri;PREF=1:tel:+98-912-2;ext=5\r
TEL:unknown\r
END:VCARD\r
"""


def test_vcards() -> None:
    """Every telephone number of every card, of all versions, but no fax; folded lines are one."""
    found, rejected = read(VCARDS)
    assert found == ["+989120000001", "0212345", "+989122"]
    assert rejected == 1


@pytest.mark.parametrize("content", [b"\x7fELF\0\0", b"PK\x03\x04\0\0sheet", b"0912\0"])
def test_what_is_no_text(content: bytes) -> None:
    """A spreadsheet's own format, or a program, is refused as a whole."""
    with pytest.raises(DialerRefused, match="no text"):
        read(content)


def test_a_list_in_a_request() -> None:
    """Each once and in order, empty ones are none; a wrong one is named."""
    assert numbers_given(["0912 1", "", "۰۹۱۲۱", "0913"]) == ["09121", "0913"]
    with pytest.raises(DialerRefused, match="'x'") as refused:
        numbers_given(["0912", "x"])
    assert refused.value.field == "numbers"


def test_a_large_file_is_read_as_it_goes() -> None:
    """The first number of a million is there at once."""
    content = io.BytesIO(b"".join(b"09%09d\n" % n for n in range(1_000_000)))
    begun = time.monotonic()
    assert next(numbers_in(texts_of(content), Tally())) == "09000000000"
    assert time.monotonic() - begun < 0.1
