"""Whatever is in a table comes out of its file again: CSV, JSON and XLSX read by somebody else's parser."""

import csv
import io
import json
import re
import zipfile
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.channels.exports.formats import CsvFormat, JsonFormat, Workbook, escape_formula
from shared.channels.exports.tables import Column, add_to_totals
from tests.examples import examples

COLUMNS = (
    Column("name"),
    Column("calls", "number", summed=True),
    Column("cost", "money", summed=True),
    Column("day", "date"),
    Column("at", "moment"),
    Column("priced", "flag"),
)
ABOUT = {"title": "Test", "lines": 3}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
MONEY = st.none() | st.integers(-(10**12), 10**12)
EPOCH = datetime.fromisoformat("1899-12-30")  # as Excel counts days: no zones
MOMENTS = st.integers(37_000 * 86_400_000, 73_000 * 86_400_000).map(
    lambda ms: (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds") + "Z"
)
ROW = st.tuples(TEXT, st.integers(0, 10**12), MONEY, st.dates().map(str), MOMENTS, st.booleans())
PAGES = st.lists(st.lists(ROW, max_size=4), max_size=4)


def sums_of(pages: list[list[Any]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for page in pages:
        add_to_totals(COLUMNS, page, sums)
    return sums


def written(form: Any, pages: list[list[Any]]) -> str:
    count, pieces = 0, [form.head()]
    for page in pages:
        pieces.append(form.rows(page, first=count == 0))
        count += len(page)
    return b"".join([*pieces, form.tail(count, sums_of(pages))]).decode()


@given(PAGES)
def test_csv(pages):
    text = written(CsvFormat(COLUMNS, ABOUT), pages)
    found = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    rows = [row for page in pages for row in page]
    assert found[0] == [column.name for column in COLUMNS]
    assert [line[0] for line in found[1:]] == [escape_formula(row[0]) for row in rows]
    assert not any(line[0][:1] in {*"=+-@\t\r\n＝＋－＠"} - {""} for line in found[1:])  # noqa: RUF001 - no formula
    assert sum(Decimal(line[2] or 0) for line in found[1:]) * 1_000_000 == sums_of(pages).get("cost", 0)
    assert [line[2] == "" for line in found[1:]] == [row[2] is None for row in rows]
    assert [line[3:] for line in found[1:]] == [[row[3], row[4], "true" if row[5] else "false"] for row in rows]


@given(PAGES)
def test_json(pages):
    found = json.loads(written(JsonFormat(COLUMNS, ABOUT), pages), parse_float=Decimal)
    rows = [row for page in pages for row in page]
    assert [tuple(row.values()) for row in found["rows"]] == [
        (row[0], row[1], None if row[2] is None else Decimal(row[2]) / 1_000_000, *row[3:]) for row in rows
    ]
    assert found["totals"]["rows"] == len(rows)
    assert found["totals"]["cost"] * 1_000_000 == sums_of(pages).get("cost", 0)
    assert found["export"] == ABOUT


SPACE = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def cells(body: bytes, number: int) -> list[dict[str, tuple[str, str]]]:
    """The cells of a sheet by column: (type, value); an empty type is a number."""
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))  # noqa: S314 - our own
    found = []
    for row in tree.iterfind(".//x:row", SPACE):
        assert not list(row.iterfind(".//x:f", SPACE))
        found.append({one.attrib["r"].rstrip("0123456789"): (one.attrib.get("t", ""), "".join(one.itertext())) for one in row})
    return found


def readable(text: str) -> str:
    """As a spreadsheet shows it: `_x0007_` is a character."""
    return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)


WORDS = st.text("ab=+@-'\"<>& üß", max_size=9)
DATES = st.dates(date(1950, 1, 1)).map(str)
SIMPLE = st.lists(st.lists(st.tuples(WORDS, st.integers(0, 10**9), MONEY, DATES, MOMENTS, st.booleans()), max_size=3), max_size=3)


@settings(max_examples=examples(25), deadline=None)
@given(SIMPLE)
def test_xlsx(pages):
    target = io.BytesIO()
    with Workbook(target, COLUMNS, ABOUT) as book:
        for page in pages:
            book.rows(page)
        book.summary(sums_of(pages))
    rows = [row for page in pages for row in page]
    found = cells(target.getvalue(), 2)[1:]
    assert len(found) == len(rows)
    for line, row in zip(found, rows, strict=True):
        assert readable(line["A"][1]) == row[0] if row[0] else "A" not in line or line["A"][1] == ""
        assert line["B"] == ("", str(row[1]))
        if row[2] is None:
            assert "C" not in line
        else:
            assert line["C"][0] == ""
            assert round(Decimal(line["C"][1]) * 1_000_000) == row[2]
        assert EPOCH + timedelta(days=float(line["D"][1])) == datetime.fromisoformat(row[3])
        moment = EPOCH + timedelta(days=float(line["E"][1]))
        assert abs(moment - datetime.fromisoformat(row[4]).replace(tzinfo=None)) < timedelta(milliseconds=2)
        assert line["F"] == ("b", str(int(row[5])))
    summary = {line["A"][1]: line["B"][1] for line in cells(target.getvalue(), 1)}
    assert (summary["title"], summary["lines"], summary["rows"]) == ("Test", "3", str(len(rows)))
    assert round(Decimal(summary["cost"]) * 1_000_000) == sums_of(pages).get("cost", 0)
