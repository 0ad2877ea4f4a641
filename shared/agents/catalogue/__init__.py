"""The sixteen agents of the platform, as data. An agent's id is derived from its name, so it is the same in every deployment.

`catalogue(local)` returns all of them. On the local stack their default model is the embedded one, so that the API never shows
a model that cannot answer.
"""

from dataclasses import replace

from shared.agents.catalogue.agent import Agent
from shared.agents.catalogue.building import BUILDING
from shared.agents.catalogue.shaping import SHAPING
from shared.agents.providers.embedded import MODEL, NAME

AGENTS: tuple[Agent, ...] = (*SHAPING, *BUILDING)


def catalogue(local: bool) -> tuple[Agent, ...]:
    """Return every agent in the order of the lanes; with `local`, the embedded model is their default provider and model."""
    return tuple(replace(agent, default_provider=NAME, default_model=MODEL) for agent in AGENTS) if local else AGENTS


def agent_named(name: str, local: bool = False) -> Agent | None:
    return next((agent for agent in catalogue(local) if agent.name == name), None)


__all__ = ["AGENTS", "Agent", "agent_named", "catalogue"]
