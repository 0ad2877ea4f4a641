"""Step Functions: a repeated start is idempotent, and an error before a task's callback fails the task."""

import json
import threading
from typing import Any

from ministack.services import stepfunctions

_waiting = threading.local()


def apply() -> None:
    """Apply this module's patches."""
    start_once()
    fail_callbacks()


def start_once() -> None:
    """Fault: StartExecution with the name and the input of a running execution raises ExecutionAlreadyExists.

    Symptom: a retried start, which AWS answers with the execution's ARN, fails.
    """
    start = stepfunctions._start_execution

    def idempotent(data: dict[str, Any]) -> Any:
        machine = stepfunctions._resolve_state_machine_arn(str(data.get("stateMachineArn", "")).split("#")[0])
        name = data.get("name")
        if machine and name:
            running = stepfunctions._executions.get(f"{machine.replace(':stateMachine:', ':execution:', 1)}:{name}")
            if running and running["status"] == "RUNNING" and running["input"] == data.get("input", "{}"):
                return stepfunctions.json_response({"executionArn": running["executionArn"], "startDate": running["startDate"]})
        return start(data)

    stepfunctions._start_execution = idempotent


def fail_callbacks() -> None:
    """Fault: when the function of a waitForTaskToken task raises, its error is dropped.

    Symptom: the execution waits for a callback nobody will send, until its timeout. The error now fails the task, under its own name,
    as on AWS.
    """
    invoke, call = stepfunctions._invoke_with_callback, stepfunctions._call_lambda

    def waiting(resource: str, input_data: Any, token: str, state_def: Any) -> Any:
        _waiting.token = token
        try:
            return invoke(resource, input_data, token, state_def)
        finally:
            _waiting.token = None

    def failing(func_ref: str, event: Any) -> Any:
        token = getattr(_waiting, "token", None)
        try:
            return call(func_ref, event)
        except stepfunctions._ExecutionError as error:
            task = stepfunctions._task_tokens.get(token) if token else None
            if task:
                cause = error.cause if isinstance(error.cause, str) else json.dumps(error.cause)
                task["error"] = {"Error": error.error, "Cause": cause}
                task["event"].set()
            raise

    stepfunctions._invoke_with_callback, stepfunctions._call_lambda = waiting, failing
