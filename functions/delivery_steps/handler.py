"""The steps of the BuildAndDeploy state machine (`infra/build_and_deploy.py`): one invocation, one step."""

from typing import Any

from shared.core import logs, start
from shared.delivery.operations.steps import Step, run_step
from shared.store import interruptible

logs.start()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"step", "operation_id", "state", "execution"}` -> the next state.

    Raises StepInterrupted if a retry of the step helps, otherwise the error that the operation fails with.
    """
    with interruptible():
        return run_step(event["step"], Step(event["operation_id"], event["execution"], event.get("state") or {}))


start.finish()
