"""A sandbox of tests: it says to the platform what a test lets it say, and keeps what it is told."""

import json
from typing import Any

from functions.ws.handler import handler as ws
from shared.core.ids import new_id
from shared.people.access.tokens import issue_for_sandbox
from shared.sandboxes.lifecycle.creating import NewSandbox, create_sandbox
from shared.sandboxes.lifecycle.rows import Link, Sandbox
from shared.store import fetch, get
from tests.areas.boards_world import World
from tests.areas.driving import Answer, Client, Context
from tests.areas.viewers import Gateway, drain, socket_event
from tests.samples.sandboxes import TEAM


class Agent:
    """The agent of one sandbox, with the token of one start of it."""

    def __init__(self, gateway: Gateway, sandbox: Sandbox, number: int | None = None) -> None:
        self.gateway, self.id = gateway, sandbox.id
        self.number = int(sandbox.start_number) if number is None else number
        self.token = issue_for_sandbox(sandbox.id, str(sandbox.org_id), self.number)
        self.connection = ""
        self.status = 0

    def connect(self, sandbox_id: str | None = None) -> "Agent":
        self.connection = f"{new_id()[-12:]}="
        query = {"path": f"/ws/sandboxes/sb_{sandbox_id or self.id}", "token": self.token}
        self.status = ws(socket_event("CONNECT", self.connection, query=query), Context())["statusCode"]
        return self

    def say(self, action: str, **fields: Any) -> "Agent":
        return self.send(json.dumps({"action": action, **fields}))

    def send(self, text: str) -> "Agent":
        assert ws(socket_event("MESSAGE", self.connection, body=text), Context()) == {"statusCode": 200}
        return self

    def leave(self) -> None:
        assert ws(socket_event("DISCONNECT", self.connection), Context()) == {"statusCode": 200}

    def heard(self) -> list[dict[str, Any]]:
        """What it was told since the last call."""
        frames, self.gateway.frames[self.connection] = self.gateway.frames[self.connection], []
        return [json.loads(one) for one in frames]

    def ask(self, area: str, method: str, path: str, body: Any = None) -> Answer:
        """A request with its token."""
        return Client("aintandem", token=self.token)(area, method, path, body=body)

    @property
    def link(self) -> Link | None:
        return get(Link, *Link.key(self.id))

    @property
    def row(self) -> Sandbox:
        found = fetch(Sandbox, self.id)
        assert found is not None
        return found


def new_agent(gateway: Gateway, world: World, name: str = "frontend-team", **more: Any) -> Agent:
    """A sandbox that is being provisioned, and its agent, which has not connected yet."""
    return Agent(gateway, create_sandbox(world.actor, world.ws_id, NewSandbox(name, TEAM["agent_config"], **more)))


def running(gateway: Gateway, world: World, name: str = "frontend-team", **more: Any) -> Agent:
    """A sandbox that runs."""
    agent = new_agent(gateway, world, name, **more).connect()
    drain()
    agent.say("ready", mcp_servers={})
    agent.heard()
    return agent
