"""Plays the AgentRun state machine in this process: the very definition that is deployed, each task a call of the real function.

machine = Machine()
run = machine.play(run_id)            until it ends, or waits: then machine.waiting has the task token
machine.answer({...}) / machine.refuse("ApprovalRejected")
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from functions.run_steps.handler import handler
from infra.agent_run import definition
from shared.agents.providers.embedded.model import EmbeddedProvider
from shared.agents.providers.port import CancelCheck, Event, Finished, Request, never_cancelled
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.rows import Run
from shared.store import StepInterrupted, fetch
from tests.kills import Killed

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:AgentRun"


PAID = ("openai", "gpt-3.5-turbo")  # 0.50 and 1.50 USD per million tokens


class PaidModel:
    """Does the embedded model's work under the name of a model that costs money: `PAID`."""

    name = PAID[0]

    def stream(self, request: Request, cancelled: CancelCheck = never_cancelled) -> Iterator[Event]:
        for event in EmbeddedProvider().stream(request, cancelled):
            yield replace(event, model=request.model) if isinstance(event, Finished) else event


@dataclass
class Machine:
    """One execution. `hook(step)` is called before each task: a test raises there, or acts as somebody else."""

    states: dict[str, Any] = field(default_factory=lambda: definition("run_steps")["States"])
    at: str = "Claim"
    state: dict[str, Any] = field(default_factory=dict)
    execution: str = "execution-1"
    token: str | None = None
    answers: list[Any] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    stopped: bool = False
    again: tuple[type[BaseException], ...] = (StepInterrupted,)
    """Deaths of the function that Step Functions answers with another try of the same step."""

    def play(self, run_id: str | None = None) -> Run:
        """On until the end or until somebody has to answer. Answers the run as it is then."""
        if run_id is not None:
            self.state = {"run_id": run_id}
        while self.at and not self.stopped:
            state = self.states[self.at]
            kind = state["Type"]
            if kind == "Succeed":
                self.at = ""
            elif kind == "Pass":
                self.state = self.state | {state["ResultPath"].removeprefix("$."): state["Result"]}
                self.at = state["Next"]
            elif kind == "Choice":
                self.at = next((choice["Next"] for choice in state["Choices"] if self._matches(choice)), state["Default"])
            elif not self._task(state):
                break
        run = fetch(Run, self.state["run_id"])
        assert run is not None
        return run

    def _matches(self, choice: dict[str, Any]) -> bool:
        value = next(part["StringEquals"] for part in choice["And"] if "StringEquals" in part)
        return self.state.get("next") == value

    def _task(self, state: dict[str, Any]) -> bool:
        """Whether to go on: a task that waits stops the machine until it is answered."""
        payload = state["Parameters"]["Payload"]
        event = {"step": payload["step"], "run_id": self.state["run_id"], "state": self.state, "execution": self.execution}
        waits = "token.$" in payload
        if waits:
            self.token = event["token"] = f"token-{len(self.steps)}"
        self.steps.append(payload["step"])
        try:
            answer = handler(event, None)
        except self.again as error:
            name = "Runtime.ExitError" if isinstance(error, Killed) else type(error).__name__
            assert any(name in retry["ErrorEquals"] for retry in state["Retry"]), f"{name} would end the run"
            return True
        except Exception as error:
            self._caught(state, type(error).__name__, str(error))
            return True
        if not waits:
            self.state, self.at = answer, state["Next"]
            return True
        if self.answers:  # the step answered its own token
            self.answer(self.answers.pop())
            return True
        return False

    def _caught(self, state: dict[str, Any], error: str, cause: str) -> None:
        caught = next(
            (one for one in state.get("Catch", []) if error in one["ErrorEquals"] or "States.ALL" in one["ErrorEquals"]), None
        )
        if caught is None:
            raise AssertionError(f"the execution failed: {error}: {cause}")
        self.state = self.state | {"error": {"Error": error, "Cause": cause}}
        self.at = caught["Next"]

    def answer(self, output: dict[str, Any]) -> None:
        state = self.states[self.at]
        self.state, self.at, self.token = self.state | {"answer": output}, state["Next"], None

    def refuse(self, error: str, cause: str = "") -> None:
        self._caught(self.states[self.at], error, cause)
        self.token = None


def connected(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine that the services' calls to Step Functions reach."""
    played = Machine()

    def answer(token: str, output: dict[str, Any]) -> bool:
        if token != played.token:
            return False
        played.answers.append(output)
        return True

    def refuse(token: str, error: str, cause: str) -> bool:
        if token != played.token:
            return False
        played.refuse(error, cause)
        return True

    def stop(arn: str, cause: str) -> None:
        played.stopped = True

    monkeypatch.setattr(queue, "resume_execution", answer)
    monkeypatch.setattr(queue, "fail_waiting_execution", refuse)
    monkeypatch.setattr(queue, "stop_execution", stop)
    monkeypatch.setattr(queue, "is_execution_running", lambda _: not played.stopped)
    return played
