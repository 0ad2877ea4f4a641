"""Cold start: a new process imports a function and answers its first request.

Measured as user + system CPU of the whole process minus that of an interpreter that does nothing, which on Lambda is the runtime's own
time. Every function and the bare handler in turn, ROUNDS times, medians; the ratio is taken round by round, so that a machine that
slows down slows both. AWS is answered inside the process (`bench.replaying`). Bytecode is compiled beforehand, as in the package.
"""

import compileall
import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROUNDS = 7
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": "us-east-1",
    "CADRE_CORE_TABLE": "core",
    "CADRE_TELEMETRY_TABLE": "telemetry",
    "CADRE_EPHEMERAL_TABLE": "ephemeral",
    "CADRE_SIGNING_SECRET": "signing",
    "CADRE_FILES_BUCKET": "files",
    "CADRE_LOG_LEVEL": "WARNING",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}


def _cpu(arguments: list[str]) -> float:
    """User + system milliseconds of one child process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **_ENVIRONMENT},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def areas() -> list[str]:
    from infra.routes import areas as found

    return sorted(found())


def measure() -> list[dict[str, object]]:
    """One row a function: milliseconds of CPU and the ratio to the bare handler."""
    for folder in ("functions", "shared", "bench"):
        compileall.compile_dir(str(ROOT / folder), quiet=2)
    names = areas()
    nothing, bare = [], []
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        nothing.append(_cpu(["-c", "pass"]))
        bare.append(_cpu(["-m", "bench.first_request", "bare"]))
        for name in names:
            times[name].append(_cpu(["-m", "bench.first_request", name]))
    base = statistics.median(nothing)
    rows: list[dict[str, object]] = [{"function": "bare boto3", "ms": statistics.median(bare) - base, "ratio": 1.0}]
    for name in names:
        ratios = [(mine - base) / (theirs - base) for mine, theirs in zip(times[name], bare, strict=True)]
        rows.append({"function": name, "ms": statistics.median(times[name]) - base, "ratio": statistics.median(ratios)})
    return rows


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
