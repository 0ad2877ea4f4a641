"""The page of measurements is put together from what each part wrote last."""

import dataclasses
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as bench
from bench import callgrind

FOLDER = Path(callgrind.__file__).parent
CHILDREN = {"__main__", "guardian_heldout", "guardian_traces", "warm_blocks"}  # run parts, are run by one, or make what one reads


def test_the_page_is_what_its_parts_wrote():
    """Change `bench/texts` and run a part, or write `page()`; nothing is written into the page by hand."""
    assert bench.PAGE.read_text() == bench.page()


def test_a_part_that_runs_alone_renews_its_own_table(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "RESULTS", tmp_path)
    monkeypatch.setattr(bench, "TEXTS", tmp_path / "texts")
    monkeypatch.setattr(bench, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr("compileall.compile_dir", lambda *_, **__: True)
    (tmp_path / "texts").mkdir()
    for name in (*bench.PARTS, "method"):
        (tmp_path / "texts" / f"{name}.md").write_text(f"About {name}.\n")
        (tmp_path / f"{name}.md").write_text(f"Table of {name}.\n")
    rows: list[dict[str, Any]] = [{"operation": "cards.get", "per_second": 7, "p50_ms": 1, "p95_ms": 2, "answers": {200: 3}}]
    script = tmp_path / "measured.py"
    script.write_text(f"import json\nprint()\nprint(json.dumps({{'requests': {rows!r}}}, indent=1))\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name, module in (("requests", "measured"), ("trips", "missing_module")):
        monkeypatch.setitem(bench.PARTS, name, dataclasses.replace(bench.PARTS[name], module=module, arguments=()))
    assert bench.main(["requests"]) == 0
    page = (tmp_path / "page.md").read_text()
    assert "| cards.get | 7 " in page
    assert "Table of requests." not in page
    assert all(f"Table of {name}.\n\nAbout {name}." in page for name in bench.PARTS if name != "requests")
    assert bench.main(["trips"]) == 1  # and keeps what it had
    assert "Table of trips." in (tmp_path / "page.md").read_text()


def test_every_measurement_is_a_part():
    run = {path.stem for path in FOLDER.glob("*.py") if '__name__ == "__main__"' in path.read_text()}
    assert {f"bench.{name}" for name in run - CHILDREN} == {part.module for part in bench.PARTS.values()}


def test_one_module_runs_callgrind():
    assert [path.stem for path in FOLDER.glob("*.py") if "--tool=callgrind" in path.read_text()] == ["callgrind"]


def test_lists_are_shown_by_their_sizes():
    rows = [{"list": "all", "entries": size, "trips": 2, "beside": 1, "rcu": size / 2} for size in (10, 1000)]
    table = bench.PARTS["boards"].table(rows)
    assert table == [["list", "trips, 10", "trips, 1,000", "units, 10", "units, 1,000"], ["all", "2 + 1", "2 + 1", "5", "500"]]
    counted = [row | {"instructions": row["entries"] * 1_500_000} for row in rows]
    heads, shown = bench.PARTS["growth"].table(counted)
    assert (heads[-2:], shown[-2:]) == (["M instructions, 10", "M instructions, 1,000"], ["15.0", "1500.0"])


def test_the_instructions_of_a_process_are_read_from_what_callgrind_says():
    asked: list[tuple[str, ...]] = []

    def run(under: tuple[str, ...]) -> callgrind.Done:
        asked.append(under)
        return subprocess.CompletedProcess([], 0, "", said)

    said = "==1== Collected : 1234\n"
    assert callgrind.whole(run) == 1234
    assert asked == [("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")]
    said = "no such program"
    with pytest.raises(RuntimeError, match="no such program"):
        callgrind.whole(run)
