"""The Python client on the deployed stack: the document's example as it is written, and all that a program does with the platform."""

import ast
import asyncio
import base64
import hashlib
import inspect
import re
import threading
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ai_agents import AsyncClient, Client, UserTokens, errors, webhooks
from ai_agents.agentworks import AgentWorks, AsyncAgentWorks
from ai_agents.models import Deployment
from local.stack import LocalStack
from tests.areas.oauth_world import browser_at
from tests.areas.receiver import Receiver
from tests.repositories import commit as commit_all
from tests.stack.test_oauth import PASSWORD
from tests.version_repository import COMMAND, Repository
from tests.waiting import eventually

EXAMPLE = """\
from ai_agents import Client

client = Client(
    api_key="sk-...",
    base_url="https://api.example.com/v1"
)

# Get projects
projects = client.projects.list(org_id="org-uuid-1")

# Create requirement
requirement = client.requirements.create(
    project_id="proj-uuid-1",
    title="New Feature",
    description="...",
    acceptance_criteria=[...]
)

# Create build
build = client.builds.create(
    feature_id="feat-uuid-1",
    version_tag="1.2.0",
    git_commit_hash="abc123"
)

# Deploy
deployment = client.deployments.create(
    build_id="build-uuid-1",
    environment="production"
)
"""
"""The document's, letter for letter (section "Python SDK Example")."""
ROOT = Path(__file__).parents[2]
BUILDSPEC = "version: 0.2\nphases:\n  build:\n    commands: ['echo it is built']\n"
_BETWEEN = 0.3  # seconds: an API key may ask a hundred times a minute
TARGET: dict[str, Any] = {
    "target": {"kind": "process", "command": COMMAND},
    "analysis": {"window_seconds": 1, "minimum_requests": 1},
}


@dataclass
class Team:
    """Somebody who has signed up, with a project whose repository is a folder, and a feature."""

    stack: LocalStack
    email: str
    token: str
    organization: str
    project: str
    feature: str
    repository: Repository

    @property
    def base(self) -> str:
        return self.stack.url("enterprise")

    def client(self, **settings: Any) -> Client:
        return Client(base_url=self.base, **(settings or {"token": self.token}))

    def visit(self) -> None:
        """Use what is deployed in production: without a request nothing could be judged."""
        httpx2.get(self.stack.versions.url_of(self.project, "production"), timeout=30)

    def example(self, key: str) -> str:
        """The document's example with this team's own values in place of its placeholders."""
        values = {
            '"sk-..."': repr(key), '"https://api.example.com/v1"': repr(self.base), '"org-uuid-1"': repr(self.organization),
            '"proj-uuid-1"': repr(self.project), "[...]": "['It works']", '"feat-uuid-1"': repr(self.feature),
            '"abc123"': repr(self.repository.commit(200)), '"build-uuid-1"': "build.id",
        }  # fmt: skip
        text = EXAMPLE
        for placeholder, value in values.items():
            assert text.count(placeholder) == 1
            text = text.replace(placeholder, value)
        return text


@pytest.fixture(scope="module")
def team(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Team:
    repository = Repository(Path(tmp_path_factory.mktemp("repositories")) / "sdk")
    (repository.folder / "buildspec.yml").write_text(BUILDSPEC)
    repository.commit(200)
    email = f"sdk-{time.time_ns()}@example.com"
    body = {"name": "Ada", "email": email, "password": PASSWORD}
    token = httpx2.post(f"{stack.url('agentworks')}/auth/register", json=body, timeout=60).json()["token"]
    with Client(base_url=stack.url("enterprise"), token=token) as client:
        organization = client.organizations.list()[0].id
        project = client.projects.create(organization, name="Shop", slug="shop", repository_url=repository.url).id
        parent = client.requirements.create(project, title="Invoices", description="Words", acceptance_criteria=["It works"])
        feature = client.features.create(parent.id, name="PDF", description="Words").id
        for environment in ("dev", "production"):
            client.environments.set(project, environment, **TARGET)
    return Team(stack, email, token, organization, project, feature, repository)


@pytest.fixture(scope="module")
def key(team: Team) -> str:
    with team.client() as client:
        return client.api_keys.create(name="CI").key


def test_the_documents_example_runs_as_written(team: Team, key: str) -> None:
    names: dict[str, Any] = {}
    exec(team.example(key), names)  # noqa: S102 - the example is the test
    assert team.project in [one.id for one in names["projects"]]
    assert (names["requirement"].title, names["requirement"].status) == ("New Feature", "draft")
    assert (names["build"].version_tag, names["build"].status, names["build"].git_branch) == ("1.2.0", "success", "main")
    deployment = names["deployment"]
    assert (deployment.environment, deployment.status, deployment.build_id) == ("production", "pending", names["build"].id)
    seen: list[str] = []

    def look(state: Deployment) -> None:
        seen.append(state.status)
        team.visit()

    done = names["client"].deployments.wait(deployment.id, every=_BETWEEN, timeout=60, on_progress=look)
    assert (done.status, done.health_check_status, seen[-1]) == ("success", "healthy", "success")
    names["client"].close()


def test_the_documents_example_runs_with_a_loop_too(team: Team, key: str) -> None:
    text = team.example(key).replace("Client", "AsyncClient").replace("= client.", "= await client.")
    names: dict[str, Any] = {}

    async def run() -> None:
        made = eval(compile(text, "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)  # noqa: S307 - the example is the test
        assert inspect.iscoroutine(made)
        await made
        deployments, made = names["client"].deployments, names["deployment"]
        done = await deployments.wait(made.id, every=_BETWEEN, timeout=60, on_progress=lambda _: team.visit())
        assert (done.status, isinstance(names["client"], AsyncClient)) == ("success", True)
        back = await deployments.rollback(done.id, reason="Second thoughts")
        assert (back.status, back.rollback_reason) == ("rolled_back", "Second thoughts")
        await names["client"].close()

    asyncio.run(run())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def test_webhooks_are_received_and_verified(team: Team, receiver: Receiver) -> None:
    with team.client() as client:
        webhook = client.webhooks.create(url=receiver.url, events=["build.completed"])
        build = client.builds.create(team.feature, version_tag="2.0.0", git_commit_hash="abc123")
        eventually(lambda: receiver.received, bool)
        got = receiver.received[0]
        event = webhooks.verify(got.body, got.headers, webhook.secret)
        assert (event.event, event.data["build"]["id"]) == ("build.completed", build.id)
        with pytest.raises(errors.WebhookVerificationError):
            webhooks.verify(got.body + b" ", got.headers, webhook.secret)
        log = eventually(lambda: client.webhooks.deliveries(webhook.id), lambda page: page[0].status == "delivered")
        assert (len(log), log[0].event_id) == (1, event.event_id)
        client.webhooks.delete(webhook.id)


def test_lists_go_through_all_pages(team: Team) -> None:
    with team.client() as client:
        parent = client.requirements.create(team.project, title="Lists", description="Words", acceptance_criteria=["Long"]).id
        made = [client.features.create(parent, name=f"Feature {number}", description="Words").id for number in range(5)]
        page = client.features.list(parent, page_size=2)
        assert (len(page), page.pagination.total, page.pagination.pages) == (2, 5, 3)
        assert sorted(one.id for one in page.all()) == sorted(made)


class LosesTheFirstAnswer(httpx2.HTTPTransport):
    """A connection that breaks when the platform has done what it was asked."""

    lost = False

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = super().handle_request(request)
        if not self.lost:
            self.lost = True
            answer.close()
            raise httpx2.ReadError("lost")
        return answer


def test_what_is_repeated_is_made_once(team: Team) -> None:
    with team.client() as client, Client(base_url=team.base, token=team.token, transport=LosesTheFirstAnswer()) as unlucky:
        parent = unlucky.requirements.create(team.project, title="Once", description="Words", acceptance_criteria=["One"]).id
        feature = client.features.create(parent, name="One", description="Words")
        assert [one.id for one in client.features.list(parent)] == [feature.id]
        with Client(base_url=team.base, token=team.token, transport=LosesTheFirstAnswer()) as again:
            again.features.create(parent, name="Two", description="Words")
        assert sorted(one.name for one in client.features.list(parent)) == ["One", "Two"]


def test_errors_are_the_documented_ones(team: Team) -> None:
    with team.client() as owner:
        narrow = owner.api_keys.create(name="Reads", permissions=["projects:read"])
        with pytest.raises(errors.NotFoundError, match="RESOURCE_NOT_FOUND"):
            owner.builds.get("00000000-0000-0000-0000-000000000000")
        with pytest.raises(errors.ValidationError) as invalid:
            owner.builds.create(team.feature, version_tag="new", git_commit_hash="abc123")
        assert [one.field for one in invalid.value.details] == ["version_tag"]
        with team.client(api_key=narrow.key) as reader:
            assert reader.projects.get(team.project).slug == "shop"
            with pytest.raises(errors.AuthorizationError, match="features:write"):
                reader.features.update_status(team.feature, status="in_progress")
            owner.api_keys.revoke(narrow.id)
            with pytest.raises(errors.AuthenticationError):
                reader.projects.get(team.project)


def test_a_service_and_a_person_are_let_in_and_their_tokens_renewed(team: Team) -> None:
    with team.client() as owner:
        service = owner.oauth_clients.create(name="Service", scopes=["projects:read"])
        assert service.client_secret is not None
        with team.client(client_id=service.client_id, client_secret=service.client_secret) as client:
            assert client.projects.get(team.project).slug == "shop"
        back = "http://127.0.0.1/back"
        tool = owner.oauth_clients.create(name="Tool", scopes=["projects:read"], redirect_uris=[back], is_public=True)
    verifier = "v" * 64
    window = browser_at(team.stack.url("enterprise"))
    window.open(_authorization(tool.client_id, back, verifier))
    window.sign_in(team.email, PASSWORD)
    code = httpx2.URL(str(window.press("allow").header("location"))).params["code"]
    with Client(base_url=team.base) as nobody:
        first = nobody.oauth.token(
            grant_type="authorization_code", code=code, redirect_uri=back, client_id=tool.client_id, code_verifier=verifier
        )
    kept = threading.Event()
    tokens = UserTokens(
        first.access_token, str(first.refresh_token), tool.client_id, expires_at=0, on_renewed=lambda _: kept.set()
    )
    with team.client(credential=tokens) as client:
        assert client.projects.get(team.project).slug == "shop"
        assert kept.is_set()
        assert tokens.refresh_token != first.refresh_token
        client.oauth.revoke(token=tokens.refresh_token, client_id=tool.client_id)
        with pytest.raises(errors.OAuthError, match="invalid_grant"):
            client.projects.get(team.project)


def _authorization(client_id: str, back: str, verifier: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"response_type": "code", "client_id": client_id, "redirect_uri": back, "scope": "projects:read"}
    return str(httpx2.QueryParams(asked | {"code_challenge": challenge, "code_challenge_method": "S256"}))


def new_card(board: AgentWorks) -> str:
    project = board.projects.list(board.workspaces.list().workspaces[0].id).projects[0]
    first = board.boards.list(project.id).boards[0].id
    lane = board.boards.lanes(first)[1].id
    return board.cards.create(first, laneId=lane, type="doc", title="Let customers pay", description="- Finance has a PDF").id


def programs(readme: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", readme.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def readme(team: Team, key: str) -> dict[str, Any]:
    """The names of the readme's programs after they have run in this order, and what they `printed`."""
    blocks = programs(ROOT / "sdk/python/README.md")
    assert len(blocks) == 9
    with team.client() as owner, AgentWorks(base_url=team.stack.url("agentworks"), token=team.token) as board:
        service = owner.oauth_clients.create(name="Readme", scopes=["projects:read"])
        names: dict[str, Any] = {
            "api_key": key, "base_url": team.base, "org_id": team.organization, "project_id": team.project, "token": team.token,
            "feature_id": team.feature, "client_id": service.client_id, "client_secret": service.client_secret, "secret": "whsec_",
            "access_token": team.token, "refresh_token": "r", "tool_id": "t", "board_url": team.stack.url("agentworks"),
            "card_id": new_card(board),
        }  # fmt: skip
    with redirect_stdout(StringIO()) as printed:
        for block in blocks:
            exec(block, names)  # noqa: S102 - the readme is the test
    seen = [names[one].projects.get(team.project).slug for one in ("client", "service", "same", "person")]
    assert seen == ["shop"] * 4
    for one in ("client", "service", "same", "person"):
        names[one].close()
    return names | {"printed": printed.getvalue()}


def test_the_programs_of_the_readme_run(readme: dict[str, Any]) -> None:
    assert readme["done"].status == "completed"
    for said in (" success", "1 of 1", "100 None", "RESOURCE_NOT_FOUND", "['shop']"):
        assert said in readme["printed"], readme["printed"]


def test_the_program_of_the_platforms_readme_runs(team: Team, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = programs(ROOT / "README.md")
    names: dict[str, Any] = {}
    exec(program.replace("sk-...", key).replace("http://localhost:8000/enterprise/v1", team.base), names)  # noqa: S102
    names["client"].close()
    assert capsys.readouterr().out == "['shop']\n"


def test_an_agents_run_is_followed_line_by_line(team: Team, readme: dict[str, Any]) -> None:
    settings: dict[str, Any] = {"base_url": team.stack.url("agentworks"), "token": team.token}
    card, run = readme["card_id"], readme["run"].id
    with AgentWorks(**settings) as board:
        lines = list(board.follow_run(card, run))  # it has ended: the same lines again
        assert board.runs.get(run).status == "completed"
    assert [one.number for one in lines] == list(range(1, len(lines) + 1))
    assert len(lines) >= 3
    assert all(f"{one.number} {one.text}" in readme["printed"] for one in lines)

    async def again() -> list[str]:
        async with AsyncAgentWorks(**settings) as board:
            return [line.text async for line in board.follow_run(card, run)]

    assert asyncio.run(again()) == [one.text for one in lines]


def test_a_build_is_waited_for_and_a_failed_one_says_why(team: Team) -> None:
    with team.client() as client:
        accepted = client.features.build_and_deploy(team.feature, version_tag="1.3.0")
        percents: list[int] = []
        done = client.operations.wait(
            accepted, every=_BETWEEN, timeout=90, on_progress=lambda state: percents.append(state.progress_percent)
        )
        assert (done.status, percents[-1], percents == sorted(percents)) == ("completed", 100, True)
        assert "it is built" in client.builds.log(accepted.build_id).text
        (team.repository.folder / "buildspec.yml").write_text(BUILDSPEC.replace("echo it is built", "exit 9"))
        commit_all(team.repository.folder)
        with pytest.raises(errors.OperationFailedError, match="exit status 9"):
            client.operations.wait(client.features.build_and_deploy(team.feature), every=_BETWEEN, timeout=90)
