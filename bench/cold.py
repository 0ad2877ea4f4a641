"""Cold start: a new process imports a function and answers its first request.

The result is the user + system CPU of the whole process minus that of an interpreter that does nothing (on Lambda that is the runtime's
own time). Every function and the bare handler run in turn, ROUNDS times; figures are medians, and the ratio is computed for each round,
so that a slower machine affects both sides. Ours is the real package (`bench.package`); the bare handler has boto3 as pip installs it,
with its bytecode, and a second time our pruned botocore. AWS responses come from the process itself (`bench.replaying`). For workers
without requests (queues, streams, steps) only the import is measured.
"""

import json
import resource
import statistics
import sys
from pathlib import Path
from typing import Any

from bench import package

ROUNDS = 7
_MARKS = {"bare": "bare boto3", "pruned": "bare boto3, our pruned botocore", "floor": "FastAPI, Mangum, one route"}
TARGET, DEFECT = 1.5, 1.7


def cpu(tree: Path | None, *arguments: str) -> float:
    """Return the user + system CPU in milliseconds of one child process; without a tree, the child does nothing."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    package.isolated(tree, *arguments) if tree else package.run(["-I", "-S", "-c", "pass"])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def _place(name: str, tree: Path, stock: Path) -> tuple[Path, str]:
    """Return the module folder of a row's process and the name that it imports."""
    if name == "bare":
        return stock, "bare"
    return tree, "bare" if name == "pruned" else name


def functions(tree: Path) -> tuple[list[str], list[str]]:
    """Return the names of the API functions and of the workers in the package."""
    names = sorted(path.parent.name for path in (tree / "functions").glob("*/handler.py"))
    areas = [
        name for name in names if "shared.edge.http.lambda_handler" in (tree / "functions" / name / "handler.py").read_text()
    ]
    return areas, [name for name in names if name not in areas]


def measure(rounds: int = ROUNDS, only: list[str] | None = None) -> list[dict[str, Any]]:
    """Return one row for each function: CPU in milliseconds, number of imported modules, ratio to the bare handler."""
    with package.unpacked(package.zipped()) as tree, package.stock() as stock:
        areas, workers = functions(tree)
        names = [name for name in [*_MARKS, *areas, *workers] if only is None or name in {*_MARKS, *only}]
        modules = {
            name: int(package.isolated(*_place(name, tree, stock), "count").stdout.strip().splitlines()[-1]) for name in names
        }
        nothing: list[float] = []
        times: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(rounds):
            nothing.append(cpu(None))
            for name in names:
                times[name].append(cpu(*_place(name, tree, stock)))
    base = statistics.median(nothing)
    rows = []
    for name in names:
        ratios = [(mine - base) / (bare - base) for mine, bare in zip(times[name], times["bare"], strict=True)]
        kind = "mark" if name in _MARKS else "API" if name in areas else "worker"
        rows.append(
            {
                "function": _MARKS.get(name, name),
                "kind": kind,
                "ms": statistics.median(times[name]) - base,
                "modules": modules[name],
                "ratio": statistics.median(ratios),
            }
        )
    return rows


if __name__ == "__main__":
    print(json.dumps(measure(only=sys.argv[1:] or None), indent=1))
