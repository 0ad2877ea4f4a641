"""A table as PDF: A4, each row as a heading and lines of `name: value`, so that nothing is cut off."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Final, Self

from shared.channels.exports.tables import Column, Row
from shared.core.money import usd
from shared.core.pdf_fonts import load_fonts

_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 555, 800, 50
"""Margins in points of an A4 page (595 x 842)."""
_SIZE, _LINE = 8, 11
_HEADING: Final = 2  # columns that make the heading of a row
_MAX_VALUE: Final = 5_000  # characters of a value: what is longer is in the other formats


class PdfList:
    """Writes a PDF row by row; leaving the `with` block completes the file."""

    def __init__(self, target: BinaryIO, columns: Sequence[Column], about: Mapping[str, Any]) -> None:
        from reportlab.pdfgen.canvas import Canvas

        self._fonts, self._columns, self._about = load_fonts(), columns, about
        self._canvas = Canvas(target, pagesize=(595, 842), invariant=1, pageCompression=1)
        self._canvas.setTitle(str(about.get("title", "Export")))
        self._y, self._page, self._rows = float(_TOP), 1, 0
        self._line(str(about.get("title", "Export")), bold=True, size=16)
        for name, value in about.items():
            if name != "title" and value is not None:
                self._lines(f"{name}: {value}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._footer()
        self._canvas.save()

    def rows(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._rows += 1
            shown = [(one.name, _text(one, value)) for one, value in zip(self._columns, row, strict=True) if value is not None]
            self._down(_LINE / 2)
            self._lines("   ".join(text for _, text in shown[:_HEADING]), bold=True)
            for name, text in shown[_HEADING:]:
                self._lines(f"{name}: {text}", indent=12)

    def summary(self, sums: Mapping[str, int]) -> None:
        self._down(_LINE)
        self._line(f"rows: {self._rows}", bold=True)
        for column in self._columns:
            if column.summed:
                self._line(f"{column.name}: {_text(column, sums.get(column.name, 0))}")

    def _lines(self, text: str, *, bold: bool = False, indent: float = 0) -> None:
        for line in self._fonts.wrap(text, _RIGHT - _LEFT - indent, _SIZE, bold=bold):
            self._line(line, bold=bold, indent=indent)

    def _line(self, text: str, *, bold: bool = False, size: float = _SIZE, indent: float = 0) -> None:
        self._down(size + _LINE - _SIZE)
        self._canvas.setFont(self._fonts.of(text, bold=bold), size)
        self._canvas.drawString(_LEFT + indent, self._y, text)

    def _down(self, points: float) -> None:
        """Move down; begin a new page if this one is full."""
        self._y -= points
        if self._y < _BOTTOM:
            self._footer()
            self._canvas.showPage()
            self._page, self._y = self._page + 1, _TOP - points

    def _footer(self) -> None:
        self._canvas.setFont("Vera", 7)
        self._canvas.drawString(_LEFT, 28, f"{self._about.get('title', 'Export')}, page {self._page}")


def _text(column: Column, value: Any) -> str:
    if column.kind == "money":
        return f"{usd(value):.6f}"
    text = json.dumps(value, ensure_ascii=False) if column.kind == "json" else str(value)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]} [...]"
