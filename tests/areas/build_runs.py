"""Plays the BuildAndDeploy machine in this process, the very definition that is deployed, over a runner that the test plays."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.delivery_steps.handler import handler
from infra.build_and_deploy import definition
from shared.delivery.building.runner import BuildState, Results, Source
from shared.delivery.operations import requesting, steps
from shared.delivery.operations.rows import OperationRow
from shared.store import StepInterrupted, fetch, save, write
from shared.work.items import planning
from shared.work.projects.rows import Project
from tests.areas.boards_world import World
from tests.areas.driving import Answer
from tests.samples.planning import FEATURE


@dataclass
class FakeRunner:
    """A runner whose builds are where the test says: each `state` takes the next of `states`, the last one stays."""

    states: list[BuildState] = field(default_factory=list)
    measured: Results = field(default_factory=Results)
    started: dict[str, Source] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)

    def start(self, build_id: str, source: Source) -> str:
        if build_id not in self.started:
            self.started[build_id] = source
            self.running.add(build_id)
        return build_id

    def state(self, handle: str) -> BuildState | None:
        if handle not in self.started:
            return None
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state.ended:
            self.running.discard(handle)
        return state

    def results(self, handle: str) -> Results:
        return self.measured

    def log(self, handle: str) -> str:
        return "a line\n"

    def cancel(self, handle: str) -> None:
        self.running.discard(handle)


STATES: dict[str, Any] = definition("delivery_steps")["States"]


@dataclass
class Machine:
    """One execution. `before(step)` is called before each task."""

    operation_id: str
    execution: str = "execution-1"
    before: Callable[[str], None] = lambda _: None
    at: str = "Claim"
    state: dict[str, Any] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)

    def play(self) -> OperationRow:
        """On until the end; what kills the process comes out."""
        while self.step():
            pass
        operation = fetch(OperationRow, self.operation_id)
        assert operation is not None
        return operation

    def step(self) -> bool:
        """Go on to the end of the next task; return whether there is more to do."""
        self.state = self.state or {"operation_id": self.operation_id}
        while self.at != "Ended":
            state = STATES[self.at]
            if state["Type"] == "Task":
                self._task(state)
                return True
            if state["Type"] == "Choice":
                chosen = (one["Next"] for one in state["Choices"] if one["And"][1]["StringEquals"] == self.state["next"])
                self.at = next(chosen, state["Default"])
            else:
                assert self.state[state["SecondsPath"].removeprefix("$.")] > 0
                self.at = state["Next"]
        return False

    def _task(self, state: dict[str, Any]) -> None:
        step = state["Parameters"]["Payload"]["step"]
        event = {"step": step, "operation_id": self.operation_id, "state": self.state, "execution": self.execution}
        self.before(step)
        self.steps.append(step)
        try:
            self.state, self.at = handler(event, None), state["Next"]
        except StepInterrupted:
            pass
        except Exception as error:
            if "Catch" not in state:
                raise
            self.state = self.state | {"error": {"Error": type(error).__name__, "Cause": str(error)}}
            self.at = state["Catch"][0]["Next"]


DONE = BuildState(
    "UPLOAD_ARTIFACTS", ended=True, succeeded=True, phases={"INSTALL": 10.0, "BUILD": 30.0}, commit="abc123", branch="main",
    started_at="2026-01-01T10:00:00.000Z", ended_at="2026-01-01T10:00:40.000Z",
)  # fmt: skip


def ask(world: World, method: str, path: str, body: Any = None, client=None) -> Answer:
    return (client or world.ada).at("enterprise")("delivery", method, path, body=body)


@pytest.fixture
def runner(monkeypatch) -> FakeRunner:
    made = FakeRunner([BuildState("BUILD"), DONE])
    for module in (requesting, steps):
        monkeypatch.setattr(module, "build_runner", lambda: made)
    return made


@pytest.fixture
def feature(world) -> str:
    project = fetch(Project, world.project.id)
    project.repository_url = "https://example.com/shop.git"
    write(save(project))
    parent = planning.create_requirement(world.actor, world.board.id, planning.NewRequirement("One", "Words", ["It works"]))
    return planning.create_feature(world.actor, parent.id, planning.NewFeature(**FEATURE)).id


def request(world: World, feature: str, body: Any = None) -> dict[str, Any]:
    answer = ask(world, "POST", f"/features/{feature}/build-and-deploy", body)
    assert answer.status == 202, answer.text
    return answer.json["data"]


def operation(world: World, made: dict[str, Any]) -> dict[str, Any]:
    return ask(world, "GET", made["progress_url"]).json["data"]
