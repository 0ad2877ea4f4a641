"""The Deployment state machine, as data: one loop over the steps of a strategy. Every task invokes the function deploy_steps.

    Start -> Place -> Observe -> [Shift -> Wait -> Observe]... -> Finish -> Ended
    a failed gate or health check -> Rollback -> Ended
    any error after the last retry -> Fail -> Rollback; there -> GiveUp -> Ended

The deployment's row says what is done next, and each step answers it: `{next, seconds}`. So the states between the tasks are one choice,
and an execution that begins anew goes on where the row is. In an execution that fails, not even `Fail` succeeded: an alarm watches those,
and the job `deployments` goes on with them.
"""

from typing import Any, Final

from infra.agent_run import DIED, THROTTLED, TIMED_OUT, TRANSIENT, State, choice
from infra.needs import WORKERS

STEP_TIMEOUT: Final = WORKERS["deploy_steps"].timeout + 15
DAYS: Final = 2  # the whole execution: ten windows of an hour at each of six steps are 60 hours, and nobody waits longer
TARGET_FAILED: Final = ("TargetFailed", "FencedOut")  # the names of the exceptions, as deploy_steps raises them
STATES: Final = {
    "start": "Start",
    "place": "Place",
    "shift": "Shift",
    "observe": "Observe",
    "finish": "Finish",
    "rollback": "Rollback",
    "ended": "Ended",
}
"""The states by the phase of a deployment's row."""


def definition(function_arn: str, partition: str = "aws") -> State:
    """The state machine in Amazon States Language. `function_arn` may be a CDK token."""

    def task(step: str, on_error: str | None) -> State:
        payload: dict[str, Any] = {"step": step, "error.$": "$.error"} if on_error is None else {"step": step}
        names = ("deployment_id", "environment_id", "launch")
        state: State = {
            "Type": "Task",
            "Resource": f"arn:{partition}:states:::lambda:invoke",
            "Parameters": {
                "FunctionName": function_arn,
                "Payload": payload | {f"{name}.$": f"$.{name}" for name in names},
            },
            "OutputPath": "$.Payload",
            "TimeoutSeconds": STEP_TIMEOUT,
            "Retry": _retries(),
            "Next": "Wait",
        }
        if on_error is not None:
            state["Catch"] = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": on_error}]
        return state

    steps = {name: task(phase, "GiveUp" if name == "Rollback" else "Fail") for phase, name in STATES.items() if phase != "ended"}
    return {
        "Comment": "One deployment: every state is a step of the deploy_steps function",
        "StartAt": "Start",
        "TimeoutSeconds": DAYS * 86_400,
        "States": {
            **steps,
            "Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "Next": "Next"},
            "Next": choice({phase: name for phase, name in STATES.items() if phase != "ended"}, "Ended"),
            "Fail": task("fail", None),
            "GiveUp": task("fail", None),
            "Ended": {"Type": "Succeed"},
        },
    }


def _retries() -> list[State]:
    """The retries of a step. A target that fails is asked again for about a minute; every step may be repeated."""
    jitter = {"BackoffRate": 2, "JitterStrategy": "FULL"}
    return [
        {"ErrorEquals": list(TARGET_FAILED), "IntervalSeconds": 3, "MaxAttempts": 4, "MaxDelaySeconds": 30, **jitter},
        {"ErrorEquals": list(THROTTLED), "IntervalSeconds": 2, "MaxAttempts": 10, "MaxDelaySeconds": 30, **jitter},
        {"ErrorEquals": [*TRANSIENT, *DIED, *TIMED_OUT], "IntervalSeconds": 1, "MaxAttempts": 4, **jitter},
    ]
