"""Run the benchmarks: `python -m bench [part ...]`, each part in its own process, one after the other.

Without arguments, all parts run. Each writes its own table (`bench/results/<part>.md`), so that one part can be measured anew alone;
what is said about it is written by hand (`bench/texts/<part>.md`). `bench/RESULTS.md` is put together from both. A part that fails
shows the reason and keeps the table that it had.
"""

import compileall
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import cold, live, warm

ROOT = Path(__file__).parent.parent
RESULTS, TEXTS = ROOT / "bench" / "results", ROOT / "bench" / "texts"
PAGE = ROOT / "bench" / "RESULTS.md"
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Part:
    title: str
    module: str
    table: Callable[[Rows], list[list[str]]]
    seconds: int
    """The time limit of the part."""
    arguments: tuple[str, ...] = ()
    key: str | None = None


def verdict(ratio: float, target: float, defect: float) -> str:
    return "within" if ratio <= target else f"over {target}" if ratio <= defect else f"DEFECT, over {defect}"


def _cold(rows: Rows) -> list[list[str]]:
    table = [["function", "kind", "modules", "M instructions", "÷ bare", f"target {cold.TARGET}", "CPU ms", "CPU ÷ bare"]]
    for row in rows:
        counted = row["ratio"] is not None
        judged = verdict(row["ratio"], cold.TARGET, cold.DEFECT) if counted and row["kind"] == "API" else ""
        table.append([
            row["function"], row["kind"], str(row["modules"]), f"{row['instructions'] / 1e6:,.0f}" if counted else "no valgrind",
            f"{row['ratio']:.2f}" if counted else "", judged, f"{row['ms']:.0f}", f"{row['cpu_ratio']:.2f}",
        ])  # fmt: skip
    return table


def _warm(rows: Rows) -> list[list[str]]:
    table = [["request", "M instructions", "bare", "÷ bare", "target", "", "trips", "beside", "CPU µs", "bare µs", "÷ bare, CPU"]]
    for row in rows:
        target, defect = warm.BUDGETS[row["operation"]]
        ours, bare = row["instructions"], row["bare_instructions"]
        table.append([
            row["operation"], f"{ours / 1e6:.2f}", f"{bare / 1e6:.2f}", f"{ours / bare:.2f}", str(target),
            verdict(ours / bare, target, defect), str(row["trips"]), str(row["beside"]), f"{row['us']:.0f}", f"{row['bare_us']:.0f}",
            f"{row['ratio']:.2f}",
        ])  # fmt: skip
    return table


def _trips(rows: Rows) -> list[list[str]]:
    table = [["operation", "trips", "budget", "read units", "write units", "calls", ""]]
    for row in rows:
        judged = row["why"] if row["trips"] <= row["budget"] else "DEFECT: more than its budget"
        table.append([
            row["operation"], str(row["trips"]), str(row["budget"]), f"{row['rcu']:g}", f"{row['wcu']:g}", row["calls"], judged,
        ])  # fmt: skip
    return table


def _prices(rows: Rows) -> list[list[str]]:
    table = [["what", "USD", "target", "made of", ""]]
    for row in rows:
        judged = row["why"] if row["usd"] <= row["limit"] else "DEFECT: more than its limit"
        table.append([row["what"], f"{row['usd']:.4g}", f"{row['target']:g}", row["parts"], judged])
    return table


def _by_size(rows: Rows) -> list[list[str]]:
    sizes = sorted({row["entries"] for row in rows})
    by_list: dict[str, dict[int, dict[str, Any]]] = {}
    for row in rows:
        by_list.setdefault(row["list"], {})[row["entries"]] = row
    counted = "instructions" in rows[0]
    table = [["list", *(f"{what}, {size:,}" for what in ("trips", "units", *["M instructions"] * counted) for size in sizes)]]
    for name, found in by_list.items():
        ordered = [found[size] for size in sizes]
        trips = [f"{one['trips']} + {one['beside']}" for one in ordered]
        instructions = [f"{one['instructions'] / 1e6:.1f}" for one in ordered] if counted else []
        table.append([name, *trips, *(f"{one['rcu']:g}" for one in ordered), *instructions])
    return table


def _memory(rows: Rows) -> list[list[str]]:
    head, *lines = _by_size(rows)
    times = [f"time, {size:,}" for size in sorted({row["entries"] for row in rows})]
    return [head + times, *([*line, *(f"{row['ms']} ms" for row in rows if row["list"] == line[0])] for line in lines)]


def _planning(rows: Rows) -> list[list[str]]:
    table = [["what", "entries", "trips", "read units", "write units"]]
    for row in rows:
        trips = f"{row['trips']} + {row['beside']}"
        table.append([row["what"], f"{row['entries']:,}", trips, f"{row['rcu']:g}", f"{row['wcu']:g}"])
    return table


def _requests(rows: Rows) -> list[list[str]]:
    table = [["request", "per second", "p50 ms", "p95 ms", "answers"]]
    for row in rows:
        answers = ", ".join(f"{count} x {status}" for status, count in row["answers"].items())
        table.append([row["operation"], f"{row['per_second']:.0f}", f"{row['p50_ms']:.0f}", f"{row['p95_ms']:.0f}", answers])
    return table


def _close(rows: Rows) -> list[list[str]]:
    table = [
        ["workspaces", "invoices", "trips each", "of them", "write units each", "CPU ms each", "calls of 40 s", "minutes in all"]
    ]
    for row in rows:
        kinds = ", ".join(f"{count:.2f} {name}" for name, count in row["by"].items())
        table.append([
            f"{row['workspaces']:,}", f"{row['invoices']:,}", f"{row['trips']:.2f}", kinds, f"{row['wcu']:.1f}",
            f"{row['cpu_ms']:.1f}", str(row["calls"]), f"{row['minutes']:.1f}",
        ])  # fmt: skip
    return table


def _deployments(rows: Rows) -> list[list[str]]:
    table = [
        [
            "strategy",
            "shares",
            "steps",
            "calls of the target",
            "bare machine s",
            "trips",
            "read units",
            "write units",
            "added s",
            "÷ bare",
            "USD",
        ]
    ]
    for row in rows:
        table.append([
            row["strategy"], " ".join(map(str, row["shares"])), str(row["steps"]), str(row["target_calls"]), f"{row['bare_s']:.1f}",
            str(row["trips"]), f"{row['rcu']:g}", f"{row['wcu']:g}", f"{row['added_s']:.2f}", f"{row['share']:.3f}", f"{row['usd']:.5f}",
        ])  # fmt: skip
    return table


def _terminal(rows: Rows) -> list[list[str]]:
    table = [["viewers", "entries seen", "p50 ms", "p95 ms", "max ms", f"target {live.TARGET}"]]
    for row in rows:
        judged = verdict(row["p95_ms"], live.TARGET, live.DEFECT) if row["viewers"] == max(live.VIEWERS) else ""
        table.append([
            str(row["viewers"]), str(row["entries"]), f"{row['p50_ms']:.0f}", f"{row['p95_ms']:.0f}", f"{row['max_ms']:.0f}", judged,
        ])  # fmt: skip
    return table


def _sandboxes(rows: Rows) -> list[list[str]]:
    table = [["what", "p50 ms", "p95 ms", "per second", "MB"]]
    for row in rows:
        cells = (f"{row[name]:,.0f}" if name in row else "" for name in ("p50_ms", "p95_ms", "per_second", "mb"))
        table.append([row["what"], *cells])
    return table


def _webhooks(rows: Rows) -> list[list[str]]:
    table = [["webhooks", "deliveries", "per second", "first attempt p50 ms", "p95 ms"]]
    for row in rows:
        table.append([
            str(row["webhooks"]), str(row["deliveries"]), f"{row['per_second']:.0f}", f"{row['p50_ms']:.0f}", f"{row['p95_ms']:.0f}",
        ])  # fmt: skip
    return table


def _github(rows: Rows) -> list[list[str]]:
    table = [
        ["webhook", "bytes", "calls of tables, new process", "known repository", "messages", "CPU µs", "a second and core",
         "cores at 1,000/s", "processes at 1,000/s"]
    ]  # fmt: skip
    for row in rows:
        table.append([
            row["webhook"], f"{row['bytes']:,}", str(row["cold"]), str(row["warm"]), "1", f"{row['us']:.0f}", f"{row['per_core']:,.0f}",
            f"{row['cores']:.2f}", f"{row['processes']:.0f}",
        ])  # fmt: skip
    return table


def _guardian(rows: Rows) -> list[list[str]]:
    table = [["set", "rule", "traces", "should be found", "found", "precision", "recall", "missed", "false alarms", "µs a check"]]
    for row in rows:
        table.append([
            row["set"], row["rule"],
            str(row["traces"]), str(row["expected"]), str(row["found"]), f"{row['precision']:.2f}", f"{row['recall']:.2f}",
            ", ".join(row["missed"]) or "none", ", ".join(row["false"]) or "none", f"{row['us']:,.0f}",
        ])  # fmt: skip
    return table


def _validation(rows: Rows) -> list[list[str]]:
    table = [["set", "judge", "verdict", "cases", "should be found", "found", "precision", "recall", "missed", "false"]]
    for row in rows:
        table.append([
            row["set"], row["judge"], row["verdict"], str(row["cases"]), str(row["expected"]), str(row["found"]),
            f"{row['precision']:.2f}", f"{row['recall']:.2f}", ", ".join(row["missed"]) or "none", ", ".join(row["false"]) or "none",
        ])  # fmt: skip
    return table


def _audit(rows: Rows) -> list[list[str]]:
    table = [["what", "trips", "read units", "write units", "seconds of CPU", "memory MB", "file MB"]]
    names = ("trips", "reads", "writes", "seconds", "memory MB", "file MB")
    return [*table, *([row["what"], *(f"{row[name]:,}" if name in row else "" for name in names)] for row in rows)]


PARTS = {
    "cold": Part("Cold start", "bench.cold", _cold, 3600),
    "warm": Part("Warm requests", "bench.warm", _warm, 3600),
    "trips": Part("Round trips and capacity", "bench.trips", _trips, 300),
    "enterprise": Part("Round trips and capacity of the enterprise contract", "bench.enterprise", _trips, 400),
    "deployments": Part("Deployments and the bare machine", "bench.deployments", _deployments, 300),
    "prices": Part("Prices", "bench.prices", _prices, 300),
    "growth": Part("Lists as they grow", "bench.growth", _by_size, 3600),
    "boards": Part("Lists of a board as it grows", "bench.board_lists", _by_size, 900),
    "planning": Part("Planning and handing out work where there is much of it", "bench.planning", _planning, 600),
    "audit": Part("The audit trail of 100,000 events", "bench.audit", _audit, 2400),
    "insights": Part("Searches and costs as they grow", "bench.insights", _by_size, 900),
    "guardian": Part("The guardian's rules on seeded traces", "bench.guardian", _guardian, 120),
    "validation": Part("The platform's validator on marked cases", "bench.validation", _validation, 120),
    "memory": Part("Searches of memories as they grow", "bench.memory", _memory, 900),
    "close": Part("Monthly close, simulated", "bench.close", _close, 600),
    "terminal": Part("Terminal to viewer, local stack", "bench.live", _terminal, 120, ("terminal",), "terminal"),
    "webhooks": Part("Webhooks, local stack", "bench.live", _webhooks, 120, ("webhooks",), "webhooks"),
    "sandboxes": Part("Sandboxes and their messages, local stack", "bench.sandboxes", _sandboxes, 600),
    "github": Part("Webhooks of GitHub", "bench.github", _github, 120),
    "requests": Part(
        f"Requests a second, local stack, {live.CONNECTIONS} connections", "bench.live", _requests, 90, ("requests",), "requests"
    ),
}


def measured(part: Part) -> Rows | str:
    """Run a part in a child process; return its rows, or the reason why there are none."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", part.module, *part.arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=part.seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"did not run: not done after {part.seconds} seconds"
    if done.returncode:
        return f"did not run: {(done.stderr.strip().splitlines() or ['no word'])[-1]}"
    start = done.stdout.rfind("\n" + ("{" if part.key else "[") + "\n") + 1
    output = json.loads(done.stdout[start:])
    rows: Rows | str = output[part.key] if part.key else output
    return rows if isinstance(rows, list) else f"did not run: {rows}"


def markdown(table: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in table]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"bench: there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    for folder in ("functions", "shared", "infra", "local", "bench", "tests"):
        compileall.compile_dir(str(ROOT / folder), quiet=2)
    failed = 0
    for name in names or PARTS:
        rows = measured(PARTS[name])
        failed += isinstance(rows, str)
        shown = rows if isinstance(rows, str) else markdown(PARTS[name].table(rows))
        print(f"\n{PARTS[name].title}\n\n{shown}", flush=True)
        if not isinstance(rows, str):
            (RESULTS / f"{name}.md").write_text(f"{_when()}\n\n{shown}\n")
    PAGE.write_text(page())
    print(f"\nwritten: {PAGE}")
    return min(failed, 1)


def page() -> str:
    """Return the page of all parts, each with the table that it wrote last and its text."""
    method = (TEXTS / "method.md").read_text()
    sections = [f"# Measurements\n\nWritten by `python -m bench`, part by part.\n\n{method}"]
    for name, part in PARTS.items():
        table, text = ((folder / f"{name}.md").read_text() for folder in (RESULTS, TEXTS))
        sections.append(f"## {part.title}\n\n{table}\n{text}")
    return "\n".join(sections)


def _when() -> str:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"Measured on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {machine}, load {os.getloadavg()[0]:.1f}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
