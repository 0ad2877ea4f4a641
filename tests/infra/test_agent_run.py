"""The AgentRun machine as data: every way through it ends, and every failure is recorded."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.agent_run import DIED, RATE_LIMITED, THROTTLED, TIMED_OUT, TURN_TIMEOUT, definition
from shared.runs.agent_runs.lease import WAITING_LEASE
from shared.runs.agent_runs.steps import APPROVAL_HOURS

MACHINE = definition("arn:aws:lambda:us-east-1:1:function:steps")
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
WAITING = {name: state for name, state in TASKS.items() if state["Resource"].endswith("waitForTaskToken")}


def ways(state: dict[str, Any]) -> Iterator[str]:
    yield from (state[key] for key in ("Next", "Default") if key in state)
    yield from (one["Next"] for one in (*state.get("Choices", ()), *state.get("Catch", ())))


def reachable(start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += ways(STATES[name])
    return seen


def test_every_state_is_reached_and_reaches_the_end() -> None:
    assert reachable(MACHINE["StartAt"]) == set(STATES)
    assert all("Ended" in reachable(name) for name in STATES)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_task_ends_in_time_and_says_its_step(name: str) -> None:
    task = TASKS[name]
    assert task["TimeoutSeconds"] > 0
    payload = task["Parameters"]["Payload"]
    assert payload["step"].replace("_", "") == name.lower()
    assert payload["run_id.$"] == "$.run_id"
    assert ("token.$" in payload) == (name in WAITING)


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"Fail"}))
def test_every_failure_is_recorded(name: str) -> None:
    assert TASKS[name]["Catch"][-1] == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Fail"}


def test_people_are_told_the_time_that_the_machine_waits() -> None:
    assert WAITING["WaitApproval"]["TimeoutSeconds"] == APPROVAL_HOURS * 3_600 < WAITING_LEASE


def test_the_failure_itself_is_not_caught() -> None:
    assert "Catch" not in TASKS["Fail"]  # then the execution fails, and the alarm rings


@pytest.mark.parametrize("name", sorted(TASKS))
def test_retries_are_bounded(name: str) -> None:
    retries = TASKS[name]["Retry"]
    assert all(0 < retry["MaxAttempts"] <= 6 for retry in retries if retry["ErrorEquals"] != list(THROTTLED))
    assert retries[0]["ErrorEquals"] == list(RATE_LIMITED)
    assert any(set(TIMED_OUT) <= set(retry["ErrorEquals"]) for retry in retries) == (name not in WAITING)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_run_that_finds_no_room_waits_as_long_as_a_turn_takes(name: str) -> None:
    """A ceiling of the function is for its price, and must not fail the runs above it."""
    (retry,) = [one for one in TASKS[name]["Retry"] if THROTTLED[0] in one["ErrorEquals"]]
    waits = (
        min(retry["IntervalSeconds"] * retry["BackoffRate"] ** one, retry["MaxDelaySeconds"])
        for one in range(retry["MaxAttempts"])
    )
    assert retry["JitterStrategy"] == "FULL"
    assert sum(waits) / 2 >= 0.8 * TURN_TIMEOUT  # jitter halves them


@pytest.mark.parametrize("error", ["Runtime.ExitError", "Sandbox.Timedout", "Lambda.ClientExecutionTimeoutException"])
@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_step_whose_process_was_killed_is_tried_again(name: str, error: str) -> None:
    """A stored answer is then settled, and the run goes on, also one that begins to wait."""
    (retry,) = [one for one in TASKS[name]["Retry"] if error in one["ErrorEquals"]]
    assert (retry["ErrorEquals"], retry["MaxAttempts"]) == (list(DIED), 2)


@pytest.mark.parametrize("name", sorted(WAITING))
def test_who_never_answers_is_named(name: str) -> None:
    expired = STATES[WAITING[name]["Catch"][0]["Next"]]
    assert WAITING[name]["Catch"][0]["ErrorEquals"] == ["States.Timeout"]
    assert expired["Result"]["Error"].endswith("Expired")
    assert expired["Next"] == "Fail"
    assert WAITING[name]["ResultPath"] == "$.answer"  # the state stays, the answer joins it


def test_retried_names_are_the_classes_that_the_code_raises() -> None:
    from shared.runs.agent_runs import failures

    assert set(RATE_LIMITED) <= {name for name, value in vars(failures).items() if isinstance(value, type)}


def test_the_definition_is_small_enough() -> None:
    assert len(json.dumps(MACHINE)) < 100_000  # Step Functions takes 1 MB, CloudFormation strings less
