"""Write tables as bytes: CSV and JSON in pieces, XLSX as a whole into a file.

CSV    RFC 4180: CRLF, doubled quotes, a header. USD with all six decimals. Text that a spreadsheet would read as a formula gets an
       apostrophe in front, as OWASP advises, since names are entered by users.
JSON   {"export": {...}, "columns": [...], "rows": [{...}], "totals": {...}}: money as numbers in USD; an unknown value is null.
PDF    a list: each row with the names of its columns, nothing cut off. For reading and printing
proof  JSON whose lines are hashed (`shared.insight.audit.proof`): {"export":{...},"chain":[...]}
XLSX   the sheets `Summary` and `Data`. Numbers, dates and money are typed cells; text is always text, never a formula or a link.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO, Final, Self

from shared.channels.exports.tables import Column, Kind, Row
from shared.core import clock
from shared.core.money import MICROS, usd
from shared.core.texts import write_json

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full-width forms count too
_MAX_CELL: Final = 32_767  # characters: Excel's limit for a cell
_CREATED: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - Excel has no time zones; a fixed time, so that the same rows give the same file


@dataclass(frozen=True)
class CsvFormat:
    """The file is the output of `head` once, `rows` any number of times and `tail` once."""

    columns: Sequence[Column]
    about: Mapping[str, Any]

    def head(self) -> bytes:
        return _csv([[column.name for column in self.columns]])

    def rows(self, rows: Sequence[Row], *, first: bool) -> bytes:
        show = [_CSV[column.kind] for column in self.columns]
        return _csv([["" if value is None else to(value) for to, value in zip(show, row, strict=True)] for row in rows])

    def tail(self, count: int, sums: Mapping[str, int]) -> bytes:
        return b""


@dataclass(frozen=True)
class JsonFormat:
    """The same interface as `CsvFormat`."""

    columns: Sequence[Column]
    about: Mapping[str, Any]

    def head(self) -> bytes:
        named = [{"name": column.name, "kind": column.kind} for column in self.columns]
        return f'{{"export": {_json(dict(self.about))},\n"columns": {_json(named)},\n"rows": ['.encode()

    def rows(self, rows: Sequence[Row], *, first: bool) -> bytes:
        lines = [
            _json({column.name: _json_value(column.kind, value) for column, value in zip(self.columns, row, strict=True)})
            for row in rows
        ]
        return (("\n" if first else ",\n") + ",\n".join(lines)).encode() if lines else b""

    def tail(self, count: int, sums: Mapping[str, int]) -> bytes:
        totals = {"rows": count} | {
            column.name: _json_value(column.kind, sums.get(column.name, 0)) for column in self.columns if column.summed
        }
        return f'\n],\n"totals": {_json(totals)}}}\n'.encode()


@dataclass(frozen=True)
class ProofFormat:
    """The same interface as `CsvFormat`; a row has one value, its line as it is hashed."""

    columns: Sequence[Column]
    about: Mapping[str, Any]

    def head(self) -> bytes:
        return f'{{"export":{write_json(dict(self.about))},\n"chain":['.encode()

    def rows(self, rows: Sequence[Row], *, first: bool) -> bytes:
        return (("\n" if first else ",\n") + ",\n".join(row[0] for row in rows)).encode() if rows else b""

    def tail(self, count: int, sums: Mapping[str, int]) -> bytes:
        return f'\n],\n"totals":{write_json({"lines": count})}}}\n'.encode()


STREAMED: Final[Mapping[str, type[CsvFormat | JsonFormat | ProofFormat]]] = {
    "csv": CsvFormat,
    "json": JsonFormat,
    "proof.json": ProofFormat,
}


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def escape_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would read as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


_CSV: Final[Mapping[Kind, Any]] = {
    "text": escape_formula,
    "number": str,
    "money": lambda value: f"{Decimal(value) / MICROS:.6f}",
    "date": str,
    "moment": str,
    "flag": lambda value: "true" if value else "false",
    "json": _json,
}


def _json_value(kind: Kind, value: Any) -> Any:
    return usd(value) if kind == "money" and value is not None else value


class Workbook:
    """Writes an XLSX file row by row; leaving the `with` block completes the file and deletes its temporary files."""

    def __init__(self, target: BinaryIO, columns: Sequence[Column], about: Mapping[str, Any]) -> None:
        import xlsxwriter

        self._book = xlsxwriter.Workbook(
            target,
            {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
        )
        self._book.set_properties({"created": _CREATED})
        self._columns, self._about, self._next = columns, about, 1
        self._bold = self._book.add_format({"bold": True})
        self._styles = {
            kind: self._book.add_format({"num_format": pattern})
            for kind, pattern in (("money", "0.000000"), ("date", "yyyy-mm-dd"), ("moment", "yyyy-mm-dd hh:mm:ss.000"))
        }
        self._summary = self._book.add_worksheet("Summary")
        self._data = self._book.add_worksheet("Data")
        for position, column in enumerate(columns):
            self._data.write_string(0, position, column.name, self._bold)
            self._data.set_column(position, position, max(12, len(column.name) + 2))
        self._data.freeze_panes(1, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._book.close()

    def rows(self, rows: Sequence[Row]) -> None:
        for row in rows:
            for position, (column, value) in enumerate(zip(self._columns, row, strict=True)):
                self._cell(self._data, self._next, position, column.kind, value)
            self._next += 1

    def summary(self, sums: Mapping[str, int]) -> None:
        lines: list[tuple[str, Kind, Any]] = [
            (name, "number" if isinstance(value, int) else "text", value) for name, value in self._about.items()
        ]
        lines.append(("rows", "number", self._next - 1))
        lines += [(column.name, column.kind, sums.get(column.name, 0)) for column in self._columns if column.summed]
        self._summary.set_column(0, 1, 28)
        for position, (name, kind, value) in enumerate(lines):
            self._summary.write_string(position, 0, name, self._bold)
            self._cell(self._summary, position, 1, kind, value)

    def _cell(self, sheet: Any, row: int, position: int, kind: Kind, value: Any) -> None:
        style = self._styles.get(kind)
        if value is None:
            return
        if kind in ("text", "json"):
            text = _json(value) if kind == "json" else str(value)
            sheet.write_string(row, position, text[:_MAX_CELL])
        elif kind == "flag":
            sheet.write_boolean(row, position, value)
        elif kind == "number":
            sheet.write_number(row, position, value)
        elif kind == "money":
            sheet.write_number(row, position, usd(value), style)
        elif kind == "date":
            sheet.write_datetime(row, position, date.fromisoformat(value), style)
        else:
            sheet.write_datetime(row, position, clock.parse(value).replace(tzinfo=None), style)
