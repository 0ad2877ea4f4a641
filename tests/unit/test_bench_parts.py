"""Every part of `make bench` runs: small, each in a process of its own, and without a stopwatch or valgrind."""

import ast
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from bench.__main__ import PARTS

ROOT = Path(__file__).parents[2]
MARK = """
import os
from bench.package import ENVIRONMENT
os.environ |= ENVIRONMENT
from bench.first_request import main
main("{}", "count")
"""
# A played recording is a block of requests, before which callgrind is told nothing here.
PLAYED = """
import json, pickle, subprocess, sys
from pathlib import Path
from bench import callgrind, growth, warm
def parts(module, file, what):
    done = subprocess.run([sys.executable, "-m", module, file, what], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    recording = pickle.loads(Path(file).read_bytes())
    return [1] * 4 * (2 * len(recording.cases) + len(recording.alone))
callgrind.parts = parts
"""
SMALL = {
    "guardian": "from bench.guardian import main; main()",
    "validation": "from bench.validation import main; main()",
    "bare": MARK.format("bare"),
    "floor": MARK.format("floor"),
    "warm": f"""{PLAYED}
warm.CARDS = 2
with warm.kept(warm.record()) as file:
    print(json.dumps(warm.counted(file, "count")))
""",
    "enterprise": "import json; from bench import enterprise, trips; print(json.dumps(trips.on_moto(enterprise.rows)))",
    "deployments": "import json; from bench import deployments, trips; print(json.dumps(trips.on_moto(deployments.rows)))",
    "growth": f"""{PLAYED}
growth.SIZES = (50,)
print(json.dumps(growth.measure()))
""",
    "boards": "import json; from bench import board_lists; board_lists.SIZES = (100,); print(json.dumps(board_lists.measure()))",
    "planning": """import json; from bench import planning
planning.TICKETS, planning.TASKS, planning.REQUIREMENTS = 10, 20, 2
print(json.dumps(planning.measure()))
""",
    "audit": "import json; from bench import audit; print(json.dumps(audit.measure(300)))",
    "insights": "import json; from bench import insights; insights.SIZES = (100,); print(json.dumps(insights.measure()))",
    "memory": "import json; from bench import memory; memory.SIZES = (100,); print(json.dumps(memory.measure()))",
    "github": "import json; from bench import github; github.SIZES = {'an issue': 1}; print(json.dumps(github.measure()))",
    "close": "import json; from bench import close; close.WORKSPACES = 200; print(json.dumps(close.measure()))",
}
ELSEWHERE = {
    "cold": "what it measures is here, bare and floor, and the first request of each area in test_imports.py",
    "trips": "areas/test_trips.py",
    "prices": "areas/test_prices.py",
    "terminal": "needs the stack, as the next two: it uses what stack/test_sockets.py and stack/test_webhooks.py use",
    "webhooks": "see terminal",
    "requests": "see terminal",
    "sandboxes": "needs the stack: it uses what stack/test_sandboxes.py uses",
}


@pytest.mark.parametrize("part", SMALL)
@pytest.mark.thorough
def test_a_part_runs(part: str) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CADRE_"))
    }  # as `make` has it
    done = subprocess.run(  # noqa: S603 - our own interpreter and modules
        [sys.executable, "-c", SMALL[part]], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.strip().splitlines()[-1])


def test_every_part_is_tried() -> None:
    assert (set(SMALL) - {"bare", "floor"}) | set(ELSEWHERE) == set(PARTS)
    assert not set(SMALL) & set(ELSEWHERE)


@pytest.mark.parametrize("path", sorted((ROOT / "bench").glob("*.py")), ids=lambda path: path.stem)
def test_what_a_part_uses_is_there(path: Path) -> None:
    """Also what it imports only when it has come so far."""
    imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom) and node.level == 0]
    assert [
        f"{node.module}.{one.name}"
        for node in imports
        if node.module not in {"bench.bare", "bench.floor"}  # they make clients
        for one in node.names
        if not hasattr(import_module(str(node.module)), one.name) and not _is_module(f"{node.module}.{one.name}")
    ] == []


def _is_module(name: str) -> bool:
    try:
        import_module(name)
    except ModuleNotFoundError:
        return False
    return True
