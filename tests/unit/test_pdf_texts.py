"""Texts in PDF files: every line fits between the margins, nothing is lost, and no text takes long."""

import io

import pytest
from reportlab.pdfgen.canvas import Canvas

from shared.channels.exports.pdf import PdfList
from shared.channels.exports.tables import Column
from shared.core.pdf_fonts import Fonts, load_fonts


@pytest.mark.parametrize("text", ["x" * 5_000, "words " * 800, "日" * 3_000, "a", "", "W" * 101 + " " + "i" * 900])
@pytest.mark.parametrize("bold", [False, True])
def test_lines_fit_and_have_the_whole_text(text: str, bold: bool):
    fonts = load_fonts()
    measured: list[int] = []

    def measure(part: str, font: str, size: float) -> float:
        measured.append(len(part))
        return fonts.measure(part, font, size)

    lines = Fonts(fonts.glyphs, measure).wrap(text, 500, 8, bold=bold)
    assert all(fonts.measure(line, fonts.of(text, bold=bold), 8) <= 500 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert sum(measured) <= 200 * (len(text) + 10)  # not the square of its length


def test_a_long_title_is_written_to_its_end(monkeypatch: pytest.MonkeyPatch):
    drawn: list[tuple[float, str]] = []
    real = Canvas.drawString

    def draw(canvas: Canvas, x: float, y: float, text: str) -> None:
        drawn.append((x + canvas.stringWidth(text), text))
        real(canvas, x, y, text)

    monkeypatch.setattr(Canvas, "drawString", draw)
    with PdfList(io.BytesIO(), (Column("id"), Column("title")), {"title": "Tickets", "filter": "f" * 400}) as made:
        made.rows([("1", "t" * 500)])
    words = "".join(text for _, text in drawn)
    assert ("f" * 400 in words, "t" * 500 in words) == (True, True)
    assert max(end for end, _ in drawn) <= 555
