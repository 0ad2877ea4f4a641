"""The sixteen agents of the platform, as data. Their ids are derived from their names, so seeding twice changes nothing.

`catalogue(local)` gives them all; on the local stack they name the embedded model themselves, so that nobody is shown a model
that does not answer.
"""

from dataclasses import replace

from shared.agents.catalogue.agent import Agent
from shared.agents.catalogue.building import BUILDING
from shared.agents.catalogue.shaping import SHAPING
from shared.agents.providers.embedded import MODEL, NAME

AGENTS: tuple[Agent, ...] = (*SHAPING, *BUILDING)


def catalogue(local: bool) -> tuple[Agent, ...]:
    """Every agent, in the order of the lanes. `local`: default provider and model are the embedded ones."""
    return tuple(replace(agent, default_provider=NAME, default_model=MODEL) for agent in AGENTS) if local else AGENTS


def agent_named(name: str, local: bool = False) -> Agent | None:
    return next((agent for agent in catalogue(local) if agent.name == name), None)


__all__ = ["AGENTS", "Agent", "agent_named", "catalogue"]
