"""What the agents' tools do on the platform: each one call of a service, as the agent, limited to the run's workspace.

outcome = perform(work, "create_card", {...})      CadreError: tell the model, it may correct itself
"""

from shared.toolbox.performing import Outcome, agent_actor, perform
from shared.toolbox.work import Work

__all__ = ["Outcome", "Work", "agent_actor", "perform"]
