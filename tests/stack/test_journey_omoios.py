"""From an idea to a deployed feature, as a person and two agents live it: omoios from end to end, on everything that is deployed."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from local.demo import Api, http
from local.stack import LocalStack
from tests.areas.live_agents_world import message
from tests.github_server import NAME, OWNER, TOKEN, FakeGithub
from tests.stack.deploy_hook import listening
from tests.stack.test_journey import PASSWORD, Heard, Person, Row, refused, sign_up
from tests.stack.test_sockets import environment
from tests.waiting import eventually
from tools import verify_audit

ROOT = Path(__file__).parents[2]
IDEA = "I want to create an authentication system with plugins"
ANSWERS = [
    "Users can sign in; administrators can install plugins",
    "OAuth2, JWT, and API keys",
    "A session ends after 30 minutes; after five failed sign-ins the account is locked",
    "The user enters the e-mail address and then the password",
    "A password has at least 12 characters",
]
BETWEEN = 0.9
"""Seconds between two looks at a deployment: the free plan has a thousand requests an hour."""
SILENT = 3
"""Seconds without a heartbeat after which an agent is taken out of work here. The other one beats just before."""
TOLD = {
    "EXPLORATION_STARTED", "QUESTION_GENERATED", "QUESTION_ANSWERED", "REQUIREMENTS_GENERATED", "REQUIREMENTS_APPROVED",
    "DESIGN_GENERATED", "DESIGN_APPROVED", "PROJECT_INITIALIZED", "TICKET_CREATED", "TICKET_UPDATED", "BOARD_TICKET_MOVED", "TASK_CREATED",
    "TASK_ASSIGNED", "TASK_COMPLETED", "AGENT_REGISTERED", "AGENT_HEARTBEAT", "AGENT_STATUS_CHANGED", "COMMIT_PUSHED", "COMMIT_LINKED",
}  # fmt: skip


class Worker:
    """A live agent, as a program of somebody runs it: it sends heartbeats, asks for tasks and says how far they are."""

    def __init__(self, omoios: Api, project: str) -> None:
        self.omoios = omoios
        body = {"agent_type": "worker", "phase_id": "PHASE_IMPLEMENTATION", "capabilities": ["python"], "project_id": project}
        self.id = str(omoios("POST", "/agents/register", body)["agent_id"])
        self.sent = 0

    def beat(self, task: Row | None = None) -> Row:
        self.sent += 1
        sent = message(self.id, self.sent, status="running" if task else "idle", current_task_id=task["id"] if task else None)
        return dict(self.omoios("POST", f"/agents/{self.id}/heartbeat", sent))

    def next_task(self) -> Row | None:
        found: Row | None = self.omoios("POST", f"/agents/{self.id}/next-task")["task"]
        return found

    def begin(self) -> Row:
        """Begin the next task, as soon as there is one."""
        task: Row = eventually(self.next_task)
        self.say(task, status="in_progress")
        self.beat(task)
        return task

    def say(self, task: Row, **how_far: Any) -> Row:
        return dict(self.omoios("PUT", f"/tasks/{task['id']}", {"fence": task["fence"]} | how_far))


@pytest.fixture
def ada(stack: LocalStack) -> Person:
    """Somebody who knows omoios and nothing else of the platform."""
    person = sign_up(stack, "ada")
    person.token = Api(stack.url("omoios"))("POST", "/auth/login", {"email": person.email, "password": PASSWORD})["access_token"]
    return person


def planned(omoios: Api) -> tuple[str, list[Row]]:
    """Take an idea all the way to a project. Return its id, and its tickets."""
    exploration = omoios("POST", "/projects/explore/start", {"initial_idea": IDEA})
    path = f"/projects/explore/{exploration['exploration_id']}"
    open_questions, ready, answers = exploration["questions"], False, iter(ANSWERS)
    assert len({one["question_category"] for one in open_questions}) == len(open_questions) == len(ANSWERS)
    while not ready:
        asked = omoios("POST", f"{path}/answer", {"question_id": open_questions[0]["id"], "answer_text": next(answers)})
        open_questions, ready = asked["questions"], asked["ready_for_requirements"]
    requirements = omoios("POST", f"{path}/generate-requirements")
    refined = omoios("POST", f"{path}/refine-requirements", {"feedback": "Add audit logs", "changes": []})
    assert refined["total_requirements"] > requirements["total_requirements"] >= len(ANSWERS)
    omoios("POST", f"/documents/{refined['document_id']}/approve", {})
    design = omoios("POST", f"{path}/generate-design")
    omoios("POST", f"/documents/{design['document_id']}/approve", {})
    spec = omoios("POST", f"{path}/generate-spec", {"spec_name": "authentication-system"})
    properties = omoios("POST", f"/specs/{spec['spec_id']}/extract-properties")
    assert len(properties) == refined["total_requirements"]
    tickets: list[Row] = omoios("POST", f"/specs/{spec['spec_id']}/generate-tasks")
    made = omoios("POST", f"{path}/initialize-project", {"project_name": "auth-system", "create_tickets": True})
    assert (made["tickets_created"], made["tasks_created"]) == (len(tickets), sum(len(one["task_ids"]) for one in tickets))
    return str(made["project_id"]), tickets


def outlived(alive: Worker, dead: Worker, task: Row) -> Row:
    """The task of an agent that is heard from no more, with the one that is."""

    def marked() -> bool:
        alive.beat()
        cleaned = alive.omoios("POST", f"/agents/cleanup-stale?timeout_seconds={SILENT}")
        return dead.id in cleaned["agent_ids"]

    eventually(marked)
    assert alive.omoios("GET", f"/agents/{dead.id}")["status"] == "failed"
    taken = alive.begin()
    assert taken["id"] == task["id"]
    assert taken["fence"] > task["fence"]
    assert refused(lambda: dead.say(task, status="completed", result="I was here")) == 409
    assert alive.omoios("GET", f"/tasks/{task['id']}")["assigned_agent_id"] == alive.id
    return taken


def test_an_idea_becomes_a_feature_that_is_deployed(stack: LocalStack, github: FakeGithub, ada: Person, tmp_path: Path) -> None:
    omoios = ada.at("omoios")
    with ada.socket("omoios", "/api/v1/ws/events") as heard:
        project, tickets = planned(omoios)
        shown_everywhere(ada, project, tickets)
        first = next(one for one in tickets if one["phase_id"] == "PHASE_IMPLEMENTATION")
        one, two = Worker(omoios, project), Worker(omoios, project)
        lost = one.begin()
        assert lost["id"] in first["task_ids"]
        done = outlived(two, one, lost)
        two.say(done, status="completed", result={"summary": "The repository is there"})
        following = two.begin()
        assert {following["id"], done["id"]} == set(first["task_ids"])
        sha = pushed(omoios, github, project, f"Set up the build (ticket-{first['id']})\n\nAgent: {two.id}")
        (linked,) = eventually(lambda: omoios("GET", f"/tickets/{first['id']}/commits"))
        assert (linked["commit_sha"], linked["agent_id"]) == (sha, two.id)
        two.say(following, status="completed", result={"summary": "It builds", "commit_sha": sha})
        moved = omoios("POST", "/board/move", {"ticket_id": first["id"], "target_column_id": "testing"})
        assert moved["new_phase"] == "PHASE_TESTING"
        everything_is_told(heard, first["id"], done["id"], two.id)
    views_agree(omoios, project, first, (one.id, two.id), sha)
    deployed(ada, project, sha)
    what_leaves_is_whole(stack, ada, project, tickets, tmp_path)


def shown_everywhere(ada: Person, project: str, tickets: list[Row]) -> None:
    """The tickets are on the board, and the same cards in agentworks."""
    board = ada.at("omoios")("GET", "/board/view", project_id=project)
    ids = {one["id"] for one in tickets}
    assert {ticket["id"] for column in board["columns"] for ticket in column["tickets"]} == ids
    (board,) = ada("GET", f"/projects/{project}/boards")["boards"]
    cards = ada("GET", f"/boards/{board['id']}/cards", limit=100)["cards"]
    assert {card["id"]: card["title"] for card in cards} == {one["id"]: one["title"] for one in tickets}


def pushed(omoios: Api, github: FakeGithub, project: str, text: str) -> str:
    """Connect the repository and push a commit to it. Return its sha."""
    omoios("POST", "/github/repositories/connect", {"owner": OWNER, "name": NAME, "access_token": TOKEN, "project_id": project})
    sha = github.commit(text)
    assert github.deliver("push", github.push(sha)) == 200
    commit = eventually(lambda: omoios("GET", f"/search/commits?q=build&project_id={project}"))
    assert [one["commit_sha"] for one in commit] == [sha]
    (file,) = omoios("GET", f"/commits/{sha}/diff")["files"]
    assert [line["type"] for hunk in file["hunks"] for line in hunk["lines"]].count("added") == 2
    return sha


def deployed(ada: Person, project: str, sha: str) -> None:
    """A feature of the idea is built from the commit and deployed, and its deployment leads back to the requirement of the idea."""
    enterprise = ada.at("enterprise")
    (board,) = ada("GET", f"/projects/{project}/boards")["boards"]
    feature = ada("GET", f"/boards/{board['id']}/cards", type="feature")["cards"][0]
    ada.at("omoios")("POST", f"/tickets/{feature['id']}/commits/link", {"commit_sha": sha})
    with listening() as hook:
        target = {"target": {"kind": "hook", "url": hook.url}, "analysis": {"window_seconds": 1, "minimum_requests": 10}}
        enterprise("PUT", f"/projects/{project}/environments/staging", target)
        about = {"version_tag": "1.0.0", "git_commit_hash": sha, "git_branch": "main", "tests_passed": 3}
        build = enterprise("POST", f"/features/{feature['id']}/builds", about)["data"]["id"]
        made = enterprise("POST", f"/builds/{build}/deploy", {"environment": "staging"})["data"]["id"]

        def look() -> Row:
            Event().wait(BETWEEN)
            return dict(enterprise("GET", f"/deployments/{made}")["data"])

        ended = eventually(
            look,
            lambda one: one["status"] in ("success", "failed", "rolled_back"),
            within=60,
        )
        assert ended["status"] == "success", ended
        assert [one["release"]["git_commit_hash"] for one in hook.asked if one["action"] == "deploy"] == [sha]
    requirement = feature["parentId"]
    chain = enterprise("GET", f"/requirements/{requirement}/trace")["data"]
    assert [one["id"] for one in chain["deployments"]] == [made]
    assert requirement in json.dumps(enterprise("GET", f"/deployments/{made}/trace"))


def everything_is_told(heard: Heard, ticket: str, task: str, agent: str) -> None:
    heard.until(lambda _: {one.get("event_type") for one in heard.messages} >= TOLD)

    def told(name: str) -> list[Row]:
        return [one["payload"] for one in heard.messages if one.get("event_type") == name]

    assert {"task_id": task, "agent_id": agent} in told("TASK_ASSIGNED")
    assert {"ticket_id": ticket, "from_column": "building", "to_column": "testing"} in told("BOARD_TICKET_MOVED")
    assert [one["new_status"] for one in told("AGENT_STATUS_CHANGED")].count("failed") == 1


def views_agree(omoios: Api, project: str, ticket: Row, agents: tuple[str, str], sha: str) -> None:
    """Board, graph, audit trail, statistics, costs and times say the same of the ticket."""
    dead, alive = agents
    column = next(one for one in omoios("GET", "/board/view", project_id=project)["columns"] if one["id"] == "testing")
    assert [one["id"] for one in column["tickets"]] == [ticket["id"]]
    graph = omoios("GET", f"/graph/dependency-graph/ticket/{ticket['id']}")
    nodes = {one["id"]: one["status"] for one in graph["nodes"] if one["type"] == "task"}
    assert nodes == dict.fromkeys(ticket["task_ids"], "completed")
    trail = eventually(lambda: omoios("GET", f"/audit/tickets/{ticket['id']}", limit=100), lambda all: sha in json.dumps(all))
    assert {dead, alive} <= {one["agent_id"] for one in trail}
    figures = eventually(
        lambda: omoios("GET", f"/statistics/projects/{project}/overview"), lambda now: now["agents"]["tasks_completed"] == 2
    )
    assert (figures["commits"]["total"], figures["agents"]["active"]) == (1, 1)
    assert omoios("GET", f"/agents/{alive}/time")["tasks_completed"] == 2
    assert omoios("GET", f"/costs/projects/{project}")["total_cost"] == 0  # nobody asked a model
    assert ticket["id"] in [one["id"] for one in omoios("GET", "/search", q=ticket["title"])["tickets"]]


def what_leaves_is_whole(stack: LocalStack, ada: Person, project: str, tickets: list[Row], folder: Path) -> None:
    """The export has all tickets; the audit trail is as it was sealed, for the platform and for who has only the file."""
    exported = download(stack, ada, f"/export/tickets?project_id={project}")
    assert {row["id"] for row in csv.DictReader(io.StringIO(exported))} == {one["id"] for one in tickets}
    subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "tests.stack.audit_sealer", ada.workspace], cwd=ROOT, env=environment(stack), check=True
    )
    check = ada.at("omoios")("GET", "/audit/verify", project_id=project)
    assert (check["valid"], check["faults"]) == (True, [])
    assert check["checked_entries"] > len(tickets)
    file = folder / "proof.json"
    file.write_text(download(stack, ada, f"/export/audit-trail?project_id={project}&proof=true"))
    assert verify_audit.main([str(file), "--hash", check["last_hash"]]) == 0
    file.write_text(file.read_text().replace("Set up", "Sat up", 1))
    assert verify_audit.main([str(file)]) == 1


def download(stack: LocalStack, ada: Person, path: str) -> str:
    answer = http().get(stack.url("omoios") + path, headers={"Authorization": f"Bearer {ada.token}"})
    assert answer.status_code == 200, answer.text
    return answer.text
