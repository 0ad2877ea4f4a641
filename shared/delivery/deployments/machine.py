"""Access to the Deployment state machine (`infra/deployment.py`)."""

import json

from botocore.exceptions import ClientError

from shared.core import aws
from shared.core.settings import settings


def start_execution(deployment_id: str, environment_id: str, launch: int) -> None:
    """Start an execution; one that exists already is no error."""
    about = {"deployment_id": deployment_id, "environment_id": environment_id, "launch": launch}
    try:
        aws.short_call_client("stepfunctions", within=10).start_execution(
            stateMachineArn=settings().need("deployment_machine"),
            name=f"deployment-{deployment_id}-{launch}",
            input=json.dumps(about),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
