"""Executions of state machines: started once by name, and asked for."""

import json
from typing import Any

from botocore.exceptions import ClientError

NOT_FOUND_CODES = {"ExecutionDoesNotExist", "TaskDoesNotExist", "TaskTimedOut", "InvalidToken"}


def start_execution(client: Any, machine: str, name: str, data: dict[str, Any]) -> str:
    """Start an execution, or find the one that exists already; return its ARN."""
    try:
        answer = client.start_execution(stateMachineArn=machine, name=name, input=json.dumps(data))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        return machine.replace(":stateMachine:", ":execution:") + f":{name}"
    arn: str = answer["executionArn"]
    return arn


def is_execution_running(client: Any, arn: str) -> bool:
    """Return whether an execution has not ended."""
    try:
        status: str = client.describe_execution(executionArn=arn)["status"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_FOUND_CODES:
            raise
        return False
    return status in ("RUNNING", "PENDING_REDRIVE")
