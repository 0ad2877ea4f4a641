"""Somebody who does what aintandem's document shows, in its order: each of its operations by its own sample, and its sockets.

The samples are data (`tests/data/aintandem_samples.json`), taken over letter by letter; only ids and what is secret are put in. What is
answered, and what a listener at the sockets hears, is kept for the tests. The functions run on moto, and a test speaks for the sandboxes.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, quote, urlencode
from uuid import uuid4

from functions.sandbox_steps.handler import handler as sandbox_steps
from infra.routes import Route, table
from shared.core import clock
from shared.core.ids import bare_id, derived_id
from shared.sandboxes.lifecycle.rows import Sandbox
from shared.sandboxes.messages.rows import MessageHead
from shared.sandboxes.messages.settling import time_out
from shared.store import fetch
from tests.areas.driving import Answer, Client
from tests.areas.sandbox_links import Agent
from tests.areas.sandbox_machines import machine_in_force
from tests.areas.sandbox_post import wakes, work
from tests.areas.viewers import Gateway, Stream, Viewer, drain, shared_gateway
from tests.samples.stage import Sample, ask

SAMPLES: dict[str, Any] = json.loads((Path(__file__).parent.parent / "data" / "aintandem_samples.json").read_text())
REQUESTS: dict[str, dict[str, Any]] = SAMPLES["requests"]
ROUTES = {route.operation.id: route for route in table() if route.contract == "aintandem"}
TEAM = {
    "backend-team": ("backend-architect", "Backend Architect", "api_design", "database_optimization"),
    "security-team": ("security-expert", "Security Expert", "security_review"),
    "project-manager": ("manager", "Project Manager", "planning"),
}
"""The sandboxes of the document's collaboration beside `frontend-team`: agents, their roles and capabilities."""
USAGE = {
    **{"cpu_percent": 25.5, "memory_mb": 256, "disk_mb": 512, "network_in_bytes": 1_024_000, "network_out_bytes": 2_048_000},
    "processes": 3,
}
FREE_SANDBOXES = 5
"""As many as `GET /system/info` shows for the community edition."""
SERVERS = {"filesystem": "connected", "web-search": "connected"}


class Reader:
    """Somebody who has read the document. Of each operation the `answers`, and the parameters of queries that it was `asked_by`; of each
    socket the messages that were `heard`, of each code the `errors`, or of what fails later the `failures`."""

    def __init__(self) -> None:
        self.gateway: Gateway = shared_gateway()
        self.gateway.activate()
        self.person = Client("aintandem")
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.asked_by: dict[str, set[str]] = defaultdict(set)
        self.errors: dict[str, list[Answer]] = defaultdict(list)
        self.failures: dict[str, Any] = {}
        self.heard: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.agents: dict[str, Agent] = {}
        self.viewers: dict[str, Viewer] = {}
        self.stream = Stream()

    def do(self, operation: str, query: Any = None, path: dict[str, str] | None = None, **given: Any) -> Any:
        """Send the documented request of an operation, with these values put in; return the data of the answer."""
        body = REQUESTS.get(operation)
        if body is not None:
            assert given.keys() <= body.keys(), f"the document does not know {given.keys() - body.keys()}"
            body = body | given
        else:
            assert given == {}, f"{operation} has no documented body"
        return self._ask(ROUTES[operation], Sample(path or {}, body, _query(query)), kept=True)

    def send(self, operation: str, body: Any, path: dict[str, str]) -> Any:
        """Send a request that the document does not show; its answer is not kept."""
        return self._ask(ROUTES[operation], Sample(path, body), kept=False)

    def refused(self, code: str, operation: str, path: dict[str, str] | None = None, body: Any = None) -> None:
        """Send a request that is refused with one of the documented codes, and keep the answer."""
        answer = ask(Sample(path or {}, body), ROUTES[operation], self.person)
        assert answer.status >= 400, f"{operation}: {answer.text}"
        assert answer.json["error"]["code"] == code, answer.text
        self.errors[code].append(answer)

    def _ask(self, route: Route, sample: Sample, *, kept: bool) -> Any:
        answer = ask(sample, route, self.person)
        assert answer.status == route.operation.status, f"{route.operation.id}: {answer.text}"
        self.asked_by[route.operation.id] |= dict(parse_qsl(sample.query)).keys()
        if kept:
            self.answers[route.operation.id].append(answer)
        self.listen()
        return answer.json["data"] if answer.body else None

    def listen(self) -> None:
        """Let everything follow that follows from what was done, and hear what is told."""
        for _ in range(3):
            self.stream.flow()
            drain()
        for name, viewer in self.viewers.items():
            self.heard[name] += viewer.received()

    def watch(self, name: str, path: str, **changed: Any) -> None:
        """Listen at a socket as the document shows it."""
        viewer = self.viewers[name] = Viewer(self.gateway, self.person, path)
        assert viewer.status == 200
        viewer.send(SAMPLES["frames"]["subscribe"] | changed)

    def becomes_ready(self, sandbox_id: str) -> Agent:
        """The agent of a sandbox connects, is ready and measures itself."""
        row = fetch(Sandbox, bare_id(sandbox_id))
        assert row is not None
        agent = self.agents[row.name] = Agent(self.gateway, row).connect()
        assert agent.status == 200
        self.listen()
        agent.say("ready", mcp_servers=SERVERS, agent_version="1")
        agent.say("heartbeat", usage=USAGE, mcp_servers=SERVERS)
        lines = [
            {"timestamp": clock.iso(), "level": "info", "message": "Agent started successfully"},
            {"timestamp": clock.iso(), "level": "info", "message": "Connected to collaboration bus"},
        ]
        agent.say("log", entries=lines)
        agent.heard()
        self.listen()
        return agent

    def answer(self, how: Callable[[dict[str, Any]], Any] | None = None, times: int = 20) -> None:
        """Let messages come, and the sandboxes acknowledge and answer them, until nothing moves any more."""
        for _ in range(times):
            self.listen()
            work(wakes())
            heard = [(agent, one["data"]) for agent in self.agents.values() for one in agent.heard() if one["event"] == "message"]
            for agent, message in heard:
                agent.say("ack", message_id=message["message_id"])
                content = (how or _answer)(message)
                if message["requires_response"] and content is not None:
                    said = {"in_reply_to": message["message_id"], "from_agent": message["to_agent"], "content": content}
                    agent.say("respond", message_id=derived_id("response", message["message_id"]), **said)
        self.listen()

    def is_not_ready_in_time(self, sandbox_id: str) -> None:
        """The state machine looks at a sandbox whose agent has not come."""
        row = fetch(Sandbox, bare_id(sandbox_id))
        assert row is not None
        _step(row, "check")
        self.listen()


def _answer(message: dict[str, Any]) -> dict[str, Any]:
    return {"text": f"It is done: {message['message_type']}"}


def _step(sandbox: Sandbox, step: str, _: int = 0) -> None:
    """Do a step of the state machine, whose steps else wait for time to go by."""
    sandbox_steps({"step": step, "sandbox_id": sandbox.id, "start_number": int(sandbox.start_number)}, None)


def _query(query: Any) -> str:
    return query if isinstance(query, str) else urlencode(query or {}, quote_via=quote)


@contextmanager
def reading() -> Iterator[Reader]:
    """Somebody who has done all that the document shows."""
    with machine_in_force(), patch("shared.edge.reactions.sandboxes.start_execution", _step):
        reader = Reader()
        _Document(reader).read()
        yield reader


class _Document:
    """The document, section by section."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.do, self.send = reader, reader.do, reader.send

    def read(self) -> None:
        self._sign_in()
        self._workspaces()
        self._configuration()
        self._sandboxes()
        self._messages()
        self._collaboration()
        self._monitoring()
        self._system()
        self._errors()
        self._end()

    def _sign_in(self) -> None:
        """Section 1."""
        email = f"user@{uuid4()}.example"
        self.do("auth.register", email=email)
        login = self.do("auth.login", email=email)
        self.reader.person.token = login["access_token"]
        self.reader.person.token = self.do("auth.refresh", refresh_token=login["refresh_token"])["access_token"]

    def _workspaces(self) -> None:
        """Section 2."""
        made = self.do("workspaces.create")
        self.workspace = {"workspace_id": made["workspace_id"]}
        query = {"page": 1, "per_page": 20, "sort": "created_at", "order": "desc", "search": "E-commerce"}
        assert [one["workspace_id"] for one in self.do("workspaces.list", query)] == [made["workspace_id"]]
        self.do("workspaces.update", path=self.workspace)

    def _configuration(self) -> None:
        """Section 6, as far as it is the workspace's."""
        self.send("config.updateWorkspace", {"secrets": {"ANTHROPIC_API_KEY": "sk-ant-canary"}}, self.workspace)
        self.do("config.updateWorkspace", path=self.workspace)
        everybody = {"from": "*", "to": "*", "message_types": ["request", "response", "notification"]}
        rules = {"collaboration_policy": {"mode": "allow_list", "rules": [everybody]}, "mcp_servers": [{"name": "filesystem"}]}
        self.send("config.updateWorkspace", rules, self.workspace)
        self.do("config.getWorkspace", path=self.workspace)

    def _sandboxes(self) -> None:
        """Section 3, the rest of section 6, and the sandbox's socket of section 9."""
        reader = self.reader
        first = self.do("sandboxes.create", path=self.workspace)["sandbox_id"]
        self.first = {"sandbox_id": first}
        reader.watch("sandbox", f"/ws/sandboxes/{first}")
        reader.viewers["sandbox"].send({"action": "subscribe", "channels": ["metrics"]})
        reader.becomes_ready(first)
        query = {"page": 1, "per_page": 20, "sort": "created_at", "order": "desc", "search": "frontend", "status": "running"}
        assert len(self.do("sandboxes.list", query, self.workspace)) == 1
        self.do("workspaces.get", path=self.workspace)
        self.do("sandboxes.get", path=self.first)
        self.do("sandboxes.status", path=self.first)
        self.do("sandboxes.logs", {"limit": 100, "since": "2025-01-10T15:00:00Z", "level": "info"}, self.first)
        self.do("config.updateSandbox", path=self.first)
        self.do("config.getSandbox", path=self.first)
        self.do("sandboxes.restart", path=self.first)
        reader.is_not_ready_in_time(first)
        self.do("sandboxes.start", path=self.first)
        reader.becomes_ready(first)
        self.do("sandboxes.stop", path=self.first)
        self.do("sandboxes.start", path=self.first)
        reader.becomes_ready(first)

    def _messages(self) -> None:
        """Section 4, and the discovery of section 5."""
        reader = self.reader
        self.team = {name: self._sandbox(name, *about) for name, about in TEAM.items()}
        backend = self.team["backend-team"]
        sent = self.do("messages.send", path=self.first, to_sandbox=backend)["message_id"]
        reader.answer()
        self.do("messages.get", path={"message_id": sent})
        back = REQUESTS["messages.send"] | {"to_sandbox": "frontend-team", "to_agent": "frontend-architect"}
        self.send("messages.send", back, {"sandbox_id": backend})
        reader.answer()
        self.do("messages.broadcast", path=self.workspace, from_sandbox=self.first["sandbox_id"])
        reader.answer()
        self.do("messages.list", {"direction": "both", "limit": 50, "since": "2025-01-10T15:00:00Z"}, self.first)
        unanswered = self.send("messages.send", REQUESTS["messages.send"] | {"to_sandbox": backend}, self.first)["message_id"]
        reader.answer(lambda *_: None)
        message = fetch(MessageHead, bare_id(unanswered))
        assert message is not None
        assert time_out(message)
        self.do("messages.retry", path={"message_id": unanswered})
        reader.answer()
        query = {"capability": "api_design", "role": "Backend", "sandbox_id": backend}
        assert self.do("agents.discover", query, self.workspace)["agents"]

    def _collaboration(self) -> None:
        """Section 5, and the socket of collaborations."""
        reader = self.reader
        started = self.do("collaborations.orchestrate", path=self.workspace)["collaboration_id"]
        reader.watch("collaboration", f"/ws/collaborations/{started}", channels=["messages", "events"])
        path = {"collaboration_id": started}
        for _ in range(3):  # one answer after the other
            reader.answer(times=1)
        self.do("collaborations.get", path=path)
        reader.answer()

    def _sandbox(self, name: str, agent: str, role: str, *capabilities: str) -> str:
        """A sandbox of the team that the document's collaboration has."""
        who = {"name": agent, "role": role, "capabilities": list(capabilities)}
        made = self.send("sandboxes.create", {"name": name, "agent_config": {"primary_agent": who}}, self.workspace)
        self.reader.becomes_ready(made["sandbox_id"])
        return str(made["sandbox_id"])

    def _monitoring(self) -> None:
        """Section 7."""
        self.do("metrics.sandbox", path=self.first)
        for granularity in ("minute", "hour", "day"):
            since = clock.iso(clock.now().replace(minute=0, second=0, microsecond=0))
            self.do("metrics.workspaceAggregate", {"since": since, "granularity": granularity}, self.workspace)

    def _system(self) -> None:
        """Section 8."""
        self.do("system.health")
        self.do("system.info")

    def _errors(self) -> None:
        """The table of error codes."""
        refused, team = self.reader.refused, REQUESTS["sandboxes.create"]
        refused("AUTHENTICATION_FAILED", "auth.login", body=REQUESTS["auth.login"] | {"email": f"nobody@{uuid4()}.example"})
        refused("RESOURCE_NOT_FOUND", "workspaces.get", {"workspace_id": f"ws_{uuid4()}"})
        refused("RESOURCE_ALREADY_EXISTS", "sandboxes.create", self.workspace, team)
        refused("VALIDATION_ERROR", "sandboxes.create", self.workspace, {"name": "one more"})
        refused("SANDBOX_NOT_READY", "sandboxes.start", self.first)
        other = {"name": "claude", "models": ["claude-3-5-sonnet-20241022"], "default_model": "claude-4"}
        self._failures()
        nothing_said = {"collaboration_policy": {"mode": "allow_list", "rules": []}}
        self.send("config.updateWorkspace", nothing_said, self.workspace)
        refused(
            "AUTHORIZATION_FAILED",
            "messages.send",
            self.first,
            REQUESTS["messages.send"] | {"to_sandbox": "project-manager", "to_agent": "manager"},
        )
        refused("CONFIGURATION_INVALID", "config.updateWorkspace", self.workspace, {"llm_providers": [other]})
        while len(self.do("workspaces.get", path=self.workspace)["sandboxes"]) < FREE_SANDBOXES:
            self.send("sandboxes.create", team | {"name": f"team {uuid4()}"}, self.workspace)
        refused("RESOURCE_EXHAUSTED", "sandboxes.create", self.workspace, team | {"name": "one too many"})

    def _failures(self) -> None:
        """What was accepted and fails later."""
        held = {"from": "frontend-team", "to": "*", "message_types": ["request"], "approval_required": True}
        rules = {"collaboration_policy": {"mode": "allow_all", "rules": [held]}}
        self.send("config.updateWorkspace", rules, self.workspace)
        sent = self.send("messages.send", REQUESTS["messages.send"] | {"to_sandbox": "backend-team"}, self.first)
        message = {"message_id": sent["message_id"]}
        self.send("messages.reject", {"reason": "Not now"}, message)
        self.reader.failures["MESSAGE_DELIVERY_FAILED"] = self.send("messages.get", None, message)["error"]
        self.send("config.updateWorkspace", {"collaboration_policy": {"mode": "allow_all", "rules": []}}, self.workspace)
        two = REQUESTS["collaborations.orchestrate"] | {"participants": ["backend-team", "security-team"]}
        started = {"collaboration_id": self.send("collaborations.orchestrate", two, self.workspace)["collaboration_id"]}
        for name in two["participants"]:
            self.send("sandboxes.delete", None, {"sandbox_id": self.team[name]})
        self.reader.answer()
        self.reader.failures["COLLABORATION_FAILED"] = self.send("collaborations.get", None, started)["error"]

    def _end(self) -> None:
        self.do("sandboxes.delete", path=self.first)
        self.do("workspaces.delete", path=self.workspace)
        self.do("auth.logout")
