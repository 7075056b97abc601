"""The pages of faxes: documents become what a fax machine sends, and what it received a PDF.

A fax page is 1728 dots wide at 204 dots per inch and has 196 lines per inch, black or white (ITU-T T.4, fine
resolution); its file is a TIFF with Group 4 compression (T.6), which Asterisk's ``SendFAX`` reads. Pages of a
TIFF that are so already keep their dots exactly.

These functions block; :mod:`tamas.media.apart` runs them elsewhere, with limits, which is right for
what strangers send.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import pypdfium2
from arabic_reshaper import ArabicReshaper
from bidi.algorithm import get_base_level, get_display
from PIL import Image, ImageDraw, ImageFont, ImageSequence, UnidentifiedImageError

from tamas.media.refusals import CutOff, LettersMissing, NotUnderstood, PageTooLarge, TooManyPages

WIDTH = 1728
"""Dots in a line."""
X_DPI = 204
Y_DPI = 196
HEIGHT = 2292
"""Lines of an A4 page (297 mm)."""
MAX_PAGES = 100
MAX_PIXELS = 40_000_000
"""Of one page of a TIFF: A3 at 600 dots per inch is 70 million, at 400 31 million."""
MAX_LINES = 20_000
"""Lines of a received page in all its length, and then some."""

_ONE_STRIP = WIDTH // 8 * MAX_LINES
"""Bytes of a page that are certainly kept together."""
_PDF = b"%PDF-"
_PDF_HEAD = 1024
"""A PDF may have so much before its mark (ISO 32000-1, annex H.3.4.1)."""
_PDF_END = b"%%EOF"
_PDF_TAIL = 2048
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_POINTS = 72
"""Per inch."""

_TEXT_DOTS = 34
"""Height of a letter's body: 12 points."""
_LINE_DOTS = 46
_MARGIN = 120
_LINES_ON_A_PAGE = (HEIGHT - 2 * _MARGIN) // _LINE_DOTS
_ARABIC = re.compile("[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff]")
_LETTERS_ON_A_LINE = 300
"""More never fit, be they ever so narrow."""
MAX_TEXT = 500_000
"""Letters of a text."""


def document_to_fax(source: Path, target: Path, *, max_pages: int = MAX_PAGES) -> int:
    """Write a document as a fax. Its content says whether it is PDF, TIFF or plain text (UTF-8).

    :returns: the number of pages.
    :raises MediaRefused: it is none of these, cut off, or too much; the target is then gone.
    :raises OSError: it cannot be read or written.
    """
    with source.open("rb") as file:
        head = file.read(_PDF_HEAD)
    if _PDF in head:
        return _write(_pdf_pages(source, max_pages), target)
    if head.startswith(_TIFF):
        return _write(_tiff_pages(source, max_pages), target)
    if not head:
        raise NotUnderstood("there is nothing in it")
    return text_to_fax(_plain_text(source), target, max_pages=max_pages)


def text_to_fax(text: str, target: Path, *, max_pages: int = MAX_PAGES) -> int:
    """Write a text as a fax, Latin and Arabic letters, each paragraph in its own direction.

    :returns: the number of pages.
    :raises LettersMissing: it has letters of another script.
    :raises TooManyPages: see there.
    :raises NotUnderstood: there is nothing to read in it.
    """
    if len(text) > MAX_TEXT:
        raise TooManyPages(f"{len(text)} letters do not fit on {max_pages} pages")
    if not text.strip():
        raise NotUnderstood("there is nothing to read in it")
    return _write(_text_pages(text, max_pages), target)


def fax_to_pdf(source: Path, target: Path) -> int:
    """Write a fax as a PDF of the same dots, at the size they have on paper.

    :returns: the number of pages.
    :raises NotUnderstood: the fax is no TIFF.
    """
    count = 0
    try:
        with Image.open(source, formats=["TIFF"]) as fax:
            resolution = _dots_per_inch(fax)
            pages = [page.copy() for page in _frames(fax, max_pages=10 * MAX_PAGES)]
            count = len(pages)
            pages[0].save(
                target, format="PDF", save_all=True, append_images=pages[1:], dpi=resolution or (X_DPI, Y_DPI)
            )
    except (UnidentifiedImageError, SyntaxError, ValueError) as error:
        target.unlink(missing_ok=True)
        raise NotUnderstood("it is no TIFF") from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return count


def _write(pages: Iterator[Image.Image], target: Path) -> int:
    """Write fax pages; gives their number."""
    count = 0

    def counted(pages: Iterable[Image.Image]) -> Iterator[Image.Image]:
        nonlocal count
        for page in pages:
            count += 1
            yield page

    try:
        first = next(pages)
        first.save(
            target,
            format="TIFF",
            save_all=True,
            append_images=counted(pages),
            compression="group4",
            dpi=(X_DPI, Y_DPI),
            strip_size=_ONE_STRIP,
        )
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return count + 1


# -- PDF ---------------------------------------------------------------------------------------------------


def _pdf_pages(source: Path, max_pages: int) -> Iterator[Image.Image]:
    with source.open("rb") as file:
        file.seek(max(0, source.stat().st_size - _PDF_TAIL))
        if _PDF_END not in file.read():
            raise CutOff("the PDF has no end")
    try:
        document = pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        raise NotUnderstood(f"pdfium says: {error}") from error
    try:
        count = len(document)
        _check_pages(count, max_pages)
        for number in range(count):
            yield _fit(_rendered(document, number))
    finally:
        document.close()


def _rendered(document: Any, number: int) -> Image.Image:
    """A page of a PDF, gray, no larger than a fax page, at X_DPI both ways."""
    page = document[number]
    try:
        width, height = page.get_size()
        if not (width > 0 and height > 0):
            raise NotUnderstood(f"page {number + 1} has no size")
        scale = min(X_DPI / _POINTS, _LONGEST / max(width, height))
        bitmap = page.render(scale=scale, grayscale=True, no_smoothtext=True)
        image: Image.Image = bitmap.to_pil().convert("L")
    except pypdfium2.PdfiumError as error:
        raise NotUnderstood(f"page {number + 1}: {error}") from error
    finally:
        page.close()
    return image


_LONGEST = HEIGHT * X_DPI // Y_DPI
"""Dots at X_DPI in the length of a fax page."""


# -- TIFF --------------------------------------------------------------------------------------------------


def _tiff_pages(source: Path, max_pages: int) -> Iterator[Image.Image]:
    try:
        with Image.open(source, formats=["TIFF"]) as image:
            for page in _frames(image, max_pages):
                yield page.copy() if _is_fax(page) else _fit(_at_one_resolution(page))
    except Image.DecompressionBombError as error:
        raise PageTooLarge(str(error)) from error
    except (UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise NotUnderstood(f"it is no TIFF that can be read: {error}") from error
    except OSError as error:
        if error.errno is not None:  # the disk's
            raise
        raise CutOff(f"it ends too early: {error}") from error


def _frames(image: Image.Image, max_pages: int) -> Iterator[Image.Image]:
    _check_pages(getattr(image, "n_frames", 1), max_pages)
    for frame in ImageSequence.Iterator(image):
        if frame.width * frame.height > MAX_PIXELS:
            raise PageTooLarge(f"a page of {frame.width} by {frame.height} dots")
        frame.load()
        yield frame


def _is_fax(page: Image.Image) -> bool:
    resolution = _dots_per_inch(page)
    as_fax = resolution is None or (
        abs(resolution[0] - X_DPI) <= 4 and abs(resolution[1] - Y_DPI) <= 8  # 200 by 200 is written as well
    )
    return page.mode == "1" and page.width == WIDTH and page.height <= MAX_LINES and as_fax


def _dots_per_inch(page: Image.Image) -> tuple[float, float] | None:
    found: Any = page.info.get("dpi")
    try:
        x, y = (float(value) for value in found)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if 10 <= x <= 5000 and 10 <= y <= 5000 else None


def _at_one_resolution(page: Image.Image) -> Image.Image:
    """A page of a TIFF, gray, at X_DPI both ways; without a resolution it counts as wide as a fax."""
    resolution = _dots_per_inch(page) or (page.width * X_DPI / WIDTH,) * 2
    size = _scaled(page.size, (X_DPI / resolution[0], X_DPI / resolution[1]), limit=2 * _LONGEST)
    background = Image.new("L", size, 255)
    gray = page.convert("RGBA") if page.mode in ("LA", "PA", "P", "RGBA") else page.convert("L")
    resized = gray.resize(size, Image.Resampling.LANCZOS)
    background.paste(
        resized.convert("L"), (0, 0), resized.getchannel("A") if resized.mode == "RGBA" else None
    )
    return background


def _scaled(size: tuple[int, int], scale: tuple[float, float], *, limit: int) -> tuple[int, int]:
    width, height = size[0] * scale[0], size[1] * scale[1]
    down = min(1.0, limit / max(width, height))
    return max(1, round(width * down)), max(1, round(height * down))


# -- text --------------------------------------------------------------------------------------------------


def _plain_text(source: Path) -> str:
    if source.stat().st_size > 4 * MAX_TEXT:
        raise TooManyPages("the text is too long")
    try:
        text = source.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotUnderstood("it is neither PDF nor TIFF nor text in UTF-8") from error
    if any(
        unicodedata.category(letter) in ("Cc", "Cs", "Co", "Cn") and letter not in "\t\r\n\f"
        for letter in text
    ):
        raise NotUnderstood("it is neither PDF nor TIFF nor plain text")
    return text


def _text_pages(text: str, max_pages: int) -> Iterator[Image.Image]:
    lines = list(islice(_lines(text), max_pages * _LINES_ON_A_PAGE + 1))
    if len(lines) > max_pages * _LINES_ON_A_PAGE:
        raise TooManyPages(f"the text needs more than {max_pages} pages")
    for start in range(0, len(lines), _LINES_ON_A_PAGE):
        page = Image.new("L", (WIDTH, _LONGEST), 255)
        draw = ImageDraw.Draw(page)
        for place, (line, to_the_left) in enumerate(lines[start : start + _LINES_ON_A_PAGE]):
            x = WIDTH - _MARGIN - _font().getlength(line) if to_the_left else _MARGIN
            draw.text((x, _MARGIN + place * _LINE_DOTS), line, fill=0, font=_font())
        yield _fit(page, dither=False)


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """The lines as they look from left to right, and whether each is read from right to left."""
    for paragraph in text.replace("\r\n", "\n").replace("\f", "\n").split("\n"):
        clean = unicodedata.normalize("NFC", paragraph.expandtabs(4)).rstrip()
        to_the_left = bool(clean) and get_base_level(clean) == 1
        for line in _wrapped(clean):
            shaped = _shaped(line)
            shown = get_display(shaped, base_dir="R" if to_the_left else "L")
            _check_letters(shown)
            yield "".join(letter for letter in shown if unicodedata.category(letter) != "Cf"), to_the_left


def _wrapped(paragraph: str) -> Iterator[str]:
    """Pieces of a paragraph that fit on a line, broken at blanks where there are any."""
    rest = paragraph
    while True:
        fitting = _fitting(rest)
        if fitting == len(rest):
            yield rest
            return
        blank = rest.rfind(" ", 1, fitting + 1)
        end = blank if blank > 0 else fitting
        yield rest[:end]
        rest = rest[end:].lstrip(" ")


def _fitting(text: str) -> int:
    """How many letters of a text fit on a line, at least one."""
    room = WIDTH - 2 * _MARGIN
    low, high = 0, min(len(text), _LETTERS_ON_A_LINE)
    if _font().getlength(_shaped(text[:high])) <= room:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if _font().getlength(_shaped(text[:middle])) <= room:
            low = middle
        else:
            high = middle
    return max(low, 1)


@cache
def _font() -> ImageFont.FreeTypeFont:
    """Noto Sans Arabic, which has Latin letters too."""
    (path,) = (files("fontpkg_noto_sans_arabic") / "files").iterdir()
    return ImageFont.truetype(BytesIO(path.read_bytes()), _TEXT_DOTS, layout_engine=ImageFont.Layout.BASIC)


def _shaped(text: str) -> str:
    """Arabic letters in the forms they have beside each other."""
    return _shaper().reshape(text) if _ARABIC.search(text) else text


@cache
def _shaper() -> ArabicReshaper:
    return ArabicReshaper({"delete_harakat": False, "support_zwj": True})


@cache
def _is_shown(letter: str) -> bool:
    return bytes(_font().getmask(letter)) != bytes(_font().getmask("\uffff"))


def _check_letters(text: str) -> None:
    for letter in set(text):
        if unicodedata.category(letter) != "Cf" and not _is_shown(letter):
            raise LettersMissing(f"{letter!r} (U+{ord(letter):04X}) cannot be shown")


# -- all ---------------------------------------------------------------------------------------------------


def _check_pages(count: int, max_pages: int) -> None:
    if not count:
        raise NotUnderstood("there is no page in it")
    if count > max_pages:
        raise TooManyPages(f"{count} pages, at most {max_pages} are taken")


def _fit(image: Image.Image, *, dither: bool = True) -> Image.Image:
    """A fax page with a gray image on it that has X_DPI both ways; what does not fit is turned or shrunk."""
    if image.width > WIDTH and image.width > image.height:
        image = image.rotate(90, expand=True)
    down = min(1.0, WIDTH / image.width, _LONGEST / image.height)
    size = max(1, round(image.width * down)), max(1, round(image.height * down * Y_DPI / X_DPI))
    page = Image.new("L", (WIDTH, HEIGHT), 255)
    page.paste(image.resize(size, Image.Resampling.LANCZOS), ((WIDTH - size[0]) // 2, 0))
    return page.convert("1", dither=Image.Dither.FLOYDSTEINBERG if dither else Image.Dither.NONE)
