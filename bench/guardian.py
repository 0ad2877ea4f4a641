"""The guardian's rules on seeded traces (`bench.guardian_traces`): precision and recall of each rule, and what a check costs."""

import json
import time
from typing import Any

from bench.guardian_traces import FILE

USUAL = 10_000.0
"""The tokens for one thing that the agents of these traces usually need."""
RULES = ("loop", "stall", "drift", "waste")


def read() -> list[dict[str, Any]]:
    """Return the traces as they are kept."""
    return [json.loads(line) for line in FILE.read_text().splitlines()]


def measure() -> list[dict[str, Any]]:
    """Return one row for each rule: how many traces it should find, what it found, and microseconds of a check."""
    from shared.agents.embeddings.hashed import HashedEmbedder
    from shared.runs.traces import rules
    from shared.runs.traces.trace import Trace, trace_from

    embed = HashedEmbedder().embed
    find = {
        "loop": rules.find_loop,
        "stall": rules.find_stall,
        "drift": lambda trace: rules.find_drift(trace, embed),
        "waste": lambda trace: rules.find_waste(trace, USUAL),
    }
    traces: list[tuple[str, set[str], Trace]] = [(one["kind"], set(one["expected"]), trace_from(one["trace"])) for one in read()]
    rows = []
    for rule in RULES:
        started = time.perf_counter()
        found = [find[rule](trace) is not None for _, _, trace in traces]
        took = time.perf_counter() - started
        wanted = [rule in expected for _, expected, _ in traces]
        pairs = list(zip(traces, wanted, found, strict=True))
        hits = sum(want and got for _, want, got in pairs)
        rows.append({
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
