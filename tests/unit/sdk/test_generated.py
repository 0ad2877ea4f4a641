"""What is generated of the Python client is what the published documents say today, and the client needs nothing of ours."""

import subprocess
import sys

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
    made = sdk.file_digest(sdk.PACKAGE / api.folder / f"{file}.py")
    assert made == digest(api, documents[api.name]), STALE


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_nobody_has_changed_the_methods_by_hand(api, documents):
    path = sdk.PACKAGE / api.folder / "resources.py"
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


def test_the_package_needs_two_others_only():
    """Imported from its folder and the libraries alone, it loads nothing of the platform, and no sockets before they are used."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import ai_agents.agentworks\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & {'shared', 'tools', 'infra', 'boto3', 'websockets'}))"
    )
    folder = str(sdk.PACKAGE.parent)
    done = subprocess.run([sys.executable, "-P", "-c", script, folder], capture_output=True, text=True, check=True, cwd="/")  # noqa: S603
    assert done.stdout.split() == []
