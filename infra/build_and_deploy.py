"""The BuildAndDeploy state machine, as data. Every task invokes the function delivery_steps; the other states are choices and a wait.

    Claim -> Build -> [Wait -> Poll] ... -> Collect -> HandOver [-> Queue] ... -> Ended
    any error after the last retry -> Fail -> Ended

A step gets `{"step", "operation_id", "state", "execution"}` and returns the whole next state, with `next` and the seconds to `wait`.
What runs the build has limits of its own; the machine's are only for what never answers.
"""

from typing import Any

from infra.agent_run import choice, retries_of

State = dict[str, Any]

HOURS = 5  # a build may wait for its place and run as long as CodeBuild lets it, and then wait two hours for its environment


def definition(function_arn: str, partition: str = "aws") -> State:
    """The state machine in Amazon States Language. `function_arn` may be a CDK token."""

    def task(step: str, then: str) -> State:
        payload = {"step": step, "operation_id.$": "$.operation_id", "state.$": "$", "execution.$": "$$.Execution.Id"}
        return {
            "Type": "Task",
            "Resource": f"arn:{partition}:states:::lambda:invoke",
            "Parameters": {"FunctionName": function_arn, "Payload": payload},
            "TimeoutSeconds": 90,
            "Retry": retries_of(False),
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Fail"}],
            "OutputPath": "$.Payload",
            "Next": then,
        }

    fail = task("fail", "Ended")
    del fail["Catch"]
    return {
        "Comment": "A build of a feature: every task is a step of the delivery_steps function",
        "StartAt": "Claim",
        "TimeoutSeconds": HOURS * 3_600,
        "States": {
            "Claim": task("claim", "Claimed"),
            "Claimed": choice({"build": "Build"}, "Ended"),  # another execution has the operation, or it was cancelled
            "Build": task("build", "Started"),
            "Started": choice({"wait": "Wait"}, "Ended"),
            "Wait": {"Type": "Wait", "SecondsPath": "$.wait", "Next": "Poll"},
            "Poll": task("poll", "Polled"),
            "Polled": choice({"wait": "Wait", "collect": "Collect"}, "Ended"),
            "Collect": task("collect", "Collected"),
            "Collected": choice({"hand_over": "HandOver"}, "Ended"),
            "HandOver": task("hand_over", "HandedOver"),
            "HandedOver": choice({"hand_over": "Queue"}, "Ended"),  # another deployment has the environment
            "Queue": {"Type": "Wait", "SecondsPath": "$.wait", "Next": "HandOver"},
            "Fail": fail,
            "Ended": {"Type": "Succeed"},
        },
    }
