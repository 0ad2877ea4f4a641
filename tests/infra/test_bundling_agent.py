"""The zip of the sandbox agent for AWS: what is in it, and for which machine."""

import zipfile
from pathlib import Path

import pytest

from infra.bundling_agent import ENTRY, LOCK, PYTHON, bundle_agent


@pytest.mark.thorough
def test_the_agent_and_its_dependencies_are_in_it_for_the_machine_that_runs_them(tmp_path: Path) -> None:
    made = bundle_agent(tmp_path)
    with zipfile.ZipFile(made) as package:
        names = package.namelist()
        assert package.read(ENTRY) == b"from cadre_sandbox.runtime import main\n\nmain()\n"
    assert {"cadre_sandbox/__main__.py", "cadre_sandbox/runtime.py", "websockets/__init__.py", "mcp/__init__.py"} <= set(names)
    compiled = [name for name in names if name.endswith(".so")]
    assert compiled
    version = PYTHON.replace(".", "")
    assert [name for name in compiled if "aarch64" not in name and "abi3" not in name] == []
    assert [name for name in compiled if "cpython-" in name and f"cpython-{version}" not in name] == []
    assert made.stat().st_size < 15_000_000
    before = made.read_bytes()
    made.unlink()
    assert bundle_agent(tmp_path).read_bytes() == before
    assert bundle_agent(tmp_path) == made  # kept


def test_everything_in_the_lock_has_hashes() -> None:
    pinned = [line for line in LOCK.read_text().splitlines() if "==" in line]
    assert len(pinned) > 20
    assert all(line.endswith("\\") for line in pinned)
