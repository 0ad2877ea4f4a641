"""enterprise, "Async Operations": a build is made here, its operation says how far it is, and it ends consistent whatever dies."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from shared.core import clock
from shared.core.errors import Invalid, LimitExceeded
from shared.core.ids import new_id
from shared.core.settings import settings
from shared.delivery.building.runner import PHASES, BuildState, Results, SourceRefused
from shared.delivery.builds.places import LIMIT, key_in
from shared.delivery.builds.rows import Build, BuildCounter
from shared.delivery.operations import machine, requesting, steps
from shared.delivery.operations.progress import progress
from shared.delivery.operations.rows import OVERDUE, OperationRow
from shared.edge.reactions import builds
from shared.edge.views.enterprise.delivery import DELIVERY_EVENTS
from shared.events.change import parse_change
from shared.store import fetch, get, save, write
from shared.work.projects.rows import Project
from tests.areas.boards_world import World
from tests.areas.build_runs import DONE, Machine, ask, feature, operation, request, runner
from tests.areas.driving import deadline, sign_up
from tests.areas.viewers import raw_row
from tests.kills import concurrently, crash_at_every_write, crash_at_write
from tests.samples.delivery import SARIF
from tests.trips import count_requests

__all__ = ["feature", "runner"]
FAILED = BuildState("BUILD", ended=True, reason="The phase build failed with exit status 1", started_at=DONE.started_at)


def build_of(world: World, made: dict[str, Any]) -> dict[str, Any]:
    return ask(world, "GET", f"/builds/{made['build_id']}").json["data"]


def test_a_build_is_accepted_and_its_operation_says_where_it_is(world, runner, feature):
    made = request(world, feature, {"version_tag": "1.0.0", "git_branch": "main"})
    assert (made["status"], made["resource_type"], made["poll_interval_seconds"]) == ("pending", "build", 5)
    assert operation(world, made) | {"operation_id": ""} == {
        "operation_id": "", "status": "pending", "progress_percent": 0, "resource_url": f"/builds/{made['build_id']}",
        "build_url": f"/builds/{made['build_id']}",
    }  # fmt: skip
    seen = []
    done = Machine(made["operation_id"], before=lambda _: seen.append(operation(world, made))).play()
    assert (done.status, done.released, runner.running) == ("completed", True, set())
    assert [one["current_step"] for one in seen if "current_step" in one][-2:] == ["Building...", "Collecting results..."]
    percents = [one["progress_percent"] for one in seen]
    assert percents == sorted(percents)
    shown = operation(world, made)
    assert (shown["progress_percent"], shown["result_url"]) == (100, f"/builds/{made['build_id']}")
    assert not {"eta_seconds", "current_step"} & set(shown)


def test_the_build_has_what_was_measured(world, runner, feature):
    runner.measured = Results(3, 1, 87.5, json.dumps(SARIF), 1234)
    made = request(world, feature)
    Machine(made["operation_id"]).play()
    shown = build_of(world, made)
    expected = {
        "status": "success", "tests_run": 4, "tests_passed": 3, "tests_failed": 1, "code_coverage_percent": 87.5,
        "vulnerabilities_critical": 1, "vulnerabilities_low": 1, "artifact_size_bytes": 1234, "git_commit_hash": "abc123",
        "git_branch": "main", "duration_seconds": 40, "build_number": 1,
    }  # fmt: skip
    assert {name: shown[name] for name in expected} == expected
    assert "version_tag" not in shown
    assert ask(world, "GET", f"/builds/{made['build_id']}/log").json["data"]["text"] == "a line\n"
    change = parse_change({"dynamodb": {"NewImage": raw_row(f"BLD#{made['build_id']}")}})
    name, data = DELIVERY_EVENTS[change.event.type](change)
    assert (name, data()["build"]["status"]) == ("build.completed", "success")


def test_what_was_not_measured_is_absent(world, runner, feature):
    made = request(world, feature)
    Machine(made["operation_id"]).play()
    absent = {"tests_run", "code_coverage_percent", "vulnerabilities_low", "security_scan_status", "artifact_size_bytes"}
    assert not absent & set(build_of(world, made))


@pytest.mark.parametrize(
    ("state", "measured", "reason"),
    [(FAILED, Results(), "exit status 1"), (DONE, Results(scan_report="{"), "scan report cannot be read"),
     (DONE, Results(scan_report="{}"), "neither SARIF")],
)  # fmt: skip
def test_a_failed_build_fails_its_operation_with_the_reason(world, runner, feature, state, measured, reason):
    runner.states, runner.measured = [state], measured
    made = request(world, feature)
    assert Machine(made["operation_id"]).play().status == "failed"
    assert reason in operation(world, made)["failure_reason"]
    assert (build_of(world, made)["status"], reason in build_of(world, made)["failure_reason"]) == ("failed", True)


def test_a_build_that_the_runner_lost_is_a_recorded_failure(world, runner, feature):
    made = request(world, feature)
    played = Machine(made["operation_id"], before=lambda step: step == "poll" and runner.started.clear())
    assert played.play().status == "failed"
    assert played.steps[-1] == "fail"
    assert "was lost" in operation(world, made)["failure_reason"]


def test_a_build_that_fails_on_our_side_raises_an_alarm(world, runner, feature, logged):
    def breaks(step: str) -> None:
        if step == "poll":
            runner.states.clear()  # an IndexError of the runner's

    lost, broken = request(world, feature), request(world, feature)
    Machine(lost["operation_id"], before=lambda step: step == "poll" and runner.started.clear()).play()
    assert Machine(broken["operation_id"], before=breaks).play().status == "failed"
    lines = [line for line in logged() if "on our side" in line["message"]]
    assert [(one["job"], one["failed"], one["operation_id"], one["error"]) for one in lines] == [
        ("build", 1, lost["operation_id"], "BuildLost"),
        ("build", 1, broken["operation_id"], "IndexError"),
    ]


def test_a_source_that_is_refused_and_a_build_that_was_cancelled_raise_no_alarm(world, runner, feature, logged, monkeypatch):
    def refuse(*_: object) -> str:
        raise SourceRefused("no")

    refused, cancelled = request(world, feature), request(world, feature)
    ask(world, "POST", f"{cancelled['progress_url']}/cancel")
    steps.run_step("fail", steps.Step(cancelled["operation_id"], "execution-1", {"error": {"Error": "KeyError"}}))
    monkeypatch.setattr(runner, "start", refuse)
    assert Machine(refused["operation_id"]).play().status == "failed"
    assert [line for line in logged() if "on our side" in line["message"]] == []


def test_progress_and_the_time_left_come_from_the_last_build_that_succeeded():
    earlier = {"INSTALL": 10.0, "BUILD": 30.0}
    for state, expected in (
        (BuildState("QUEUED"), (0, 40)), (BuildState("BUILD", in_phase=0), (23, 30)), (BuildState("BUILD", in_phase=15), (59, 15)),
        (BuildState("BUILD", in_phase=500), (95, 0)), (BuildState("POST_BUILD"), (95, 0)),
    ):  # fmt: skip
        assert progress(state, earlier) == expected
    without = [progress(BuildState(phase), None) for phase in PHASES]
    assert [percent for percent, _ in without] == sorted({percent for percent, _ in without})
    assert {left for _, left in without} == {None}


def test_the_second_build_knows_how_long_it_takes(world, runner, feature):
    Machine(request(world, feature)["operation_id"]).play()
    counter = BuildCounter.of(world.project.id)
    assert raw_row(counter.pk, counter.sk)["phases"]["S"] == '{"INSTALL":10.0,"BUILD":30.0}'
    runner.states = [BuildState("BUILD", in_phase=15), DONE]
    made, seen = request(world, feature), []
    Machine(made["operation_id"], before=lambda _: seen.append(operation(world, made))).play()
    during = next(one for one in seen if one.get("current_step") == "Building...")
    assert during["progress_percent"] == 59
    assert during["eta_seconds"] <= 15


def test_a_cancelled_operation_stops_what_runs_and_keeps_its_word(world, runner, feature):
    made = request(world, feature)
    cancelled = []

    def cancel(step: str) -> None:
        if step == "poll":
            cancelled.append(ask(world, "POST", f"{made['progress_url']}/cancel"))

    done = Machine(made["operation_id"], before=cancel).play()
    assert (cancelled[0].status, cancelled[0].json["data"]["status"]) == (200, "cancelled")
    assert (done.status, done.released, runner.running) == ("cancelled", True, set())
    assert build_of(world, made)["status"] == "cancelled"
    assert ask(world, "POST", f"{made['progress_url']}/cancel").status == 409


def test_an_operation_that_was_cancelled_before_it_began_starts_nothing(world, runner, feature):
    made = request(world, feature)
    ask(world, "POST", f"{made['progress_url']}/cancel")
    assert Machine(made["operation_id"]).play().status == "cancelled"
    assert runner.started == {}


def test_a_kill_at_every_write_ends_consistent_when_another_execution_goes_on(world, runner, feature):
    for process in crash_at_every_write(ignore_thread=""):
        runner.states, runner.measured = [BuildState("BUILD"), DONE], Results(2, 0, 50.0, json.dumps(SARIF), 7)
        made = requesting.request_build(world.actor, feature, requesting.BuildRequest())
        with process:
            Machine(made.id).play()
        row = fetch(OperationRow, made.id)
        if not row.released:
            forgotten(row)
            launched = fetch(OperationRow, made.id)
            if not launched.ended:
                Machine(made.id, execution="execution-2").play()
        row, build = fetch(OperationRow, made.id), fetch(Build, made.build_id)
        assert (row.status, int(row.progress), row.released, build.status) == ("completed", 100, True, "success")
        assert (int(build.tests_run), runner.running) == (2, set())


def forgotten(row: OperationRow) -> None:
    """Do what the job does for an operation whose execution is gone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "is_running", lambda _: False)
        patch.setattr(machine, "start", lambda *_: "arn")
        machine.look_after(row)


def test_operations_that_nobody_works_on_are_found_and_given_up_after_three_times(world, runner, feature, monkeypatch):
    made = requesting.request_build(world.actor, feature, requesting.BuildRequest())
    started = []
    monkeypatch.setattr(machine, "is_running", lambda _: False)
    monkeypatch.setattr(machine, "start", lambda _, launch=0: started.append(launch))
    assert machine.sweep_operations(deadline()) == 0  # it is not due
    for launch in range(1, machine.MOST_LAUNCHES + 1):
        overdue(made.id, f"execution-{launch}")
        assert machine.sweep_operations(deadline()) == 1
    overdue(made.id, "execution-last")
    machine.sweep_operations(deadline())
    assert started == [1, 2, 3]
    row = fetch(OperationRow, made.id)
    assert (row.status, row.released, fetch(Build, made.build_id).status) == ("failed", True, "failed")
    assert machine.sweep_operations(deadline()) == 0


@pytest.mark.parametrize("by", ["machine", "job"])
def test_an_operation_that_no_execution_ever_claimed_ends_and_frees_its_place(world, runner, feature, monkeypatch, by):
    """Each of its executions died in the first step."""
    made = requesting.request_build(world.actor, feature, requesting.BuildRequest())
    if by == "machine":
        played = Machine(made.id, at="Fail", state={"operation_id": made.id, "error": {"Error": "StepInterrupted"}}).play()
        assert played.status == "failed"
    else:
        monkeypatch.setattr(machine, "start", lambda *_: "arn")
        for _ in range(machine.MOST_LAUNCHES + 1):
            overdue(made.id, None)
            assert machine.sweep_operations(deadline()) == 1
    row, places = fetch(OperationRow, made.id), get(*key_in(world.ws_id))
    assert (row.status, row.released, fetch(Build, made.build_id).status, places.held) == ("failed", True, "failed", {})


def test_a_build_that_was_started_is_not_started_again_by_the_next_execution(world, runner, feature):
    """CodeBuild remembers for five minutes what it was told to start only once."""
    made, starts = requesting.request_build(world.actor, feature, requesting.BuildRequest()), []
    start = runner.start
    runner.start = lambda *about: starts.append(about) or start(*about)
    with crash_at_write(3):  # claimed, started, polled
        Machine(made.id).play()
    forgotten(fetch(OperationRow, made.id))
    assert Machine(made.id, execution="execution-2").play().status == "completed"
    assert len(starts) == 1


def overdue(operation_id: str, execution: str | None) -> None:
    row = fetch(OperationRow, operation_id)
    row.due, row.execution = int(row.due) - 10 * OVERDUE, execution
    write(save(row))


def test_an_operation_whose_execution_runs_is_left_alone(world, runner, feature, monkeypatch):
    made = requesting.request_build(world.actor, feature, requesting.BuildRequest())
    overdue(made.id, "execution-1")
    monkeypatch.setattr(machine, "is_running", lambda _: True)
    assert machine.sweep_operations(deadline()) == 0
    assert fetch(OperationRow, made.id).launches == 0


def test_the_request_starts_the_machine_by_its_event(world, runner, feature, monkeypatch):
    made, started = request(world, feature), []
    monkeypatch.setattr(machine, "start", started.append)
    builds.react(parse_change({"dynamodb": {"NewImage": raw_row(f"OP#{made['operation_id']}")}}))
    assert started == [made["operation_id"]]


@pytest.mark.parametrize("address", [None, "http://example.com/x.git", "ftp://example.com/x"])
def test_a_project_without_a_repository_that_can_be_cloned_builds_nothing(world, runner, feature, address):
    project = fetch(Project, world.project.id)
    project.repository_url = address
    write(save(project))
    answer = ask(world, "POST", f"/features/{feature}/build-and-deploy")
    assert (answer.status, answer.json["error"]["details"][0]["field"]) == (400, "repository_url")


def test_where_nothing_runs_builds_it_is_said(world, feature):
    answer = ask(world, "POST", f"/features/{feature}/build-and-deploy")
    assert (answer.status, "Nothing in this deployment runs builds" in answer.text) == (400, True)


def test_what_operations_cost(world, runner, feature):
    with count_requests() as seen:
        made = request(world, feature)
    assert seen.names == ["BatchGetItem", "BatchGetItem", "BatchGetItem", "TransactWriteItems"]
    with count_requests() as seen:
        operation(world, made)
    assert seen.names == ["BatchGetItem"]
    with count_requests() as seen:
        ask(world, "POST", f"{made['progress_url']}/cancel")
    assert seen.names == ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]


def test_strangers_learn_nothing_of_operations(world, runner, feature):
    made, stranger = request(world, feature), sign_up("Stan", "stan@example.com")
    for method, path in (
        ("GET", made["progress_url"]), ("POST", f"{made['progress_url']}/cancel"), ("GET", f"/builds/{made['build_id']}/log"),
        ("POST", f"/features/{feature}/build-and-deploy"),
    ):  # fmt: skip
        assert ask(world, method, path, client=stranger).status == 404
    assert ask(world, "GET", f"/operations/{new_id()}").status == 404


def test_a_request_is_there_wholly_or_not_at_all(world, runner, feature):
    with crash_at_write(1):
        requesting.request_build(world.actor, feature, requesting.BuildRequest())
    made = requesting.request_build(world.actor, feature, requesting.BuildRequest())
    assert int(fetch(Build, made.build_id).number) == 2


def test_a_workspace_makes_so_many_builds_at_a_time_and_each_end_frees_a_place(world, runner, feature):
    made = [request(world, feature) for _ in range(LIMIT)]
    refused = ask(world, "POST", f"/features/{feature}/build-and-deploy")
    assert (refused.status, "at most 5 builds at a time" in refused.text) == (403, True)
    ask(world, "POST", f"{made[0]['progress_url']}/cancel")  # by a cancel
    made.append(request(world, feature))
    assert ask(world, "POST", f"/features/{feature}/build-and-deploy").status == 403
    runner.states = [DONE]
    Machine(made[1]["operation_id"]).play()  # by its results
    made.append(request(world, feature))
    runner.states = [FAILED]
    Machine(made[2]["operation_id"]).play()  # by its failure
    Machine(made[3]["operation_id"], before=lambda step: step == "poll" and runner.started.clear()).play()  # by its loss
    assert [fetch(Build, one["build_id"]).ended for one in made].count(True) == 4
    for _ in range(2):
        request(world, feature)
    assert ask(world, "POST", f"/features/{feature}/build-and-deploy").status == 403
    with time_machine.travel(clock.now() + timedelta(hours=7)):  # what was erased meanwhile gave nothing back
        requesting.request_build(world.actor, feature, requesting.BuildRequest())


def test_the_last_place_is_given_once_when_requests_race(world, runner, feature):
    for _ in range(LIMIT - 1):
        request(world, feature)

    def other() -> None:
        requesting.request_build(world.actor, feature, requesting.BuildRequest())

    with concurrently(other), pytest.raises(LimitExceeded):
        requesting.request_build(world.actor, feature, requesting.BuildRequest())


def test_a_repository_in_a_folder_is_refused_on_aws(world, runner, feature, monkeypatch):
    project = fetch(Project, world.project.id)
    project.repository_url = "file:///srv/shop"
    write(save(project))
    monkeypatch.setenv("CADRE_STAGE", "prod")
    settings.cache_clear()
    try:
        with pytest.raises(Invalid) as refused:
            requesting.request_build(world.actor, feature, requesting.BuildRequest())
    finally:
        settings.cache_clear()
    assert "git repository at https://" in refused.value.fields[0].message
