"""What a function imports on its way to its first answer decides how long it takes to start: counts and names, no times.

Each function is started in a process of its own, as on Lambda (`shared.edge.http.cold_start`); AWS is answered inside it. These processes
are forks of one that has imported what all of them import first.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.package import ENVIRONMENT

ROOT = Path(__file__).parents[2]
AREAS = sorted(
    path.parent.name
    for path in (ROOT / "functions").glob("*/handler.py")
    if "shared.edge.http.lambda_handler" in path.read_text()
)
WORKERS = sorted({path.parent.name for path in (ROOT / "functions").glob("*/handler.py")} - set(AREAS))
NEVER = {  # by any function before it does what needs it; milliseconds of CPU as measured
    "argon2",  # 15
    "aws_cdk",
    "boto3",  # 11: botocore does
    "cryptography",  # 50: PyJWT asks for it where it is installed; it does not ship
    "email_validator",
    "fastapi_offline",
    "genai_prices",  # 118
    "httpx2",  # 90
    "moto",
    "oauthlib",  # the requests of OAuth clients need it
    "PIL",
    "pytest",
    "reportlab",  # with PIL 130
    "requests",
    "shared.agents.providers.anthropic",
    "shared.agents.providers.bedrock",
    "shared.agents.providers.openai",
    "shared.money.billing.gateways.stripe",
}
NEVER_IN_AREAS = NEVER | {"pydantic.v1", "pydantic.v1.main"}
NEVER_IN_WORKERS = NEVER | {"fastapi", "starlette", "mangum", "shared.edge.http"}
# An area on its first answer: botocore alone has 390 of them, four are for access with the first read (decision 37), two hand over
# what was kept (decision 41), six are of the store and the events of cards (decisions 39, 43 to 45), two are the way around the slow parts
# of PynamoDB (46); the others since are the start itself, the table of scopes, the length of answers (48), searches (47) and seats (51),
# the permissions apart from the actor that names scopes, what a request is counted by (57), the places of chains (58), state machines (53),
# and what was cut in two to be short (`shared.store.queries`). Sandboxes have eleven more: a model, hosts and secrets beside their own
MODULES = 849  # with Debian's interpreter; others have one or two fewer of their own


EACH_AREA = "shared.edge.http.lambda_handler"  # by which an area is known, see AREAS
EACH_WORKER = "botocore.session"
START = """
import sys
sys.modules["cryptography"] = None  # what only is installed here, for tests, is hidden as it is in the package
import importlib, json, os, tempfile
from bench.first_request import main
first, *names = sys.argv[1:]
importlib.import_module(first)
modules = {first: sorted(sys.modules)}
for name in names:
    with tempfile.TemporaryFile("w+") as output:
        if not (child := os.fork()):
            os.dup2(output.fileno(), 1)
            main(name, "modules")
        if status := os.waitpid(child, 0)[1]:
            sys.exit(f"{name}: {status}")
        output.seek(0)
        modules[name] = [line for line in output.read().splitlines() if line[:1] != "{"]  # no line of the log
json.dump(modules, sys.stdout)
"""


def loaded(first: str, *names: str) -> dict[str, set[str]]:
    """The names of the modules after the first answer of each function, and of those that were there when it started (`first`)."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-c", START, first, *names],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name: set(modules) for name, modules in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def areas() -> dict[str, set[str]]:
    return loaded(EACH_AREA, *AREAS)


@pytest.fixture(scope="module")
def workers() -> dict[str, set[str]]:
    return loaded(EACH_WORKER, *WORKERS)


def within(modules: set[str], forbidden: set[str]) -> set[str]:
    return {name for name in modules for one in forbidden if name == one or name.startswith(f"{one}.")}


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.thorough
def test_an_area_imports_what_its_first_answer_needs(area: str, areas: dict[str, set[str]]) -> None:
    modules = areas[area]
    assert within(modules, NEVER_IN_AREAS) - {"cryptography", "pydantic.v1"} == set()  # these two are blocked, not loaded
    assert len(modules) <= MODULES


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.thorough
def test_a_worker_knows_nothing_of_the_api(worker: str, workers: dict[str, set[str]]) -> None:
    assert within(workers[worker], NEVER_IN_WORKERS) - {"cryptography"} == set()


@pytest.mark.thorough
def test_what_is_imported_before_the_fork_is_what_each_worker_imports(workers: dict[str, set[str]]) -> None:
    assert workers[EACH_WORKER] <= loaded("json", "ws_pusher")["ws_pusher"] | {"bench", "bench.first_request"}


STARTED = """
import gc, importlib, os, sys
import botocore.session, fastapi, mangum, pynamodb.models  # of others, once for all: what is ours is imported in each process
for name in sys.argv[1:]:
    if not (child := os.fork()):
        importlib.import_module("functions")
        ran = []
        gc.callbacks.append(lambda phase, info: ran.append(phase))
        importlib.import_module(f"functions.{name}.handler")
        sys.exit(f"{name}: collected {len(ran)} times, enabled {gc.isenabled()}, frozen {gc.get_freeze_count()}"
                 if ran or not gc.isenabled() or gc.get_freeze_count() < 10_000 else 0)
    if os.waitpid(child, 0)[1]:
        sys.exit(1)
"""


@pytest.mark.thorough
def test_no_garbage_is_collected_while_a_function_starts_and_it_is_afterwards() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter and functions
        [sys.executable, "-c", STARTED, *AREAS, *WORKERS],
        cwd=ROOT, env={"PATH": os.environ["PATH"], **ENVIRONMENT}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.thorough
def test_the_first_request_loads_one_contract(areas: dict[str, set[str]]) -> None:
    modules = areas["cards"]
    assert {name for name in modules if name.startswith("functions.cards.")} == {
        "functions.cards.agentworks",
        "functions.cards.handler",
    }
    assert "shared.edge.contracts.omoios" not in modules


@pytest.mark.thorough
def test_the_pusher_knows_of_the_edge_only_how_a_terminal_is_shown(workers: dict[str, set[str]]) -> None:
    modules = workers["ws_pusher"]
    assert {name for name in modules if name.startswith("shared.edge.")} == {
        "shared.edge.views",
        "shared.edge.views.agentworks",
        "shared.edge.views.agentworks.terminal",
        "shared.edge.views.aintandem",
        "shared.edge.views.aintandem.lines",
        "shared.edge.views.sockets",
    }
    assert "pydantic" not in modules
