"""The steps of the AgentRun state machine (`infra/agent_run.py`): one invocation, one step."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.core import logs, start
from shared.core.errors import Conflict
from shared.runs.agent_runs.failures import StepInterrupted
from shared.runs.agent_runs.steps import Step, run_step
from shared.store import is_stale

logs.start()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"step", "run_id", "state", "execution", "token"?}` -> the next state.

    Raises StepInterrupted if a retry of the step helps, otherwise the error that the run fails with.
    """
    try:
        return run_step(event["step"], Step(event["run_id"], event["execution"], event.get("state") or {}, event.get("token")))
    except (BotoCoreError, ClientError) as error:
        raise StepInterrupted(type(error).__name__) from error
    except Conflict as conflict:
        if is_stale(conflict):  # too many concurrent writes of the same rows
            raise StepInterrupted(conflict.message) from conflict
        raise


start.finish()
