"""`cadre build` and `cadre deploy` against a platform that answers as it is told: progress, failures, exit statuses."""

import json
from typing import Any

import pytest

from tests.areas.command_line import cadre, refused
from tests.unit.cli.platform import Platform, data, refusal

EN = "/enterprise/v1"
BUILD: dict[str, Any] = {
    "id": "b-1", "feature_id": "f-1", "project_id": "p-1", "build_number": 7, "status": "success", "version_tag": "1.2.0",
    "created_at": "2026-11-01T00:00:00Z",
}  # fmt: skip
ACCEPTED = {
    "operation_id": "op-1", "status": "pending", "resource_type": "build", "resource_id": "b-1", "build_id": "b-1",
    "progress_url": "/operations/op-1",
    "poll_interval_seconds": 0,
}  # fmt: skip


def operation(status: str = "in_progress", percent: int = 0, **more: Any) -> tuple[int, Any]:
    about = {"operation_id": "op-1", "status": status, "progress_percent": percent}
    about |= {"resource_url": "/builds/b-1", "build_url": "/builds/b-1"}
    return data(about | more)


def deployment(status: str = "in_progress", share: int = 0, **more: Any) -> tuple[int, Any]:
    absent = dict.fromkeys(
        ("approval_notes", "canary_percentage", "health_check_status", "error_rate_percent", "performance_metrics", "analysis",
         "failure_reason", "rollback_reason", "rolled_back_at", "started_at", "completed_at", "duration_seconds")
    )  # fmt: skip
    about = {
        "id": "d-1", "build_id": "b-1", "feature_id": "f-1", "project_id": "p-1", "environment": "production", "status": status,
        "deployment_strategy": "canary", "traffic_percentage": share, "created_by": "u-1", "created_at": "2026-11-01T00:00:00Z",
        "updated_at": "2026-11-01T00:00:00Z",
    }  # fmt: skip
    return data(absent | about | more)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch):
    """Makes a platform the one of this shell."""
    monkeypatch.setattr("cadre_cli.delivery._LOOK", 0.0)

    def choose(platform: Platform) -> None:
        monkeypatch.setenv("CADRE_URL", platform.url)
        monkeypatch.setenv("CADRE_API_KEY", "sk-of-a-test")
        monkeypatch.delenv("CADRE_PROFILE", raising=False)

    return choose


def test_a_build_shows_its_steps_and_then_itself(use):
    steps = [
        operation("pending"),
        operation(percent=40, current_step="Running the phase build", eta_seconds=12),
        operation("completed", 100, result_url="/builds/b-1"),
    ]
    answers = {f"POST {EN}/features/f-1/build-and-deploy": [data(ACCEPTED, 202)], f"GET {EN}/operations/op-1": steps}
    with Platform(answers | {f"GET {EN}/builds/b-1": [data(BUILD)]}) as platform:
        use(platform)
        result = cadre("build", "f-1", "--branch", "main", "--version", "1.2.0")
        assert platform.sent(f"POST {EN}/features/f-1/build-and-deploy") == [{"git_branch": "main", "version_tag": "1.2.0"}]
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines() == [
        "  0 %  pending", " 40 %  Running the phase build", "100 %  completed",
    ]  # fmt: skip
    assert result.stdout.splitlines()[:3] == ["Build\tb-1", "Number\t7", "Status\tsuccess"]


def test_what_an_operation_made_may_be_a_deployment(use):
    """A build is handed over to its deployment: then that is the result."""
    ended = operation("completed", 100, result_url="/deployments/d-1")
    answers = {f"POST {EN}/features/f-1/build-and-deploy": [data(ACCEPTED, 202)], f"GET {EN}/operations/op-1": [ended]}
    with Platform(answers | {f"GET {EN}/deployments/d-1": [deployment("success", 100)]}) as platform:
        use(platform)
        result = cadre("build", "f-1", "--env", "staging", "--canary", "20", "--json")
        how = {"environment": "staging", "deployment_strategy": "canary", "canary_percentage": 20}
        assert platform.sent(f"POST {EN}/features/f-1/build-and-deploy") == [how]
    assert (result.exit_code, json.loads(result.stdout)["id"], result.stderr) == (0, "d-1", "")


@pytest.mark.parametrize("named", [{}, {"resource_url": "/deployments/d-1"}])
@pytest.mark.parametrize("log", [data({"build_id": "b-1", "text": "one\ntwo\nboom\n"}), refusal(404, "RESOURCE_NOT_FOUND")])
def test_a_build_that_fails_shows_the_end_of_its_log_and_why(use, log, named):
    failed = operation("failed", 40, failure_reason="The phase build ended with 3", **named)
    answers = {f"POST {EN}/features/f-1/build-and-deploy": [data(ACCEPTED, 202)], f"GET {EN}/operations/op-1": [failed]}
    with Platform(answers | {f"GET {EN}/builds/b-1/log": [log]}) as platform:
        use(platform)
        result = cadre("build", "f-1")
    assert result.exit_code == 1
    assert ("boom" in result.stderr) == (log[0] == 200)
    assert result.stderr.splitlines()[-1] == "Error: The operation ended as failed: The phase build ended with 3"


def test_without_waiting_the_operation_is_the_result(use):
    with Platform({f"POST {EN}/features/f-1/build-and-deploy": [data(ACCEPTED, 202)]}) as platform:
        use(platform)
        result = cadre("build", "f-1", "--no-wait")
    assert (result.exit_code, result.stdout) == (0, "Operation\top-1\nStatus\tpending\nMakes\tbuild\nID\tb-1\nBuild\tb-1\n")


def test_a_deployment_names_its_build_which_is_what_is_deployed_next(use):
    ended = operation("completed", 100, result_url="/deployments/d-1")
    answers = {f"POST {EN}/features/f-1/build-and-deploy": [data(ACCEPTED, 202)], f"GET {EN}/operations/op-1": [ended]}
    with Platform(answers | {f"GET {EN}/deployments/d-1": [deployment("success", 100)]}) as platform:
        use(platform)
        assert "Build\tb-1" in cadre("build", "f-1").stdout.splitlines()


def test_a_wrong_key_is_called_one_since_no_login_would_help(use):
    with Platform({f"POST {EN}/features/f-1/build-and-deploy": [refusal(401, "AUTHENTICATION_FAILED")]}) as platform:
        use(platform)
        result = cadre("build", "f-1")
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1].startswith("Set CADRE_API_KEY to a key of this platform")


def test_who_waits_too_long_is_told_that_it_goes_on(use):
    answers = {f"POST {EN}/features/f-1/build-and-deploy": [data(ACCEPTED, 202)], f"GET {EN}/operations/op-1": [operation()]}
    with Platform(answers) as platform:
        use(platform)
        status, error = refused("build", "f-1", "--timeout", "0")
    assert (status, error["code"]) == (1, "WaitTimeoutError")


def test_a_canary_shows_each_of_its_stages(use):
    stages = [
        deployment("pending"),
        deployment(share=10, health_check_status="healthy", error_rate_percent=0.5),
        deployment(share=50, health_check_status="healthy", error_rate_percent=0.0, analysis="No request yet"),
        deployment("success", 100),
    ]
    answers = {f"POST {EN}/builds/b-1/deploy": [deployment("pending", 0)], f"GET {EN}/deployments/d-1": stages}
    with Platform(answers) as platform:
        use(platform)
        result = cadre("deploy", "b-1", "--env", "production", "--canary", "10", "--notes", "Good")
        body = {"environment": "production", "deployment_strategy": "canary", "canary_percentage": 10, "approval_notes": "Good"}
        assert platform.sent(f"POST {EN}/builds/b-1/deploy") == [body]
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines() == [
        "  0 %  Waiting to begin",
        " 10 %  canary: 10 % of the traffic, healthy, 0.5 % errors",
        " 50 %  canary: 50 % of the traffic, healthy, 0 % errors, No request yet",
        "100 %  canary: 100 % of the traffic",
    ]


def test_a_terminal_shows_a_bar_below_the_steps(use, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    steps = [
        operation(percent=40, current_step="Building", eta_seconds=12),
        operation("completed", 100, result_url="/builds/b-1"),
    ]
    answers = {f"POST {EN}/features/f-1/build-and-deploy": [data(ACCEPTED, 202)], f"GET {EN}/operations/op-1": steps}
    with Platform(answers | {f"GET {EN}/builds/b-1": [data(BUILD)]}) as platform:
        use(platform)
        result = cadre("build", "f-1")
    assert result.exit_code == 0, result.output
    assert " 40 %  Building" in result.stderr
    assert "\u2501" in result.stderr  # the bar
    assert "\x1b[1mNumber" in result.stdout


def test_a_terminal_gets_a_table_and_names_of_others_are_text(use, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    project = {
        "id": "p-1", "organization_id": "o-1", "workspace_id": "w-1", "name": "[red]Shop[/red]", "slug": "shop", "description": None,
        "repository_url": None, "repository_type": None, "status": "active", "visibility": "private", "template_type": None,
        "owner_id": "u-1", "tech_stack": [], "created_at": "2026-11-01T00:00:00Z", "updated_at": "2026-11-01T00:00:00Z",
    }  # fmt: skip
    found = {"page": 1, "page_size": 100, "total": 1, "pages": 1, "has_next": False, "has_prev": False}
    body = {"success": True, "status": 200, "data": [project], "pagination": found}
    with Platform({f"GET {EN}/organizations/o-1/projects": [(200, body)]}) as platform:
        use(platform)
        monkeypatch.setattr("cadre_cli.session.Session.organization", "o-1")
        lines = cadre("projects", "list").stdout.splitlines()
    assert all(heading in lines[0] for heading in ("ID", "Slug", "Name", "Status", "Repository"))
    assert "[red]Shop[/red]" in lines[1]


def test_a_deployment_that_is_taken_back_ends_with_one_and_says_why(use):
    back = deployment("rolled_back", rollback_reason="7 % of its requests failed")
    answers = {f"POST {EN}/builds/b-1/deploy": [deployment("pending")], f"GET {EN}/deployments/d-1": [back]}
    with Platform(answers) as platform:
        use(platform)
        result = cadre("deploy", "b-1", "--json")
    assert (result.exit_code, json.loads(result.stdout)["status"]) == (1, "rolled_back")
    assert "7 % of its requests failed" in json.loads(result.stderr)["error"]["message"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (refusal(400, "VALIDATION_ERROR"), 2),
        (refusal(401, "AUTHENTICATION_FAILED"), 3),
        (refusal(404, "RESOURCE_NOT_FOUND"), 4),
        (refusal(403, "AUTHORIZATION_DENIED"), 5),
        (refusal(409, "DUPLICATE_RESOURCE"), 6),
        ((502, "a proxy's page"), 1),
    ],
)
def test_each_family_of_errors_has_its_exit_status(use, answer, status):
    with Platform({f"GET {EN}/projects/01900000-0000-7000-8000-000000000000": [answer]}) as platform:
        use(platform)
        result = cadre("projects", "show", "01900000-0000-7000-8000-000000000000")
    assert result.exit_code == (7 if answer[0] == 502 else status)
    assert "Traceback" not in result.output


def listed(*entries: Any, page: int = 1, pages: int = 1) -> tuple[int, Any]:
    status, answer = data(list(entries))
    about = {"page": page, "page_size": 100, "total": 2, "pages": pages, "has_next": page < pages, "has_prev": page > 1}
    return status, answer | {"pagination": about}


def test_builds_of_a_feature_are_listed_from_all_pages(use):
    pages = [
        listed(BUILD, page=1, pages=2),
        listed(BUILD | {"id": "b-0", "build_number": 6, "status": "failed"}, page=2, pages=2),
    ]
    with Platform({f"GET {EN}/features/f-1/builds": pages}) as platform:
        use(platform)
        result = cadre("builds", "f-1")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "b-1\t7\tsuccess\t1.2.0\t\t2026-11-01T00:00:00Z", "b-0\t6\tfailed\t1.2.0\t\t2026-11-01T00:00:00Z",
    ]  # fmt: skip


def test_deployments_of_a_build_are_listed_also_as_json(use):
    _, found = deployment("success", 100)
    answer = listed(found["data"])
    with Platform({f"GET {EN}/builds/b-1/deployments": [answer, answer]}) as platform:
        use(platform)
        lines, as_json = cadre("deployments", "b-1"), cadre("deployments", "b-1", "--json")
    assert lines.stdout == "d-1\tsuccess\tproduction\tcanary\t100\t2026-11-01T00:00:00Z\n"
    assert [one["id"] for one in json.loads(as_json.stdout)] == ["d-1"]
