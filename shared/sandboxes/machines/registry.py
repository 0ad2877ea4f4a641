"""What runs sandboxes in this deployment: the host of a laptop, or Bedrock AgentCore Runtime."""

from shared.core.settings import settings
from shared.sandboxes.machines.port import Machine, MachineUnavailable


def machines() -> Machine:
    """Return what runs the sandboxes. Raises MachineUnavailable if nothing does."""
    if address := settings().sandbox_host:
        from shared.sandboxes.machines.local import LocalMachine

        return LocalMachine(address, settings().need("sandbox_host_key"))
    if runtime := settings().sandbox_runtime:
        from shared.sandboxes.machines.agentcore import AgentCoreMachine

        return AgentCoreMachine(runtime)
    raise MachineUnavailable("Nothing in this deployment runs sandboxes (see docs/deploying.md, sandboxes)")
