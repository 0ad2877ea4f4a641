"""A project together with how it wants each agent: the seam to the agents' configurations."""

from typing import TYPE_CHECKING, Any, TypeAlias

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id, is_id
from shared.projects.rows import Project
from shared.store import admit, get_many

if TYPE_CHECKING:
    from shared.agents.catalogue import Agent
    from shared.agents.configuring import AgentConfig

Configs: TypeAlias = "list[tuple[Agent, AgentConfig]]"


def with_configs(actor: Actor, project_id: str) -> tuple[Project, Configs]:
    """One project and its configurations. One round trip."""
    bare = bare_id(project_id)
    if not is_id(bare):
        raise NotFound(Project.NAME)
    project, *rows = get_many([(Project, *Project.key(bare)), *_keys(bare)])
    if not isinstance(project, Project) or project.deleted_at or project.status == "deleted":
        raise NotFound(Project.NAME)
    admit(project, actor, Permission.PROJECT_READ)
    return project, _configs(project, rows)


def configs_in(project: Project) -> Configs:
    """Of a project at hand. One round trip."""
    return _configs(project, get_many(_keys(project.id)))


def unconfigured(project: Project) -> Configs:
    """Of a project that was just made: no round trip."""
    keys = _keys(project.id)
    return _configs(project, [None] * len(keys))


def _keys(project_id: str) -> list[Any]:
    from shared.agents.configuring import AgentConfig
    from shared.agents.registry import agents

    return [(AgentConfig, *AgentConfig.key_in(project_id, agent.id)) for agent in agents()]


def _configs(project: Project, rows: list[Any]) -> Configs:
    from shared.agents.configuring import untouched
    from shared.agents.registry import agents

    return [(agent, row or untouched(project, agent)) for agent, row in zip(agents(), rows, strict=True)]
