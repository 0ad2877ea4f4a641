"""enterprise, features.buildAndDeploy: the build is handed over to its deployment, whose end is the operation's; kills and cancels."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
import time_machine

from shared.core import clock
from shared.core.actor import Permission, Role
from shared.core.errors import Forbidden
from shared.core.settings import settings
from shared.delivery.building.runner import BuildState
from shared.delivery.builds.places import key_in
from shared.delivery.builds.rows import Build
from shared.delivery.deployments import maintenance
from shared.delivery.deployments.deploying import PRODUCTION
from shared.delivery.deployments.environments import NewEnvironment, set_environment
from shared.delivery.deployments.rows import Deployment, Environment
from shared.delivery.operations import machine as operations
from shared.delivery.operations.requesting import BuildRequest, cancel_operation, request_build
from shared.delivery.operations.rows import OVERDUE, OVERDUE_DEPLOYING, OperationRow
from shared.delivery.operations.steps import PATIENCE
from shared.edge.cascade import clearing
from shared.edge.cascade.queue import Task
from shared.edge.reactions import deployments
from shared.events.change import parse_change
from shared.people.tenancy.rows import Workspace
from shared.store import delete, fetch, get, save, write
from tests.areas import deploying
from tests.areas.boards_world import World
from tests.areas.build_runs import DONE, Machine, ask, feature, operation, request, runner
from tests.areas.deploying import BAD, configure, target
from tests.areas.driving import deadline
from tests.areas.viewers import raw_row
from tests.kills import concurrently, crash_at_every_write
from tests.trips import count_requests

__all__ = ["feature", "runner", "target"]
CANARY = {"environment": "staging", "deployment_strategy": "canary", "canary_percentage": 20}


def deployment(world: World, made: dict[str, Any]) -> dict[str, Any]:
    return dict(ask(world, "GET", f"/deployments/{made['resource_id']}").json["data"])


def following(made: dict[str, Any] | OperationRow) -> deploying.Machine:
    """The machine of the deployment that an operation has begun."""
    row = fetch(OperationRow, made.id if isinstance(made, OperationRow) else made["operation_id"])
    begun = fetch(Deployment, row.deployment_id)
    return deploying.machine(begun)


def tell(deployment_id: str) -> None:
    """What the stream tells of a deployment."""
    deployments.react(parse_change({"dynamodb": {"NewImage": raw_row(f"DPL#{deployment_id}")}}))


def test_the_deployment_is_there_when_the_request_is_accepted(world, runner, feature, target):
    configure(world, "dev")
    made = request(world, feature)
    assert (made["resource_type"], made["poll_interval_seconds"]) == ("deployment", 5)
    shown = deployment(world, made)
    assert (shown["status"], shown["environment"], shown["build_id"]) == ("pending", "dev", made["build_id"])
    assert operation(world, made)["resource_url"] == f"/deployments/{made['resource_id']}"
    assert fetch(Environment, Environment.id_of(world.project.id, "dev")).deployment_id is None  # others may deploy meanwhile


def test_an_operation_follows_its_deployment_to_the_end(world, runner, feature, target):
    configure(world)
    made, seen = request(world, feature, CANARY), []
    Machine(made["operation_id"], before=lambda _: seen.append(operation(world, made))).play()
    played = following(made)
    while played.step():
        seen.append(operation(world, made))
    tell(made["resource_id"])
    shown = operation(world, made)
    assert (shown["status"], shown["progress_percent"], shown["result_url"]) == (
        "completed", 100, f"/deployments/{made['resource_id']}",
    )  # fmt: skip
    assert not {"eta_seconds", "current_step", "resource_url"} & set(shown)
    percents = [one["progress_percent"] for one in seen]
    assert percents == sorted(percents)
    assert 0 < percents[-1] < 100
    said = list(dict.fromkeys(one["current_step"] for one in seen if "current_step" in one))
    assert said == [
        "Waiting for a free place...", "Building...", "Collecting results...", "Making the new version ready...",
        "Looking at the new version with 0 % of the traffic...", "Looking at the new version with 20 % of the traffic...",
        "Looking at the new version with 100 % of the traffic...",
    ]  # fmt: skip
    lefts = [one["eta_seconds"] for one in seen if "eta_seconds" in one]
    assert lefts == sorted(lefts, reverse=True)
    assert max(lefts) == 120  # two steps with traffic, each looked at for a minute
    assert fetch(OperationRow, made["operation_id"]).released


def test_a_build_that_is_over_before_anybody_looks_counts_by_what_it_took(world, runner, feature, target):
    configure(world)
    runner.states = [DONE]  # after 40 s; two steps with traffic follow, each looked at for a minute
    made, seen = request(world, feature, CANARY), []
    Machine(made["operation_id"]).play()
    played = following(made)
    while played.step():
        seen.append(operation(world, made))
    assert seen[0]["current_step"] == "Making the new version ready..."
    percents = [one["progress_percent"] for one in seen]
    assert percents == sorted(percents)
    assert percents[0] == 95 * 40 // 160


def test_the_time_left_counts_the_deployment_behind_the_build(world, runner, feature, target):
    Machine(request(world, feature)["operation_id"]).play()  # a build alone: 40 s
    configure(world)
    runner.states = [BuildState("BUILD", in_phase=15), DONE]
    made, seen = request(world, feature, CANARY), []
    Machine(made["operation_id"], before=lambda _: seen.append(operation(world, made))).play()
    during = next(one for one in seen if one.get("current_step") == "Building...")
    assert (during["progress_percent"], during["eta_seconds"]) == (95 * 25 // 160, 135)


def test_a_canary_that_is_taken_back_fails_its_operation_with_the_reason(world, runner, feature, target):
    configure(world)
    old = deploying.deploy(world)
    made = request(world, feature, CANARY)
    Machine(made["operation_id"]).play()
    target.measured[made["resource_id"]] = BAD
    following(made).play()
    before = operation(world, made)
    tell(made["resource_id"])
    shown = operation(world, made)
    assert (shown["status"], "of its requests failed" in shown["failure_reason"]) == ("failed", True)
    assert shown["progress_percent"] == before["progress_percent"] > 0  # how far it came, never back
    assert (deployment(world, made)["status"], target.weights) == ("rolled_back", {old.id: 100})
    assert ask(world, "GET", f"/builds/{made['build_id']}").json["data"]["status"] == "success"


def test_a_failed_build_fails_the_deployment_that_waits_for_it(world, runner, feature, target):
    configure(world)
    runner.states = [BuildState("BUILD", ended=True, reason="The phase build failed with exit status 1")]
    made = request(world, feature, CANARY)
    assert Machine(made["operation_id"]).play().status == "failed"
    shown = deployment(world, made)
    assert (shown["status"], "exit status 1" in shown["failure_reason"]) == ("failed", True)
    assert target.history == []
    tell(made["resource_id"])
    assert operation(world, made)["status"] == "failed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"environment": "staging"}, "environment"), ({"approval_notes": "Good"}, "environment"),
        ({"deployment_strategy": "canary"}, "canary_percentage"), ({"environment": PRODUCTION}, "approval_notes"),
    ],
)  # fmt: skip
def test_a_deployment_that_cannot_be_is_refused_before_anything_is_built(world, runner, feature, target, body, field):
    if field != "environment":
        configure(world, body.get("environment", "dev"))
    answer = ask(world, "POST", f"/features/{feature}/build-and-deploy", body)
    assert (answer.status, answer.json["error"]["details"][0]["field"]) == (400, field)
    assert runner.started == {}


def test_production_needs_who_may_approve(world, runner, feature, target):
    configure(world, PRODUCTION)
    member = world.join("Mary Member", "mary@example.com", Role.MEMBER)
    body = {"environment": PRODUCTION, "approval_notes": "Good"}
    path = f"/features/{feature}/build-and-deploy"
    assert ask(world, "POST", path, body, client=member).status == 403
    assert ask(world, "POST", path, body).status == 202


def test_a_key_without_the_approving_scope_reaches_production_by_no_path(world, runner, feature, target):
    """An API key of the owner and an OAuth client are the owner with scopes."""
    configure(world, PRODUCTION)
    key = replace(world.actor, scopes=world.actor.grants(world.ws_id, world.project.org_id) - {Permission.DEPLOYMENT_APPROVE})
    to = deploying.NewDeployment(PRODUCTION, approval_notes="It is mine")
    elsewhere = NewEnvironment({"kind": "hook", "url": "https://elsewhere.example.com/hook"}, {})
    paths = [
        lambda actor: request_build(actor, feature, BuildRequest(deployment=to, deploys=True)),
        lambda actor: deploying.request_deployment(actor, deploying.build(world).id, to),
        lambda actor: set_environment(actor, world.project.id, PRODUCTION, elsewhere),
        lambda actor: set_environment(actor, world.project.id, "dev", elsewhere),
    ]
    for path in paths:
        with pytest.raises(Forbidden):
            path(key)
        assert path(world.actor)
        made = fetch(Environment, Environment.id_of(world.project.id, PRODUCTION))
        if made.deployment_id:
            deploying.machine(fetch(Deployment, made.deployment_id)).play()


def test_it_waits_for_another_deployment_and_then_begins(world, runner, feature, target):
    configure(world)
    holder, made, waits = deploying.request(world), request(world, feature, CANARY), []
    runner.states = [replace(DONE, ended_at=clock.iso())]

    def before(step: str) -> None:
        if step == "hand_over":
            waits.append(operation(world, made))
            if len(waits) == 3:
                deploying.machine(holder).play()

    Machine(made["operation_id"], before=before).play()
    assert [one["current_step"] for one in waits[1:]] == ["Waiting for another deployment to end..."] * 2
    assert following(made).play().status == "success"


def test_whoever_waits_for_an_environment_asks_seldom(world, runner, feature, target, monkeypatch):
    """Two hours of it are 240 steps, and a workspace may have any number of builds that wait so."""
    configure(world)
    deploying.request(world)
    made, runner.states, waits = request(world, feature, CANARY), [replace(DONE, ended_at=clock.iso())], {}
    monkeypatch.setenv("CADRE_STAGE", "prod")
    settings.cache_clear()
    played = Machine(made["operation_id"], before=lambda step: waits.setdefault(step, played.state.get("wait")))
    try:
        for _ in range(6):
            played.step()
    finally:
        settings.cache_clear()
    assert (waits["poll"], played.state["next"], played.state["wait"]) == (10, "hand_over", 30)


def test_it_does_not_wait_for_ever(world, runner, feature, target):
    configure(world)
    deploying.request(world)
    made, runner.states = request(world, feature, CANARY), [replace(DONE, ended_at=clock.iso())]
    with time_machine.travel(clock.now(), tick=False) as moment:
        done = Machine(made["operation_id"], before=lambda step: step == "hand_over" and moment.shift(PATIENCE)).play()
    assert done.status == "failed"
    assert "is in progress" in deployment(world, made)["failure_reason"]


@pytest.mark.parametrize("loss", ["target", "archived"])
def test_what_was_lost_meanwhile_is_a_recorded_failure(world, runner, feature, target, loss):
    environment = configure(world)
    made = request(world, feature, CANARY)

    def before(step: str) -> None:
        if step == "hand_over":
            if loss == "archived":
                world.archive()
            else:
                write(delete(environment))

    assert Machine(made["operation_id"], before=before).play().status == "failed"
    assert deployment(world, made)["status"] == "failed"
    assert ask(world, "GET", f"/builds/{made['build_id']}").json["data"]["status"] == "success"


@pytest.mark.parametrize("step", ["claim", "build", "poll", "collect", "hand_over"])
def test_a_cancel_before_the_deployment_begins_ends_it_too(world, runner, feature, target, step):
    configure(world)
    made = request(world, feature, CANARY)

    def cancel(name: str) -> None:
        if name == step and operation(world, made)["status"] in ("pending", "in_progress"):
            assert ask(world, "POST", f"{made['progress_url']}/cancel").json["data"]["status"] == "cancelled"

    done = Machine(made["operation_id"], before=cancel).play()
    assert (done.status, done.released, runner.running) == ("cancelled", True, set())
    shown = deployment(world, made)
    assert (shown["status"], shown["failure_reason"]) == ("failed", "The operation was cancelled")
    assert fetch(Environment, Environment.id_of(world.project.id, "staging")).deployment_id is None


@pytest.mark.parametrize("after", range(6))
def test_a_cancel_while_it_deploys_gives_the_traffic_back(world, runner, feature, target, after):
    """`after` so many steps of the deployment: from none, where its execution has not begun, to all traffic."""
    configure(world)
    old = deploying.deploy(world)
    made = request(world, feature, CANARY)
    Machine(made["operation_id"]).play()
    played = following(made)
    for _ in range(after):
        assert played.step()
    before = operation(world, made)
    answer = ask(world, "POST", f"{made['progress_url']}/cancel")
    assert (answer.status, answer.json["data"]["status"]) == (200, "cancelled")
    assert answer.json["data"]["progress_percent"] == before["progress_percent"]  # how far it came, never back
    played.play()  # its execution finds that it is over
    shown = deployment(world, made)
    assert shown["status"] == ("failed" if after < 3 else "rolled_back")  # from the third on it may have had traffic
    assert target.weights == {old.id: 100}
    environment = fetch(Environment, Environment.id_of(world.project.id, "staging"))
    assert (environment.deployment_id, environment.current_id) == (None, old.id)
    assert fetch(OperationRow, made["operation_id"]).released
    assert ask(world, "POST", f"{made['progress_url']}/cancel").status == 409


def test_a_cancel_whose_rollback_fails_says_so_and_can_be_repeated(world, runner, feature, target):
    configure(world)
    old = deploying.deploy(world)
    made = request(world, feature, CANARY)
    Machine(made["operation_id"]).play()
    played = following(made)
    while not target.weights.get(made["resource_id"]):
        played.step()
    target.fails = {"set_weights"}
    assert ask(world, "POST", f"{made['progress_url']}/cancel").status == 503
    assert operation(world, made)["status"] == "cancelled"
    assert "The rollback failed" in deployment(world, made)["failure_reason"]
    target.fails = set()
    assert ask(world, "POST", f"/deployments/{made['resource_id']}/rollback", {"reason": "Again"}).status == 200
    assert target.weights == {old.id: 100}


def test_a_cancel_before_any_write_leaves_nothing_behind(world, runner, feature, target):
    configure(world)
    old = deploying.deploy(world)
    for number in count(1):
        runner.states, made = [BuildState("BUILD"), DONE], request(world, feature, CANARY)
        cancels: list[int] = []
        with concurrently(partial(cancel_into, world, made, cancels), number) as process:
            Machine(made["operation_id"]).play()
            following(made).play()
            tell(made["resource_id"])
        if not process.happened:
            assert number > 10
            return
        environment = fetch(Environment, Environment.id_of(world.project.id, "staging"))
        if cancels == [200]:
            assert operation(world, made)["status"] == "cancelled"
            assert deployment(world, made)["status"] in ("failed", "rolled_back")
            assert (environment.deployment_id, environment.current_id, target.weights) == (None, old.id, {old.id: 100})
        else:  # it was over before
            assert (cancels, operation(world, made)["status"]) == ([409], "completed")
            old = fetch(Deployment, made["resource_id"])
        assert runner.running == set()


def cancel_into(world: World, made: dict[str, Any], seen: list[int]) -> None:
    seen.append(ask(world, "POST", f"{made['progress_url']}/cancel").status)


def test_a_kill_at_every_write_ends_with_the_build_deployed(world, runner, feature, target):
    configure(world)
    for process in crash_at_every_write(ignore_thread=""):
        runner.states = [BuildState("BUILD"), DONE]
        made = request_build(world.actor, feature, BuildRequest(deployment=deploying.NewDeployment("staging"), deploys=True))
        with process:
            Machine(made.id).play()
        if not fetch(OperationRow, made.id).handed_over:
            lost(made.id)
            Machine(made.id, execution="execution-2").play()
        assert following(made).play().status == "success"
        tell(str(made.deployment_id))
        row = fetch(OperationRow, made.id)
        assert (row.status, row.released, fetch(Build, made.build_id).status) == ("completed", True, "success")


def test_a_kill_at_every_write_of_a_cancel_gives_the_traffic_back_all_the_same(world, runner, feature, target, monkeypatch):
    """Whoever cancelled died: the job gives the deployment to another execution, which goes on with the rollback."""
    environment = configure(world)
    old = deploying.deploy(world)
    resumed: list[deploying.Machine] = []
    monkeypatch.setattr(maintenance, "start_execution", lambda *about: resumed.append(deploying.Machine(*about)))
    for process in crash_at_every_write(ignore_thread=""):
        runner.states, made = [DONE], request(world, feature, CANARY)
        Machine(made["operation_id"]).play()
        played = following(made)
        while not target.weights.get(made["resource_id"]):
            played.step()
        with process:
            cancel_operation(world.actor, made["operation_id"])
        with time_machine.travel(clock.now() + timedelta(minutes=10), tick=False):
            maintenance.resume_deployments(deadline())
            for execution in [played, *resumed]:
                execution.play()
        resumed.clear()
        assert (operation(world, made)["status"], deployment(world, made)["status"]) == ("cancelled", "rolled_back")
        assert target.weights == {old.id: 100}
        assert fetch(Environment, environment.id).current_id == old.id


def lost(operation_id: str) -> None:
    """What the job does for an operation whose execution is gone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "is_running", lambda _: False)
        patch.setattr(operations, "start", lambda *_: "arn")
        operations.look_after(fetch(OperationRow, operation_id))


def test_the_job_ends_an_operation_whose_event_was_lost(world, runner, feature, target):
    configure(world)
    made = request(world, feature, CANARY)
    Machine(made["operation_id"]).play()
    played = following(made)
    assert overdue(made) == 0  # the deployment goes on
    played.play()
    assert overdue(made) == 1
    assert operation(world, made)["status"] == "completed"
    assert overdue(made) == 0


def overdue(made: dict[str, Any]) -> int:
    row = fetch(OperationRow, made["operation_id"])
    row.due = int(row.due) - 2 * OVERDUE_DEPLOYING - OVERDUE
    write(save(row))
    return operations.sweep_operations(deadline())


def delete_workspace(world: World) -> None:
    """What the cascade does with the workspace, once it is marked."""
    workspace = fetch(Workspace, world.ws_id)
    workspace.deleted_at = clock.iso()
    write(save(workspace))
    assert clearing.process(Task(world.ws_id, "projects"), deadline()) is None


@pytest.mark.parametrize("step", ["claim", "build", "poll", "collect", "hand_over"])
def test_a_deleted_workspace_builds_and_deploys_nothing_more(world, runner, feature, target, step):
    environment = configure(world)
    made, deletions = request(world, feature, CANARY), []

    def before(name: str) -> None:
        if name == step and not deletions:
            deletions.append(delete_workspace(world))

    row = Machine(made["operation_id"], before=before).play()
    ended = fetch(Build, made["build_id"])
    assert (row.status, row.released) == (("failed", True) if step == "hand_over" else ("cancelled", True))
    assert ended.status == ("success" if step == "hand_over" else "cancelled")
    assert fetch(Deployment, made["resource_id"]).status == "failed"
    assert (runner.running, fetch(Environment, environment.id).deployment_id, target.weights) == (set(), None, {})
    assert get(*key_in(world.ws_id)).held == {}


def test_a_deployment_that_goes_on_in_a_deleted_workspace_gives_the_traffic_back(world, target, monkeypatch):
    """The cascade asks no target: it begins the rollback, and the job goes on with it."""
    environment = configure(world)
    old, going = deploying.deploy(world), deploying.request(world, "canary", canary_percentage=20)
    played, resumed = deploying.machine(going), []
    while not target.weights.get(going.id):
        played.step()
    delete_workspace(world)
    monkeypatch.setattr(maintenance, "start_execution", lambda *about: resumed.append(deploying.Machine(*about)))
    with time_machine.travel(clock.now() + timedelta(minutes=10), tick=False):
        maintenance.resume_deployments(deadline())
        for execution in (played, *resumed):
            execution.play()
    row = fetch(Deployment, going.id)
    assert (row.status, row.rollback_reason) == ("rolled_back", "The workspace was deleted")
    assert (target.weights, fetch(Environment, environment.id).deployment_id) == ({old.id: 100}, None)


def test_what_reading_and_cancelling_a_deploying_operation_cost(world, runner, feature, target):
    configure(world)
    made = request(world, feature, CANARY)
    Machine(made["operation_id"]).play()
    with count_requests() as seen:
        operation(world, made)
    assert seen.names == ["BatchGetItem", "GetItem", "GetItem"]
    with count_requests() as seen:
        assert ask(world, "POST", f"{made['progress_url']}/cancel").status == 200
    assert seen.count <= 8
