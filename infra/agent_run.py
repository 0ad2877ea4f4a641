"""The AgentRun state machine, as data. Every task is the run_steps function; the states between them are choices.

    Claim -> CheckLimits -> [WaitApproval] -> LoadContext -> Turn <-> WaitBudget -> Finish
    anything that fails for good -> Fail -> Ended

A step gets `{"step", "run_id", "state", "execution"}` and answers the whole next state: small ids only, always with `run_id`
and `next`. A waiting step also gets `token`; who answers it puts an object into `state["answer"]` (SendTaskSuccess) or names
the refusal (SendTaskFailure: `ApprovalRejected`, `BudgetRefused`).

A run that failed and was recorded as failed ends in success: a failed execution means that Fail itself could not be done, which
is what the alarm is for.
"""

from typing import Any

from infra.needs import WORKERS

State = dict[str, Any]

TURN_TIMEOUT = WORKERS["run_steps"].timeout
APPROVAL_HOURS = 72  # what is asked is answered over a weekend, or it is old
BUDGET_DAYS = 7
RUN_DAYS = 30  # the whole execution, waiting included

# Names of exception classes as run_steps raises them, and Lambda's own
RATE_LIMITED = ("ProviderRateLimited",)
TRANSIENT = (
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.Unknown",
    "StepInterrupted",
)
TIMED_OUT = ("States.Timeout", "Sandbox.Timedout")


def definition(function_arn: str, partition: str = "aws") -> State:
    """The machine in Amazon States Language. `function_arn` may be a token."""
    invoke = f"arn:{partition}:states:::lambda:invoke"

    def task(step: str, then: str, *, timeout: int = 60, waits: bool = False, expired: str = "") -> State:
        payload = {"step": step, "run_id.$": "$.run_id", "state.$": "$", "execution.$": "$$.Execution.Id"}
        if waits:
            payload["token.$"] = "$$.Task.Token"
        state: State = {
            "Type": "Task",
            "Resource": f"{invoke}.waitForTaskToken" if waits else invoke,
            "Parameters": {"FunctionName": function_arn, "Payload": payload},
            "TimeoutSeconds": timeout,
            "Retry": _retries(waits),
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Fail"}],
            "Next": then,
        }
        if waits:
            state["ResultPath"] = "$.answer"
            state["Catch"].insert(0, {"ErrorEquals": ["States.Timeout"], "ResultPath": "$.error", "Next": expired})
        else:
            state["OutputPath"] = "$.Payload"
        return state

    fail = task("fail", "Ended", timeout=120)
    del fail["Catch"]
    fail["OutputPath"] = "$.Payload"
    return {
        "Comment": "One run of an agent: every state is a step of the run_steps function",
        "StartAt": "Claim",
        "TimeoutSeconds": RUN_DAYS * 86_400,
        "States": {
            "Claim": task("claim", "Claimed"),
            "Claimed": choice({"finish": "Ended"}, "CheckLimits"),  # somebody else has the run, or it was cancelled
            "CheckLimits": task("check_limits", "Allowed"),
            "Allowed": choice({"approval": "WaitApproval", "finish": "Finish"}, "LoadContext"),
            "WaitApproval": task(
                "wait_approval", "LoadContext", timeout=APPROVAL_HOURS * 3_600, waits=True, expired="ApprovalExpired"
            ),
            "ApprovalExpired": _named_error("ApprovalExpired", f"Nobody answered within {APPROVAL_HOURS} hours"),
            "LoadContext": task("load_context", "Loaded", timeout=120),
            "Loaded": choice({"finish": "Finish"}, "Turn"),
            "Turn": task("turn", "Turned", timeout=TURN_TIMEOUT + 30),
            "Turned": choice({"turn": "Turn", "budget": "WaitBudget"}, "Finish"),
            "WaitBudget": task("wait_budget", "Turn", timeout=BUDGET_DAYS * 86_400, waits=True, expired="BudgetExpired"),
            "BudgetExpired": _named_error("BudgetExpired", f"Nobody raised the budget within {BUDGET_DAYS} days"),
            "Finish": task("finish", "Ended", timeout=300),
            "Fail": fail,
            "Ended": {"Type": "Succeed"},
        },
    }


def choice(ways: dict[str, str], otherwise: str) -> State:
    """Follow `$.next`. An answer without one goes the usual way."""
    return {
        "Type": "Choice",
        "Choices": [
            {"And": [{"Variable": "$.next", "IsPresent": True}, {"Variable": "$.next", "StringEquals": word}], "Next": state}
            for word, state in ways.items()
        ],
        "Default": otherwise,
    }


def _retries(waits: bool) -> list[State]:
    """Where another try helps. A rate limit waits longest; a time-out is tried once more, since a turn costs money."""
    retries: list[State] = [
        {
            "ErrorEquals": list(RATE_LIMITED),
            "IntervalSeconds": 5,
            "BackoffRate": 2,
            "MaxAttempts": 6,
            "MaxDelaySeconds": 120,
            "JitterStrategy": "FULL",
        },
        {"ErrorEquals": list(TRANSIENT), "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 5, "JitterStrategy": "FULL"},
    ]
    if not waits:  # a waiting task's time-out is the answer that never came
        retries.append({"ErrorEquals": list(TIMED_OUT), "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 1})
    return retries


def _named_error(name: str, cause: str) -> State:
    return {"Type": "Pass", "Result": {"Error": name, "Cause": cause}, "ResultPath": "$.error", "Next": "Fail"}
