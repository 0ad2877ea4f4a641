"""Access to the state machine: the queue `agent-runs`, and the executions that its messages start."""

import json
from typing import Any

from botocore.exceptions import ClientError

from shared.core import aws, machines, queues
from shared.core.errors import Upstream
from shared.core.settings import settings
from shared.core.situations import Situation


def client(service: str) -> Any:
    return aws.short_call_client(service, within=10)


def enqueue(run_id: str, attempt: int, launch: int = 0) -> None:
    """Queue the start of an execution; `launch` counts new executions of the same run. Raises Upstream if the queue is not available."""
    body = {"run_id": run_id, "attempt": attempt} | ({"launch": launch} if launch else {})
    queues.send(
        "agent_runs_queue", body, failure=Upstream(Situation.UNAVAILABLE, "The run could not be queued; try again shortly")
    )


def execution_name(run_id: str, attempt: int, launch: int = 0) -> str:
    """Return the execution's name; it is the same for repeated deliveries of a message."""
    return f"run-{run_id}-{attempt}" + (f"-{launch}" if launch else "")


def start_execution(run_id: str, attempt: int, launch: int = 0) -> str:
    """Start an execution, or find the one that exists already; return its ARN."""
    machine, name = settings().need("agent_run_machine"), execution_name(run_id, attempt, launch)
    return machines.start_execution(client("stepfunctions"), machine, name, {"run_id": run_id, "attempt": attempt})


def is_execution_running(arn: str) -> bool:
    """Return whether an execution has not ended."""
    return machines.is_execution_running(client("stepfunctions"), arn)


def stop_execution(arn: str, cause: str) -> None:
    """Stop an execution if it has not ended; the run itself has ended before."""
    try:
        client("stepfunctions").stop_execution(executionArn=arn, error="RunCancelled", cause=cause[:256])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        ended_meanwhile = code == "ValidationException" and not is_execution_running(arn)
        if code not in machines.NOT_FOUND_CODES and not ended_meanwhile:
            raise


def resume_execution(token: str, output: dict[str, Any]) -> bool:
    """Resume a waiting execution; return False if none waits with this token any more."""
    return _send("send_task_success", taskToken=token, output=json.dumps(output))


def fail_waiting_execution(token: str, error: str, cause: str) -> bool:
    return _send("send_task_failure", taskToken=token, error=error, cause=cause[:256])


def _send(call: str, **arguments: Any) -> bool:
    try:
        getattr(client("stepfunctions"), call)(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in machines.NOT_FOUND_CODES:
            raise
        return False
    return True
