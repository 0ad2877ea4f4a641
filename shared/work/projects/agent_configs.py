"""A project's configuration of an agent, at `PROJ#<id>, ACFG#<agent>`. Unset fields fall back to the workspace, then to the agent."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from shared.agents.catalogue import Agent
from shared.agents.catalogue.registry import agents, get_agent
from shared.agents.providers.registry import check_model
from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, NotFound
from shared.core.ids import bare_id
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
    get_many,
    id_of,
    item_collection,
    iterate,
    read_ahead,
    stale,
    update_with_retry,
    write,
)
from shared.work.boards.counting import ProjectArchived, require_writable
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
    """`enabled` and `auto_trigger` are None until the project sets them; unset in the workspace too, they mean yes."""
    configured_by = JSONAttribute(null=True)

    @classmethod
    def key_in(cls, project_id: str, agent_id: str) -> tuple[str, str]:
        return f"PROJ#{project_id}", f"ACFG#{agent_id}"


def default_config(project: Project, agent: Agent) -> AgentConfig:
    """Return the config of an agent that nobody has configured: every field is unset. Nothing is written."""
    config = AgentConfig.new(
        agent.id, agent_id=agent.id, agent_name=agent.name, org_id=project.org_id, ws_id=project.ws_id, proj_id=project.id
    )
    config.pk, config.sk = AgentConfig.key_in(project.id, agent.id)
    config.created_at = config.updated_at = project.created_at
    return config


def workspace_defaults(settings: Mapping[str, Any], agent: Agent) -> dict[str, Any]:
    """Return the workspace's settings for an agent (`defaultAgentConfigs`); they apply where a project sets nothing."""
    defaults: dict[str, Any] = (settings.get("defaultAgentConfigs") or {}).get(agent.name) or {}
    return defaults


def is_enabled(config: AgentConfig | None, defaults: Mapping[str, Any]) -> bool:
    """Tell whether the project may use the agent. `defaults` are the workspace's."""
    return _first_decision(config.enabled if config else None, defaults.get("enabled"))


def is_auto_triggered(config: AgentConfig | None, defaults: Mapping[str, Any]) -> bool:
    """Tell whether the agent starts automatically on a card that enters its lane. `defaults` are the workspace's."""
    return is_enabled(config, defaults) and _first_decision(config.auto_trigger if config else None, defaults.get("autoTrigger"))


def _first_decision(*levels: bool | None) -> bool:
    return next((level for level in levels if level is not None), True)


Configs = list[tuple[Agent, AgentConfig]]


def get_project_with_configs(actor: Actor, project_id: str) -> tuple[Project, Configs]:
    """Read a project with its config of each agent. One round trip. Raises NotFound, Forbidden."""
    bare = id_of(Project, project_id)
    rows = item_collection([Project, AgentConfig], f"PROJ#{bare}", ("ACFG#", "META"))
    project = next((row for row in rows if isinstance(row, Project)), None)
    if project is None or project.deleted_at or project.status == "deleted":
        raise NotFound(Project.NAME)
    authorize(project, actor, Permission.PROJECT_READ)
    return project, _complete(project, [row for row in rows if isinstance(row, AgentConfig)])


def begin_configs(project_id: str) -> Callable[[Project], Configs]:
    """Begin to read the agent configs of a project; what is returned waits for them. The caller loads the project in between."""
    partition, _ = Project.key(bare_id(project_id))
    rows = read_ahead(lambda: [*iterate(AgentConfig, partition, prefix="ACFG#", consistent=True)])
    return lambda project: _complete(project, rows.result())


def default_configs(project: Project) -> Configs:
    """Return the agent configs of a new project: all unset. No round trip."""
    return _complete(project, [])


def _complete(project: Project, rows: Sequence[AgentConfig]) -> Configs:
    stored = {row.agent_id: row for row in rows}
    return [(agent, stored.get(agent.id) or default_config(project, agent)) for agent in agents()]


def configure_agent(actor: Actor, project_id: str, agent_id: str, changes: dict[str, Any]) -> tuple[Agent, AgentConfig]:
    """Change the given fields (None clears one). Two round trips, three the first time.

    Raises NotFound, Forbidden, and Conflict(PROJECT_ARCHIVED) in an archived project.
    """
    bare, agent = id_of(Project, project_id), get_agent(agent_id)
    key = AgentConfig.key_in(bare, agent.id)
    project, stored = get_many([(Project, *Project.key(bare)), (AgentConfig, *key)])
    if not isinstance(project, Project) or project.deleted_at:
        raise NotFound(Project.NAME)
    authorize(project, actor, Permission.AGENT_CONFIGURE)
    if project.status != "active":
        raise ProjectArchived
    check_model(changes.get("provider"), changes.get("model"))

    def made() -> AgentConfig:
        row = default_config(project, agent)
        row.created_at = row.updated_at = clock.iso()
        with suppress(Conflict):  # another request just created it: `version` refuses the slower of the two changes
            write(create(row, stale))
        return row

    def change(config: AgentConfig) -> list[Operation]:
        changed = {name: [getattr(config, name), value] for name, value in changes.items() if getattr(config, name) != value}
        for name, value in changes.items():
            setattr(config, name, value)
        config.configured_by = actor.summary
        record(config, EventType.AGENT_CONFIGURED, actor, changes=changed, agent_id=agent.id, agent_name=agent.display_name)
        return [require_writable(project.board_id)]

    first = stored if isinstance(stored, AgentConfig) else made()
    return agent, update_with_retry(lambda: get(AgentConfig, *key) or made(), change, first=first)
