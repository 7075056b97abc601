"""Documents to fax, made here."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

A4_AT_100 = (827, 1169)


def pdf(*, pages: int = 1, size: tuple[int, int] = A4_AT_100) -> bytes:
    """A PDF with a black square and a gray disc on each page, 100 dots per inch."""
    made = [Image.new("L", size, 255) for _ in range(pages)]
    for page in made:
        draw = ImageDraw.Draw(page)
        draw.rectangle((100, 100, 300, 300), fill=0)
        draw.ellipse((400, 400, 600, 600), fill=128)
    content = io.BytesIO()
    made[0].save(content, format="PDF", save_all=True, append_images=made[1:], resolution=100)
    return content.getvalue()


def noise(*, size: tuple[int, int], seed: int = 0) -> Image.Image:
    """A black and white page without any pattern, the same for the same seed."""
    width, height = size
    state = seed * 2 + 1
    row = bytearray()
    for _ in range(width // 8 * height):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        row.append(state >> 16 & 0xFF)
    return Image.frombytes("1", (width // 8 * 8, height), bytes(row))


def tiff(*pages: Image.Image, dpi: tuple[int, int] | None = (204, 196), compression: str = "group4") -> bytes:
    """A TIFF of pages."""
    content = io.BytesIO()
    resolution = {} if dpi is None else {"dpi": dpi}
    pages[0].save(
        content,
        format="TIFF",
        save_all=True,
        append_images=list(pages[1:]),
        compression=compression,
        **resolution,
    )
    return content.getvalue()
