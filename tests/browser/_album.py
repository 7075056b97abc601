"""Pictures of pages on one sheet: ``var/screenshots/index.html``, for eyes."""

from __future__ import annotations

import html
import shutil
from dataclasses import dataclass
from pathlib import Path

from browser._page import PICTURES

_STYLE = """
body { font: 14px system-ui, sans-serif; margin: 1.5rem; background: #808080; color: #fff }
section { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; margin-bottom: 3rem }
figure { margin: 0 } figcaption { padding: .25rem 0 } img { display: block }
li { color: #fff0b0 }
"""
_SHRUNK = 2
"""Pictures are shown at half their size; a click shows all of one."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture and what was noticed while it was taken."""

    page: str
    shape: str
    file: Path
    width: int
    remarks: tuple[str, ...]


class Album:
    """Collects pictures; :meth:`write` puts them on the sheet, page by page."""

    def __init__(self) -> None:
        shutil.rmtree(PICTURES, ignore_errors=True)
        PICTURES.mkdir(parents=True)
        self._pictures: list[Picture] = []

    def add(self, picture: Picture) -> None:
        """Put a picture at the end."""
        self._pictures.append(picture)

    def write(self) -> Path:
        """Write the sheet. :returns: its path."""
        pages = dict.fromkeys(picture.page for picture in self._pictures)
        sections = "\n".join(
            f"<h2>{html.escape(page)}</h2><section>"
            + "\n".join(_figure(picture) for picture in self._pictures if picture.page == page)
            + "</section>"
            for page in pages
        )
        path = PICTURES / "index.html"
        path.write_text(
            f"<!doctype html><html lang=en><meta charset=utf-8><title>Pages of the console</title>"
            f"<style>{_STYLE}</style><h1>Pages of the console</h1>{sections}</html>",
            "utf-8",
        )
        return path


def _figure(picture: Picture) -> str:
    name = html.escape(picture.file.name)
    remarks = "".join(f"<li>{html.escape(remark)}</li>" for remark in picture.remarks)
    return (
        f"<figure style='max-width: {picture.width // _SHRUNK}px'><figcaption>{html.escape(picture.shape)}"
        f"<ul>{remarks}</ul></figcaption>"
        f"<a href='{name}'><img src='{name}' width={picture.width // _SHRUNK} alt='{name}'></a></figure>"
    )
