"""The steps of the SandboxLifecycle state machine (`infra/sandbox_lifecycle.py`): one invocation, one step."""

import json
from typing import Any

from shared.core import logs, start
from shared.sandboxes.lifecycle.steps import run_step
from shared.sandboxes.machines.port import MachineUnavailable
from shared.store import StepInterrupted, interruptible

logs.start()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"step", "sandbox_id", "start_number", "error"?}` -> the same with `next` and `seconds`.

    Raises StepInterrupted if a retry of the step helps, otherwise the error that the start fails with.
    """
    about = {name: event[name] for name in ("sandbox_id", "start_number")}
    reason = None
    if event["step"] == "fail":
        reason = _reason(event["error"])
        logs.work_failed("a step of a sandbox failed", "sandbox", **about, error=str(event["error"].get("Error", "")))
    try:
        with interruptible():
            return about | run_step(event["step"], event["sandbox_id"], int(event["start_number"]), reason)
    except MachineUnavailable as error:
        raise StepInterrupted(str(error)) from error


def _reason(error: dict[str, Any]) -> str:
    """Return the words of what runs machines; none of our code."""
    try:
        said = json.loads(error.get("Cause", ""))
        return str(said["errorMessage"]) if said["errorType"] == StepInterrupted.__name__ else "It could not be started"
    except (ValueError, KeyError, TypeError):
        return "It could not be started"


start.finish()
