"""The package: complete, compiled for good, the same for the same sources."""

import ast
import importlib.util
import json
import marshal
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from bench.package import ENVIRONMENT
from infra import bundling
from infra.bundling_models import SERVICES
from shared.core import kept

BUDGET = 26 * 2**20  # 1.1 MB of it are learned words (decision 70); bytes zipped, without boto3; a package past 40 MB is a defect
HOST = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
UNCHECKED_HASH = 0b01
CALLED = {
    "dynamodb": {"BatchGetItem", "BatchWriteItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"},
    "s3": {"DeleteObject", "DeleteObjects", "GetObject", "HeadBucket", "HeadObject", "ListObjectsV2", "PutObject"},
    "secretsmanager": {"GetSecretValue"},
    "sqs": {"GetQueueAttributes", "SendMessage"},
    "stepfunctions": {"DescribeExecution", "SendTaskFailure", "SendTaskSuccess", "StartExecution", "StopExecution"},
}


@pytest.fixture(scope="session")
def ours() -> zipfile.ZipFile:
    return zipfile.ZipFile(bundling.bundle("venv"))


@pytest.fixture(scope="session")
def whole() -> zipfile.ZipFile:
    """With real wheels, for this machine: made once per lock file, then kept in build/."""
    return zipfile.ZipFile(bundling.bundle("lambda", HOST))


@pytest.fixture(scope="session")
def tree(whole: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    whole.extractall(folder)
    return folder


@pytest.fixture
def laptop(ours: zipfile.ZipFile, tmp_path: Path) -> list[str]:
    """The folders from which a function of a laptop imports: the package, and the libraries of this environment."""
    ours.extractall(tmp_path)
    return [str(tmp_path), *[one for one in sys.path if one.endswith("site-packages")]]


def assert_compiled(package: zipfile.ZipFile) -> None:
    names = set(package.namelist())
    sources = [name for name in names if name.endswith(".py")]
    assert len(sources) > 50
    parts = kept.unpacked(memoryview(package.read(kept.FILE)))
    assert parts is not None
    moved = {file for file, _, length in parts[0]["modules"].values() if length}
    assert len(moved) > 50
    for name in set(sources) - moved:
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
    parts = kept.unpacked(memoryview(ours.read(kept.FILE)))
    assert parts is not None
    _, start, length = parts[0]["modules"]["shared.core.settings"]
    code: CodeType = marshal.loads(parts[1][start : start + length])  # noqa: S302 - our own bytecode
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
    assert services == set(SERVICES)


START = """
import sys; sys.path[:0] = sys.argv[2:]
from importlib import import_module
import functions
handler = import_module(f"functions.{sys.argv[1]}.handler").handler
for contract in getattr(handler, "contracts", ()):
    handler({"httpMethod": "GET", "path": "/-", "stageVariables": {"contract": contract}}, None)
start, root = functions.START, sys.argv[2]
here = [name for name, one in sys.modules.items() if (getattr(one, "__file__", None) or "").startswith(root)]
made = [name for name in here if type(sys.modules[name].__spec__.loader).__name__ == "SourceFileLoader"]
print(start and [start.found, start.missed, len(here), made])
"""


FORKED = """
import sys; sys.path[:0] = sys.argv[1:]
from local.fork_server import preload
preload()
import functions
print(functions.START.found)
"""


def started(function: str, *folders: str, **more: str) -> Any:
    """How often a new process found what was kept and how often not, its modules of the package, and those that came from folders."""
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-I", *(["-S"] if len(folders) == 1 else []), "-c", START, function, *folders], cwd="/",
        env={"PATH": os.environ["PATH"], **ENVIRONMENT, **more}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("function", ["cards", "runs", "stream_projector"])
def test_a_function_finds_what_was_kept(tree: Path, function: str) -> None:
    found, missed, modules, from_folders = started(function, str(tree))
    assert found > 100
    assert missed <= found * 0.03, "what starts of functions compile is not what was recorded"
    assert modules > 300
    assert set(from_folders) <= {"functions", "shared", "shared.core", "shared.core.kept", "shared.core.start"}, (
        "before there is anything to find with"
    )


def test_on_a_laptop_functions_find_it_too(laptop: list[str]) -> None:
    """With the dependencies of this environment: what was kept of them are texts and expressions."""
    found, missed, _, from_folders = started("cards", *laptop)
    assert found > 1000
    assert missed <= found * 0.03
    assert set(from_folders) <= {"functions", "shared", "shared.core", "shared.core.kept", "shared.core.start"}


def test_workers_of_a_laptop_are_forked_from_a_process_that_found_it(laptop: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-I", "-c", FORKED, *laptop, str(bundling.ROOT)], cwd="/", env={"PATH": os.environ["PATH"], **ENVIRONMENT},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) > 1000


def test_without_what_was_kept_functions_start_as_ever(laptop: list[str], tmp_path: Path) -> None:
    found, missed, _, _ = started("cards", *laptop, CADRE_KEPT="off")
    assert (found, missed) == (0, 0)
    (tmp_path / kept.FILE).write_bytes(b"of another interpreter" + bytes(100))
    assert started("cards", *laptop) is None


def test_every_operation_that_we_call_is_in_the_models(whole: zipfile.ZipFile) -> None:
    """`tests/grants.py` refuses calls of operations that nothing names; here is the least of what must be there."""
    for service, least in CALLED.items():
        (name,) = [
            one for one in whole.namelist() if one.startswith(f"botocore/data/{service}/") and one.endswith("service-2.json")
        ]
        operations = set(json.loads(whole.read(name))["operations"])
        assert operations >= least, service
        assert len(operations) <= 40, f"{service}: nothing was cut"


def test_the_whole_package_imports_by_itself(tree: Path) -> None:
    """Every handler with its contracts, a client of every service, a PDF and a workbook, with nothing but the package on the path."""
    script = (
        "import importlib, pathlib, boto3\n"
        "for path in sorted(pathlib.Path('functions').glob('*/handler.py')):\n"
        "    handler = importlib.import_module(f'functions.{path.parent.name}.handler').handler\n"
        "    for module in getattr(handler, 'contracts', {}).values():\n"
        "        importlib.import_module(module)\n"
        f"for service in {SERVICES!r}:\n"
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
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys._base_executable, "-s", "-c", script], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("imported\n")
