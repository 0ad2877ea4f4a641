"""Look up agents of the catalogue by id or by name."""

from functools import cache

from shared.agents.catalogue import Agent, catalogue
from shared.core.errors import NotFound
from shared.core.ids import bare_id
from shared.core.settings import settings


@cache
def agents() -> tuple[Agent, ...]:
    """Return all agents in the order of the lanes."""
    chosen = settings()
    return catalogue((chosen.default_provider, chosen.default_model) if chosen.local and chosen.default_provider else None)


ALIASES = {"docs": "documentation"}  # later versions of the catalogue used this name


def get_agent(id_or_name: str) -> Agent:
    """Return the agent with this id or name; raise NotFound("agent") if there is none."""
    agent_id = bare_id(id_or_name)
    name = ALIASES.get(id_or_name, id_or_name)
    for agent in agents():
        if agent.id == agent_id or agent.name == name:
            return agent
    raise NotFound("agent")
