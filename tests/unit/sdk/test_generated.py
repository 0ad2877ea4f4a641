"""What is generated of the Python client is what the published documents say today, and the client needs nothing of ours."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest

from tools import sdk
from tools.sdk_client import APIS, Method, digest, methods, resources

STALE = "the API has changed: `make sdk` writes the client again"
PAGES = {
    "oauth.authorize",
    "oauth.decide",
    "docs.swagger",
    "docs.redoc",
    "docs.asset",
    "docs.openapi",
    "docs.postman",
    "oauth.metadata",
}
"""Operations for browsers and other programs: pages, and documents of their own."""


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
@pytest.mark.parametrize("file", ["models", "bodies", "resources"])
def test_the_client_is_made_from_todays_document(api, file, documents):
    made = sdk.file_digest(sdk.SOURCE / api.folder / f"{file}.py")
    assert made == digest(api, documents[api.name]), STALE


def test_a_change_of_the_document_makes_the_client_stale_and_a_limit_does_not(documents):
    enterprise = APIS[0]
    before = digest(enterprise, documents["enterprise"])
    for change in (
        lambda one: one["components"]["schemas"]["CreateBuild"]["properties"].update(note={"type": "string"}),
        lambda one: one["components"]["schemas"]["Build"]["properties"].pop("failure_reason"),
        lambda one: one["paths"]["/builds/{build_id}"]["get"].update(operationId="builds.read"),
        lambda one: one["paths"].pop("/builds/{build_id}/log"),
    ):
        changed = copy.deepcopy(documents["enterprise"])
        change(changed)
        assert digest(enterprise, changed) != before
    changed["paths"] = copy.deepcopy(documents["enterprise"]["paths"])
    changed["components"]["schemas"]["CreateProject"]["properties"]["name"]["maxLength"] = 7
    assert digest(enterprise, changed) == before


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_nobody_has_changed_the_methods_by_hand(api, documents):
    path = sdk.SOURCE / api.folder / "resources.py"
    written = path.read_text().splitlines()[2:]
    command = [sys.executable, "-m", "ruff", "format", "-", "--stdin-filename", str(path)]
    formatted = subprocess.run(command, input=resources(api, documents[api.name]), capture_output=True, text=True, check=True)  # noqa: S603
    assert "\n".join(one for one in formatted.stdout.splitlines() if not one.startswith(("import", "from"))) == "\n".join(
        one for one in written if not one.startswith(("import", "from"))
    )


def test_every_operation_of_enterprise_has_a_method(documents):
    document = documents["enterprise"]
    declared = {one["operationId"] for path in document["paths"].values() for one in path.values()}
    assert declared - {one.id for one in methods(APIS[0], document)} == PAGES


@pytest.mark.parametrize(
    ("operation", "resource", "name"),
    [
        ("builds.create", "builds", "create"),
        ("apiKeys.list", "api_keys", "list"),
        ("features.buildAndDeploy", "features", "build_and_deploy"),
        ("oauth.clients.create", "oauth_clients", "create"),
    ],
)
def test_methods_are_called_as_the_operations(operation, resource, name):
    method = Method(operation, "POST", "/", {}, None, ())
    assert (method.resource, method.name) == (resource, name)


def test_the_package_is_installed_from_its_folder_and_needs_nothing_of_ours(tmp_path):
    """It loads nothing of the platform, and no sockets before they are used."""
    install = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--offline", "--no-deps"]
    places = ["--cache-dir", str(tmp_path / "cache"), "--target", str(tmp_path / "installed")]
    subprocess.run([*install, *places, str(sdk.SOURCE.parent)], check=True)  # noqa: S603
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import ai_agents.agentworks\n"
        "from importlib.metadata import requires; print(ai_agents.__file__)\n"
        "print(*[one for one in requires('ai-agents-sdk') if 'extra' not in one])\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & {'shared', 'tools', 'infra', 'boto3', 'websockets'}))"
    )
    python = [sys.executable, "-P", "-c", script, str(tmp_path / "installed")]
    done = subprocess.run(python, capture_output=True, text=True, check=True, cwd="/")  # noqa: S603
    place, needs, loaded = done.stdout.splitlines()
    assert (place, loaded) == (str(tmp_path / "installed/ai_agents/__init__.py"), "")
    assert needs == "httpx2>=2.16 pydantic>=2.12"
    assert (tmp_path / "installed/ai_agents/py.typed").exists()
