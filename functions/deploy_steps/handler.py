"""The steps of the Deployment state machine (`infra/deployment.py`): one invocation, one step."""

import json
from typing import Any

from shared.core import logs, start
from shared.delivery.deployments import steps
from shared.store import interruptible

logs.start()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"step", "deployment_id", "environment_id", "launch", "error"?}` -> the same with `next` and `seconds`.

    Raises TargetFailed or StepInterrupted if a retry of the step may help.
    """
    about = {name: event[name] for name in ("deployment_id", "environment_id", "launch")}
    with interruptible():
        if event["step"] == "fail":
            if not _is_targets(event["error"]):
                name = str(event["error"].get("Error", ""))
                logs.work_failed(
                    "a deployment failed on our side", "deployment", deployment_id=event["deployment_id"], error=name
                )
            after = steps.fail(**about, reason=_reason(event["error"]))
        else:
            after = steps.advance(**about)
    return about | after


def _is_targets(error: dict[str, Any]) -> bool:
    return error.get("Error") in ("TargetFailed", "FencedOut")


def _reason(error: dict[str, Any]) -> str:
    """Return what is said of an error of the step before: a target's own words, and no words of our code."""

    if not _is_targets(error):
        return "A step of the deployment failed"
    try:
        return str(json.loads(error.get("Cause", ""))["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return "The target did not do what it was asked"


start.finish()
