"""Documents become the pages of a fax, and faxes become PDFs."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from support.documents import noise, pdf, tiff
from tamas.media.fax import HEIGHT, WIDTH, document_to_fax, fax_to_pdf, text_to_fax
from tamas.media.refusals import (
    CutOff,
    LettersMissing,
    MediaRefused,
    NotUnderstood,
    PageTooLarge,
    TooManyPages,
)

PERSIAN = "سلام دنیا! پیام شمارهٔ ۱۲۳ (Tamas)"
FAX = (WIDTH, HEIGHT)


def written(folder: Path, content: bytes, name: str = "document.bin") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def pages_of(path: Path) -> list[Image.Image]:
    """The pages of a fax, which must be in the form that is sent."""
    pages = []
    with Image.open(path) as fax:
        for number in range(getattr(fax, "n_frames", 1)):
            fax.seek(number)
            tags = fax.tag_v2  # type: ignore[attr-defined]
            assert (fax.mode, fax.width, fax.info["dpi"], tags[259]) == ("1", WIDTH, (204.0, 196.0), 4)
            assert tags[278] >= fax.height, "more than one strip"
            pages.append(fax.copy())
    return pages


def ink(page: Image.Image, box: tuple[int, int, int, int]) -> float:
    """The share of black dots in a part of a page."""
    part = page.crop(box)
    return part.histogram()[0] / (part.width * part.height)


def test_a_pdf_becomes_pages(tmp_path: Path) -> None:
    """Each page on one of its own, at its size on paper; gray is dots."""
    target = tmp_path / "fax.tif"
    assert document_to_fax(written(tmp_path, pdf(pages=3), "x.docx"), target) == 3
    pages = pages_of(target)
    assert [page.size for page in pages] == [FAX] * 3
    for page in pages:
        left = (WIDTH - 1687) // 2  # 8.27 inches of paper in the middle of the line
        assert ink(page, (left + 220, 210, left + 600, 570)) > 0.99  # the square: inch 1 to 3
        assert 0.3 < ink(page, (left + 950, 900, left + 1100, 1050)) < 0.7  # the disc
        assert ink(page, (0, 1400, WIDTH, HEIGHT)) == 0


def test_a_wide_page_is_turned(tmp_path: Path) -> None:
    """Landscape fits on paper that comes upright."""
    target = tmp_path / "fax.tif"
    document_to_fax(written(tmp_path, pdf(size=(1169, 827))), target)
    (page,) = pages_of(target)
    assert page.size == FAX
    assert ink(page, (100, 1600, 800, 2200)) > 0.3


@pytest.mark.slow
def test_a_huge_page_is_made_smaller(tmp_path: Path) -> None:
    """A poster of five metres is one page."""
    target = tmp_path / "fax.tif"
    assert document_to_fax(written(tmp_path, pdf(size=(8270, 20000))), target) == 1
    assert pages_of(target)[0].size == FAX


@pytest.mark.slow
def test_a_fax_stays_as_it_is_dot_by_dot(tmp_path: Path) -> None:
    """A TIFF that is a fax already is not touched, however long its pages."""
    pages = [noise(size=FAX), noise(size=(WIDTH, 1000), seed=1), noise(size=(WIDTH, 4000), seed=2)]
    target = tmp_path / "fax.tif"
    assert document_to_fax(written(tmp_path, tiff(*pages)), target) == 3
    assert [page.tobytes() for page in pages_of(target)] == [page.tobytes() for page in pages]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "CMYK", "I;16", "1"])
def test_other_tiffs_become_faxes(tmp_path: Path, mode: str) -> None:
    """In any colours and size, with or without a resolution."""
    for dpi in ((300, 300), None):
        content = tiff(Image.new(mode, (800, 600)), dpi=dpi, compression="raw")
        target = tmp_path / "fax.tif"
        assert document_to_fax(written(tmp_path, content), target) == 1
        assert pages_of(target)[0].size == FAX


def test_too_many_pages_are_refused(tmp_path: Path) -> None:
    """200 pages of PDF or TIFF, and a text that needs as many, are refused before they cost anything."""
    small = Image.new("1", (80, 80), 1)
    for content in (pdf(pages=200, size=(100, 100)), tiff(*[small] * 101), b"line\n" * 12_000):
        target = tmp_path / "fax.tif"
        with pytest.raises(TooManyPages):
            document_to_fax(written(tmp_path, content), target)
        assert not target.exists()


@pytest.mark.slow
def test_a_page_of_a_billion_dots_is_refused(tmp_path: Path) -> None:
    """Few bytes that would be gigabytes of page."""
    content = tiff(Image.new("1", (32_000, 32_000)))
    assert len(content) < 100_000
    target = tmp_path / "fax.tif"
    with pytest.raises(PageTooLarge):
        document_to_fax(written(tmp_path, content), target)
    assert not target.exists()


@pytest.mark.filterwarnings("ignore:Truncated File Read", "ignore:Corrupt EXIF data")
def test_what_was_cut_off_is_refused(tmp_path: Path) -> None:
    """Half a PDF or half a TIFF, and nothing of it is left."""
    for content in (pdf(), tiff(noise(size=FAX)), tiff(noise(size=FAX), compression="raw")):
        target = tmp_path / "fax.tif"
        with pytest.raises((CutOff, NotUnderstood)):
            document_to_fax(written(tmp_path, content[: len(content) // 2]), target)
        assert not target.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n \t\r\n",
        b"%PDF-1.4\nno objects at all\n%%EOF",
        b"II*\x00" + bytes(100),
        b"text with \x00 inside",
        b"\x1b[31mred",
        b"\xff\xfe\x00",
        bytes(range(256)),
        "\ue000 private".encode(),
    ],
    ids=["empty", "blank", "pdf", "tiff", "nul", "escape", "no-utf8", "bytes", "private"],
)
def test_what_is_no_document_is_refused(tmp_path: Path, content: bytes) -> None:
    """A name like document.pdf does not make it one."""
    target = tmp_path / "fax.tif"
    with pytest.raises(MediaRefused):
        document_to_fax(written(tmp_path, content, "document.pdf"), target)
    assert not target.exists()


def test_text_becomes_pages(tmp_path: Path) -> None:
    """Latin begins at the left, Persian at the right; long lines go on below, long texts on more pages."""
    target = tmp_path / "fax.tif"
    assert document_to_fax(written(tmp_path, b"\xef\xbb\xbfHello, world\r\n"), target) == 1
    (latin,) = pages_of(target)
    assert ink(latin, (100, 100, 500, 170)) > 0.01
    assert ink(latin, (900, 0, WIDTH, HEIGHT)) == 0
    assert text_to_fax(PERSIAN, target) == 1
    (persian,) = pages_of(target)
    assert ink(persian, (1300, 100, 1620, 170)) > 0.01
    assert ink(persian, (0, 0, 800, HEIGHT)) == 0
    assert text_to_fax("word " * 300, target) == 1
    (wrapped,) = pages_of(target)
    assert ink(wrapped, (100, 300, 1620, 500)) > 0.01
    assert ink(wrapped, (WIDTH - 100, 0, WIDTH, HEIGHT)) == 0
    assert text_to_fax("x\n" * 100, target) == 3


def test_letters_are_joined_and_run_from_right_to_left(tmp_path: Path) -> None:
    """A Persian word looks as it is written: other than its letters one by one, and not mirrored."""

    def looks(text: str) -> bytes:
        target = tmp_path / "fax.tif"
        text_to_fax(text, target)
        return pages_of(target)[0].tobytes()

    assert looks("سلام") != looks("س ل ا م")
    # The same glyphs, named one by one in the order in which they stand from left to right.
    assert looks("سلام") == looks("\u202d\ufee1\ufefc\ufeb3\u202c\u200f")
    assert looks("(سلام)") != looks(")سلام(")


def test_letters_that_cannot_be_shown_are_named(tmp_path: Path) -> None:
    """A fax full of empty boxes is worse than none."""
    target = tmp_path / "fax.tif"
    for text in ("漢字", "smile 🙂", "שלום"):
        with pytest.raises(LettersMissing, match=r"U\+"):
            text_to_fax(text, target)
        assert not target.exists()


def test_a_fax_becomes_a_pdf_of_the_same_dots(tmp_path: Path) -> None:
    """The size on paper is that of the resolution, and each page is the fax's."""
    pages = [noise(size=FAX), noise(size=FAX, seed=1)]
    target = tmp_path / "fax.pdf"
    assert fax_to_pdf(written(tmp_path, tiff(*pages)), target) == 2
    document = pypdfium2.PdfDocument(target)
    try:
        assert len(document) == 2
        assert document[0].get_size() == pytest.approx((WIDTH * 72 / 204, HEIGHT * 72 / 196), abs=1)
        for number, page in enumerate(pages):
            (image,) = document[number].get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])
            shown = image.get_bitmap().to_pil().convert("1")
            assert shown.size == FAX
            assert shown.tobytes() == page.tobytes()
    finally:
        document.close()
    with pytest.raises(NotUnderstood):
        fax_to_pdf(written(tmp_path, pdf()), target)
    assert not target.exists()
