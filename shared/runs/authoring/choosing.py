"""Who writes for an exploration: the model of its workspace, chosen once when it starts.

What only a model needs is imported where there is one.
"""

from dataclasses import dataclass

from shared.agents.providers import embedded, registry
from shared.core.actor import Actor
from shared.people.tenancy.rows import Workspace
from shared.planning.explorations.authors import EMBEDDED, Author
from shared.planning.explorations.rows import Exploration
from shared.runs.authoring.agent import AGENT


@dataclass(frozen=True)
class WritingModel:
    """The model of a new exploration."""

    provider: str
    model: str
    priced: bool


def choose(workspace: Workspace) -> WritingModel:
    """Return the workspace's model for requirements. Raises Invalid and Upstream as the request of a run does."""
    from shared.agents.catalogue.registry import get_agent
    from shared.runs.agent_runs.model_selection import RequestedModel, choose_model

    choice = choose_model(get_agent(AGENT), RequestedModel(), None, workspace.settings)
    registry.provider(choice.provider)
    return WritingModel(choice.provider, choice.model, choice.priced)


def author_of(actor: Actor, exploration: Exploration) -> Author:
    """Return who writes for an exploration."""
    if exploration.provider == embedded.NAME:
        return EMBEDDED
    from shared.runs.authoring.calls import Calls
    from shared.runs.authoring.model_author import ModelAuthor

    return ModelAuthor(Calls(exploration, actor.summary))
