"""What a deployment does, from its request to its end: steps, gates, rollbacks, by the machine that is deployed."""

import pytest

from functions.deploy_steps.handler import handler as steps_handler
from shared.core import clock
from shared.core.errors import Conflict, Invalid, Upstream
from shared.delivery.deployments import maintenance, undoing
from shared.delivery.deployments.lease import LEASE
from shared.delivery.deployments.rows import Deployment, Environment
from shared.delivery.deployments.undoing import roll_back
from shared.delivery.targets.port import Figures
from shared.store import fetch, save, update_now, write
from tests.areas.deploying import BAD, configure, deploy, machine, request, target
from tests.areas.driving import deadline

__all__ = ["target"]


def environment(world, name="staging") -> Environment:
    return fetch(Environment, Environment.id_of(world.project.id, name))


def expire(world) -> None:
    update_now(Environment(*Environment.key(environment(world).id)), [Environment.lease_until.set(clock.epoch() - 1)])


@pytest.mark.parametrize(
    ("strategy", "more", "shares"),
    [
        ("blue_green", {}, [100]),
        ("canary", {"canary_percentage": 10}, [10, 100]),
        ("rolling", {}, [25, 50, 75, 100]),
        ("ramp", {}, [5, 10, 25, 50, 100]),
    ],
)
def test_a_strategy_moves_the_traffic_step_by_step(world, target, strategy, more, shares):
    configure(world)
    first = deploy(world)
    assert (first.status, target.weights) == ("success", {first.id: 100})
    target.history.clear()
    made = deploy(world, strategy, **more)
    assert made.status == "success"
    assert [weights.get(made.id) for weights in target.history] == shares
    assert made.previous_version == first.id
    assert (environment(world).current_id, environment(world).deployment_id) == (made.id, None)
    assert (made.health, made.measured.requests, made.completed_at is not None) == ("healthy", 1000, True)


def test_it_waits_a_window_after_each_shift(world, target):
    configure(world, window_seconds=30)
    request_ = machine(request(world, "canary", canary_percentage=10))
    request_.play()
    assert request_.waited == 60
    assert request_.steps == ["Start", "Place", "Observe", "Shift", "Observe", "Shift", "Observe", "Finish"]


def test_a_canary_whose_requests_fail_is_rolled_back_by_itself(world, target):
    configure(world)
    first = deploy(world)
    made = request(world, "canary", canary_percentage=10)
    target.measured[made.id] = BAD
    after = machine(made).play()
    assert after.status == "rolled_back"
    assert "20 % of its requests failed" in after.rollback_reason
    assert after.rolled_back_at is not None
    assert target.weights == {first.id: 100}
    assert target.versions == {first.id}
    assert (environment(world).current_id, environment(world).deployment_id) == (first.id, None)


def test_a_version_that_is_slower_is_rolled_back(world, target):
    configure(world)
    deploy(world)
    made = request(world, "ramp")
    target.measured[made.id] = Figures(1000, 0, 900.0, 60.0)
    assert "within 900 ms" in machine(made).play().rollback_reason


def test_a_version_that_is_never_healthy_gets_no_traffic(world, target):
    configure(world)
    first = deploy(world)
    made = request(world)
    target.sick.add(made.id)
    after = machine(made).play()
    assert (after.status, after.health, after.failure) == ("failed", "unhealthy", "3 health checks in a row failed")
    assert [weights for weights in target.history if made.id in weights] == []
    assert target.weights == {first.id: 100}


def test_a_health_check_may_be_lost(world, target):
    configure(world)
    made = request(world)
    target.sick.add(made.id)
    played = machine(made)
    for _ in range(4):  # start, place, two health checks
        played.step()
    target.sick.clear()
    assert played.play().status == "success"


def test_with_too_few_requests_it_waits_and_then_goes_by_health(world, target):
    configure(world, minimum_requests=5000)
    made = request(world)
    played = machine(made)
    after = played.play()
    assert after.status == "success"
    assert played.steps.count("Observe") == 11  # once before the shift, and ten windows
    assert "its health alone decided" in after.note


@pytest.mark.parametrize("action", ["deploy", "health", "figures", "set_weights"])
def test_a_target_that_does_not_work_ends_the_deployment_and_says_why(world, target, action):
    configure(world)
    first = deploy(world)
    made = request(world)
    target.fails.add(action)
    played = machine(made)
    while played.at != "Fail":
        assert played.step()
    target.fails.clear()
    after = played.play()
    assert f"{action} does not work" in (after.failure or after.rollback_reason)
    assert after.status == ("rolled_back" if action == "set_weights" else "failed")
    assert target.weights == {first.id: 100}
    assert environment(world).deployment_id is None


def test_a_deployment_that_fails_on_our_side_raises_an_alarm_and_one_whose_target_fails_does_not(world, target, logged):
    configure(world)
    made = request(world)
    about = {"deployment_id": made.id, "environment_id": made.environment_id, "launch": 1, "step": "fail"}
    for error in ("TargetFailed", "KeyError"):
        steps_handler(about | {"error": {"Error": error, "Cause": "{}"}}, None)
    (line,) = [line for line in logged() if "on our side" in line["message"]]
    assert (line["job"], line["failed"], line["deployment_id"], line["error"]) == ("deployment", 1, made.id, "KeyError")


def test_a_rollback_that_fails_is_said_alarmed_and_can_be_repeated(world, target, logged):
    configure(world)
    first = deploy(world)
    made = request(world, "canary", canary_percentage=10)
    target.measured[made.id] = BAD
    played = machine(made)
    while played.steps[-1:] != ["Shift"]:
        assert played.step()
    target.fails.add("set_weights")
    after = played.play()
    assert (after.status, after.failure) == ("failed", "The rollback failed: set_weights does not work")
    (line,) = [line for line in logged() if line["message"] == "a rollback failed"]
    (metric,) = line["_aws"]["CloudWatchMetrics"]
    assert (line["job"], line["failed"], metric["Metrics"][0]["Name"]) == ("rollback", 1, "failed")
    assert metric["Dimensions"] == [["stage", "job"], ["stage"]]  # the second has the alarm `WorkFailed`
    assert environment(world).current_id == first.id
    with pytest.raises(Upstream, match="can be repeated"):
        roll_back(world.actor, made.id, "Again")
    target.fails.clear()
    assert roll_back(world.actor, made.id, "Again").status == "rolled_back"
    assert target.weights == {first.id: 100}


# -- by a person


def test_a_success_is_rolled_back_to_the_version_before(world, target):
    configure(world)
    first, second = deploy(world), deploy(world)
    after = roll_back(world.actor, second.id, "High error rate detected post-deployment")
    assert (after.status, after.rollback_reason) == ("rolled_back", "High error rate detected post-deployment")
    assert target.weights == {first.id: 100}
    assert environment(world).current_id == first.id
    assert deploy(world).previous_version == first.id


def test_the_version_before_is_kept_and_the_one_before_that_removed(world, target):
    configure(world)
    _, second, third = deploy(world), deploy(world), deploy(world)
    assert target.versions == {second.id, third.id}


@pytest.mark.parametrize("state", ["in progress", "rolled back", "first", "replaced", "long ago"])
def test_what_cannot_be_rolled_back_is_refused(world, target, state):
    configure(world)
    made = deploy(world)
    if state != "first":
        made = deploy(world)
    if state == "in progress":
        made = request(world)
    elif state == "rolled back":
        roll_back(world.actor, made.id, "Once")
    elif state == "replaced":
        deploy(world)
    elif state == "long ago":
        made.completed_at = clock.iso(clock.now() - undoing.ROLLBACK_WINDOW - (clock.now() - clock.from_epoch(clock.epoch() - 2)))
        write(save(made))
    before = dict(target.weights)
    with pytest.raises(Invalid):
        roll_back(world.actor, made.id, "No")
    assert target.weights == before


def test_one_deployment_at_a_time_in_an_environment(world, target):
    configure(world)
    configure(world, "dev")
    made = request(world)
    with pytest.raises(Conflict) as refused:
        request(world)
    assert refused.value.details == {"deployment_id": made.id}
    assert request(world, environment="dev").status == "pending"
    machine(made).play()
    assert request(world).status == "pending"


def test_a_target_is_not_changed_under_a_deployment(world, target):
    configure(world)
    request(world)
    with pytest.raises(Conflict):
        configure(world, minimum_requests=1)


# -- executions that are gone


def test_a_deployment_whose_execution_is_gone_goes_on_where_its_row_is(world, target, monkeypatch):
    started = []
    monkeypatch.setattr(maintenance, "start_execution", lambda *about: started.append(about))
    configure(world)
    made = request(world, "canary", canary_percentage=10)
    old = machine(made)
    for _ in range(4):  # as far as the shift to 10 %
        old.step()
    assert maintenance.resume_deployments(deadline()) == 0  # its lease is not over
    expire(world)
    assert maintenance.resume_deployments(deadline()) == 1
    assert started == [(made.id, made.environment_id, 2)]
    assert old.play().status == "in_progress"  # the old execution has nothing to say any more
    after = machine(made, launch=2).play()
    assert after.status == "success"
    assert [weights.get(made.id) for weights in target.history] == [100, 100]  # the first of all has all there is


def test_one_that_is_lost_again_and_again_is_rolled_back_and_then_given_up(world, target, monkeypatch):
    monkeypatch.setattr(maintenance, "start_execution", lambda *_: None)
    configure(world)
    made = request(world)
    machine(made).step()
    seen = []
    for _ in range(2 * maintenance.MAX_LAUNCHES):
        expire(world)
        maintenance.resume_deployments(deadline())
        seen.append(fetch(Deployment, made.id).status)
        if seen[-1] == "failed":
            break
    assert seen == ["in_progress"] * 4 + ["rolling_back"] * 5 + ["failed"]
    assert environment(world).deployment_id is None


def test_a_lease_lasts_for_what_the_machine_waits(world, target):
    configure(world, window_seconds=3600)
    played = machine(request(world))
    for _ in range(4):
        played.step()
    assert environment(world).lease_until >= clock.epoch() + 3600 + LEASE - 5


def test_a_shift_that_was_done_and_whose_answer_is_rubbish_is_taken_back(world, target):
    configure(world)
    old = deploy(world)
    target.fails = {"answer"}
    made = deploy(world, "canary", canary_percentage=20)
    assert {made.id: 20, old.id: 80} in target.history
    assert (made.status, "rubbish" in made.rollback_reason, target.weights) == ("rolled_back", True, {old.id: 100})
