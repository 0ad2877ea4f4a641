"""Access to the Deployment state machine (`infra/deployment.py`)."""

from shared.core import aws, machines
from shared.core.settings import settings


def start_execution(deployment_id: str, environment_id: str, launch: int) -> None:
    """Start an execution; one that exists already is no error."""
    about = {"deployment_id": deployment_id, "environment_id": environment_id, "launch": launch}
    client, machine = aws.short_call_client("stepfunctions", within=10), settings().need("deployment_machine")
    machines.start_execution(client, machine, f"deployment-{deployment_id}-{launch}", about)
