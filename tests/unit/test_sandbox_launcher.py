"""What the host hears of the launcher of a sandbox: the first process and the one that started it say it, in whatever order."""

import json
import os
from pathlib import Path

import pytest

from local.building.processes import descendants
from local.sandboxes import Limits
from local.sandboxes.machine import Machine
from tests.waiting import eventually

FACTS = {"facts": {"namespaces": [], "limits": {}}}
LAUNCHER = """\
import json, os, sys
for line in {lines}:
    print(json.dumps({{"pid": os.getpid()}} if line == "pid" else line), flush=True)
while sys.stdin.read(1):
    pass
"""


@pytest.mark.parametrize("lines", [["pid", FACTS], [FACTS, "pid"]], ids=["pid first", "pid last"])
def test_a_sandbox_ends_whoever_of_the_two_was_quicker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list) -> None:
    package = tmp_path / "code/local/sandboxes"
    package.mkdir(parents=True)
    (package / "launch.py").write_text(LAUNCHER.format(lines=json.loads(json.dumps(lines))))
    monkeypatch.setattr("local.sandboxes.machine._ROOT", tmp_path / "code")
    machine = Machine(tmp_path / "place", 1, Limits(), isolate=False)
    machine.start({}, tmp_path, tmp_path / "base")
    assert machine.alive
    assert machine.pid in set(descendants(os.getpid()))
    machine.stop()
    assert machine.exit == "It was stopped"
    eventually(lambda: machine.pid not in set(descendants(os.getpid())))
