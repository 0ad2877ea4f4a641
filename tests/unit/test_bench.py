"""The page of measurements is put together from what each part wrote last."""

import dataclasses
from typing import Any

from bench import __main__ as bench


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
