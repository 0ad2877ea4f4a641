"""The edge function, run in Node as CloudFront would run it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.names import CONTRACTS, WELL_KNOWN

HOSTS = {"agentworks": "api.agentworks.dev", "aintandem": "api.aintandem.com", "enterprise": "api.example.com"}
REST = [(f"{contract.mount}/things/1", contract.name, "/v1/things/1") for contract in CONTRACTS]
SOCKETS = [
    ("agentworks", "/api/cards/c1/terminal"),
    ("agentworks", "/api/workspaces/w1/events"),
    ("aintandem", "/ws/sandboxes/s1"),
    ("aintandem", "/ws/collaborations/c1"),
    ("aintandem", "/ws/system"),
    ("orchestrator", "/v1/ws"),
    ("omoios", "/api/v1/ws/events"),
]


EACH_LINE = """
import readline from 'node:readline';
for await (const line of readline.createInterface({ input: process.stdin })) {
  chosen = undefined;
  const out = handler(JSON.parse(line));
  console.log(JSON.stringify({ ...out, origin: chosen }));
}
"""
"""One process for all requests: Node takes longer to start than to answer."""


def router() -> str:
    """The function's code."""
    from infra.edge import router_code  # the CDK takes seconds and starts Node: no process does that while it only collects tests

    return router_code(HOSTS)


@pytest.fixture(scope="module")
def route(tmp_path_factory: pytest.TempPathFactory):
    """Runs one request through the function; answers the request that goes on, with the chosen origin, or the answer."""
    folder = tmp_path_factory.mktemp("edge")
    stub = "let chosen; const cf = { selectRequestOriginById: (id) => { chosen = id } };"
    source = router().replace("import cf from 'cloudfront';", stub)
    script = folder / "run.mjs"
    script.write_text(f"{source}\n{EACH_LINE}")
    node = os.environ.get("JSII_NODE") or shutil.which("node")
    assert node

    def run(uri: str, host: str = "d1.cloudfront.net", query: dict[str, str] | None = None) -> dict[str, Any]:
        request = {
            "uri": uri,
            "headers": {"host": {"value": host}},
            "querystring": {k: {"value": v} for k, v in (query or {}).items()},
        }
        process.stdin.write(json.dumps({"request": request}) + "\n")
        process.stdin.flush()
        result: dict[str, Any] = json.loads(process.stdout.readline())
        return result

    with subprocess.Popen([node, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        yield run
        process.stdin.close()


@pytest.mark.parametrize(("uri", "origin", "path"), REST)
def test_a_mounted_contract_goes_to_its_api(route, uri: str, origin: str, path: str) -> None:
    sent = route(uri, query={"page": "2"})
    assert (sent["origin"], sent["uri"], sent["querystring"]) == (origin, path, {"page": {"value": "2"}})


@pytest.mark.parametrize(("contract", "path"), SOCKETS)
def test_a_documented_socket_becomes_a_query(route, contract: str, path: str) -> None:
    sent = route(f"/{contract}{path}", query={"token": "t"})
    assert (sent["origin"], sent["uri"]) == ("socket", "/v1")
    quoted = path.replace("/", "%2F")
    assert sent["querystring"] == {"path": {"value": quoted}, "contract": {"value": contract}, "token": {"value": "t"}}


@pytest.mark.parametrize("path", WELL_KNOWN)
@pytest.mark.parametrize("host", ["d1.cloudfront.net", "api.agentworks.dev", "API.aintandem.com"])
def test_every_host_has_what_clients_of_its_authorization_server_look_for(route, path: str, host: str) -> None:
    sent = route(path, host=host)
    assert (sent["origin"], sent["uri"]) == ("enterprise", f"/v1{path}")
    assert route(f"{path}/x", host="d1.cloudfront.net")["statusCode"] == 404


def test_a_domain_of_its_own_serves_the_documented_address_literally(route) -> None:
    assert route("/v1/boards", host="api.agentworks.dev")["origin"] == "agentworks"
    sent = route("/api/v1/workspaces", host="API.aintandem.com")
    assert (sent["origin"], sent["uri"]) == ("aintandem", "/v1/workspaces")
    assert route("/api/cards/c1/terminal", host="api.agentworks.dev")["querystring"]["contract"] == {"value": "agentworks"}


def test_a_client_cannot_choose_the_contract_of_a_socket(route) -> None:
    sent = route("/omoios/api/v1/ws/events", query={"contract": "agentworks", "path": "/ws/system"})
    assert sent["querystring"]["contract"] == {"value": "omoios"}
    assert sent["querystring"]["path"] == {"value": "%2Fapi%2Fv1%2Fws%2Fevents"}


def test_a_client_cannot_choose_the_contract_of_a_socket_by_another_spelling(route) -> None:
    """The gateway decodes the names of parameters, and takes the last of two."""
    sent = route("/omoios/api/v1/ws/events", query={"token": "t", "contr%61ct": "agentworks", "p%61th": "/ws/system"})
    assert set(sent["querystring"]) == {"token", "contract", "path"}


def test_every_contract_is_served_on_every_domain(route) -> None:
    """Links lead to `publicUrl`, which is a domain of one contract: those of the others are below it."""
    for contract in CONTRACTS:
        sent = route(f"{contract.mount}/things/1", host="api.aintandem.com")
        assert (sent["origin"], sent["uri"]) == (contract.name, "/v1/things/1")
    sent = route("/omoios/api/v1/ws/events", host="api.agentworks.dev")
    assert (sent["origin"], sent["querystring"]["contract"]) == ("socket", {"value": "omoios"})


@pytest.mark.parametrize(
    "uri",
    [
        "/",
        "//",
        "//agentworks/v1/boards",
        "/agentworks//v1/boards",
        "/agentworks%2Fv1/boards",
        "/%61gentworks/v1/boards",
        "/nobody/v1/boards",
        "/agentworks",
        "/agentworks/v2/boards",
        "/agentworks/v1boards",
        "/orchestrator/v1/wsx",
        "/agentworks/../omoios/api/v1/boards",
        "/agentworks/api/cards/\ud800/terminal",  # encodeURIComponent throws on it
        "/" + "a" * 8000,
    ],
)
def test_anything_else_is_not_found(route, uri: str) -> None:
    assert route(uri)["statusCode"] == 404
    assert route(uri, host="api.agentworks.dev")["statusCode"] == 404


@pytest.mark.parametrize("name", ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"])
def test_what_every_object_inherits_is_no_contract_and_no_host(route, name: str) -> None:
    for uri in (f"/{name}", f"/{name}/v1/boards"):
        assert route(uri)["statusCode"] == 404
    sent = route("/omoios/api/v1/boards", host=name)
    assert (sent["origin"], sent["uri"]) == ("omoios", "/v1/boards")


def test_the_function_is_small_enough() -> None:
    assert len(router().encode()) < 10_240  # CloudFront's limit
    assert "__" not in router()


def test_the_source_is_beside_its_stack() -> None:
    assert (Path(__file__).parents[2] / "infra" / "viewer_request.js").is_file()


@pytest.mark.parametrize("page", ["/docs", "/redoc", "/openapi.json", "/postman-collection.json"])
def test_pages_that_are_documented_beside_the_base_lead_below_it(route, page: str) -> None:
    own, mounted = route(page, host="api.example.com"), route(f"/enterprise{page}")
    assert [(one["statusCode"], one["headers"]["location"]["value"]) for one in (own, mounted)] == [
        (302, f"/v1{page}"),
        (302, f"/enterprise/v1{page}"),
    ]
    assert route(f"/enterprise/v1{page}")["uri"] == f"/v1{page}"
    assert route(f"/omoios{page}")["statusCode"] == 404


def test_an_operation_that_is_documented_beside_the_base_is_found(route) -> None:
    for path in ("/api/validation/status", "/api/v1/validation/status"):
        sent = route(f"/omoios{path}", query={"task_id": "1"})
        assert (sent["origin"], sent["uri"], sent["querystring"]) == (
            "omoios",
            "/v1/validation/status",
            {"task_id": {"value": "1"}},
        )
    for path in ("/omoios/api/validations", "/omoios/api/tasks", "/aintandem/api/validation/status"):
        assert route(path)["statusCode"] == 404


@pytest.mark.parametrize("path", ["/v0", "/v0/", "/v0/organizations/1/projects"])
def test_a_retired_version_is_answered_by_the_api_that_followed(route, path: str) -> None:
    for sent in (route(path, host="api.example.com"), route(f"/enterprise{path}")):
        assert (sent["origin"], sent["uri"]) == ("enterprise", f"/v1{path}")
    assert route(f"/omoios{path}")["statusCode"] == 404
    assert route("/enterprise/v00/x")["statusCode"] == 404
