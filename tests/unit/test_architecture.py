"""The picture and the documents name what there is: wings, rooms, tables, queues, functions, paths and modules."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from infra.agent_run import definition
from infra.names import TABLES
from infra.needs import AREAS, WORKERS
from infra.queues import QUEUES

ROOT = Path(__file__).parents[2]
PICTURE = "docs/architecture.svg"
SVG = "{http://www.w3.org/2000/svg}"
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("local/*.md"), *ROOT.glob("bench/*.md")]
)
PACKAGES = "shared|functions|infra|local|tools|bench"
FOLDERS = f"{PACKAGES}|tests|docs|requirements|events"


def contracts() -> dict[str, list[str]]:
    """Container -> layers, as lint-imports enforces them."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    exhaustive = [contract for contract in configuration if contract.get("exhaustive")]
    return {container: contract["layers"] for contract in exhaustive for container in contract["containers"]}


LAYERS = contracts()
WINGS = LAYERS["shared"]


def rooms(wing: str) -> list[str]:
    return re.findall(r"\w+", " ".join(LAYERS.get(f"shared.{wing}", [])))


def texts(prefix: str) -> dict[str, list[str]]:
    """The texts of the picture's elements whose id begins with the prefix, by the rest of the id, in document order."""
    picture = ET.parse(ROOT / PICTURE)  # noqa: S314 - our own file
    elements = [element for element in picture.iter() if element.get("id", "").startswith(prefix)]
    return {element.get("id", "").removeprefix(prefix): _text(element) for element in elements}


def _text(element: ET.Element) -> list[str]:
    return [child.text or "" for child in element.iter(f"{SVG}text")]


def test_every_wing_with_packages_has_layers_of_its_own():
    packages = {wing for wing in WINGS if any((ROOT / "shared" / wing).glob("*/__init__.py"))}
    assert packages == {container.removeprefix("shared.") for container in LAYERS if container.startswith("shared.")}


def test_the_picture_shows_the_wings_and_their_layers():
    drawn = texts("wing-")
    assert list(drawn) == WINGS
    for wing, (name, *layers) in drawn.items():
        assert name == wing
        assert layers == ([" → ".join(LAYERS[f"shared.{wing}"])] if f"shared.{wing}" in LAYERS else [])


def test_the_picture_shows_the_tables_queues_functions_and_states():
    assert [name for name, *_ in texts("table-").values()] == list(TABLES)
    assert texts("queue-") == {name: [name, f"→ {spec.consumer}"] for name, spec in QUEUES.items()}
    for group, names in (("areas-", AREAS), ("workers-", WORKERS)):
        shown = re.findall(r"\w+", " ".join(line for lines in texts(group).values() for line in lines))
        assert sorted(shown) == sorted(names)
    states = {name for name, state in definition("arn")["States"].items() if state["Type"] == "Task"}
    assert set(re.findall(r"[A-Z]\w+", " ".join(texts("machine-")["AgentRun"][1:3]))) == states - {"WaitBudget"}


@pytest.mark.parametrize("document", ["docs/house.md", "README.md"])
def test_the_tables_show_the_wings_and_their_rooms(document: str):
    table = re.findall(r"^\| `(\w+)` \|([^|]*)\|[^|]+\|$", _read(document).split("| wing |")[1].split("\n\n")[0], re.MULTILINE)
    assert [(wing, re.findall(r"\w+", cell)) for wing, cell in table] == [(wing, rooms(wing)) for wing in WINGS]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_in_a_document_exists(document: str):
    text = _read(document)
    paths = re.findall(rf"`((?:{FOLDERS})/[^`\s]*)`", text)
    missing = [path for path in paths if not list(ROOT.glob(re.sub(r"<[^>]*>", "*", path.rstrip("/"))))]
    links = [link.partition("#")[0] for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text)]
    assert missing + [link for link in links if link and not (ROOT / document).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_module_in_a_document_exists(document: str):
    for name in re.findall(rf"`((?:{PACKAGES})(?:\.\w+)+)`", _read(document)):
        module, *attributes = _imported(name)
        for attribute in attributes:
            module = getattr(module, attribute)


def test_every_patch_in_the_table_exists():
    table = _read("local/README.md").split("| patch in `local/patches/` |")[1]
    patches = re.findall(r"`(\w+)\.([\w*]+)` \|$", table, re.MULTILINE)
    assert patches
    for module, function in patches:
        source = (ROOT / "local" / "patches" / f"{module}.py").read_text()
        assert re.search(rf"^def {function.replace('*', ' *[a-z_]+')}\(", source, re.MULTILINE), f"{module}.{function}"


def _imported(name: str) -> list:
    """The module of a dotted name, and the rest of the name as attributes."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length])
        if path.with_suffix(".py").exists() or (path / "__init__.py").exists() or path.is_dir():
            return [import_module(".".join(parts[:length])), *parts[length:]]
    raise AssertionError(f"{name} does not exist")


def _read(document: str) -> str:
    return (ROOT / document).read_text()


@pytest.mark.thorough
def test_no_test_loads_the_cdk_before_it_makes_templates():
    """It takes a second and a process of Node, in every process that collects the tests."""
    statements = [one for path in (ROOT / "tests").glob("**/*.py") for one in ast.parse(path.read_text()).body]
    froms = {one.module for one in statements if isinstance(one, ast.ImportFrom) and one.module}
    imported = froms | {name.name for one in statements if isinstance(one, ast.Import) for name in one.names}
    assert not {name for name in imported if name.startswith(("aws_cdk", "jsii"))}
    ours = sorted(name for name in imported if name.startswith("infra."))
    assert ours
    code = f"import sys, {', '.join(ours)}; sys.exit('aws_cdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0  # noqa: S603 - our own interpreter


LINES = 400


def test_modules_are_short():
    """What is longer is cut in two."""
    modules = [path for folder in ("shared", "functions", "infra", "local", "tools") for path in (ROOT / folder).rglob("*.py")]
    sizes = {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    assert {name: size for name, size in sizes.items() if size > LINES} == {}
