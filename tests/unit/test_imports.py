"""What a function imports on its way to its first answer decides how long it takes to start: counts and names, no times.

Each area is started in a process of its own, as on Lambda (`shared.edge.http.cold_start`); AWS is answered inside it.
"""

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
# what was kept (decision 41)
MODULES = 795


def loaded(name: str) -> set[str]:
    """The names of the modules after the first answer. What only is installed here, for tests, is hidden as it is in the package."""
    hide = "import sys; sys.modules['cryptography'] = None; "
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-c", f"{hide}from bench.first_request import main; main(*sys.argv[1:])", name, "modules"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def within(modules: set[str], forbidden: set[str]) -> set[str]:
    return {name for name in modules for one in forbidden if name == one or name.startswith(f"{one}.")}


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.thorough
def test_an_area_imports_what_its_first_answer_needs(area: str) -> None:
    modules = loaded(area)
    assert within(modules, NEVER_IN_AREAS) - {"cryptography", "pydantic.v1"} == set()  # these two are blocked, not loaded
    assert len(modules) <= MODULES


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.thorough
def test_a_worker_knows_nothing_of_the_api(worker: str) -> None:
    assert within(loaded(worker), NEVER_IN_WORKERS) - {"cryptography"} == set()


def test_the_first_request_loads_one_contract() -> None:
    modules = loaded("cards")
    assert {name for name in modules if name.startswith("functions.cards.")} == {
        "functions.cards.agentworks",
        "functions.cards.handler",
    }
    assert "shared.edge.contracts.omoios" not in modules


def test_the_pusher_knows_of_the_edge_only_how_a_terminal_is_shown() -> None:
    modules = loaded("ws_pusher")
    assert {name for name in modules if name.startswith("shared.edge.")} == {
        "shared.edge.views",
        "shared.edge.views.agentworks",
        "shared.edge.views.agentworks.terminal",
        "shared.edge.views.sockets",
    }
    assert "pydantic" not in modules
