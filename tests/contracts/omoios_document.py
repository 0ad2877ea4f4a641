"""Somebody who does what omoios' document shows, in its order: each of its operations by its own sample, and all of its events.

The samples are data (`tests/data/omoios_samples.json`); only ids and what is secret are put in. What is answered, and what a listener at
the socket hears, is kept for the tests. The functions run on moto, with a GitHub on loopback.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest

from infra.routes import Route, table
from shared.agents.catalogue import agent_named
from shared.agents.providers import registry
from shared.core.settings import settings
from shared.people.tenancy.rows import Workspace
from shared.store import fetch, save, write
from shared.work.boards.creating import board_id_of
from shared.work.boards.rows import Board, Lane
from tests.areas.driving import Answer, Client, run_jobs
from tests.areas.github_world import Octo
from tests.areas.live_agents_world import message
from tests.areas.running import PAID, Machine, PaidModel, connected
from tests.areas.test_cards_progress import Stream
from tests.areas.test_guardian import Scripted, circles, play_until
from tests.areas.viewers import Viewer, drain, shared_gateway
from tests.contracts.shapes import SAMPLES
from tests.github_server import FULL, NAME, NEW_FILE, OWNER, PATCH, TOKEN, FakeGithub, changed
from tests.samples.comments import MULTIPART, form_with
from tests.samples.stage import PASSWORD, Sample, Stage, ask

REQUESTS: dict[str, dict[str, Any]] = SAMPLES["requests"]
ROUTES = {route.operation.id: route for route in table() if route.contract == "omoios"}
PRD = agent_named("prd")


class Reader:
    """Somebody who has read the document. Of each operation the `answers`, and the parameters of queries that it was `asked_by`; of each
    event the messages that were `heard` at the socket."""

    def __init__(self, github: FakeGithub, patch: pytest.MonkeyPatch) -> None:
        self.stage, self.patch = Stage(), patch
        self.world, self.github = self.stage.world, github
        self.octo = Octo(self.world, github)
        self.machine: Machine = connected(patch)
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.asked_by: dict[str, set[str]] = defaultdict(set)
        self.heard: dict[str, list[dict[str, Any]]] = defaultdict(list)
        gateway = shared_gateway()
        gateway.activate()
        self.viewer = Viewer(gateway, self.world.ada, "/api/v1/ws/events")
        self.stream = Stream()

    # -- what is asked, and what is heard

    def do(self, operation: str, path: dict[str, str] | None = None, query: Any = None, **given: Any) -> Any:
        """Send the documented request of an operation, with these values put in, and keep what is answered."""
        body = REQUESTS.get(operation)
        if body is not None:
            assert given.keys() <= body.keys(), f"the document does not know {given.keys() - body.keys()}"
            body = body | given
        return self._ask(ROUTES[operation], Sample(path or {}, body, _query(query)), kept=True)

    def send(self, operation: str, path: dict[str, str] | None = None, body: Any = None, query: Any = None, **more: Any) -> Any:
        """Send a request for which the document has no sample; if it has one of another body, the answer is not kept."""
        return self._ask(ROUTES[operation], Sample(path or {}, body, _query(query), **more), kept=operation not in REQUESTS)

    def _ask(self, route: Route, sample: Sample, *, kept: bool) -> Any:
        answer = ask(sample, route, sample.caller or self.world.ada)
        assert answer.status == route.operation.status, f"{route.operation.id}: {answer.text}"
        self.asked_by[route.operation.id] |= dict(parse_qsl(sample.query)).keys()
        if kept:
            self.answers[route.operation.id].append(answer)
        self.listen()
        plain = (answer.header("content-type") or "").startswith("application/json")
        return answer.json if plain else answer.body

    def listen(self) -> None:
        """Let everything follow that follows from what was done, and hear what is told."""
        self.stream.flow()
        drain()
        for told in self.viewer.received():
            if "event_type" in told:
                self.heard[told["event_type"]].append(told)

    def happens(self, event: str, payload: Any) -> None:
        """Something happens at GitHub."""
        body, headers, query = self.github.signed(event, payload)
        self.send("github.webhook", body=body.decode(), query=query, headers=headers)
        assert self.octo.work() == []
        self.listen()

    # -- things that the samples are about

    def ticket(self, project: str, **given: Any) -> str:
        return str(self.do("projects.createTicket", {"project_id": project}, **given)["id"])

    def task(self, ticket: str, **given: Any) -> str:
        given.setdefault("dependencies", {"depends_on": []})
        return str(self.do("tasks.create", {"ticket_id": ticket}, **given)["id"])

    def agent(self, project: str, kind: str = "worker") -> str:
        body = {"agent_type": kind, "phase_id": "PHASE_DONE", "capabilities": ["python"], "capacity": 10, "project_id": project}
        made = str(self.send("agents.register", body=body)["agent_id"])
        self.send("agents.heartbeat", {"agent_id": made}, message(made, 1))
        return made

    def held(self, ticket: str, agent: str) -> tuple[str, int]:
        """A task that an agent works at, and its fence."""
        task = self.task(ticket)
        fence = int(self.send("tasks.claim", {"task_id": task}, {"agent_id": agent})["fence"])
        self.send("tasks.update", {"task_id": task}, {"status": "in_progress", "fence": fence})
        return task, fence


def _query(query: Any) -> str:
    return query if isinstance(query, str) else urlencode(query or {}, quote_via=quote)


@contextmanager
def reading() -> Iterator[Reader]:
    """Somebody who has done all that the document shows."""
    github = FakeGithub()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CADRE_GITHUB_API", github.url)
        settings.cache_clear()
        reader = Reader(github, patch)
        _Document(reader).read()
        yield reader
    settings.cache_clear()
    github.close()


class _Document:
    """The document, section by section."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.do, self.send = reader, reader.do, reader.send

    def read(self) -> None:
        self._sign_in()
        self._project()
        self._exploration()
        self._github()
        self._board()
        self._work()
        self._discoveries()
        self._oversight()
        self._costs()
        self._comments()
        self._figures()
        self._searches()
        self._exports()
        self.send("auth.logout", caller=Client(token=self.token))

    def _sign_in(self) -> None:
        """Section 14."""
        login = self.do("auth.login", email=self.reader.world.ada.user["email"], password=PASSWORD)
        self.token = login["access_token"]
        self.user = login["user"]["id"]
        self.do("auth.me")

    def _project(self) -> None:
        """Section 8."""
        self.project = self.do("projects.create", github_owner=OWNER, github_repo=NAME)["id"]
        settings = {"settings": {"autoTriggerAgents": False}}  # else the agents of lanes begin to work
        assert self.reader.world.ada("projects", "PUT", f"/projects/{self.project}", body=settings).status == 200
        self.spawned = self.do("projects.spawnAgent", {"project_id": self.project})["id"]
        self.ticket = self.reader.ticket(self.project)
        self.agent = self.reader.agent(self.project)

    def _exploration(self) -> None:
        """Section 9."""
        started = self.do("exploration.start", user_id=self.user)
        path = {"exploration_id": started["exploration_id"]}
        asked = self.do("exploration.answer", path)
        while not asked["ready_for_requirements"]:
            asked = self.do("exploration.answer", path, question_id=asked["questions"][0]["id"])
        first = self.do("exploration.generateRequirements", path)["document_id"]
        self.do("documents.reject", {"document_id": first})
        refined = self.do("exploration.refineRequirements", path)["document_id"]
        self.do("documents.approve", {"document_id": refined}, user_id=self.user)
        self.do("documents.versions", {"document_id": refined})
        design = self.do("exploration.generateDesign", path)["document_id"]
        self.do("documents.approve", {"document_id": design}, user_id=self.user)
        spec = {"spec_id": self.do("exploration.generateSpec", path)["spec_id"]}
        self.do("specs.extractProperties", spec)
        self.do("specs.generateTasks", spec)
        self.do("exploration.initializeProject", path)

    def _github(self) -> None:
        """Sections 3 and 4."""
        github, reader = self.reader.github, self.reader
        repository = {"repo_id": self.do("github.connect", owner=OWNER, name=NAME, access_token=TOKEN)["repository_id"]}
        self.do("github.list")
        files = [changed("backend/core/database.py", NEW_FILE, 2, 0, "added"), changed("src/app.py", PATCH, 2, 1)]
        sha = github.commit(f"Implement agent work\n\nFor ticket-{self.ticket}\nAgent: {self.agent}", files=files)
        parent = github.commits[sha]["parents"][0]["sha"]
        github.contents = {
            (sha, "src/app.py"): b"import os\nnew = 1\nmore = 2\nlast = 3\n",
            (parent, "src/app.py"): b"import os\nold = 1\nlast = 3\n",
        }
        other = github.commit("Something else")
        reader.happens("push", github.push(sha, other))
        self.do("commits.get", {"commit_sha": sha})
        self.do("commits.diff", {"commit_sha": sha}, {"file_path": "src/app.py"})
        self.do("commits.listByTicket", {"ticket_id": self.ticket})
        self.do("commits.link", {"ticket_id": self.ticket}, commit_sha=other, agent_id=self.agent)
        self.do("commits.listByAgent", {"agent_id": self.agent})
        said = {"id": 11, "commit_id": sha, "body": "Why so?", "path": "src/app.py", "html_url": f"https://github.com/{FULL}"}
        reader.happens("commit_comment", github.payload(action="created", comment=said))
        reader.happens("issues", github.payload(action="opened", issue=github.issue(7, "Issue title")))
        self.do("github.issues", repository)
        self.do("github.createIssue", repository, ticket_id=self.ticket)
        task = reader.task(self.ticket)
        reader.happens("pull_request", github.pull(5, action="opened", branch=f"task-{task}"))
        reader.happens("pull_request", github.pull(5, action="closed", merged=True, branch=f"task-{task}"))
        self.do("projects.list")

    def _board(self) -> None:
        """Section 2, which the document counts as existing: what its events need."""
        for _ in range(4):
            moved = self.reader.ticket(self.project)
            self.send("board.move", body={"ticket_id": moved, "target_column_id": "deploying", "force": True})
        self.blocked = self.reader.ticket(self.project)
        self.send("tickets.block", {"ticket_id": self.blocked}, query={"blocker_type": "environment"})
        self.send("tickets.unblock", {"ticket_id": self.blocked})
        finished = self.reader.ticket(self.project)
        self.send("board.move", body={"ticket_id": finished, "target_column_id": "done"})
        self.send("board.autoTransition", {"ticket_id": self.blocked})
        self.send("board.column", {"phase_id": "PHASE_IMPLEMENTATION"})
        for name in ("view", "stats", "wipViolations"):
            self.send(f"board.{name}", query={"project_id": self.project})

    def _work(self) -> None:
        """Section 19."""
        reader = self.reader
        first = reader.task(self.ticket)
        second = reader.task(self.ticket, dependencies={"depends_on": [first]})
        third = reader.task(self.ticket)
        self.send("tasks.addDependencies", {"task_id": second}, {"depends_on": [third]})
        self.do("tasks.update", {"task_id": first})
        done, fence = reader.held(self.ticket, self.agent)
        self.send("tasks.update", {"task_id": done}, {"status": "completed", "fence": fence, "result": {"summary": "It is done"}})
        failed = reader.task(self.ticket)
        self.send("tasks.update", {"task_id": failed}, {"status": "in_progress"})
        self.send("tasks.update", {"task_id": failed}, {"status": "failed", "error_message": "The disk is full"})

    def _discoveries(self) -> None:
        """Section 10."""
        task = self.reader.task(self.ticket)
        body = {"type": "bug", "description": "The connection ends after five minutes", "agent_id": self.agent}
        made = self.send("discoveries.create", {"task_id": task}, body)
        self.do("discoveries.spawnTask", {"discovery_id": made["id"]})
        self.do("discoveries.listByTask", {"task_id": task}, {"resolution_status": "in_progress"})
        self.do("discoveries.listByAgent", {"agent_id": self.agent})

    def _oversight(self) -> None:
        """What the events of validation, the guardian and monitoring need."""
        reader = self.reader
        validator = reader.agent(self.project, "validator")  # without one the platform's own reviews at once
        task, _ = reader.held(self.ticket, self.agent)
        for passed in (False, True):
            assert self.send("validation.spawnValidator", body={"task_id": task})["validator_agent_id"] == validator
            review = {"validator_agent_id": validator, "validation_passed": passed, "feedback": "The list may be empty"}
            self.send("validation.giveReview", body=review | {"task_id": task})
        cancelled, _ = reader.held(self.ticket, self.agent)
        why = {"reason": "It goes in circles", "initiated_by": "guardian-001"}
        self.send("guardian.cancelTask", body=why | {"task_id": cancelled})
        reader.patch.setattr(registry, "provider", lambda _: Scripted(circles, heeds=False))
        runs = [self._run(self._card(), agent) for agent in ("prd", "mvp_scope")]  # on the same work
        for run in runs:
            play_until(Machine(again=()), run, turns=6)
        run_jobs("guardian")
        reader.listen()

    def _card(self) -> str:
        world = self.reader.world
        lane = next(one for one in self._lanes() if one.phase_id == "PHASE_REQUIREMENTS")
        text = "A visitor must be able to pay without an account.\nThe shop must send a receipt by e-mail."
        body = {"laneId": lane.id, "title": "Guest checkout", "type": "task", "description": text}
        answer = world.ada("cards", "POST", f"/boards/{lane.board_id}/cards", body=body)
        assert answer.status == 201, answer.text
        return str(answer.json["id"])

    def _lanes(self) -> list[Lane]:
        board = fetch(Board, board_id_of(self.project))
        assert board is not None
        return [lane for one in board.lane_ids if (lane := fetch(Lane, one)) is not None]

    def _run(self, card: str, agent: str = "prd") -> str:
        answer = self.reader.world.ada("runs", "POST", f"/cards/{card}/agents/{agent}/run", body={})
        assert answer.status == 202, answer.text
        return str(answer.json["run"]["id"])

    def _costs(self) -> None:
        """Section 16, after a run that was paid for, with a budget."""
        reader = self.reader
        self.send("costs.createBudget", body={"scope_type": "global", "limit_amount": 5_000})
        reader.patch.setattr(registry, "provider", lambda _: PaidModel())
        workspace = fetch(Workspace, reader.world.ws_id)
        assert workspace is not None
        named = dict(zip(("default_llm_provider", "default_model"), PAID, strict=True))
        workspace.settings = {**workspace.settings, **named}
        write(save(workspace))
        assert reader.machine.play(self._run(self._card())).status == "completed"
        reader.listen()
        self.do("costs.project", {"project_id": self.project})
        self.do("costs.agent", {"agent_id": PRD.id})
        self.do("costs.forecast")

    def _comments(self) -> None:
        """Sections 12, 13 and 18."""
        ticket = {"ticket_id": self.ticket}
        uploaded = self.send(
            "attachments.upload", ticket, form_with(b"%PDF-1.4", "document.pdf", "application/pdf"), headers=MULTIPART
        )
        made = self.do("comments.create", ticket, mentions=[self.agent, self.user], attachments=[uploaded["file_path"]])
        self.do("comments.list", ticket)
        self.do("comments.update", {"comment_id": made["id"]})
        self.do("comments.delete", {"comment_id": made["id"]})
        assert self.send("attachments.download", {"attachment_id": uploaded["id"]}) == b"%PDF-1.4"
        self.do("attachments.delete", {"attachment_id": uploaded["id"]})
        told = self.do("notifications.list", query={"unread_only": "false", "limit": "50"})
        self.do("notifications.read", {"notification_id": told[0]["id"]})
        self.do("notifications.readAll")

    def _figures(self) -> None:
        """Sections 5, 6 and 15."""
        project = {"project_id": self.project}
        urgent = {"new_priority": "CRITICAL", "reason": "Users wait for it", "initiated_by": "guardian-001"}
        self.send("guardian.overridePriority", body=urgent | {"task_id": self.reader.task(self.ticket)})
        self.do("audit.ticket", {"ticket_id": self.ticket})
        self.do("audit.agent", {"agent_id": self.agent})
        self.do("audit.project", project, {"start_date": "2025-01-30", "end_date": "2100-01-30"})
        self.do("statistics.projectOverview", project)
        for query in (project, {}):
            for kind in ("tickets", "agents", "commits"):
                self.do(f"statistics.{kind}", query=query)
        self.do("statistics.commits", query=project | {"agent_id": self.agent})
        self.do("time.ticket", {"ticket_id": self.ticket})
        self.do("time.agent", {"agent_id": self.agent})
        self.do("projects.get", project)

    def _searches(self) -> None:
        """Section 7."""
        self.reader.ticket(self.project, title="The work of agents")
        self.do("search.global", query={"q": "work", "types": "ticket,task,commit,agent", "project_id": self.project})
        self.do("search.tickets", query={"q": "implement", "filters": json.dumps({"priority": "HIGH"})})
        self.do("search.commits", query={"q": "agent", "agent_id": self.agent, "ticket_id": self.ticket, "date_from": "2025-01-30",
                                         "date_to": "2100-01-30"})  # fmt: skip

    def _exports(self) -> None:
        """Section 17."""
        for form in ("csv", "json", "pdf", "excel"):
            self.send(
                "export.tickets", query={"project_id": self.project, "format": form, "filters": json.dumps({"status": "open"})}
            )
        for name, value in (("ticket_id", self.ticket), ("agent_id", self.agent), ("project_id", self.project)):
            self.send("export.auditTrail", query={name: value, "format": "json"})
