"""The SandboxLifecycle state machine, as data: one loop. Every task invokes the function sandbox_steps.

    [Wait ->] Act -> [Wait -> Act]... -> Ended        any error after the last retry -> Fail -> Ended

The execution of a start waits until the sandbox had the time to connect, and then looks whether it did: five transitions, however long it
takes. What makes a sandbox `running` is its own word on its socket, and no step of this machine.
"""

from typing import Any

from infra.agent_run import State, choice, retries_of
from infra.needs import WORKERS

STEP_TIMEOUT = WORKERS["sandbox_steps"].timeout + 15
SECONDS = 1_800  # the whole execution: a start of a few minutes with all its retries


def definition(function_arn: str, partition: str = "aws") -> State:
    """The state machine in Amazon States Language. `function_arn` may be a CDK token."""

    def task(step: dict[str, Any]) -> State:
        payload = step | {f"{name}.$": f"$.{name}" for name in ("sandbox_id", "start_number")}
        return {
            "Type": "Task",
            "Resource": f"arn:{partition}:states:::lambda:invoke",
            "Parameters": {"FunctionName": function_arn, "Payload": payload},
            "OutputPath": "$.Payload",
            "TimeoutSeconds": STEP_TIMEOUT,
            "Retry": retries_of(False),
            "Next": "More",
        }

    act = task({"step.$": "$.next"})
    act["Catch"] = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Fail"}]
    return {
        "Comment": "A start or a stop of a sandbox: every task is a step of the sandbox_steps function",
        "StartAt": "Wait",
        "TimeoutSeconds": SECONDS,
        "States": {
            "Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "Next": "Act"},
            "Act": act,
            "More": choice({"ended": "Ended"}, "Wait"),
            "Fail": task({"step": "fail", "error.$": "$.error"}),
            "Ended": {"Type": "Succeed"},
        },
    }
