"""The guardian's rules on seeded traces: precision and recall of each rule, and what a check costs.

The rules were made with one set (`bench.guardian_traces`), and are tried on another that none was made with (`bench.guardian_heldout`).
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from bench import guardian_heldout, guardian_traces

SETS: Final[Mapping[str, Path]] = MappingProxyType({"made with": guardian_traces.FILE, "held out": guardian_heldout.FILE})

USUAL = 10_000.0
"""The tokens for one thing that the agents of these traces usually need."""
RULES = ("loop", "stall", "drift", "waste")


def read(name: str) -> list[dict[str, Any]]:
    """Return the traces of a set as they are kept."""
    return [json.loads(line) for line in SETS[name].read_text().splitlines()]


def measure() -> list[dict[str, Any]]:
    """Return one row for each set and rule: how many traces it should find, what it found, and microseconds of a check."""
    return [row for name in SETS for row in _measure(name)]


def _measure(name: str) -> list[dict[str, Any]]:
    from shared.runs.traces import rules
    from shared.runs.traces.trace import Trace, trace_from

    find = {
        "loop": rules.find_loop,
        "stall": rules.find_stall,
        "drift": rules.find_drift,
        "waste": lambda trace: rules.find_waste(trace, USUAL),
    }
    traces: list[tuple[str, set[str], Trace]] = [
        (one["kind"], set(one["expected"]), trace_from(one["trace"])) for one in read(name)
    ]
    rows = []
    for rule in RULES:
        started = time.perf_counter()
        found = [find[rule](trace) is not None for _, _, trace in traces]
        took = time.perf_counter() - started
        wanted = [rule in expected for _, expected, _ in traces]
        pairs = list(zip(traces, wanted, found, strict=True))
        hits = sum(want and got for _, want, got in pairs)
        rows.append({
            "set": name,
            "rule": rule,
            "traces": len(traces),
            "expected": sum(wanted),
            "found": sum(found),
            "precision": hits / max(1, sum(found)),
            "recall": hits / max(1, sum(wanted)),
            "missed": sorted({kind for (kind, _, _), want, got in pairs if want and not got}),
            "false": sorted({kind for (kind, _, _), want, got in pairs if got and not want}),
            "us": took / len(traces) * 1e6,
        })  # fmt: skip
    return rows


def main() -> None:
    """Print the rows as JSON."""
    print(json.dumps(measure()))


if __name__ == "__main__":
    main()
