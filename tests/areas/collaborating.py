"""Sandboxes of tests that take part in collaborations: each answers what it is asked over its own connection, by the embedded model through
the platform's completions, or as a test tells it to."""

import json
from collections.abc import Callable
from typing import Any

from cadre_sandbox.thinking import Configuration, shown
from functions.message_worker.handler import handler as message_worker
from functions.model_worker.handler import handler as model_worker
from shared.core.ids import derived_id
from shared.sandboxes.collaborations.rows import Collaboration
from shared.sandboxes.collaborations.starting import NewCollaboration, orchestrate
from shared.sandboxes.collaborations.state import State, from_json
from shared.sandboxes.lifecycle.creating import NewSandbox, create_sandbox
from shared.store import fetch
from tests.areas.boards_world import World, put_on_plan
from tests.areas.driving import Context
from tests.areas.queues import drain_queue
from tests.areas.sandbox_links import Agent
from tests.areas.viewers import Gateway, Stream, drain

ROLES = {
    "frontend-team": ("frontend-architect", "Frontend Architect", ["react", "components", "forms"]),
    "backend-team": ("backend-architect", "Backend Architect", ["api_design", "database_optimization"]),
    "security-team": ("security-expert", "Security Expert", ["security", "audit", "passwords"]),
    "project-manager": ("manager", "Project Manager", ["planning"]),
}
Answers = Callable[[str, dict[str, Any]], Any]
"""What a sandbox, named, answers to a message; None: nothing."""


def config(name: str) -> dict[str, Any]:
    agent, role, capabilities = ROLES.get(name, (f"{name}-agent", "Helper", []))
    return {"primary_agent": {"name": agent, "role": role, "capabilities": capabilities}}


def work_queue(setting: str, handler: Callable[..., Any]) -> int:
    """Give what waits in a queue to its worker. Return how many messages it was."""
    bodies = drain_queue(setting)
    for start in range(0, len(bodies), 10):
        records = [
            {
                "messageId": str(number),
                "body": json.dumps(body),
                "eventSource": "aws:sqs",
                "attributes": {"ApproximateReceiveCount": "1"},
            }
            for number, body in enumerate(bodies[start : start + 10])
        ]
        assert handler({"Records": records}, Context()) == {"batchItemFailures": []}
    return len(bodies)


class Team:
    """Running sandboxes of a workspace. `answers` says what they answer; None: what the embedded model does."""

    def __init__(self, gateway: Gateway, world: World, *names: str) -> None:
        put_on_plan(world.ws_id, max_sandboxes=1_000)
        self.gateway, self.world, self.stream = gateway, world, Stream()
        self.agents: dict[str, Agent] = {}
        self.answers: Answers | None = None
        self.asked: list[tuple[str, str]] = []
        """Who was asked what, in order."""
        for name in names:
            self.add(name)

    def add(self, name: str) -> Agent:
        made = create_sandbox(self.world.actor, self.world.ws_id, NewSandbox(name, config(name)))
        agent = Agent(self.gateway, made).connect()
        drain()
        agent.say("ready", mcp_servers={})
        agent.heard()
        self.agents[name] = agent
        return agent

    def start(self, task: str = "Implement user authentication feature", **more: Any) -> str:
        """Begin a collaboration of all, and return its id."""
        new = NewCollaboration(task, **({"participants": list(self.agents)} | more))
        return orchestrate(self.world.actor, self.world.ws_id, new).id

    def run(self) -> None:
        """Let everything happen that can, until nothing happens any more."""
        for _ in range(200):
            done = self.stream.flow() + work_queue("sandbox_messages_queue", message_worker)
            for name, agent in self.agents.items():
                for frame in agent.heard():
                    if frame["event"] == "message":
                        self._hear(name, agent, frame["data"])
                        done += 1
            if not done:
                return
        raise AssertionError("it never comes to rest")

    def _hear(self, name: str, agent: Agent, message: dict[str, Any]) -> None:
        agent.say("ack", message_id=message["message_id"])
        if message["message_type"] != "request":
            return
        self.asked.append((name, message["content"]["text"]))
        content = self.answers(name, message) if self.answers else {"text": self._think(name, agent, message)}
        if content is not None:
            respond(agent, message, content)

    def _think(self, name: str, agent: Agent, message: dict[str, Any]) -> str:
        """Ask the platform's model, with the prompt of the real agent."""
        configured = Configuration.of({"name": name, "agent_config": config(name)})
        who = configured.agent(message.get("to_agent"))
        messages = [{"role": "system", "content": configured.prompt(who)}, {"role": "user", "content": shown(message)}]
        path = f"/sandboxes/{agent.id}/completions/{message['message_id']}"
        body = {"agent": who["name"], "messages": messages, "message_id": message["message_id"]}
        assert agent.ask("sandboxes", "PUT", path, body).status == 202
        work_queue("model_calls_queue", model_worker)
        found = agent.ask("sandboxes", "GET", path).json["data"]
        assert found["status"] == "done", found
        return str(found["reply"]["content"])

    def row(self, collaboration_id: str) -> Collaboration:
        found = fetch(Collaboration, collaboration_id)
        assert found is not None
        return found

    def state(self, collaboration_id: str) -> State:
        return from_json(self.row(collaboration_id).state)


def respond(agent: Agent, message: dict[str, Any], content: Any) -> None:
    response_id = derived_id("response", message["message_id"])
    agent.say("respond", message_id=response_id, in_reply_to=message["message_id"], content=content)
