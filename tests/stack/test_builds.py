"""A small git repository is built for real on the deployed stack, through enterprise alone."""

from pathlib import Path
from typing import Any

import pytest
import requests

from local.stack import LocalStack
from tests.repositories import WHOLE, commit, git, repository
from tests.waiting import eventually


class Developer:
    """Somebody who asks enterprise, with a project whose repository is a folder."""

    def __init__(self, stack: LocalStack, name: str, address: str) -> None:
        self.base, self.session = stack.url("enterprise"), requests.Session()
        body = {"name": "Ada", "email": f"{name}@example.com", "password": "correct horse"}
        token = self.session.post(f"{stack.url('agentworks')}/auth/register", json=body, timeout=60).json()["token"]
        self.session.headers["Authorization"] = f"Bearer {token}"
        workspaces = self.session.get(f"{stack.url('agentworks')}/workspaces", timeout=60).json()["workspaces"]
        made = self.session.post(
            f"{stack.url('agentworks')}/workspaces/{workspaces[0]['id']}/projects",
            json={"name": "Shop", "slug": "shop"},
            timeout=60,
        ).json()
        organization = self.ask("GET", f"/projects/{made['id']}")["organization_id"]
        body = {"name": "Shop", "slug": "built", "repository_url": address, "repository_type": "git"}
        self.project = self.ask("POST", f"/organizations/{organization}/projects", body)["id"]
        body = {"title": "Invoices", "description": "Words", "acceptance_criteria": ["It works"]}
        requirement = self.ask("POST", f"/projects/{self.project}/requirements", body)["id"]
        self.feature = self.ask("POST", f"/requirements/{requirement}/features", {"name": "PDF", "description": "Words"})["id"]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.session.request(method, self.base + path, json=body, timeout=60)
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]

    def build(self, body: Any = None) -> dict[str, Any]:
        return self.ask("POST", f"/features/{self.feature}/build-and-deploy", body or {})

    def ended(self, made: dict[str, Any]) -> tuple[list[int], dict[str, Any]]:
        """Wait until an operation has ended; return the percents that were seen, and its last state."""
        seen: list[dict[str, Any]] = []

        def look() -> dict[str, Any]:
            seen.append(self.ask("GET", made["progress_url"]))
            return seen[-1]

        last = eventually(look, lambda one: one["status"] not in ("pending", "in_progress"), within=90)
        return [one["progress_percent"] for one in seen], last


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("repositories") / "shop"


@pytest.fixture(scope="module")
def ada(stack: LocalStack, source: Path) -> Developer:
    return Developer(stack, "builder", repository(source))


def test_a_repository_is_built_for_real(stack: LocalStack, ada: Developer, source: Path) -> None:
    made = ada.build({"version_tag": "1.0.0"})
    percents, last = ada.ended(made)
    build = ada.ask("GET", f"/builds/{made['build_id']}")
    assert (last["status"], percents[0] < 100, percents[-1], percents == sorted(percents)) == ("completed", True, 100, True), (
        build
    )
    expected = {
        "status": "success", "version_tag": "1.0.0", "tests_run": 2, "tests_passed": 1, "tests_failed": 1, "build_number": 1,
        "code_coverage_percent": 87.5, "vulnerabilities_high": 1, "git_branch": "main",
        "git_commit_hash": git(source, "rev-parse", "HEAD"),
    }  # fmt: skip
    assert {name: build[name] for name in expected} == expected
    assert "at the end" in ada.ask("GET", f"/builds/{made['build_id']}/log")["text"]
    rows = stack.boto("dynamodb").query(
        TableName=next(name for name in stack.boto("dynamodb").list_tables()["TableNames"] if "ore" in name),
        KeyConditionExpression="PK = :pk AND begins_with(SK, :vul)",
        ExpressionAttributeValues={":pk": {"S": f"BLD#{build['id']}"}, ":vul": {"S": "VUL#"}},
    )["Items"]
    assert ['"vulnerability.found"' in row["event"]["S"] for row in rows] == [True]


def test_a_build_is_cancelled_and_a_failed_one_says_why(ada: Developer, source: Path) -> None:
    (source / "buildspec.yml").write_text("version: 0.2\nphases:\n  build:\n    commands: ['sleep 300']\n")
    commit(source)
    made = ada.build()
    eventually(lambda: ada.ask("GET", made["progress_url"]).get("current_step"), lambda step: step == "Building...", within=60)
    assert ada.ask("POST", f"{made['progress_url']}/cancel")["status"] == "cancelled"
    (source / "buildspec.yml").write_text(WHOLE.replace("mkdir -p out/reports", "exit 9"))
    commit(source)
    _, last = ada.ended(ada.build())  # it waits until the cancelled one is gone
    assert (last["status"], "exit status 9" in last["failure_reason"]) == ("failed", True)
