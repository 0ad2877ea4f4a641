"""Cold start: a new process imports a function and answers its first request.

Judged by instructions: those of the whole process under callgrind, minus those of an interpreter that does nothing, which on Lambda is the
runtime's own work. They repeat to four digits, where CPU time moves by 20 %; one run of each is enough. Beside them the user + system CPU,
also less the idle interpreter's: every function and the bare handler in turn, ROUNDS times, medians; the ratio is taken round by round, so
that a machine that slows down slows both. Ours is the real package (`bench.package`); the bare handler has boto3 as pip installs it, with
its bytecode, and is also measured with the botocore that we ship, which is pruned. AWS is answered inside the process
(`bench.replaying`). Workers that answer no request (queues, streams, steps) are measured by their import.
"""

import json
import os
import resource
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench import callgrind, package

ROUNDS = 5
_MARKS = {"bare": "bare boto3", "pruned": "bare boto3, our pruned botocore", "floor": "FastAPI, Mangum, one route"}
TARGET, DEFECT = 1.4, 1.5


def cpu(tree: Path | None, *arguments: str) -> float:
    """User + system milliseconds of one child process; without a tree, of one that does nothing."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    package.isolated(tree, *arguments) if tree else package.run(["-I", "-S", "-c", "pass"])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def instructions(tree: Path | None, *arguments: str) -> int:
    """Instructions of one child process; without a tree, of one that does nothing."""
    if tree is None:
        return callgrind.whole(lambda under: package.run(["-I", "-S", "-c", "pass"], under))
    return callgrind.whole(lambda under: package.isolated(tree, *arguments, under=under))


def _counted(places: dict[str, tuple[Path, str]]) -> dict[str, int]:
    """The instructions of each, less those of an interpreter that does nothing; nothing where valgrind is not installed."""
    if not callgrind.AVAILABLE:
        return {}
    idle = instructions(None)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # a busy machine changes nothing
        return dict(
            zip(places, (one - idle for one in pool.map(lambda place: instructions(*place), places.values())), strict=True)
        )


def _place(name: str, tree: Path, stock: Path) -> tuple[Path, str]:
    """The folder of modules of a row's process, and the name of what it imports."""
    if name == "bare":
        return stock, "bare"
    return tree, "bare" if name == "pruned" else name


def functions(tree: Path) -> tuple[list[str], list[str]]:
    """The areas of the API and the workers, as packed."""
    names = sorted(path.parent.name for path in (tree / "functions").glob("*/handler.py"))
    areas = [
        name for name in names if "shared.edge.http.lambda_handler" in (tree / "functions" / name / "handler.py").read_text()
    ]
    return areas, [name for name in names if name not in areas]


def measure(rounds: int = ROUNDS, only: list[str] | None = None) -> list[dict[str, Any]]:
    """One row a function: milliseconds of CPU, how many modules it imports, and the ratio to the bare handler."""
    with package.unpacked(package.zipped()) as tree, package.stock() as stock:
        areas, workers = functions(tree)
        names = [name for name in [*_MARKS, *areas, *workers] if only is None or name in {*_MARKS, *only}]
        places = {name: _place(name, tree, stock) for name in names}
        modules = {name: int(package.isolated(*place, "count").stdout.strip().splitlines()[-1]) for name, place in places.items()}
        counted = _counted(places)
        nothing: list[float] = []
        times: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(rounds):
            nothing.append(cpu(None))
            for name in names:
                times[name].append(cpu(*places[name]))
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
                "cpu_ratio": statistics.median(ratios),
                "instructions": counted.get(name),
                "ratio": counted[name] / counted["bare"] if counted else None,
            }
        )
    return rows


if __name__ == "__main__":
    print(json.dumps(measure(only=sys.argv[1:] or None), indent=1))
