"""A target in memory, and the Deployment state machine played in this process: the very definition that is deployed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.deploy_steps.handler import handler
from infra.deployment import definition
from shared.core.ids import new_id
from shared.delivery.builds.rows import Build
from shared.delivery.deployments import undoing
from shared.delivery.deployments.deploying import NewDeployment, request_deployment
from shared.delivery.deployments.environments import NewEnvironment, set_environment
from shared.delivery.deployments.rows import Deployment, Environment
from shared.delivery.targets.port import FencedOut, Figures, Placed, Release, TargetFailed
from shared.store import create, fetch, write
from tests.areas.boards_world import World

STATES: dict[str, Any] = definition("deploy_steps")["States"]
GOOD = Figures(1000, 1, 100.0, 60.0)
BAD = Figures(1000, 200, 100.0, 60.0)
HOOK = {"kind": "hook", "url": "https://deploy.example.com/hook"}


@dataclass
class FakeTarget:
    """Where versions run. `fails` has the actions that do not work, `measured` the figures by version."""

    versions: set[str] = field(default_factory=set)
    weights: dict[str, int] = field(default_factory=dict)
    fence: int = 0
    fails: set[str] = field(default_factory=set)
    sick: set[str] = field(default_factory=set)
    measured: dict[str, Figures] = field(default_factory=dict)
    history: list[dict[str, int]] = field(default_factory=list)

    def deploy(self, release: Release, fence: int) -> Placed:
        self._act("deploy", fence)
        self.versions.add(release.deployment_id)
        serving = max(self.weights, key=lambda version: self.weights[version], default=None)
        return Placed(True, release.deployment_id, serving)

    def set_weights(self, weights: Mapping[str, int], fence: int) -> None:
        self._act("set_weights", fence)
        assert set(weights) <= self.versions
        assert sum(weights.values()) in (0, 100)
        self.weights = dict(weights)
        self.history.append(self.weights)
        if "answer" in self.fails and self.weights.keys() & self.fresh:
            raise TargetFailed("set_weights was done, and its answer is rubbish")

    @property
    def fresh(self) -> set[str]:
        """The versions that never had all traffic."""
        return self.versions - {version for weights in self.history for version, weight in weights.items() if weight == 100}

    def health(self, version: str) -> bool:
        self._act("health")
        return version not in self.sick

    def figures(self, version: str, seconds: int) -> Figures:
        self._act("figures")
        return self.measured.get(version, GOOD)

    def remove(self, version: str, fence: int) -> None:
        self._act("remove", fence)
        assert version not in self.weights, "a version that has traffic is not removed"
        self.versions.discard(version)

    def _act(self, action: str, fence: int | None = None) -> None:
        if fence is not None and fence < self.fence:
            raise FencedOut
        self.fence = max(self.fence, fence or 0)
        if action in self.fails:
            raise TargetFailed(f"{action} does not work")


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> FakeTarget:
    made = FakeTarget()
    monkeypatch.setattr(undoing, "target_of", lambda *_: made)
    return made


@dataclass
class Machine:
    """One execution of a deployment's machine."""

    deployment_id: str
    environment_id: str
    launch: int = 1
    at: str = "Start"
    waited: int = 0
    steps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state: dict[str, Any] = {
            "deployment_id": self.deployment_id,
            "environment_id": self.environment_id,
            "launch": self.launch,
        }

    def step(self) -> bool:
        """Go on to the end of the next task; return whether there is more to do."""
        while (kind := STATES[self.at]["Type"]) != "Task":
            if kind == "Succeed":
                return False
            state = STATES[self.at]
            if kind == "Wait":
                self.waited += self.state["seconds"]
                self.at = state["Next"]
            else:
                self.at = next((one["Next"] for one in state["Choices"] if self._matches(one)), state["Default"])
        self._task(STATES[self.at])
        return True

    def play(self) -> Deployment:
        while self.step():
            pass
        made = fetch(Deployment, self.deployment_id)
        assert made is not None
        return made

    def _matches(self, choice: dict[str, Any]) -> bool:
        return any(part.get("StringEquals") == self.state["next"] for part in choice["And"])

    def _task(self, state: dict[str, Any]) -> None:
        payload = state["Parameters"]["Payload"]
        event = {name: value for name, value in payload.items() if not name.endswith(".$")}
        event |= {name[:-2]: self.state[value[2:]] for name, value in payload.items() if name.endswith(".$")}
        self.steps.append(self.at)
        try:
            self.state, self.at = handler(event, None), state["Next"]
        except Exception as error:  # as Step Functions does after the last retry
            name = type(error).__name__
            is_retried = any(name in retry["ErrorEquals"] for retry in state["Retry"])
            if not is_retried or "Catch" not in state:
                raise
            self.state |= {"error": {"Error": name, "Cause": json.dumps({"errorMessage": str(error)})}}
            self.at = state["Catch"][0]["Next"]


def build(world: World, status: str = "success") -> Build:
    made = Build.new(
        new_id(),
        org_id=world.project.org_id,
        ws_id=world.ws_id,
        proj_id=world.project.id,
        item_id=new_id(),
        board_id=world.board.id,
        number=1,
        version_tag="1.2.0",
        git_commit_hash="abc123def456",
        git_branch="main",
        status=status,
        created_by=world.actor.summary,
    )
    write(create(made))
    return made


def configure(world: World, environment: str = "staging", **analysis: int) -> Environment:
    return set_environment(world.actor, world.project.id, environment, NewEnvironment(HOOK, analysis))


def request(world: World, strategy: str = "blue_green", environment: str = "staging", **more: Any) -> Deployment:
    return request_deployment(world.actor, build(world).id, NewDeployment(environment, strategy, **more))


def machine(deployment: Deployment, launch: int = 1) -> Machine:
    return Machine(deployment.id, deployment.environment_id, launch)


def deploy(world: World, strategy: str = "blue_green", **more: Any) -> Deployment:
    """A deployment, played to its end."""
    return machine(request(world, strategy, **more)).play()
