"""The AgentRun state machine, as data. Every task invokes the function run_steps; the states between tasks are choices.

    Claim -> CheckLimits -> [WaitApproval] -> LoadContext -> Turn <-> WaitBudget -> Finish
    any error after the last retry -> Fail -> Ended

A step gets `{"step", "run_id", "state", "execution"}` and returns the whole next state: short ids, always with `run_id` and `next`. A
waiting step also gets a task `token`: SendTaskSuccess puts its output into `state["answer"]`, SendTaskFailure names the refusal
(`ApprovalRejected`, `BudgetRefused`).

The execution of a failed run succeeds when `Fail` has recorded the failure. An alarm watches failed executions: in those not even `Fail`
succeeded.
"""

from typing import Any

from infra.needs import WORKERS

State = dict[str, Any]

TURN_TIMEOUT = WORKERS["run_steps"].timeout
APPROVAL_HOURS = 72  # long enough for a weekend
BUDGET_DAYS = 7
RUN_DAYS = 30  # the whole execution, waiting included

# Names of exception classes as run_steps raises them, and Lambda's own
RATE_LIMITED = ("ProviderRateLimited",)
# More runs than the function may have calls at a time (`reservedConcurrency`, or the account's limit): nothing was done yet
THROTTLED = ("Lambda.TooManyRequestsException",)
TRANSIENT = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "StepInterrupted",
)
# Lambda's names for a process that was killed, had no memory left or no time; and what Step Functions says that saw no end of it
DIED = ("Runtime.ExitError", "Sandbox.Timedout", "Lambda.ClientExecutionTimeoutException", "Lambda.Unknown")
TIMED_OUT = ("States.Timeout",)


def definition(function_arn: str, partition: str = "aws") -> State:
    """The state machine in Amazon States Language. `function_arn` may be a CDK token."""
    invoke = f"arn:{partition}:states:::lambda:invoke"

    def task(step: str, then: str, *, timeout: int = 60, waits_for_callback: bool = False, on_timeout: str = "") -> State:
        payload = {"step": step, "run_id.$": "$.run_id", "state.$": "$", "execution.$": "$$.Execution.Id"}
        if waits_for_callback:
            payload["token.$"] = "$$.Task.Token"
        state: State = {
            "Type": "Task",
            "Resource": f"{invoke}.waitForTaskToken" if waits_for_callback else invoke,
            "Parameters": {"FunctionName": function_arn, "Payload": payload},
            "TimeoutSeconds": timeout,
            "Retry": retries_of(waits_for_callback),
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Fail"}],
            "Next": then,
        }
        if waits_for_callback:
            state["ResultPath"] = "$.answer"
            state["Catch"].insert(0, {"ErrorEquals": ["States.Timeout"], "ResultPath": "$.error", "Next": on_timeout})
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
            "Claimed": choice({"finish": "Ended"}, "CheckLimits"),  # another execution has the run, or it was cancelled
            "CheckLimits": task("check_limits", "Allowed"),
            "Allowed": choice({"approval": "WaitApproval", "finish": "Finish"}, "LoadContext"),
            "WaitApproval": task(
                "wait_approval",
                "LoadContext",
                timeout=APPROVAL_HOURS * 3_600,
                waits_for_callback=True,
                on_timeout="ApprovalExpired",
            ),
            "ApprovalExpired": _named_error("ApprovalExpired", f"Nobody answered within {APPROVAL_HOURS} hours"),
            "LoadContext": task("load_context", "Loaded", timeout=120),
            "Loaded": choice({"finish": "Finish"}, "Turn"),
            "Turn": task("turn", "Turned", timeout=TURN_TIMEOUT + 30),
            "Turned": choice({"turn": "Turn", "budget": "WaitBudget"}, "Finish"),
            "WaitBudget": task(
                "wait_budget", "Turn", timeout=BUDGET_DAYS * 86_400, waits_for_callback=True, on_timeout="BudgetExpired"
            ),
            "BudgetExpired": _named_error("BudgetExpired", f"Nobody raised the budget within {BUDGET_DAYS} days"),
            "Finish": task("finish", "Ended", timeout=300),
            "Fail": fail,
            "Ended": {"Type": "Succeed"},
        },
    }


def choice(states: dict[str, str], default: str) -> State:
    """Go to the state that `$.next` selects, else to `default`."""
    return {
        "Type": "Choice",
        "Choices": [
            {"And": [{"Variable": "$.next", "IsPresent": True}, {"Variable": "$.next", "StringEquals": value}], "Next": state}
            for value, state in states.items()
        ],
        "Default": default,
    }


def retries_of(waits_for_callback: bool) -> list[State]:
    """The retries of a task. What found no room waits longest, up to a quarter of an hour, as long as a turn may take; a death is tried
    only twice more, and a time-out once: a turn costs money."""
    retries: list[State] = [
        {
            "ErrorEquals": list(RATE_LIMITED),
            "IntervalSeconds": 5,
            "BackoffRate": 2,
            "MaxAttempts": 6,
            "MaxDelaySeconds": 120,
            "JitterStrategy": "FULL",
        },
        {
            "ErrorEquals": list(THROTTLED),
            "IntervalSeconds": 2,
            "BackoffRate": 2,
            "MaxAttempts": 30,
            "MaxDelaySeconds": 60,
            "JitterStrategy": "FULL",
        },
        {"ErrorEquals": list(TRANSIENT), "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 5, "JitterStrategy": "FULL"},
        {"ErrorEquals": list(DIED), "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 2, "JitterStrategy": "FULL"},
    ]
    if not waits_for_callback:  # the time-out of a waiting task means that nobody answered
        retries.append({"ErrorEquals": list(TIMED_OUT), "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 1})
    return retries


def _named_error(name: str, cause: str) -> State:
    return {"Type": "Pass", "Result": {"Error": name, "Cause": cause}, "ResultPath": "$.error", "Next": "Fail"}
