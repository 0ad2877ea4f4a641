"""The agents there are, by id or by name."""

from functools import cache

from shared.agents.catalogue import Agent, catalogue
from shared.core.errors import NotFound
from shared.core.ids import bare_id
from shared.core.settings import settings


@cache
def agents() -> tuple[Agent, ...]:
    """All of them, in the order of the lanes."""
    return catalogue(settings().local)


ALIASES = {"docs": "documentation"}  # the name that later versions of the catalogue used


def the_agent(id_or_name: str) -> Agent:
    """Raises NotFound("agent")."""
    wanted = bare_id(id_or_name)
    name = ALIASES.get(id_or_name, id_or_name)
    for agent in agents():
        if agent.id == wanted or agent.name == name:
            return agent
    raise NotFound("agent")
