# Made from the API's OpenAPI document by `make sdk`: do not change it here.
# sha256:eebf2def6aee6fc80f20f4a522af5be5052df59aa379de98e6d097f76b68ecab

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class AgentDefinition(TypedDict):
    name: str
    role: NotRequired[str | None]
    description: NotRequired[str | None]
    system_prompt: NotRequired[str | None]
    capabilities: NotRequired[list[str] | None]


class AgentTeam(TypedDict):
    primary_agent: AgentDefinition
    sub_agents: NotRequired[list[AgentDefinition]]


class LoginRequest(TypedDict):
    email: str
    password: str


class McpServerChange(TypedDict):
    name: str
    transport: NotRequired[Literal["stdio", "sse", "http"]]
    command: NotRequired[list[str] | None]
    url: NotRequired[str | None]
    enabled: NotRequired[bool]


class McpServerDefinition(TypedDict):
    """An MCP server that is no built-in one: `stdio` runs a command inside of the sandbox, `sse` and `http` ask an address."""

    name: str
    transport: NotRequired[Literal["stdio", "sse", "http"]]
    command: NotRequired[list[str] | None]
    url: NotRequired[str | None]


PolicyRule = TypedDict(
    "PolicyRule",
    {
        "from": NotRequired[str | list[str]],
        "to": NotRequired[str | list[str]],
        "message_types": NotRequired[list[Literal["request", "response", "notification", "command"]] | None],
        "approval_required": NotRequired[bool],
    },
)


class ProviderChange(TypedDict):
    """`api_key` is stored sealed, and shown masked; `${NAME}` means the workspace's secret of this name. Left out: the key stays."""

    name: str
    api_key: NotRequired[str | None]
    base_url: NotRequired[str | None]
    models: NotRequired[list[str]]
    default_model: NotRequired[str | None]
    parameters: NotRequired[dict[str, Any] | None]


class RefreshRequest(TypedDict):
    refresh_token: str


class RegisterRequest(TypedDict):
    email: str
    password: str
    name: str
    organization: NotRequired[str | None]


class Resources(TypedDict):
    """Limits of a sandbox. The ranges are those of the original service; `disk_mb` is an addition."""

    memory_mb: NotRequired[int | None]
    cpu_cores: NotRequired[int | float | None]
    timeout_seconds: NotRequired[int | None]
    max_processes: NotRequired[int | None]
    disk_mb: NotRequired[int | None]


class UpdateSandboxConfig(TypedDict):
    """
    What is left out stays. `resources` and `environment_variables` are changed name by name, and null removes a variable; the rest
    replaces what was. `idle_seconds` null: it never falls asleep.
    """

    resources: NotRequired[Resources | None]
    environment_variables: NotRequired[dict[str, str | None]]
    agent_config: NotRequired[AgentTeam | None]
    mcp_servers: NotRequired[list[str | McpServerDefinition] | None]
    allowed_hosts: NotRequired[list[str] | None]
    idle_seconds: NotRequired[int | None]


class CreateSandbox(TypedDict):
    """`allowed_hosts` and `idle_seconds` are additions: the hosts that it may ask, and after how long without a message it falls asleep."""

    name: str
    agent_config: AgentTeam
    resources: NotRequired[Resources | None]
    mcp_servers: NotRequired[list[str | McpServerDefinition]]
    environment_variables: NotRequired[dict[str, str]]
    allowed_hosts: NotRequired[list[str]]
    idle_seconds: NotRequired[int | None]


class Policy(TypedDict):
    mode: Literal["allow_all", "allow_list", "deny_list"]
    rules: NotRequired[list[PolicyRule]]


class SettingsChanges(TypedDict):
    max_sandboxes: NotRequired[int | None]
    default_llm_provider: NotRequired[str | None]
    collaboration_policy: NotRequired[Literal["allow_all", "allow_list", "deny_list"] | Policy | None]
    resource_defaults: NotRequired[Resources | None]


class UpdateConfig(TypedDict):
    """Each list replaces the one before. `secrets` is an addition: by name, null removes one; they are never shown."""

    settings: NotRequired[SettingsChanges | None]
    llm_providers: NotRequired[list[ProviderChange] | None]
    mcp_servers: NotRequired[list[McpServerChange] | None]
    collaboration_policy: NotRequired[Policy | None]
    secrets: NotRequired[dict[str, str | None]]


class UpdateWorkspace(TypedDict):
    name: NotRequired[str | None]
    description: NotRequired[str | None]
    settings: NotRequired[SettingsChanges | None]


class CreateWorkspace(TypedDict):
    name: str
    description: NotRequired[str | None]
    settings: NotRequired[SettingsChanges | None]
