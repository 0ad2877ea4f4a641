"""Deployments on the deployed stack, with real processes and real requests: what is bad is taken back, what is repaired goes live."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from local.stack import LocalStack
from tests.version_repository import COMMAND, Repository
from tests.waiting import eventually

_BETWEEN = 0.9  # seconds: a hundred requests a minute are the free plan's
ENVIRONMENT = {"target": {"kind": "process", "command": COMMAND}, "analysis": {"window_seconds": 1, "minimum_requests": 10}}


class Team:
    """Somebody with a project whose repository is a folder, and a feature."""

    def __init__(self, stack: LocalStack, address: str) -> None:
        self.stack, self.base, self.session = stack, stack.url("enterprise"), requests.Session()
        body = {"name": "Ada", "email": f"deploys-{time.time_ns()}@example.com", "password": "correct horse"}
        answer = self.session.post(f"{stack.url('agentworks')}/auth/register", json=body, timeout=60)
        assert answer.status_code == 201, answer.text
        self.session.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        workspace = self.session.get(f"{stack.url('agentworks')}/workspaces", timeout=60).json()["workspaces"][0]["id"]
        made = self.session.post(
            f"{stack.url('agentworks')}/workspaces/{workspace}/projects", json={"name": "Shop", "slug": "shop"}, timeout=60
        ).json()
        organization = self.ask("GET", f"/projects/{made['id']}")["organization_id"]
        project = {"name": "Live", "slug": "live", "repository_url": address}
        self.project = self.ask("POST", f"/organizations/{organization}/projects", project)["id"]
        requirement = {"title": "Invoices", "description": "Words", "acceptance_criteria": ["It works"]}
        parent = self.ask("POST", f"/projects/{self.project}/requirements", requirement)["id"]
        self.feature = self.ask("POST", f"/requirements/{parent}/features", {"name": "PDF", "description": "Words"})["id"]

    def request(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, self.base + path, json=body, timeout=60)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.request(method, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]

    def build(self, commit: str) -> str:
        body = {"version_tag": "1.0.0", "git_commit_hash": commit, "git_branch": "main", "tests_passed": 1}
        return str(self.ask("POST", f"/features/{self.feature}/builds", body)["id"])

    def deploy(self, build: str, environment: str = "dev", **body: Any) -> dict[str, Any]:
        """Deploy a build, and wait for the end."""
        made = self.ask("POST", f"/builds/{build}/deploy", {"environment": environment} | body)
        assert made["status"] == "pending"

        def look() -> dict[str, Any]:
            threading.Event().wait(_BETWEEN)
            return dict(self.ask("GET", f"/deployments/{made['id']}"))

        return dict(
            eventually(
                look,
                lambda one: one["status"] not in ("pending", "in_progress"),
                within=60,
            )
        )

    def url(self, environment: str = "dev") -> str:
        return self.stack.versions.url_of(self.project, environment)

    @contextmanager
    def traffic(self, environment: str = "dev") -> Iterator[Counter[tuple[int, str | None]]]:
        """People who use what is deployed, all the time; what they get is counted by status and version."""
        seen: Counter[tuple[int, str | None]] = Counter()
        over = threading.Event()

        def use() -> None:
            with requests.Session() as session:
                while not over.wait(0.02):
                    answer = session.get(self.url(environment), timeout=30)
                    seen[answer.status_code, answer.headers.get("X-Version")] += 1

        thread = threading.Thread(target=use)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            thread.join()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(Path(tmp_path_factory.mktemp("repositories")) / "live")


@pytest.fixture(scope="module")
def team(stack: LocalStack, repository: Repository) -> Team:
    made = Team(stack, repository.url)
    for environment in ("dev", "production"):
        made.ask("PUT", f"/projects/{made.project}/environments/{environment}", ENVIRONMENT)
    return made


def test_a_canary_that_answers_errors_is_taken_back_and_the_repaired_one_goes_live(team: Team, repository: Repository) -> None:
    with team.traffic() as seen:
        first = team.deploy(team.build(repository.commit(200)))
        assert first["status"] == "success", first
        bad = team.deploy(team.build(repository.commit(500)), deployment_strategy="canary", canary_percentage=50)
        assert bad["status"] == "rolled_back", bad
        assert "% of its requests failed" in bad["rollback_reason"]
        assert requests.get(team.url(), timeout=30).text == first["id"]
        assert seen[500, bad["id"]] >= 10  # real requests, by which it was judged
        repaired = team.deploy(team.build(repository.commit(200)), deployment_strategy="canary", canary_percentage=50)
        assert repaired["status"] == "success", repaired
        assert repaired["performance_metrics"]["error_rate_percent"] == 0
        assert repaired["performance_metrics"]["throughput_rps"] > 0
    assert requests.get(team.url(), timeout=30).text == repaired["id"]
    undone = team.ask("POST", f"/deployments/{repaired['id']}/rollback", {"reason": "Second thoughts"})
    assert (undone["status"], undone["rollback_reason"]) == ("rolled_back", "Second thoughts")
    assert requests.get(team.url(), timeout=30).text == first["id"]


def test_production_needs_its_approval(team: Team, repository: Repository) -> None:
    build = team.build(repository.commit(200))
    refused = team.request("POST", f"/builds/{build}/deploy", {"environment": "production"})
    assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (400, "approval_notes")
    with team.traffic("production"):
        made = team.deploy(build, "production", approval_notes="Approved for production release v1.0.0")
    assert made["status"] == "success", made
    assert requests.get(team.url("production"), timeout=30).text == made["id"]
