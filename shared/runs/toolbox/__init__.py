"""The agents' tools: each calls one service, as the agent, limited to the run's workspace.

outcome = execute_tool(context, "create_card", {...})      a CadreError goes to the model, which may correct its call
"""

from shared.runs.toolbox.call_context import CallContext, headline
from shared.runs.toolbox.executor import Outcome, agent_actor, execute_tool

__all__ = ["CallContext", "Outcome", "agent_actor", "execute_tool", "headline"]
