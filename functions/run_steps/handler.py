"""The steps of the AgentRun state machine (`infra/agent_run.py`): one invocation, one step."""

from typing import Any

from shared.runs.steps import Step, step


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"step", "run_id", "state", "execution", "token"?}` -> the next state."""
    return step(event["step"], Step(event["run_id"], event["execution"], event.get("state") or {}, event.get("token")))
