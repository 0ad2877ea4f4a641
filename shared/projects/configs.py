"""A project together with how it wants each agent: the seam to the agents' configurations."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id, is_id
from shared.projects.rows import Project
from shared.store import admit, family, query

if TYPE_CHECKING:
    from shared.agents.catalogue import Agent
    from shared.agents.configuring import AgentConfig

Configs: TypeAlias = "list[tuple[Agent, AgentConfig]]"


def with_configs(actor: Actor, project_id: str) -> tuple[Project, Configs]:
    """One project and its configurations. One round trip."""
    from shared.agents.configuring import AgentConfig

    bare = bare_id(project_id)
    if not is_id(bare):
        raise NotFound(Project.NAME)
    rows = family([Project, AgentConfig], f"PROJ#{bare}", ("ACFG#", "META"))
    project = next((row for row in rows if isinstance(row, Project)), None)
    if project is None or project.deleted_at or project.status == "deleted":
        raise NotFound(Project.NAME)
    admit(project, actor, Permission.PROJECT_READ)
    return project, _configs(project, [row for row in rows if isinstance(row, AgentConfig)])


def configs_in(project: Project) -> Configs:
    """Of a project at hand. One round trip."""
    from shared.agents.configuring import AgentConfig

    return _configs(project, query(AgentConfig, f"PROJ#{project.id}", prefix="ACFG#", consistent=True).rows)


def unconfigured(project: Project) -> Configs:
    """Of a project that was just made: no round trip."""
    return _configs(project, [])


def _configs(project: Project, rows: "Sequence[AgentConfig]") -> Configs:
    from shared.agents.configuring import untouched
    from shared.agents.registry import agents

    kept = {row.agent_id: row for row in rows}
    return [(agent, kept.get(agent.id) or untouched(project, agent)) for agent in agents()]
