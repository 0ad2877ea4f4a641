"""The zip of the sandbox agent for Bedrock AgentCore Runtime: `sandbox/` with its dependencies, made without Docker.

AgentCore runs Python 3.13 on arm64, whatever the functions have.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from infra.bundling import BUILD, ROOT, BundleError, write_zip

LOCK = ROOT / "requirements" / "sandbox.txt"
SOURCE = ROOT / "sandbox" / "src" / "cadre_sandbox"
RUNTIME, PYTHON = "PYTHON_3_13", "3.13"
ENTRY = "main.py"
_START = "from cadre_sandbox.runtime import main\n\nmain()\n"
_PLATFORMS = (*(f"manylinux_2_{minor}_aarch64" for minor in range(34, 16, -1)), "manylinux2014_aarch64")


def bundle_agent(build: Path = BUILD) -> Path:
    """The path of the zip; its name has a hash of everything in it. Reused if it exists. Raises BundleError."""
    sources = {path.relative_to(SOURCE.parent): path.read_bytes() for path in sorted(SOURCE.rglob("*")) if _is_source(path)}
    stamp = hashlib.sha256(Path(__file__).read_bytes() + LOCK.read_bytes())
    for name, body in sources.items():
        stamp.update(str(name).encode() + b"\0" + hashlib.sha256(body).digest())
    target = build / f"sandbox-{stamp.hexdigest()[:20]}.zip"
    if target.exists():
        return target
    tree = build / f"sandbox-tree-{os.getpid()}"
    shutil.rmtree(tree, ignore_errors=True)
    try:
        _install(tree)
        for name, body in sources.items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        (tree / ENTRY).write_text(_START)
        write_zip(tree, target)
    finally:
        shutil.rmtree(tree, ignore_errors=True)
    return target


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _install(tree: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps"]
    command += ["--target", str(tree), "--only-binary", ":all:", "--implementation", "cp", "--python-version", PYTHON]
    for platform in _PLATFORMS:
        command += ["--platform", platform]
    command += ["--require-hashes", "--requirement", str(LOCK)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        raise BundleError(f"the sandbox agent's dependencies did not install:\n{done.stderr}")
