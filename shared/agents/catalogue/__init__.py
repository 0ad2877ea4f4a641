"""The sixteen agents of the platform, as data. An agent's id is derived from its name, so it is the same in every deployment.

`catalogue(first)` returns all of them. On the local stack their default model is the one that was found on the machine, so that the API
never shows a model that cannot answer.
"""

from dataclasses import replace

from shared.agents.catalogue.agent import Agent
from shared.agents.catalogue.building import BUILDING
from shared.agents.catalogue.shaping import SHAPING

AGENTS: tuple[Agent, ...] = (*SHAPING, *BUILDING)


def catalogue(first: tuple[str, str] | None = None) -> tuple[Agent, ...]:
    """Return every agent in the order of the lanes; `first` is their default provider and model, if it is not their own."""
    return tuple(replace(agent, default_provider=first[0], default_model=first[1]) for agent in AGENTS) if first else AGENTS


def agent_named(name: str) -> Agent | None:
    return next((agent for agent in AGENTS if agent.name == name), None)


__all__ = ["AGENTS", "Agent", "agent_named", "catalogue"]
