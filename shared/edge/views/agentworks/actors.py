"""agentworks: who acted, a person or an agent."""

from collections.abc import Mapping
from typing import Any

from shared.edge.contracts.agentworks import UserSummary, user_summary
from shared.edge.views.agentworks.entities import AgentSummary, agent_summary


def who(actor: Mapping[str, Any]) -> UserSummary | AgentSummary:
    """Convert the stored form of an actor (`Actor.summary`). An agent that the catalogue has no more keeps its displayed name."""
    if actor.get("kind") != "agent":
        return user_summary(actor)
    from shared.agents.catalogue import AGENTS

    agent = next((agent for agent in AGENTS if agent.id == actor["id"]), None)
    if agent is None:
        return AgentSummary(id=actor["id"], name=actor["name"], displayName=actor["name"], status="active")
    return agent_summary(agent)
