"""agentworks, section 6.1: the agents, and their configuration in a project."""

from typing import Any

from shared.agents.catalogue import Agent as CatalogueAgent
from shared.agents.catalogue import registry
from shared.core.actor import Permission
from shared.core.money import usd
from shared.edge.contracts.agentworks import AGENTWORKS, ModelName, PromptAdditions, Temperature, Tokens
from shared.edge.contracts.base import Shape, StrictRequest
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.agentworks.entities import AgentConfig, agent_config
from shared.runs.agent_runs import agent_statistics
from shared.work.projects import agent_configs

routes = Routes(AGENTWORKS, "agents")
FOUNDED = "2026-11-21T00:00:00.000Z"  # the catalogue is part of the release, not a row


class Agent(Shape):
    id: str
    name: str
    displayName: str
    description: str
    allowedLanes: list[int]
    capabilities: list[str]
    defaultProvider: str
    defaultModel: str
    defaultTemperature: float
    defaultMaxTokens: int
    status: str
    version: str
    createdAt: str
    updatedAt: str


class ListAgentsResponse(Shape):
    agents: list[Agent]


class ToolConfiguration(Shape):
    """Not defined by the document."""

    name: str
    type: str
    enabled: bool
    config: dict[str, Any]


class AgentUsageStats(Shape):
    """Over the caller's workspaces. `averageResponseTime` in seconds, `totalCost` in USD as the customer pays it."""

    totalRuns: int
    successfulRuns: int
    averageResponseTime: float
    totalCost: float
    lastUsed: str | None = None


class AgentDetails(Agent):
    systemPrompt: str
    promptTemplate: str | None = None
    toolsConfig: list[ToolConfiguration]
    usageStats: AgentUsageStats


class ProjectAgentConfigsResponse(Shape):
    configs: list[AgentConfig]


class UpdateAgentConfigRequest(StrictRequest):
    """A missing field stays as it is. A field that is null falls back to the workspace's choice, or the agent's own."""

    provider: ModelName | None = None
    model: ModelName | None = None
    temperature: Temperature | None = None
    maxTokens: Tokens | None = None
    systemPromptAdditions: PromptAdditions | None = None
    contextInstructions: PromptAdditions | None = None
    enabled: bool = True
    autoTrigger: bool = True


_NAMES = {
    "maxTokens": "max_tokens",
    "systemPromptAdditions": "system_prompt_additions",
    "contextInstructions": "context_instructions",
    "autoTrigger": "auto_trigger",
}


@routes.get("/agents", "agents.list")
async def list_agents(caller: Caller) -> ListAgentsResponse:
    """Every agent of the platform, in the order of the lanes."""
    return ListAgentsResponse(agents=[Agent(**_agent(agent)) for agent in registry.agents()])


@routes.get("/agents/{id}", "agents.get")
async def get_agent(id: str, caller: Caller) -> AgentDetails:
    """One agent, by id or name: its prompts, its tools, and its usage by the caller."""
    agent = registry.get_agent(id)
    record = agent_statistics.get_agent_statistics(caller, agent.id)
    return AgentDetails(
        **_agent(agent),
        systemPrompt=agent.system_prompt,
        promptTemplate=agent.prompt_template,
        toolsConfig=[ToolConfiguration(name=tool, type="platform", enabled=True, config={}) for tool in agent.tools],
        usageStats=AgentUsageStats(
            totalRuns=record.runs,
            successfulRuns=record.succeeded,
            averageResponseTime=record.average_seconds,
            totalCost=usd(record.price_micros),
            lastUsed=record.last_used,
        ),
    )


@routes.get("/projects/{id}/agent-configs", "agentConfigs.list", permission=Permission.PROJECT_READ)
async def list_configs(id: str, caller: Caller) -> ProjectAgentConfigsResponse:
    """The configuration of every agent in this project."""
    return ProjectAgentConfigsResponse(
        configs=[agent_config(agent, row) for agent, row in agent_configs.get_project_with_configs(caller, id)[1]]
    )


@routes.put("/projects/{id}/agent-configs/{agentId}", "agentConfigs.update", permission=Permission.AGENT_CONFIGURE)
async def update_config(id: str, agentId: str, body: UpdateAgentConfigRequest, caller: Caller) -> AgentConfig:
    """Change the given fields. Active runs keep the configuration with which they started."""
    fields = body.model_dump(exclude_unset=True)
    changes = {_NAMES.get(name, name): value for name, value in fields.items()}
    return agent_config(*agent_configs.configure_agent(caller, id, agentId, changes))


def _agent(agent: CatalogueAgent) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name,
        "displayName": agent.display_name,
        "description": agent.description,
        "allowedLanes": list(agent.allowed_lanes),
        "capabilities": list(agent.capabilities),
        "defaultProvider": agent.default_provider,
        "defaultModel": agent.default_model,
        "defaultTemperature": agent.default_temperature,
        "defaultMaxTokens": agent.default_max_tokens,
        "status": agent.status,
        "version": agent.version,
        "createdAt": FOUNDED,
        "updatedAt": FOUNDED,
    }
