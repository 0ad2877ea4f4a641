"""Asking the model of a workspace about a task: its calls are reserved, paid and never asked twice, as those of explorations are."""

from collections.abc import Callable
from typing import Final

from shared.agents.catalogue.registry import get_agent
from shared.agents.providers import embedded
from shared.agents.providers.port import Finished
from shared.money.budgets.reserving import Scope
from shared.money.usage.rows import UsageLine
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs.model_selection import RequestedModel, choose_model
from shared.runs.authoring.calls import Calls, ModelCall, Paying
from shared.store import get_many
from shared.work.items.rows import ItemHead
from shared.work.projects.agent_configs import AgentConfig
from shared.work.projects.rows import Project
from shared.work.tasks.rows import TaskHead

AGENT: Final = "qa"
"""The agent whose model judges, and under whose name the ledger has the calls."""
SECONDS: Final = 90.0
"""For all calls of one try; the function has as much again (`infra/needs.py`)."""


class TaskCalls(Calls):
    """The calls of one review. They belong to the task's card and project, and are stored beside the task, with which they go."""

    PATIENCE = None  # after some tries a person is asked to judge (`platform.TRIES`)

    def __init__(self, task: TaskHead, card: ItemHead, paying: Paying, user: dict[str, str]) -> None:
        super().__init__(paying, user)
        self.task, self.card = task, card
        self.until = self._now() + SECONDS

    def _key(self, name: str) -> tuple[str, str]:
        return f"TASK#{self.task.id}", ModelCall.key_of(self.task.id, name)[1]

    @property
    def _scope(self) -> Scope:
        task = self.task
        in_tokens, agent = not self.exploration.priced, get_agent(AGENT)
        return Scope(
            task.org_id,
            str(task.ws_id),
            str(task.proj_id),
            task.item_id,
            task.id,
            in_tokens=in_tokens,
            agent_id=agent.id,
            phase_id=self.card.phase_id,
        )

    def _line(self, held: ModelCall, done: Finished) -> UsageLine:
        line, agent = super()._line(held, done), get_agent(AGENT)
        line.proj_id, line.item_id, line.phase_id = str(self.task.proj_id), self.task.item_id, self.card.phase_id
        line.agent_id, line.agent_name = agent.id, agent.display_name
        return line


def calls_for(task: TaskHead, card: ItemHead) -> Callable[[], TaskCalls] | None:
    """Return what begins the calls of a review, with the model that is chosen now; None if it is the embedded one.

    Raises Invalid for a model that the workspace does not allow or that has no price.
    """
    agent = get_agent(AGENT)
    rows = get_many(
        [
            (Workspace, *Workspace.key(str(task.ws_id))),
            (Project, *Project.key(str(task.proj_id))),
            (AgentConfig, *AgentConfig.key_in(str(task.proj_id), agent.id)),
        ]
    )
    workspace, project, config = rows
    settings = workspace.settings if isinstance(workspace, Workspace) else {}
    choice = choose_model(agent, RequestedModel(), config if isinstance(config, AgentConfig) else None, settings)
    if choice.provider == embedded.NAME:
        return None
    title = project.name if isinstance(project, Project) else ""
    paying = Paying(task.id, task.org_id, str(task.ws_id), title, choice.provider, choice.model, choice.priced)
    user = dict((task.validation or {}).get("by") or task.created_by)
    return lambda: TaskCalls(task, card, paying, user)
