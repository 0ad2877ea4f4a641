"""How a project wants an agent: at `PROJ#<id>, ACFG#<agent>`. What it leaves open comes from the workspace, then from the agent."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from shared.agents.catalogue import Agent
from shared.agents.catalogue.registry import agents, get_agent
from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, NotFound
from shared.core.ids import bare_id, is_id
from shared.events import EventType, record
from shared.store import (
    BooleanAttribute,
    Entity,
    JSONAttribute,
    NumberAttribute,
    Operation,
    UnicodeAttribute,
    authorize,
    create,
    get,
    item_collection,
    load,
    query,
    stale,
    update_with_retry,
    write,
)
from shared.work.boards.counting import ARCHIVED, writable
from shared.work.projects.rows import Project


class AgentConfig(Entity):
    KIND = "ACFG"
    NAME = "agent config"

    agent_id = UnicodeAttribute()
    agent_name = UnicodeAttribute()
    provider = UnicodeAttribute(null=True)
    model = UnicodeAttribute(null=True)
    temperature = NumberAttribute(null=True)
    max_tokens = NumberAttribute(null=True)
    system_prompt_additions = UnicodeAttribute(null=True)
    context_instructions = UnicodeAttribute(null=True)
    enabled = BooleanAttribute(null=True)
    auto_trigger = BooleanAttribute(null=True)
    """Both open (None) until the project says yes or no; a workspace that says nothing either means yes."""
    configured_by = JSONAttribute(null=True)

    @classmethod
    def key_in(cls, project_id: str, agent_id: str) -> tuple[str, str]:
        return f"PROJ#{project_id}", f"ACFG#{agent_id}"


def untouched(project: Project, agent: Agent) -> AgentConfig:
    """The config of an agent that nobody configured: everything open."""
    config = AgentConfig.new(
        agent.id, agent_id=agent.id, agent_name=agent.name, org_id=project.org_id, ws_id=project.ws_id, proj_id=project.id
    )
    config.pk, config.sk = AgentConfig.key_in(project.id, agent.id)
    config.created_at = config.updated_at = project.created_at
    return config


def template_of(settings: Mapping[str, Any], agent: Agent) -> dict[str, Any]:
    """What the workspace's settings say of an agent (`defaultAgentConfigs`): for what its projects leave open."""
    found: dict[str, Any] = (settings.get("defaultAgentConfigs") or {}).get(agent.name) or {}
    return found


def is_enabled(config: AgentConfig | None, template: Mapping[str, Any]) -> bool:
    return _decided(config.enabled if config else None, template.get("enabled"))


def starts_by_itself(config: AgentConfig | None, template: Mapping[str, Any]) -> bool:
    """Whether the lane's agent starts on a card that arrives there."""
    return is_enabled(config, template) and _decided(config.auto_trigger if config else None, template.get("autoTrigger"))


def _decided(*levels: bool | None) -> bool:
    return next((level for level in levels if level is not None), True)


Configs = list[tuple[Agent, AgentConfig]]


def with_configs(actor: Actor, project_id: str) -> tuple[Project, Configs]:
    """One project and how it wants each agent. One round trip. Raises NotFound."""
    bare = bare_id(project_id)
    if not is_id(bare):
        raise NotFound(Project.NAME)
    rows = item_collection([Project, AgentConfig], f"PROJ#{bare}", ("ACFG#", "META"))
    project = next((row for row in rows if isinstance(row, Project)), None)
    if project is None or project.deleted_at or project.status == "deleted":
        raise NotFound(Project.NAME)
    authorize(project, actor, Permission.PROJECT_READ)
    return project, _configs(project, [row for row in rows if isinstance(row, AgentConfig)])


def configs_in(project: Project) -> Configs:
    """Of a project at hand. One round trip."""
    return _configs(project, query(AgentConfig, f"PROJ#{project.id}", prefix="ACFG#", consistent=True).rows)


def unconfigured(project: Project) -> Configs:
    """Of a project that was just made: no round trip."""
    return _configs(project, [])


def _configs(project: Project, rows: Sequence[AgentConfig]) -> Configs:
    kept = {row.agent_id: row for row in rows}
    return [(agent, kept.get(agent.id) or untouched(project, agent)) for agent in agents()]


def configure(actor: Actor, project_id: str, agent_id: str, changes: dict[str, Any]) -> tuple[Agent, AgentConfig]:
    """Change the given fields (None clears one). Raises NotFound, Forbidden, and Conflict(PROJECT_ARCHIVED) in an archived project."""
    project = load(Project, project_id, actor, Permission.AGENT_CONFIGURE)
    if project.status != "active":
        raise ARCHIVED
    agent = get_agent(agent_id)

    def read() -> AgentConfig:
        row = get(AgentConfig, *AgentConfig.key_in(project.id, agent.id))
        if row is None:
            row = untouched(project, agent)
            row.created_at = row.updated_at = clock.iso()
            with suppress(Conflict):  # somebody else just did: whose change is second finds out by the version
                write(create(row, stale))
        return row

    def change(config: AgentConfig) -> list[Operation]:
        changed = {name: [getattr(config, name), value] for name, value in changes.items() if getattr(config, name) != value}
        for name, value in changes.items():
            setattr(config, name, value)
        config.configured_by = actor.summary
        record(config, EventType.AGENT_CONFIGURED, actor, changes=changed, agent_id=agent.id, agent_name=agent.display_name)
        return [writable(project.board_id)]

    return agent, update_with_retry(read, change)
