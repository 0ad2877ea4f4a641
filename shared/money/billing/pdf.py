"""An invoice or a credit note as PDF. The same row always gives the same bytes: they contain no time and no random name."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from shared.core.pdf_fonts import load_fonts
from shared.money.billing.amounts import format_amount
from shared.money.billing.rows import CreditNote, Invoice

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 539, 786, 70
"""Margins in points of an A4 page (595 x 842)."""
_COLUMNS: Final = (360, 440, _RIGHT)
"""Right edges of quantity, unit price and amount, in points."""
_WIDTH = 255
"""Width of a line's description, in points."""


@dataclass(frozen=True)
class _Content:
    """The texts of the page, for both kinds of document."""

    title: str
    number: str
    facts: list[tuple[str, str]]
    seller: dict[str, Any]
    customer: dict[str, Any]
    lines: list[dict[str, Any]]
    subtotal: int
    tax_note: str
    tax: int
    total: int
    small: str


def invoice_pdf(invoice: Invoice) -> bytes:
    facts = [
        ("Issued", invoice.issued_at[:10]),
        ("Due", invoice.due_date),
        ("Period", f"{invoice.start} to {invoice.end}"),
    ]
    small = f"Please pay by {invoice.due_date} and name {invoice.number}. Amounts in US dollars."
    return _draw(_build_content("Invoice", invoice.number, facts, invoice, invoice, small))


def credit_note_pdf(note: CreditNote, invoice: Invoice) -> bytes:
    facts = [("Issued", note.issued_at[:10]), ("For invoice", invoice.number), ("Of", invoice.issued_at[:10])]
    return _draw(_build_content("Credit note", note.number, facts, note, invoice, "Amounts in US dollars."))


def _build_content(
    title: str, number: str, facts: list[tuple[str, str]], sums: Invoice | CreditNote, invoice: Invoice, small: str
) -> _Content:
    return _Content(
        title,
        number,
        facts,
        invoice.seller,
        invoice.customer,
        sums.lines,
        int(sums.subtotal_micros),
        invoice.tax["note"],
        int(sums.tax_micros),
        int(sums.total_micros),
        small,
    )


def _draw(content: _Content) -> bytes:
    page = _Page(content)
    page.draw_header()
    page.draw_table()
    page.draw_totals()
    return page.finish()


class _Page:
    """A canvas with the position of the next line."""

    def __init__(self, content: _Content) -> None:
        from reportlab.pdfgen.canvas import Canvas

        self._fonts = load_fonts()
        self._content, self._out = content, BytesIO()
        self._canvas = Canvas(self._out, pagesize=(595, 842), invariant=1, pageCompression=1)
        self._canvas.setTitle(f"{content.title} {content.number}")
        self._canvas.setAuthor(content.seller["name"])
        self._y: float = _TOP
        self._page_number = 1

    def _draw_text(self, x: float, text: str, size: float = 9, *, bold: bool = False, right: bool = False) -> None:
        self._canvas.setFont(self._fonts.of(text, bold=bold), size)
        (self._canvas.drawRightString if right else self._canvas.drawString)(x, self._y, text)

    def _move_down(self, points: float) -> None:
        """Move the position down; start a new page if this one is full."""
        self._y -= points
        if self._y < _BOTTOM:
            self._draw_footer()
            self._canvas.showPage()
            self._page_number, self._y = self._page_number + 1, _TOP

    def _draw_footer(self) -> None:
        self._canvas.setFont("Vera", 7)
        self._canvas.drawString(_LEFT, 40, f"{self._content.title} {self._content.number}, page {self._page_number}")

    def _wrap(self, text: str, width: float, size: float = 9) -> list[str]:
        return self._fonts.wrap(text, width, size)

    def draw_header(self) -> None:
        content = self._content
        self._draw_text(_LEFT, content.title, 20, bold=True)
        self._move_down(18)
        self._draw_text(_LEFT, content.number, 11)
        self._move_down(28)
        for words in _party_lines(content.seller):
            for line in self._wrap(words, _RIGHT - _LEFT):
                self._draw_text(_LEFT, line)
                self._move_down(13)
        self._move_down(14)
        self._draw_text(_LEFT, "To", bold=True)
        self._move_down(13)
        for words in _party_lines(content.customer):
            for line in self._wrap(words, _RIGHT - _LEFT):
                self._draw_text(_LEFT, line)
                self._move_down(13)
        self._move_down(14)
        for name, value in content.facts:
            self._draw_text(_LEFT, name, bold=True)
            self._draw_text(_LEFT + 90, value)
            self._move_down(13)
        self._move_down(14)

    def draw_table(self) -> None:
        self._draw_row("Description", "Quantity", "Unit price", "Amount", bold=True)
        self._canvas.line(_LEFT, self._y + 9, _RIGHT, self._y + 9)
        for line in self._content.lines:
            first, *more = self._wrap(line["description"], _WIDTH) or [""]
            self._draw_row(first, str(line["quantity"]), format_amount(line["unit_micros"]), format_amount(line["amount_micros"]))
            for rest in more:
                self._draw_text(_LEFT, rest)
                self._move_down(13)

    def _draw_row(self, description: str, *cells: str, bold: bool = False) -> None:
        self._draw_text(_LEFT, description, bold=bold)
        for x, cell in zip(_COLUMNS, cells, strict=True):
            self._draw_text(x, cell, bold=bold, right=True)
        self._move_down(15)

    def draw_totals(self) -> None:
        content = self._content
        self._canvas.line(_LEFT, self._y + 9, _RIGHT, self._y + 9)
        for name, amount, bold in (
            ("Subtotal", content.subtotal, False),
            ("Tax", content.tax, False),
            ("Total", content.total, True),
        ):
            self._draw_text(_COLUMNS[1], name, bold=bold, right=True)
            self._draw_text(_RIGHT, f"USD {format_amount(amount)}", bold=bold, right=True)
            self._move_down(15)
        self._move_down(10)
        for words in (content.tax_note, content.small):
            for line in self._wrap(words, _RIGHT - _LEFT):
                self._draw_text(_LEFT, line)
                self._move_down(13)

    def finish(self) -> bytes:
        self._draw_footer()
        self._canvas.save()
        return self._out.getvalue()


def _party_lines(party: dict[str, Any]) -> list[str]:
    """Return name, address, e-mail and tax id of seller or customer as lines."""
    address = party.get("address") or ""
    if isinstance(address, dict):
        city = " ".join(filter(None, (address.get("postalCode"), address["city"], address.get("state"))))
        lines = [address["line1"], address.get("line2"), city, address["country"]]
    else:
        lines = [*str(address).splitlines(), party.get("country")]
    tax_id = party.get("tax_id")
    return [line for line in (party["name"], *lines, party.get("email"), f"Tax id {tax_id}" if tax_id else None) if line]
