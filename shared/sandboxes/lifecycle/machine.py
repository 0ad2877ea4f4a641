"""Access to the SandboxLifecycle state machine (`infra/sandbox_lifecycle.py`)."""

from shared.core import aws, machines
from shared.core.settings import settings
from shared.sandboxes.lifecycle.rows import Sandbox


def start_execution(sandbox: Sandbox, step: str, seconds: int = 0, again: int | None = None) -> None:
    """Begin a step of a sandbox after some seconds; an execution of this start that exists already is no error.

    `again` tells repeated ones of the same start apart.
    """
    about = {"sandbox_id": sandbox.id, "start_number": int(sandbox.start_number), "next": step, "seconds": seconds}
    client, machine = aws.short_call_client("stepfunctions", within=10), settings().need("sandbox_lifecycle_machine")
    name = f"sandbox-{sandbox.id}-{int(sandbox.start_number)}-{step}"
    machines.start_execution(client, machine, name if again is None else f"{name}-{again}", about)
