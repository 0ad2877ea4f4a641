"""The steps of the AgentRun state machine (`infra/agent_run.py`): one invocation, one step."""

from typing import Any

from shared.core import logs, start
from shared.runs.agent_runs.steps import Step, run_step
from shared.store import interruptible

logs.start()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"step", "run_id", "state", "execution", "token"?}` -> the next state.

    Raises StepInterrupted if a retry of the step helps, otherwise the error that the run fails with.
    """
    with interruptible():
        return run_step(event["step"], Step(event["run_id"], event["execution"], event.get("state") or {}, event.get("token")))


start.finish()
