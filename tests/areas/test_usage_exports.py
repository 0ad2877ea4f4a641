"""Usage as files: they say what the ledger says, whatever happens to whoever makes them."""

import csv
import io
import json
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
import time_machine

from functions.export_worker.handler import handler
from shared.channels.exports import file_writer, jobs
from shared.channels.exports.rows import RETENTION, Export
from shared.core import clock
from shared.money.usage import exporting
from shared.store import fetch
from tests.areas.boards_world import World, create_world
from tests.areas.exporting import MAY, Call, ask, export_of, file_of, force_async_exports, rows_in, run_worker
from tests.areas.ledger import record_usage
from tests.trips import count_requests


@pytest.fixture
def world(aws) -> World:
    world = create_world()
    world.ada("auth", "GET", "/auth/me")  # the rate window has begun
    return world


# -- what is in them


def test_a_row_for_each_day_and_project(world):
    record_usage(world, "2026-05-02", 100_001)
    record_usage(world, "2026-05-02", 50_000, agent="qa")
    record_usage(world, "2026-05-31", 1, priced=False)
    record_usage(world, "2026-06-01", 7)
    with count_requests() as seen:
        answer = ask(world, f"format=csv&{MAY}")
    assert seen.names == ["GetItem", "PutItem", "Query", "UpdateItem"]  # access (beside it the total), row, rows, done
    assert seen.beside == ["Query"]
    assert (answer.status, answer.json["status"]) == (200, "completed")
    assert rows_in(file_of(answer)) == [
        {
            "date": "2026-05-02",
            "projectId": world.project.id,
            "project": "Engine",
            "calls": "2",
            "tokens": "360",
            "costUsd": "0.150001",
            "priceUsd": "0.750005",
            "unpricedCalls": "0",
        },
        {
            "date": "2026-05-31",
            "projectId": world.project.id,
            "project": "Engine",
            "calls": "1",
            "tokens": "180",
            "costUsd": "0.000000",
            "priceUsd": "0.000000",
            "unpricedCalls": "1",
        },
    ]


def test_the_address_is_signed_named_and_ends(world):
    answer = ask(world, f"format=csv&{MAY}").json
    url = urlsplit(answer["downloadUrl"])
    query = parse_qs(url.query)
    assert query["X-Amz-Expires"] == ["3600"]
    assert "usage-2026-05-01-2026-05-31.csv" in query["response-content-disposition"][0]
    left = (clock.parse(answer["expiresAt"]) - clock.now()).total_seconds()
    assert 3_500 < left <= 3_600


def test_a_row_for_each_line_of_the_ledger(world):
    lines = [record_usage(world, f"2026-05-{day:02}", day * 1_000_003) for day in range(1, 8)]
    lines.append(record_usage(world, "2026-05-31", 1, at="2026-05-31T23:59:59.999Z", priced=False, model="new"))
    record_usage(world, "2026-06-01", 7, at="2026-06-01T00:00:00.000Z")
    rows = rows_in(file_of(ask(world, f"format=csv&{MAY}&includeDetails=true")))
    assert [row["id"] for row in rows] == [line.id for line in lines]
    assert sum(Decimal(row["costUsd"] or 0) for row in rows) * 1_000_000 == sum(line.provider_cost_micros for line in lines)
    assert sum(Decimal(row["priceUsd"] or 0) for row in rows) * 1_000_000 == sum(line.customer_price_micros for line in lines)
    assert (rows[-1]["priced"], rows[-1]["costUsd"], rows[-1]["priceUsd"]) == ("false", "", "")  # unpriced is not nothing
    assert (rows[0]["timestamp"], rows[0]["project"], rows[0]["user"]) == (lines[0].at, "Engine", "Ada Lovelace")


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "＝1"])  # noqa: RUF001 - as spreadsheets take it
def test_a_name_is_no_formula(world, name):
    record_usage(world, "2026-05-02", 1, project=name, agent_name=name)
    details = rows_in(file_of(ask(world, f"format=csv&{MAY}&includeDetails=true")))
    assert (details[0]["agent"], details[0]["project"]) == (f"'{name}", f"'{name}")
    kind, value = sheet(file_of(ask(world, f"format=xlsx&{MAY}&includeDetails=true")), 2)[1][7]
    assert (kind, value.strip()) == ("inlineStr", name.strip())  # text, and neither formula nor link


def test_quotes_commas_and_breaks_stay_in_their_cell(world):
    name = 'A "quoted", broken\nname; Ünï'
    record_usage(world, "2026-05-02", 1, project=name)
    body = file_of(ask(world, f"format=csv&{MAY}"))
    assert b'"A ""quoted"", broken\nname; ' in body
    assert next(csv.DictReader(io.StringIO(body.decode(), newline="")))["project"] == name


def test_json_says_the_same(world):
    record_usage(world, "2026-05-02", 100_001)
    record_usage(world, "2026-05-03", 9, priced=False)
    found = json.loads(file_of(ask(world, f"format=json&{MAY}&includeDetails=true")))
    assert found["export"]["startDate"] == "2026-05-01"
    assert [(row["costUsd"], row["priced"]) for row in found["rows"]] == [(0.100001, True), (None, False)]
    assert found["totals"] == {
        "rows": 2, "inputTokens": 200, "cacheReadTokens": 40, "cacheWriteTokens": 20, "outputTokens": 100,
        "costUsd": 0.100001, "priceUsd": 0.500005,
    }  # fmt: skip
    assert json.loads(file_of(ask(world, "format=json&startDate=2026-01-01&endDate=2026-01-02")))["rows"] == []


SPACE = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def sheet(body: bytes, number: int) -> list[list[tuple[str, str]]]:
    """The cells of a sheet: (type, value); an empty type is a number."""
    with zipfile.ZipFile(io.BytesIO(body)) as book_file:
        tree = ElementTree.fromstring(book_file.read(f"xl/worksheets/sheet{number}.xml"))  # noqa: S314 - our own
    found = []
    for row in tree.iterfind(".//x:row", SPACE):
        cells: dict[int, tuple[str, str]] = {}
        for cell in row.iterfind("x:c", SPACE):
            assert cell.find("x:f", SPACE) is None
            letters = re.match("[A-Z]+", cell.attrib["r"])[0]
            column = sum((ord(letter) - 64) * 26**power for power, letter in enumerate(reversed(letters)))
            cells[column - 1] = (cell.attrib.get("t", ""), "".join(cell.itertext()))
        found.append([cells.get(position, ("", "")) for position in range(max(cells) + 1)])
    return found


def test_a_workbook_has_cells_of_their_kind(world):
    record_usage(world, "2026-05-02", 100_001)
    record_usage(world, "2026-05-03", 9, priced=False)
    body = file_of(ask(world, f"format=xlsx&{MAY}&includeDetails=true"))
    header, priced, unpriced = sheet(body, 2)
    names = [value for _, value in header]
    cell = dict(zip(names, priced, strict=True))
    assert cell["timestamp"] == ("", str(46144 + 10 / 24)[: len(cell["timestamp"][1])])  # 2 May 2026, 10:00, as Excel counts days
    assert (cell["costUsd"], cell["inputTokens"], cell["priced"]) == (("", "0.100001"), ("", "100"), ("b", "1"))
    empty = dict(zip(names, unpriced, strict=True))
    assert (empty["costUsd"], empty["priceUsd"], empty["priced"]) == (("", ""), ("", ""), ("b", "0"))
    summary = {name[1]: value for name, value in sheet(body, 1)}
    assert (summary["rows"], summary["costUsd"], summary["startDate"]) == (
        ("", "2"),
        ("", "0.100001"),
        ("inlineStr", "2026-05-01"),
    )


# -- the same question


def test_what_has_not_changed_is_there_already(world):
    record_usage(world, "2026-05-02", 1)
    first = ask(world, f"format=csv&{MAY}").json
    with count_requests() as seen:
        again = ask(world, f"format=csv&{MAY}").json
    assert seen.names == ["GetItem", "PutItem", "GetItem"]  # access (beside it the total), the row that is there
    assert again["exportId"] == first["exportId"]
    others = {ask(world, query).json["exportId"] for query in (f"format=json&{MAY}", f"format=csv&{MAY}&includeDetails=true")}
    record_usage(world, "2026-05-02", 1)
    changed = ask(world, f"format=csv&{MAY}")
    assert len({first["exportId"], changed.json["exportId"], *others}) == 4
    assert rows_in(file_of(changed))[0]["calls"] == "2"


def test_what_was_forgotten_is_made_again(world):
    first = ask(world, f"format=csv&{MAY}").json["exportId"]
    with time_machine.travel(clock.epoch() + RETENTION + 1, tick=True):
        fresh = create_world("bob@example.com", "Bob")  # Ada's session is over by then
        export = fetch(Export, first)
        assert export.is_expired
        assert jobs._acquire_lease(first, 10) is None  # nobody works on it any more
        made = exporting.export_usage(fresh.actor, fresh.ws_id, "csv", "2026-05-01", "2026-05-31", False)
        assert made.status == "completed"
        made = exporting.export_usage(world.actor, world.ws_id, "csv", "2026-05-01", "2026-05-31", False)
        assert (made.id, made.is_expired) == (first, False)


def test_a_day_that_goes_on_may_have_more_by_then(world, monkeypatch):
    """Asked for before midnight, made after it."""
    force_async_exports(monkeypatch)
    with time_machine.travel("2026-11-30T23:59:00Z", tick=True):
        bob = create_world("bob@example.com", "Bob")
        record_usage(bob, "2026-11-30", 1)
        record_usage(bob, "2026-11-30", 1)
        answer = ask(bob, "format=csv&startDate=2026-11-30&endDate=2026-11-30&includeDetails=true")
        record_usage(bob, "2026-11-30", 1)
    with time_machine.travel("2026-12-01T00:01:00Z", tick=True):
        assert run_worker(answer.json["exportId"])
        assert len(rows_in(file_of(answer))) == 3


def test_the_sample_event_is_nobodys(aws):
    sample = json.loads((Path(__file__).parents[2] / "events" / "sqs-exports.json").read_text())
    assert handler(sample, Call()) == {"batchItemFailures": []}


# -- what is refused


def test_more_than_a_format_takes_is_refused_before_it_begins(world, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_ROWS", {"csv": 3, "json": 3, "xlsx": 1})
    monkeypatch.setattr(file_writer, "MAX_ROWS", {"csv": 3, "json": 3, "xlsx": 1})
    record_usage(world, "2026-05-02", 1)
    record_usage(world, "2026-05-03", 1)
    refused = ask(world, f"format=xlsx&{MAY}&includeDetails=true")
    assert (refused.status, refused.json["validationErrors"][0]["field"]) == (422, "includeDetails")
    assert ask(world, f"format=csv&{MAY}&includeDetails=true").status == 200
    force_async_exports(monkeypatch, 0)
    days = ask(world, f"format=xlsx&{MAY}")  # how many rows these are shows on the way
    assert run_worker(days.json["exportId"])
    assert export_of(days).status == "failed"
    assert "ask for fewer days" in export_of(days).error


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (f"format=pdf&{MAY}", "format"),
        (MAY, "format"),
        ("format=csv&startDate=2026-05-01", "endDate"),
        ("format=csv&endDate=2026-05-01", "startDate"),
        ("format=csv&startDate=2026-05-02&endDate=2026-05-01", "startDate"),
        ("format=csv&startDate=2020-01-01&endDate=2026-05-01", "startDate"),
        (f"format=csv&{MAY}&includeDetails=perhaps", "includeDetails"),
    ],
)
def test_what_makes_no_sense(world, query, field):
    answer = ask(world, query)
    assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, field)


def test_a_stranger_has_no_exports(world):
    eve = create_world("eve@example.com", "Eve").ada
    mine = ask(world, f"format=csv&{MAY}").json["exportId"]
    assert ask(world, f"format=csv&{MAY}", eve).status == 404
    assert eve("usage", "GET", f"/exports/{mine}").status == 404
    assert world.ada("usage", "GET", "/exports/nothing").status == 404
