"""Deployments under deaths and races: whatever is killed, repeated or late, one deployment at a time works in an environment, and at rest
the traffic is whole and where the rows say."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core import clock
from shared.core.errors import CadreError, Conflict, Invalid
from shared.delivery.deployments import maintenance, steps
from shared.delivery.deployments.deploying import NewDeployment, request_deployment
from shared.delivery.deployments.environments import NewEnvironment, set_environment
from shared.delivery.deployments.rows import OPEN, OPEN_DEPLOYMENTS, Deployment, Environment
from shared.delivery.deployments.undoing import roll_back
from shared.delivery.targets.port import TargetFailed
from shared.store import collection, fetch, fetch_all, update_now
from tests.areas.boards_world import World, create_world
from tests.areas.deploying import BAD, FakeTarget, Machine, build, configure, deploy, machine, request, target
from tests.areas.driving import deadline
from tests.examples import examples
from tests.kills import concurrently, crash_at_every_write, crash_at_write

__all__ = ["target"]


@pytest.fixture
def world(aws: None) -> World:
    return create_world()


@pytest.fixture
def no_machine(monkeypatch: pytest.MonkeyPatch) -> list[Machine]:
    """The executions that the job starts."""
    started: list[Machine] = []
    monkeypatch.setattr(maintenance, "start_execution", lambda *about: started.append(Machine(*about)))
    return started


def environment(world: World) -> Environment:
    found = fetch(Environment, Environment.id_of(world.project.id, "staging"))
    assert found is not None
    return found


def expire(world: World) -> None:
    update_now(Environment(*Environment.key(environment(world).id)), [Environment.lease_until.set(clock.epoch() - 1)])


def check_rest(world: World, target: FakeTarget) -> None:
    """Nothing is open, and the version that the environment names has all traffic."""
    held = environment(world)
    assert held.deployment_id is None
    assert collection(4, OPEN_DEPLOYMENTS) == []
    current = fetch(Deployment, held.current_id) if held.current_id else None
    assert target.weights == ({current.new_version: 100} if current else {})


def finish(world: World, started: list[Machine]) -> None:
    """The job takes up what is left, again and again, until nothing is open."""
    while environment(world).deployment_id:
        expire(world)
        maintenance.resume_deployments(deadline())
        while started:
            started.pop().play()


def kill_in_every_write(work: Callable[[], Any], after: Callable[[], None], prepare: Callable[[], None]) -> int:
    deaths = 0
    for process in crash_at_every_write():
        prepare()
        with process:
            work()
        deaths += process.dead
        after()
    return deaths


@pytest.mark.parametrize("ends", ["success", "rolled_back"])
def test_a_deployment_that_dies_at_any_write_ends_whole(world, target, no_machine, ends):
    configure(world)
    first = deploy(world)
    made: list[Deployment] = []

    def prepare() -> None:
        made.append(request(world, "canary", canary_percentage=10))
        if ends == "rolled_back":
            target.measured[made[-1].id] = BAD

    def after() -> None:
        finish(world, no_machine)
        check_rest(world, target)
        assert fetch(Deployment, made[-1].id).status == ends

    deaths = kill_in_every_write(lambda: machine(made[-1]).play(), after, prepare)
    assert deaths >= 10  # two in each step
    assert first.id not in target.versions or ends == "rolled_back"


def test_a_rollback_by_a_person_that_dies_at_any_write_is_finished(world, target, no_machine):
    configure(world)
    deploy(world)
    made: list[Deployment] = []

    def after() -> None:
        finish(world, no_machine)
        check_rest(world, target)
        assert fetch(Deployment, made[-1].id).status == "rolled_back"

    def undo() -> None:
        roll_back(world.actor, made[-1].id, "No")

    assert kill_in_every_write(undo, after, lambda: made.append(deploy(world))) == 2


def test_of_two_that_race_for_an_environment_one_gets_it(world, target):
    configure(world)
    one, other = build(world), build(world)
    won = []
    with (
        concurrently(lambda: won.append(request_deployment(world.actor, other.id, NewDeployment("staging")))),
        pytest.raises(Conflict),
    ):
        request_deployment(world.actor, one.id, NewDeployment("staging"))
    assert environment(world).deployment_id == won[0].id
    assert collection(1, f"BLD#{one.id}#DPL") == []


def test_a_rollback_and_a_deployment_that_race_do_not_both_happen(world, target):
    configure(world)
    deploy(world)
    second, wanted = deploy(world), build(world)
    won = []
    with (
        concurrently(lambda: won.append(request_deployment(world.actor, wanted.id, NewDeployment("staging")))),
        pytest.raises(Invalid) as refused,
    ):
        roll_back(world.actor, second.id, "No")
    assert refused.value.fields[0].message == "A later deployment to this environment has taken its place"
    assert fetch(Deployment, second.id).status == "success"
    assert target.weights == {second.id: 100}
    assert machine(won[0]).play().status == "success"


def test_two_rollbacks_that_race_are_one(world, target):
    configure(world)
    first, second = deploy(world), deploy(world)
    with concurrently(lambda: roll_back(world.actor, second.id, "First")), pytest.raises(CadreError):
        roll_back(world.actor, second.id, "Second")
    assert fetch(Deployment, second.id).rollback_reason == "First"
    assert (target.weights, environment(world).current_id) == ({first.id: 100}, first.id)


def test_a_rollback_and_another_target_that_race_do_not_both_happen(world, target):
    """Another target knows no earlier version: what had the traffic at the old one is not written beside the new one."""
    configure(world)
    deploy(world)
    second = deploy(world)
    elsewhere = NewEnvironment({"kind": "hook", "url": "https://elsewhere.example.com/hook"}, {})
    with (
        concurrently(lambda: set_environment(world.actor, world.project.id, "staging", elsewhere)),
        pytest.raises(Invalid),
    ):
        roll_back(world.actor, second.id, "No")
    held = environment(world)
    assert (held.target, held.current_id, held.deployment_id) == (elsewhere.target, None, None)
    assert (fetch(Deployment, second.id).status, target.weights) == ("success", {second.id: 100})


def test_a_worker_that_stands_still_changes_nothing_when_it_wakes_up(world, target, no_machine):
    """Right before it shifts the traffic, another execution takes over and rolls back."""
    configure(world)
    first = deploy(world)
    made = request(world, "canary", canary_percentage=10)
    late = machine(made)
    while fetch(Deployment, made.id).phase != "shift":
        late.step()
    shift = target.set_weights

    def stand_still(weights: dict[str, int], fence: int) -> None:
        target.set_weights = shift
        steps.fail(made.id, made.environment_id, 1, "Others were faster")
        machine(made).play()
        shift(weights, fence)

    target.set_weights = stand_still
    with pytest.raises(TargetFailed, match="Another deployment"):
        steps.advance(made.id, made.environment_id, 1)
    assert fetch(Deployment, made.id).status == "rolled_back"
    assert target.weights == {first.id: 100}
    check_rest(world, target)


ACTIONS = st.sampled_from(["deploy", "step", "step", "step", "die", "bad", "break", "mend", "roll back", "sweep", "zombie"])


@given(st.lists(ACTIONS, min_size=5, max_size=25))
@settings(
    max_examples=examples(12), deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], derandomize=True,
)  # fmt: skip
def test_whatever_happens_in_whatever_order_it_ends_whole(world, target, no_machine, actions):
    configure(world)
    machines: list[Machine] = []
    no_machine.clear()
    for action in actions:
        _act(action, world, target, machines, no_machine)
        held = environment(world)
        open_ones = [one for one in collection(4, OPEN_DEPLOYMENTS) if one.f["environment"] == "staging"]
        assert [one.id for one in open_ones] == ([held.deployment_id] if held.deployment_id else [])
        assert sum(target.weights.values()) in (0, 100)
        assert set(target.weights) <= target.versions
    target.fails.clear()
    finish(world, no_machine)
    latest = fetch(Deployment, environment(world).latest_id) if environment(world).latest_id else None
    if (
        latest is not None and latest.status == "failed" and latest.shifted
    ):  # its rollback failed: it is said, and can be repeated
        assert "rollback failed" in latest.failure
        assert roll_back(world.actor, latest.id, "Again").status == "rolled_back"
    check_rest(world, target)
    assert all(one.status not in OPEN for one in fetch_all(Deployment, [each.deployment_id for each in machines]))


def _act(action: str, world: World, target: FakeTarget, machines: list[Machine], started: list[Machine]) -> None:
    try:
        if action == "deploy":
            machines.append(machine(request(world, "canary", canary_percentage=10)))
        elif action == "bad" and machines:
            target.measured[machines[-1].deployment_id] = BAD
        elif action == "break":
            target.fails |= {"set_weights"}
        elif action == "mend":
            target.fails.clear()
        elif action == "roll back" and machines:
            roll_back(world.actor, machines[-1].deployment_id, "No")
        elif action == "sweep":
            expire(world)
            maintenance.resume_deployments(deadline())
            machines += started
            started.clear()
        elif action == "die" and machines:
            with crash_at_write(1):
                machines[-1].step()
        elif action in ("step", "zombie") and machines:
            machines[-1 if action == "step" else 0].step()
    except CadreError:
        pass  # refused, as it should be
