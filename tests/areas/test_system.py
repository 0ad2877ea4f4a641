"""Health, what the platform is, and its documentation, through the function `system`."""

import base64
import gzip

import pytest

from functions.system import docs, probes, retired
from shared.agents.providers import registry
from shared.core.settings import settings
from shared.edge.contracts import NAMES
from tests.areas.driving import Context, call, event
from tests.trips import count_requests


def ask(contract: str, path: str, **headers: str):
    return call("system", contract, "GET", path, headers=headers)


@pytest.fixture(autouse=True)
def forget():
    probes.clear_cache()
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def broken(monkeypatch):
    """Breaks one service by naming something that is not there."""

    def breaks(variable: str, value: str) -> None:
        monkeypatch.setenv(variable, value)
        settings.cache_clear()

    return breaks


def test_enterprise_health_has_the_documented_bare_body(aws):
    answer = ask("enterprise", "/health")
    assert (answer.status, set(answer.json)) == (200, {"status", "timestamp", "services", "version"})
    assert answer.json["status"] == "healthy"
    assert answer.json["services"] == dict.fromkeys(("database", "cache", "message_queue", "storage"), "healthy")
    assert answer.header("X-RateLimit-Limit") is None


@pytest.mark.parametrize(
    ("variable", "value", "service", "words"),
    [
        ("CADRE_CORE_TABLE", "gone", "database", "Database connection failed"),
        ("CADRE_TELEMETRY_TABLE", "gone", "database", "Database connection failed"),
        ("CADRE_EPHEMERAL_TABLE", "gone", "cache", "Cache connection failed"),
        ("CADRE_EMAILS_QUEUE", "http://localhost/123456789012/gone", "message_queue", "Message queue connection failed"),
        ("CADRE_FILES_BUCKET", "gone-bucket", "storage", "Storage connection failed"),
        ("CADRE_FILES_BUCKET", "", "storage", "Storage connection failed"),
    ],
)
def test_what_does_not_answer_is_named(aws, broken, variable, value, service, words):
    broken(variable, value)
    answer = ask("enterprise", "/health")
    assert (answer.status, set(answer.json)) == (503, {"status", "timestamp", "services", "errors"})
    assert answer.json["status"] == "unhealthy"
    assert [name for name, state in answer.json["services"].items() if state != "healthy"] == [service]
    assert answer.json["errors"] == [words]


def test_health_is_asked_at_most_every_two_seconds(aws, monkeypatch):
    asked, moment = [], [100.0]
    monkeypatch.setattr(probes.time, "monotonic", lambda: moment[0])
    monkeypatch.setattr(probes, "probe_services", lambda: asked.append(moment[0]) or probes.Health(frozenset()))
    for moment[0] in (100.0, 101.0, 101.9, 102.1, 104.0, 104.2):
        assert ask("enterprise", "/health").status == 200
    assert asked == [100.0, 102.1, 104.2]


def test_a_probe_that_hangs_is_given_up(aws, monkeypatch):
    from threading import Event

    stuck, events = Event(), probes.client("s3").meta.events

    def hang(**_) -> None:
        stuck.wait(5)

    monkeypatch.setattr(probes, "TIMEOUT", 0.5)
    events.register("before-call.s3.HeadBucket", hang)
    try:
        assert probes.probe_services().failed == {"storage"}
    finally:
        stuck.set()
        events.unregister("before-call.s3.HeadBucket", hang)


def test_health_costs_no_request_of_the_rate_limits(aws):
    with count_requests() as seen:
        ask("enterprise", "/health")
        ask("aintandem", "/system/health")
        ask("aintandem", "/system/info")
    assert seen.count == 0  # the probes have a client of their own


def test_aintandem_health_is_enveloped(aws, broken):
    answer = ask("aintandem", "/system/health")
    assert answer.status == 200
    assert answer.json["success"] is True
    assert set(answer.json["data"]) == {"status", "version", "services", "timestamp"}
    assert answer.json["data"]["services"] == dict.fromkeys(("api", "collaboration_bus", "database", "redis"), "healthy")
    broken("CADRE_EPHEMERAL_TABLE", "gone")
    probes.clear_cache()
    ill = ask("aintandem", "/system/health")
    assert (ill.status, ill.json["success"], ill.json["error"]["code"]) == (503, False, "SERVICE_UNAVAILABLE")
    assert ill.json["error"]["details"]["services"]["redis"] == "unhealthy"


def test_aintandem_info_says_what_is_there(aws):
    data = ask("aintandem", "/system/info").json["data"]
    assert set(data) == {"version", "edition", "features", "supported_llm_providers", "supported_mcp_servers"}
    assert data["edition"] == "community"
    assert data["features"] == {"max_workspaces": 10, "max_sandboxes_per_workspace": 5, "cross_machine_deployment": False}
    assert data["supported_llm_providers"] == ["embedded", "qwen", "glm", "claude", "openai"]
    assert {registry.canonical_name(one) for one in data["supported_llm_providers"]} <= set(registry.NAMES), (
        "each is a provider that runs can name"
    )


@pytest.mark.parametrize("contract", NAMES)
def test_every_contract_shows_its_document_and_pages(aws, deployed, contract):
    answer = ask(contract, "/openapi.json")
    assert (answer.status, answer.header("content-type")) == (200, "application/json")
    assert "/openapi.json" in answer.json["paths"]
    assert answer.header("cache-control").startswith("public")
    for path, mark in (("/docs", "SwaggerUIBundle"), ("/redoc", "redoc")):
        page = ask(contract, path)
        assert (page.status, page.header("content-type")) == (200, "text/html; charset=utf-8")
        assert mark in page.text
        assert "http://" not in page.text.replace("http://www.w3.org", "")
        assert "https://" not in page.text


def test_an_unchanged_document_is_not_sent_again(aws, deployed):
    tag = ask("omoios", "/openapi.json").header("etag")
    again = ask("omoios", "/openapi.json", **{"If-None-Match": tag})
    assert (again.status, again.text) == (304, "")


@pytest.mark.parametrize("file", docs.ASSETS)
def test_the_files_of_the_pages_come_from_the_package(aws, file):
    from functions.system.handler import handler

    answer = handler(event("agentworks", "GET", f"/docs/assets/{file}", headers={"Accept-Encoding": "gzip, br"}), Context())
    assert answer["statusCode"] == 200
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    assert headers["cache-control"] == "public, max-age=86400"
    raw = base64.b64decode(answer["body"])
    assert len(answer["body"]) < 1_000_000
    if headers.get("content-encoding") == "gzip":
        raw = gzip.decompress(raw)
    assert raw == docs._asset(file)


@pytest.mark.parametrize("file", ["other.js", "..%2F..%2Fsecrets", "%2e%2e"])
def test_no_other_file_is_shown(aws, file):
    answer = ask("agentworks", f"/docs/assets/{file}")
    assert (answer.status, answer.json["error"]["code"]) == (404, "FILE_NOT_FOUND")


@pytest.mark.parametrize("contract", NAMES)
def test_without_a_deployment_there_is_no_document(aws, contract):
    docs.read_document.cache_clear()
    answer = ask(contract, "/openapi.json")
    assert answer.status == 503
    assert "SERVICE_UNAVAILABLE" in answer.text


@pytest.fixture
def published(deployed):
    """The paths of the document that this test deploys, and not those of another one."""
    retired._paths.cache_clear()
    yield
    retired._paths.cache_clear()


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("path", "successor"),
    [
        ("/v0/organizations", "/organizations"),
        ("/v0/organizations/org-1/projects", "/organizations/org-1/projects"),
        ("/v0/features/a%22b%3E/status", "/features/a%22b%3E/status"),
        ("/v0/no/such/thing", "/docs"),
        ("/v0/", "/docs"),
        ("/v0", "/docs"),
    ],
)
def test_version_0_says_when_it_ended_and_where_its_successor_is(aws, published, method, path, successor):
    answer = call("system", "enterprise", method, path)
    assert (answer.status, answer.json["error"]["code"]) == (404, "RESOURCE_NOT_FOUND")
    assert "This endpoint is deprecated. Please migrate to /v1 API." in answer.text
    assert (answer.header("deprecation"), answer.header("sunset")) == ("true", "2024-12-31T00:00:00Z")
    assert answer.header("link") == f'<http://localhost:8000/enterprise/v1{successor}>; rel="successor-version"'


def test_a_successor_is_published(aws, published):
    """What the link says is a path of the document, in every case."""
    for path in ask("enterprise", "/openapi.json").json["paths"]:
        link = ask("enterprise", f"/v0{path.replace('{', '').replace('}', '')}").header("link")
        assert link is not None
        assert link.startswith(f"<http://localhost:8000/enterprise/v1{path.replace('{', '').replace('}', '')}>")


@pytest.mark.parametrize(
    ("contract", "path"), [("enterprise", "/v00/organizations"), ("enterprise", "/v2/x"), ("omoios", "/v0/x")]
)
def test_nothing_else_is_retired(aws, published, contract, path):
    answer = ask(contract, path)
    assert (answer.status, answer.header("deprecation")) == (404, None)
