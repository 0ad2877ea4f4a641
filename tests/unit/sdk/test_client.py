"""The Python client without a platform: retries, pages, errors, waiting. Each test is tried waiting and awaiting."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from ai_agents import Retries, errors
from ai_agents.models import AcceptedOperation
from tests.unit.sdk.server import Server, awaiting, data, page, refusal, waiting

PROJECT = {
    "id": "p-1", "organization_id": "o-1", "workspace_id": "w-1", "name": "Shop", "slug": "shop", "description": None,
    "repository_url": None, "repository_type": None, "status": "active", "visibility": "private", "template_type": None,
    "owner_id": "u-1", "tech_stack": [], "created_at": "2026-11-01T00:00:00Z", "updated_at": "2026-11-01T00:00:00Z",
}  # fmt: skip
FEATURE = {
    "id": "f-1", "project_id": "p-1", "requirement_id": "r-1", "name": "PDF", "description": "Words",
    "implementation_status": "in_progress", "implementation_notes": None, "complexity_points": None, "developer_id": None,
    "blocked_reason": None, "created_at": "2026-11-01T00:00:00Z", "updated_at": "2026-11-01T00:00:00Z",
}  # fmt: skip
BUILD = {
    "id": "b-1", "feature_id": "f-1", "project_id": "p-1", "build_number": 1, "status": "success", "created_at": "2026-11-01T00:00:00Z",
}  # fmt: skip
OPERATION = {
    "operation_id": "op-1",
    "status": "in_progress",
    "progress_percent": 40,
    "resource_url": "/builds/b-1",
    "build_url": "/builds/b-1",
}
UNAVAILABLE = ("SERVICE_UNAVAILABLE",)

Runs = Callable[..., list[Any]]


@pytest.fixture(params=[waiting, awaiting])
def run(request: pytest.FixtureRequest) -> Runs:
    """Run steps with one of the two clients."""
    chosen: Runs = request.param
    return chosen


def create_build(client: Any) -> Any:
    return client.builds.create(feature_id="f-1", version_tag="1.2.0", git_commit_hash="abc123")


def start_feature(client: Any) -> Any:
    return client.features.update_status("f-1", status="in_progress")


# -- retries


def test_a_post_is_repeated_with_the_same_key_and_body(run):
    server = Server(refusal(503, *UNAVAILABLE), httpx2.ReadTimeout("lost"), data(BUILD, 201))
    (build,) = run(server, create_build, api_key="sk-1")
    assert build.id == "b-1"
    keys, bodies = server.header("idempotency-key"), [one.content for one in server.requests]
    assert (len(set(keys)), len(keys[0]), len(set(bodies))) == (1, 36, 1)
    assert json.loads(bodies[0]) == {"git_branch": "main", "version_tag": "1.2.0", "git_commit_hash": "abc123"}


def test_each_call_has_a_key_of_its_own_or_the_callers(run):
    server = Server(data(BUILD, 201), data(BUILD, 201), data(BUILD, 201))

    def again(client: Any) -> Any:
        body = {"version_tag": "1.2.0", "git_commit_hash": "abc123"}
        return client.builds.create("f-1", idempotency_key="mine", **body)

    run(server, create_build, create_build, again)
    first, second, third = server.header("idempotency-key")
    assert first != second
    assert third == "mine"


def test_retry_after_is_the_least_that_is_waited(run):
    server = Server(refusal(429, "RATE_LIMIT_EXCEEDED", retry_after="7"), refusal(503, *UNAVAILABLE), data(FEATURE))
    run(server, start_feature)
    asked, own = server.slept
    assert 7 <= asked <= 7.5
    assert 0 <= own <= 1


def test_more_patience_than_a_minute_is_the_callers(run):
    body = {"error": {"code": "RATE_LIMIT_EXCEEDED", "message": "Later"}, "meta": {"limit_resets_at": "2026-11-02T00:00:00Z"}}
    server = Server(httpx2.Response(429, json=body, headers={"Retry-After": "61"}))
    with pytest.raises(errors.RateLimitError) as raised:
        run(server, start_feature)
    assert (raised.value.retry_after, raised.value.limit_resets_at, server.slept) == (61, "2026-11-02T00:00:00Z", [])


@pytest.mark.parametrize(
    "answer", [httpx2.ReadError("broke"), httpx2.RemoteProtocolError("gone"), refusal(500, "INTERNAL_ERROR")]
)
def test_what_may_have_been_done_is_repeated_only_if_that_is_safe(run, answer):
    server = Server(answer, data(PROJECT), answer)
    run(server, lambda client: client.projects.get("p-1"))
    with pytest.raises(errors.APIConnectionError if isinstance(answer, Exception) else errors.ServerError):
        run(server, start_feature)  # a PATCH has no key
    assert server.sent() == ["GET /v1/projects/p-1", "GET /v1/projects/p-1", "PATCH /v1/features/f-1/status"]


def test_what_never_arrived_is_repeated(run):
    server = Server(httpx2.ConnectError("refused"), httpx2.ConnectTimeout("slow"), data(FEATURE))
    assert run(server, start_feature)[0].implementation_status == "in_progress"


def test_a_key_whose_first_request_still_runs_is_waited_for(run):
    running = refusal(409, "IDEMPOTENCY_CONFLICT", retry_after="1")
    assert run(Server(running, data(BUILD, 201)), create_build)[0].id == "b-1"
    server = Server(refusal(409, "IDEMPOTENCY_CONFLICT"))
    with pytest.raises(errors.ConflictError):
        run(server, create_build)
    assert len(server.requests) == 1


def test_in_the_end_the_error_is_raised(run):
    server = Server(*[refusal(503, *UNAVAILABLE)] * 3)
    with pytest.raises(errors.ServiceUnavailableError, match=r"Said so \(SERVICE_UNAVAILABLE, 503\)"):
        run(server, create_build)
    assert run(Server(*[refusal(503, *UNAVAILABLE)] * 4, data(FEATURE)), start_feature, retries=Retries(attempts=4))
    with pytest.raises(errors.APIConnectionError, match="ConnectError: refused"):
        run(Server(httpx2.ConnectError("refused")), create_build, retries=Retries(attempts=0))


def test_pauses_double_and_are_spread():
    pauses = [[Retries(attempts=9).pause(attempt, None) for _ in range(200)] for attempt in (0, 1, 7, 8, 9)]
    assert all(one is None for one in pauses.pop())
    for made, most in zip(pauses, (0.5, 1, 60, 60), strict=True):
        assert 0 <= min(made) < most / 4
        assert most * 3 / 4 < max(made) <= most


# -- pages


def test_a_page_is_a_sequence_and_all_goes_on(run):
    def entries(*names: str) -> list[Any]:
        return [PROJECT | {"id": name} for name in names]

    server = Server(page(entries("a", "b"), 1, 2))
    (first,) = run(server, lambda client: client.projects.list(org_id="o-1", page_size=2))
    assert (len(first), first[0].id, [one.id for one in first], first.pagination.total) == (2, "a", ["a", "b"], 4)

    server = Server(page(entries("a", "b"), 1, 2), page(entries("c"), 2, 2))
    found = _all(run, server, lambda client: client.projects.list("o-1", page_size=2, status="active"))
    assert [one.id for one in found] == ["a", "b", "c"]
    path, filters = "GET /v1/organizations/o-1/projects", "page_size=2&status=active"
    assert server.sent() == [f"{path}?{filters}", f"{path}?page=2&{filters}"]


def _all(run: Runs, server: Server, step: Callable[[Any], Any]) -> list[Any]:
    if run is waiting:
        return list(run(server, lambda client: list(step(client).all()))[0])

    async def through(client: Any) -> list[Any]:
        return [one async for one in (await step(client)).all()]

    return list(run(server, through)[0])


# -- errors

CODES = [
    (400, "VALIDATION_ERROR", errors.ValidationError),
    (401, "AUTHENTICATION_FAILED", errors.AuthenticationError),
    (403, "AUTHORIZATION_DENIED", errors.AuthorizationError),
    (404, "RESOURCE_NOT_FOUND", errors.NotFoundError),
    (409, "DUPLICATE_RESOURCE", errors.DuplicateError),
    (409, "DUPLICATE_SLUG", errors.DuplicateError),
    (409, "CONFLICT", errors.ConflictError),
    (429, "RATE_LIMIT_EXCEEDED", errors.RateLimitError),
    (500, "INTERNAL_ERROR", errors.ServerError),
    (503, "SERVICE_UNAVAILABLE", errors.ServiceUnavailableError),
    (504, "TIMEOUT", errors.RequestTimeoutError),
    (418, "SOMETHING_NEW", errors.APIError),
]


@pytest.mark.parametrize(("status", "code", "kind"), CODES)
def test_each_documented_code_has_its_class(run, status, code, kind):
    answer = refusal(status, code, {"field": "email", "message": "Email format invalid"}, x_request_id="req-7")
    with pytest.raises(errors.APIError) as raised:
        run(Server(answer), create_build, retries=Retries(attempts=0))
    error = raised.value
    assert type(error) is kind
    assert (error.status, error.code, error.message, error.request_id) == (status, code, "Said so", "req-7")
    assert error.details == [errors.FieldProblem("email", "Email format invalid")]
    assert str(error) == f"Said so ({code}, {status}): email: Email format invalid"


def test_the_errors_of_the_other_formats_are_read_too(run):
    agentworks = {
        "error": {"code": "VALIDATION_ERROR", "message": "No"},
        "validationErrors": [{"field": "title", "message": "Long"}],
    }
    with pytest.raises(errors.ValidationError, match="title: Long"):
        run(Server(httpx2.Response(422, json=agentworks)), create_build)
    named = {"error": {"code": "FORBIDDEN", "message": "No", "details": {"permission": "card:edit"}}}
    with pytest.raises(errors.AuthorizationError, match="permission: card:edit"):
        run(Server(httpx2.Response(403, json=named)), create_build)
    with pytest.raises(errors.ServerError, match=r"Bad Gateway \(HTTP_502, 502\)"):
        run(Server(httpx2.Response(502, html="<h1>A proxy</h1>")), create_build, retries=Retries(attempts=0))
    with pytest.raises(errors.OAuthError, match="invalid_grant"):
        run(
            Server(httpx2.Response(400, json={"error": "invalid_grant"})), lambda one: one.oauth.token(grant_type="refresh_token")
        )


@pytest.mark.parametrize("body", [b"<h1>A hotel's page</h1>", b"[]", b'{"data": {"id": 1}}', b'{"success": true}'])
def test_an_answer_that_is_none_of_ours_says_so(run, body):
    for step in (create_build, lambda client: client.projects.list("o-1")):
        with pytest.raises(errors.UnexpectedAnswerError):
            run(Server(httpx2.Response(200, content=body)), step)


def test_a_redirect_is_not_followed(run):
    server = Server(httpx2.Response(307, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(errors.APIError, match="HTTP_307"):
        run(server, create_build, api_key="sk-1")
    assert len(server.requests) == 1


def test_fields_and_words_of_a_later_version_are_kept(run):
    (build,) = run(Server(data(BUILD | {"status": "quarantined", "signature": "abc"}, 201)), create_build)
    assert (build.status, build.signature) == ("quarantined", "abc")


def test_an_unhealthy_platform_is_an_answer_not_an_error(run):
    services = {"database": "unhealthy", "cache": "healthy", "message_queue": "healthy", "storage": "healthy"}
    report = {
        "status": "unhealthy",
        "timestamp": "2026-11-01T00:00:00Z",
        "services": services,
        "version": "1.0.0",
        "errors": ["x"],
    }
    (health,) = run(Server(httpx2.Response(503, json=report)), lambda client: client.health.get())
    assert (health.status, health.services.database) == ("unhealthy", "unhealthy")


# -- what the document's example leaves out


def test_production_has_notes_and_nothing_else_is_made_up(run):
    deployment = {
        "id": "d-1", "build_id": "b-1", "feature_id": "f-1", "project_id": "p-1", "environment": "production", "status": "pending",
        "deployment_strategy": "blue_green", "canary_percentage": None, "approval_notes": None, "traffic_percentage": 0,
        "health_check_status": None, "error_rate_percent": None, "performance_metrics": None, "analysis": None,
        "failure_reason": None, "rollback_reason": None, "rolled_back_at": None, "started_at": None, "completed_at": None,
        "duration_seconds": None, "created_by": "u-1", "created_at": "2026-11-01T00:00:00Z", "updated_at": "2026-11-01T00:00:00Z",
    }  # fmt: skip
    server = Server(*[data(deployment, 201)] * 3)
    run(
        server,
        lambda client: client.deployments.create(build_id="b-1", environment="production"),
        lambda client: client.deployments.create("b-1", "production", approval_notes="Mine", deployment_strategy="rolling"),
        lambda client: client.deployments.create("b-1", "dev"),
    )
    assert [json.loads(one.content) for one in server.requests] == [
        {"environment": "production", "approval_notes": "Requested through ai-agents-sdk without notes"},
        {"environment": "production", "approval_notes": "Mine", "deployment_strategy": "rolling"},
        {"environment": "dev"},
    ]


def test_an_id_stays_one_part_of_a_path(run):
    server = Server(data(PROJECT))
    run(server, lambda client: client.projects.get("a/../b?c"))
    assert server.sent() == ["GET /v1/projects/a%2F..%2Fb%3Fc"]
    for wrong in ("", ".."):
        with pytest.raises(ValueError, match="An id is missing in /projects"):
            run(server, lambda client, wrong=wrong: client.projects.get(wrong))


# -- waiting


def test_waiting_shows_each_state_and_returns_the_last(run):
    accepted = AcceptedOperation(
        operation_id="op-1", status="pending", resource_type="build", resource_id="b-1", build_id="b-1", progress_url="/operations/op-1",
        poll_interval_seconds=3,
    )  # fmt: skip
    done = OPERATION | {"status": "completed", "progress_percent": 100, "result_url": "/builds/b-1"}
    server, seen = Server(data(OPERATION), data(done)), list[int]()
    (last,) = run(
        server,
        lambda client: client.operations.wait(accepted, on_progress=lambda state: seen.append(state.progress_percent)),
    )
    assert (last.result_url, seen, server.slept) == ("/builds/b-1", [40, 100], [3])


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_an_operation_without_a_result_is_an_error_that_has_its_state(run, status):
    failed = OPERATION | {"status": status, "failure_reason": "exit status 9"}
    with pytest.raises(errors.OperationFailedError, match=f"{status}: exit status 9") as raised:
        run(Server(data(failed)), lambda client: client.operations.wait("op-1"))
    assert raised.value.operation.progress_percent == 40


def test_waiting_ends_when_the_caller_has_no_more_time(run):
    with pytest.raises(errors.WaitTimeoutError, match="Operation op-1 is in_progress after 0 s"):
        run(Server(data(OPERATION)), lambda client: client.operations.wait("op-1", timeout=0))
