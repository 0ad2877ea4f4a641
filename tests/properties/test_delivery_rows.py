"""What the rows of builds, operations and deployments say together, whatever happens to them in whatever order: requests, steps, deaths,
late executions, cancels, rollbacks, lost events and the jobs."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.core.errors import CadreError
from shared.delivery.building.runner import BuildState
from shared.delivery.builds.places import key_in
from shared.delivery.builds.rows import Build
from shared.delivery.deployments import maintenance
from shared.delivery.deployments.deploying import NewDeployment
from shared.delivery.deployments.rows import OPEN, Deployment, Environment
from shared.delivery.deployments.undoing import roll_back
from shared.delivery.operations import machine as operations
from shared.delivery.operations.requesting import BuildRequest, cancel_operation, request_build
from shared.delivery.operations.rows import OperationRow
from shared.delivery.operations.steps import finish
from shared.store import Entity, get, update_now
from shared.store.client import dynamodb
from shared.work.projects.updating import archive_project, restore_project
from tests.areas import deploying
from tests.areas.boards_world import World, create_world
from tests.areas.build_runs import DONE, FakeRunner, Machine, feature, runner
from tests.areas.deploying import BAD, FakeTarget, configure, target
from tests.areas.driving import deadline
from tests.examples import examples
from tests.kills import crash_at_write

__all__ = ["feature", "runner", "target"]
E = TypeVar("E", bound=Entity)
ACTIONS = st.tuples(
    st.sampled_from(
        ["request"] * 2 + ["build"] * 4 + ["deploy"] * 3
        + ["die", "cancel", "fail", "bad", "break", "mend", "roll back", "events", "operations", "deployments", "archive", "restore"]
    ),
    st.integers(0, 3),
)  # fmt: skip


@pytest.fixture
def world(aws: None) -> World:
    return create_world()


@dataclass
class Scene:
    """Everything that goes on, and what the jobs start."""

    world: World
    feature: str
    runner: FakeRunner
    target: FakeTarget
    builds: list[Machine] = field(default_factory=list)
    deploys: list[deploying.Machine] = field(default_factory=list)

    def act(self, action: str, which: int) -> None:
        made = self.builds[which % len(self.builds)] if self.builds else None
        if action == "request":
            to = NewDeployment("staging", "canary", 20)
            operation = request_build(self.world.actor, self.feature, BuildRequest(deployment=to, deploys=True))
            self.builds.append(Machine(operation.id))
        elif action == "build" and made:
            made.step()
        elif action == "die" and (going := [*self.builds, *self.deploys]):
            with crash_at_write(1):
                going[which % len(going)].step()
        elif action == "cancel" and made:
            cancel_operation(self.world.actor, made.operation_id)
        elif action == "deploy" and self.deploys:
            self.deploys[which % len(self.deploys)].step()
        elif action == "roll back" and self.deploys:
            roll_back(self.world.actor, self.deploys[which % len(self.deploys)].deployment_id, "No")
        elif action == "fail":
            self.runner.states = [BuildState("BUILD"), BuildState("BUILD", ended=True, reason="It failed")]
        elif action == "bad" and self.deploys:
            self.target.measured[self.deploys[-1].deployment_id] = BAD
        elif action == "break":
            self.target.fails |= {"set_weights"}
        elif action == "mend":
            self.mend()
        elif action == "events":
            self.events()
        elif action == "operations":
            self.look_after_operations()
        elif action == "deployments":
            self.resume_deployments()
        elif action == "archive":
            archive_project(self.world.actor, self.world.project.id)
        elif action == "restore":
            restore_project(self.world.actor, self.world.project.id)
        self.begin_what_was_handed_over()

    def mend(self) -> None:
        self.target.fails.clear()
        self.runner.states = [BuildState("BUILD"), DONE]

    def begin_what_was_handed_over(self) -> None:
        """The event of a request starts the first execution."""
        known = {one.deployment_id for one in self.deploys}
        self.deploys += [
            deploying.machine(one)
            for one in all_of(Deployment)
            if not one.awaits_build and one.id not in known and one.status == "pending"
        ]

    def events(self) -> None:
        for one in all_of(Deployment):
            finish(one)

    def look_after_operations(self) -> None:
        for row in all_of(OperationRow):
            if not row.released:
                operations.look_after(row)

    def start_operation(self, operation_id: str, launch: int = 0) -> None:
        self.builds.append(Machine(operation_id, execution=f"execution-{launch + 1}"))

    def resume_deployments(self) -> None:
        for row in all_of(Environment):
            update_now(Environment(row.pk, row.sk), [Environment.lease_until.set(0)])
        maintenance.resume_deployments(deadline())

    def finish(self, builds_live: bool) -> None:
        """The jobs go on until nothing is left to do, also if no execution of a build lives to its first step."""
        self.mend()
        for _ in range(30):
            if all(row.released for row in all_of(OperationRow)) and not any(row.deployment_id for row in all_of(Environment)):
                return
            self.look_after_operations()
            for one in self.builds if builds_live else ():
                one.play()
            self.begin_what_was_handed_over()
            self.resume_deployments()
            for other in self.deploys:
                other.play()
            self.events()
        raise AssertionError("it does not come to an end")


def all_of(model: type[E]) -> list[E]:
    """All rows of a kind: a test may look at the whole table."""
    about = {
        "FilterExpression": "kind = :kind AND SK = :sk",
        "ExpressionAttributeValues": {":kind": {"S": model.KIND}, ":sk": {"S": "META"}},
    }
    return [model.decode(raw) for raw in dynamodb().scan(TableName="core", **about)["Items"]]


def check(world: World) -> None:
    """What holds at every moment."""
    builds, deployments = {one.id: one for one in all_of(Build)}, {one.id: one for one in all_of(Deployment)}
    assert sorted(int(one.number) for one in builds.values()) == list(range(1, len(builds) + 1))
    held = {one.deployment_id for one in all_of(Environment) if one.deployment_id}
    assert held == {one.id for one in deployments.values() if one.status in OPEN and not one.awaits_build}
    for row in all_of(OperationRow):
        check_operation(row, builds[row.build_id], deployments[row.deployment_id])
    places = get(*key_in(world.ws_id))
    assert set(places.held if places else ()) == {one.id for one in builds.values() if not one.ended}


def check_operation(row: OperationRow, build: Build, deployment: Deployment) -> None:
    if row.ended:
        assert build.ended
        assert deployment.status not in OPEN or (row.status, deployment.status) == ("cancelled", "rolling_back")
    else:
        assert not row.released
        assert deployment.awaits_build == (not row.handed_over)
        assert deployment.status in OPEN or row.handed_over


@given(st.lists(ACTIONS, min_size=10, max_size=40), st.booleans())
@settings(
    max_examples=examples(6), deadline=None, phases=[Phase.generate],  # it would shrink for minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], derandomize=True,
)  # fmt: skip
def test_whatever_happens_in_whatever_order_the_rows_agree(world, feature, runner, target, actions, builds_live):
    configure(world)
    scene = Scene(world, feature, runner, target)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "is_running", lambda _: False)
        patch.setattr(operations, "start", scene.start_operation)
        patch.setattr(maintenance, "start_execution", lambda *about: scene.deploys.append(deploying.Machine(*about)))
        for action, which in actions:
            with suppress(CadreError):  # refused, as it should be
                scene.act(action, which)
            check(world)
        scene.finish(builds_live)
    check(world)
    assert runner.running == set()
    assert all(row.released for row in all_of(OperationRow))
