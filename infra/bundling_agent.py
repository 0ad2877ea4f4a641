"""The zip of the sandbox agent for Bedrock AgentCore Runtime: `sandbox/` with its dependencies, made without Docker.

AgentCore runs Python 3.13 on arm64, whatever the functions have.
"""

import hashlib
import os
import shutil
from pathlib import Path

from infra.bundling import BUILD, MACHINES, ROOT, install_wheels, write_files, write_zip

LOCK = ROOT / "requirements" / "sandbox.txt"
SOURCE = ROOT / "sandbox" / "src" / "cadre_sandbox"
RUNTIME, PYTHON = "PYTHON_3_13", "3.13"
ENTRY = "main.py"
_START = "from cadre_sandbox.runtime import main\n\nmain()\n"
_GLIBC = 34  # of Amazon Linux 2023


def bundle_agent(build: Path = BUILD) -> Path:
    """The path of the zip; its name has a hash of everything in it. Reused if it exists. Raises BundleError."""
    sources = {str(path.relative_to(SOURCE.parent)): path.read_bytes() for path in sorted(SOURCE.rglob("*")) if _is_source(path)}
    stamp = hashlib.sha256(b"".join(path.read_bytes() for path in (Path(__file__), ROOT / "infra" / "bundling.py", LOCK)))
    for name, body in sources.items():
        stamp.update(name.encode() + b"\0" + hashlib.sha256(body).digest())
    target = build / f"sandbox-{stamp.hexdigest()[:20]}.zip"
    if target.exists():
        return target
    tree = build / f"sandbox-tree-{os.getpid()}"
    shutil.rmtree(tree, ignore_errors=True)
    try:
        install_wheels(tree, LOCK, PYTHON, _GLIBC, MACHINES["arm64"])
        write_files(tree, sources)
        (tree / ENTRY).write_text(_START)
        write_zip(tree, target)
    finally:
        shutil.rmtree(tree, ignore_errors=True)
    return target


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts
