"""The Lambda package on this machine: `infra.bundling` in its `lambda` mode, for this processor, unpacked.

A child process has nothing else on its path (no site-packages, no checkout), so the measured code is the deployed code: pruned
botocore data, `unchecked-hash` bytecode, no development tools. The bench modules that run in the child are added to the copy.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.bundling import bundle, compile_tree

HERE = Path(__file__).parent
_BOTO3 = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "urllib3")
CHILDREN = ("__init__.py", "bare.py", "first_request.py", "floor.py", "replaying.py")
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_SESSION_TOKEN": "x",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "CADRE_CORE_TABLE": "core",
    "CADRE_TELEMETRY_TABLE": "telemetry",
    "CADRE_EPHEMERAL_TABLE": "ephemeral",
    "CADRE_SIGNING_SECRET": "signing",
    "CADRE_FILES_BUCKET": "files",
    "CADRE_WS_PUSH_QUEUE": "http://localhost/push",
    "CADRE_AGENT_RUNS_QUEUE": "http://localhost/runs",
    "CADRE_EMAILS_QUEUE": "http://localhost/emails",
    "CADRE_SOCKET_ENDPOINT": "http://localhost/sockets",
    "CADRE_AGENT_RUN_MACHINE": "arn:aws:states:us-east-1:000000000000:stateMachine:runs",
    "CADRE_STAGE": "prod",
    "CADRE_EDGE_KEYS": "bench",
    "CADRE_LOG_LEVEL": "WARNING",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from bench.first_request import main; main(*sys.argv[1:])"


def architecture() -> str:
    """Return Lambda's name for this machine's processor."""
    return "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"


def zipped() -> Path:
    return bundle("lambda", architecture())


@contextmanager
def unpacked(package: Path) -> Iterator[Path]:
    """Yield a temporary directory with the package and the bench modules for the child; remove it afterwards."""
    tree = Path(tempfile.mkdtemp(prefix="cadre-bench-"))
    try:
        with zipfile.ZipFile(package) as archive:
            archive.extractall(tree)
        _add_children(tree)
        compile_tree(tree, ("bench",))
        yield tree
    finally:
        shutil.rmtree(tree)


@contextmanager
def stock() -> Iterator[Path]:
    """Yield a temporary directory with boto3 as pip installed it, the bench modules for the child and new bytecode."""
    import boto3

    installed = Path(boto3.__file__).parents[1]
    tree = Path(tempfile.mkdtemp(prefix="cadre-bench-"))
    try:
        for name in _BOTO3:
            shutil.copytree(installed / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(installed / "six.py", tree)
        _add_children(tree)
        compile_tree(tree)
        yield tree
    finally:
        shutil.rmtree(tree)


def _add_children(tree: Path) -> None:
    (tree / "bench").mkdir()
    for name in CHILDREN:
        shutil.copy(HERE / name, tree / "bench" / name)


def isolated(
    tree: Path, *arguments: str, flags: tuple[str, ...] = (), under: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run `bench.first_request` in a new interpreter that has only the package on its path."""
    return run(["-I", "-S", *flags, "-c", _START, str(tree), *arguments], under)


def run(arguments: list[str], under: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a child interpreter with the functions' environment only, under another program if one is named; raise RuntimeError with its
    stderr if it fails."""
    done = subprocess.run(
        [*under, sys.executable, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], **ENVIRONMENT},
    )
    if done.returncode:
        raise RuntimeError(f"the child process failed: {done.stderr.strip()[-600:]}")
    return done
