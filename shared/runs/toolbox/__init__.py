"""What the agents' tools do on the platform: each one call of a service, as the agent, limited to the run's workspace.

outcome = perform(work, "create_card", {...})      CadreError: tell the model, it may correct itself
"""

from shared.runs.toolbox.call_context import CallContext
from shared.runs.toolbox.executor import Outcome, agent_actor, execute_tool

__all__ = ["CallContext", "Outcome", "agent_actor", "execute_tool"]
