"""The steps of the BuildAndDeploy state machine (`infra/build_and_deploy.py`): one invocation, one step."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.core import logs, start
from shared.core.errors import Conflict
from shared.delivery.operations.steps import Step, run_step
from shared.store import is_stale

logs.start()


class StepInterrupted(Exception):
    """A retry of the step helps."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"step", "operation_id", "state", "execution"}` -> the next state.

    Raises StepInterrupted if a retry of the step helps, otherwise the error that the operation fails with.
    """
    try:
        return run_step(event["step"], Step(event["operation_id"], event["execution"], event.get("state") or {}))
    except (BotoCoreError, ClientError) as error:
        raise StepInterrupted(type(error).__name__) from error
    except Conflict as conflict:
        if is_stale(conflict):  # too many concurrent writes of the same rows
            raise StepInterrupted(conflict.message) from conflict
        raise


start.finish()
