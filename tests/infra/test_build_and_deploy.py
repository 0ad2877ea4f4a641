"""The BuildAndDeploy machine as data: every way through it ends, every failure is recorded, and there is room for its polls."""

from typing import Any

import pytest

from infra.build_and_deploy import HOURS, definition
from shared.delivery.operations.steps import _STEPS

MACHINE = definition("arn:aws:lambda:us-east-1:1:function:steps")
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}


def reachable(start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            state = STATES[name]
            waiting += [state[key] for key in ("Next", "Default") if key in state]
            waiting += [one["Next"] for one in (*state.get("Choices", ()), *state.get("Catch", ()))]
    return seen


def test_every_state_is_reached_and_reaches_the_end() -> None:
    assert reachable(MACHINE["StartAt"]) == set(STATES)
    assert all("Ended" in reachable(name) for name in STATES)


def test_its_steps_are_those_of_the_code() -> None:
    assert {task["Parameters"]["Payload"]["step"] for task in TASKS.values()} == set(_STEPS)


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"Fail"}))
def test_every_failure_is_recorded(name: str) -> None:
    assert TASKS[name]["Catch"][-1]["Next"] == "Fail"


def test_its_history_has_room_for_every_poll() -> None:
    assert HOURS * 3_600 / 10 * 11 < 25_000  # a poll every 10 s; a wait, a task and a choice are 11 events
