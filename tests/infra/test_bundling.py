"""The package: complete, compiled for good, the same for the same sources."""

import importlib.util
import marshal
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from types import CodeType

import pytest

from infra import bundling

BUDGET = 25 * 2**20  # bytes zipped, without boto3; a package past 40 MB is a defect
HOST = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
UNCHECKED_HASH = 0b01


@pytest.fixture(scope="session")
def ours() -> zipfile.ZipFile:
    return zipfile.ZipFile(bundling.bundle("venv"))


@pytest.fixture(scope="session")
def whole() -> zipfile.ZipFile:
    """With real wheels, for this machine: made once per lock file, then kept in build/."""
    return zipfile.ZipFile(bundling.bundle("lambda", HOST))


def assert_compiled(package: zipfile.ZipFile) -> None:
    names = set(package.namelist())
    sources = [name for name in names if name.endswith(".py")]
    assert len(sources) > 50
    for name in sources:
        folder, _, module = name.rpartition("/")
        cached = f"{folder}/__pycache__/{module[:-3]}.cpython-{sys.version_info.major}{sys.version_info.minor}.pyc".lstrip("/")
        body = package.read(cached)
        assert body[:4] == importlib.util.MAGIC_NUMBER, name
        assert struct.unpack("<I", body[4:8])[0] == UNCHECKED_HASH, f"{name}: its bytecode would be checked, or be stale"
        assert body[8:16] == importlib.util.source_hash(package.read(name)), f"{name}: its bytecode is of another source"


def test_every_module_of_ours_ships_compiled(ours: zipfile.ZipFile) -> None:
    assert_compiled(ours)
    shipped = {name for name in ours.namelist() if name.endswith(".py")}
    assert shipped == {name for name, _ in bundling.our_files() if name.endswith(".py")}


def test_every_module_of_the_whole_package_ships_compiled(whole: zipfile.ZipFile) -> None:
    assert_compiled(whole)


def test_tracebacks_name_files_as_lambda_has_them(ours: zipfile.ZipFile) -> None:
    name = next(name for name in ours.namelist() if name.startswith("shared/core/__pycache__/settings."))
    code: CodeType = marshal.loads(ours.read(name)[16:])  # noqa: S302 - our own bytecode
    assert code.co_filename == "/var/task/shared/core/settings.py"


def test_the_published_documents_ship(ours: zipfile.ZipFile) -> None:
    assert {name for name in ours.namelist() if name.startswith("openapi/")} == {
        f"openapi/{name}.json" for name in ("agentworks", "enterprise", "aintandem", "orchestrator", "omoios")
    }


def test_the_same_sources_make_the_same_bytes(ours: zipfile.ZipFile, tmp_path: Path) -> None:
    """In this process and folder as in those that the kept one was made in."""
    kept, again = Path(str(ours.filename)), bundling.bundle("venv", build=tmp_path)
    assert kept.parent == bundling.BUILD
    assert kept.name == again.name
    assert kept.read_bytes() == again.read_bytes()


def test_the_whole_package_is_within_budget(whole: zipfile.ZipFile) -> None:
    boto = sum(
        entry.compress_size for entry in whole.infolist() if entry.filename.startswith(("boto3/", "botocore/", "s3transfer/"))
    )
    assert Path(str(whole.filename)).stat().st_size - boto <= BUDGET


def test_only_the_services_we_call_have_data(whole: zipfile.ZipFile) -> None:
    services = {name.split("/")[2] for name in whole.namelist() if name.startswith("botocore/data/") and name.count("/") > 2}
    assert services == set(bundling.SERVICES)


def test_the_whole_package_imports_by_itself(whole: zipfile.ZipFile, tmp_path: Path) -> None:
    """Every handler with its contracts, a client of every service, a PDF and a workbook, with nothing but the package on the path."""
    whole.extractall(tmp_path)
    script = (
        "import importlib, pathlib, boto3\n"
        "for path in sorted(pathlib.Path('functions').glob('*/handler.py')):\n"
        "    handler = importlib.import_module(f'functions.{path.parent.name}.handler').handler\n"
        "    for module in getattr(handler, 'contracts', {}).values():\n"
        "        importlib.import_module(module)\n"
        f"for service in {bundling.SERVICES!r}:\n"
        "    boto3.client(service, region_name='eu-west-1')\n"
        "import io, xlsxwriter\n"
        "from reportlab.lib.styles import getSampleStyleSheet\n"
        "from reportlab.platypus import Paragraph, SimpleDocTemplate, Table\n"
        "page = io.BytesIO()\n"
        "words = Paragraph('Words', getSampleStyleSheet()['Normal'])\n"
        "SimpleDocTemplate(page).build([words, Table([['a', 'b']])])\n"
        "assert page.getvalue().startswith(b'%PDF-')\n"
        "xlsxwriter.Workbook(io.BytesIO(), {'in_memory': True}).close()\n"
        "print('imported')\n"
    )
    environment = {
        "PYTHONPATH": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys._base_executable, "-s", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("imported\n")
