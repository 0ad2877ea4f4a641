"""The package: one zip for all functions, made without Docker, and the same bytes for the same input.

There is no layer: code and dependencies change together, and a layer of this size makes each call of the local engine three times slower.
The mode `venv` leaves the dependencies out, because local functions import them from the venv; the templates are the same in both modes.

What every start would make anew is in both (`bundling_kept`). Every module has `unchecked-hash` bytecode: Python ignores bytecode with time
stamps in a zip, which made cold starts 2.8 times slower.
"""

import compileall
import hashlib
import importlib.util
import os
import py_compile
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.bundling_kept import keep
from infra.bundling_models import cut_models, prune_data

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
LOCK = ROOT / "requirements" / "functions.txt"
PACKAGES = ("functions", "shared")
DATA = "botocore/data"
_MAKERS = ("bundling", "bundling_models")  # the modules of `infra` that decide what of the dependencies is in the package
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
TASK_ROOT = "/var/task"  # where Lambda unpacks the zip: file names in tracebacks begin with it
# Python 3.11 and older run on Amazon Linux 2 (glibc 2.26), newer ones on Amazon Linux 2023 (2.34). pip can install for 2.26, uv cannot
_GLIBC = 34 if sys.version_info >= (3, 12) else 26
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
_DROPPED_DIRS = ("tests", "test", "__pycache__", "bin", "examples", "docs")
_DROPPED_SUFFIXES = (".pyi", ".pyx", ".pxd", ".c", ".h", ".md", ".rst")
# reportlab uses only Pillow's core; these codecs and fonts (11 MB) are never used
_DROPPED_FILES = (
    *(f"PIL/{name}.*" for name in ("_avif", "_webp", "_imagingft", "_imagingcms", "_imagingtk")),
    *(f"pillow.libs/lib{name}*" for name in ("avif", "brotli", "freetype", "harfbuzz", "lcms2", "png16", "sharpyuv", "webp")),
    "stdnum/oui.dat",  # makers of network cards and mobile networks: two thirds of a package that checks tax ids here
    "stdnum/imsi.dat",
    "pycparser/**/*.py",  # cffi reads C with it, which only a build does
    "dns/**/*.py",  # email_validator asks with it whether a domain takes mail, which we do not
    "dateutil/zoneinfo/*.tar.gz",  # botocore's times are in UTC; ours have `tzdata`
    "oauthlib/oauth1/**/*.py",
    "reportlab/fonts/DarkGarden*",  # a font that no invoice uses, with its source
    *(f"reportlab/graphics/{name}/*.*" for name in ("barcode", "charts", "samples")),  # no page of ours has any
    "aws_lambda_powertools/event_handler/**/*.*",  # a router that we do not use, and its pages
    *(f"aws_lambda_powertools/utilities/{name}/**/*.py" for name in ("data_masking", "feature_flags", "kafka")),
)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold
PYTHON_VERSION_STAMP = importlib.util.MAGIC_NUMBER.hex()


class BundleError(RuntimeError):
    """The package could not be made; the message is the tool's output."""


def bundle(mode: str, architecture: str = "arm64", build: Path = BUILD) -> Path:
    """The path of the package for `mode` (venv or lambda); its name has a hash of everything in it. Reused if it exists."""
    sources = {name: path.read_bytes() for name, path in our_files()}
    recipe = _recipe(*_MAKERS, "bundling_kept", "routes", "openapi", "openapi30", "openapi_examples")
    stamp = hashlib.sha256(f"{mode} {PYTHON_VERSION_STAMP} {recipe}".encode())
    for name in sorted(sources):
        stamp.update(name.encode() + b"\0" + hashlib.sha256(sources[name]).digest())
    stamp.update(LOCK.read_bytes() + architecture.encode() * (mode == "lambda"))
    target = build / f"functions-{mode}-{stamp.hexdigest()[:20]}.zip"
    if target.exists():
        return target
    tree = build / f"tree-{os.getpid()}"
    shutil.rmtree(tree, ignore_errors=True)
    try:
        tree.mkdir(parents=True)
        if mode == "lambda":
            shutil.copytree(dependencies(architecture, build), tree, dirs_exist_ok=True)
        write_files(tree, sources)
        _write_documents(tree / "openapi")
        if mode == "lambda":
            cut_models(tree / DATA, tree)
        compile_tree(tree, PACKAGES)
        if error := keep(tree):
            raise BundleError(f"what functions start with cannot be recorded:\n{error}")
        write_zip(tree, target)
    finally:
        shutil.rmtree(tree, ignore_errors=True)
    _forget_older(build, mode, target)
    return target


def our_files(root: Path = ROOT) -> Iterator[tuple[str, Path]]:
    """Our files in the package: name in the zip, and path."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                yield str(path.relative_to(root)), path


def _write_documents(folder: Path) -> None:
    """Write `openapi/<contract>.json`, which the area `system` serves, from the same route table as the gateway's methods.

    It takes longer than everything else here, so it is imported and done only when there is no package for this code.
    """
    from infra import openapi

    openapi.write(folder)


def dependencies(architecture: str, build: Path = BUILD) -> Path:
    """The folder of the dependencies for `architecture`, pruned and compiled. Installed once for each lock file."""
    stamp = hashlib.sha256(f"{architecture} {PYTHON_VERSION_STAMP} {_recipe(*_MAKERS)}".encode() + LOCK.read_bytes()).hexdigest()[
        :20
    ]
    target = build / f"dependencies-{stamp}"
    if target.exists():
        return target
    staging = build / f"staging-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        _install(staging, architecture)
        prune(staging)
        compile_tree(staging)
        staging.rename(target)
    except OSError:
        if not target.exists():  # else another process was first
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def _install(target: Path, architecture: str) -> None:
    """Install wheels for Lambda's operating system and this Python version."""
    install_wheels(target, LOCK, PYTHON, _GLIBC, MACHINES[architecture])


def install_wheels(target: Path, lock: Path, python: str, glibc: int, machine: str) -> None:
    """Install the wheels of a lock file with its hashes, for a Python version, a machine and glibc 2.`glibc`. Raises BundleError."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps"]
    command += ["--target", str(target), "--only-binary", ":all:", "--implementation", "cp", "--python-version", python]
    for platform in [*(f"manylinux_2_{minor}" for minor in range(glibc, 16, -1)), "manylinux2014"]:
        command += ["--platform", f"{platform}_{machine}"]
    command += ["--require-hashes", "--requirement", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        raise BundleError(f"the dependencies of {lock.name} did not install:\n{done.stderr}")


def write_files(tree: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder, by their names in it."""
    for name, body in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def prune(tree: Path) -> None:
    """Remove what no function imports: tests, C sources, unused AWS services, most of the packages' metadata."""
    for path in sorted(tree.rglob("*"), reverse=True):
        if path.is_dir():
            if path.name in _DROPPED_DIRS and not _is_needed(path):
                shutil.rmtree(path)
        elif path.suffix in _DROPPED_SUFFIXES or _is_spare_metadata(path):
            path.unlink()
    for pattern in _DROPPED_FILES:
        for path in tree.glob(pattern):
            path.unlink()
    prune_data(tree / DATA)


def _is_needed(path: Path) -> bool:
    """boto3 and botocore import their `docs` packages for the docstrings of clients."""
    return path.name == "docs" and path.parent.name in ("boto3", "botocore")


def _is_spare_metadata(path: Path) -> bool:
    """importlib.metadata reads METADATA and entry_points.txt; nothing at run time reads the rest."""
    return path.parent.suffix == ".dist-info" and path.name not in ("METADATA", "entry_points.txt")


def compile_tree(tree: Path, packages: tuple[str, ...] = ()) -> None:
    """Compile everything below `tree`, or only `packages`, with the paths that the files have in Lambda."""
    for path in [tree / package for package in packages] or [tree]:
        done = compileall.compile_dir(
            str(path),
            quiet=1,
            force=True,
            workers=1,
            stripdir=str(tree),
            prependdir=TASK_ROOT,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        if not done:
            raise BundleError(f"{path.name} does not compile")


def write_zip(tree: Path, target: Path) -> None:
    """Write everything below `tree` into a zip that has the same bytes for the same input."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
        for path in sorted(tree.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(str(path.relative_to(tree)), _EPOCH)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                package.writestr(entry, path.read_bytes())
    partial.rename(target)


def _forget_older(build: Path, mode: str, current: Path) -> None:
    """Delete all but the five newest packages."""
    packages = sorted(build.glob(f"functions-{mode}-*.zip"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in packages[5:]:
        if path != current:
            path.unlink(missing_ok=True)


def _recipe(*makers: str) -> str:
    """A hash of the modules of `infra` that decide the package's content."""
    here = Path(__file__).parent
    return hashlib.sha256(b"\0".join((here / f"{maker}.py").read_bytes() for maker in makers)).hexdigest()
