# Made from the API's OpenAPI document by `make sdk`: do not change it here.
# sha256:d78bc56c2cd15a803a3542677ffd1c3c5d005f08b1afc951b313529921e24cc6

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


class BroadcastMessage(TypedDict):
    """`from_agent` and `ttl` (seconds until it must be delivered) are additions."""

    from_sandbox: str
    message_type: NotRequired[Literal["notification", "command"]]
    content: Any
    priority: NotRequired[int]
    ttl: NotRequired[int]
    from_agent: NotRequired[str | None]


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


class OrchestrateCollaboration(TypedDict):
    """
    `participants` are names or ids of sandboxes; `orchestrator` is a sandbox, or an agent of a participant, else the platform
    orchestrates. Additions: `project_id`, where the deliverables are written as documents (else the active project that was changed
    last, else a new one); `max_turns` of a conversation; `max_cost_usd`.
    """

    task: str
    participants: list[str]
    collaboration_mode: NotRequired[Literal["orchestrated", "peer_to_peer", "swarm"]]
    orchestrator: NotRequired[str | None]
    timeout: NotRequired[int]
    deliverables: NotRequired[list[str]]
    project_id: NotRequired[str | None]
    max_turns: NotRequired[int]
    max_cost_usd: NotRequired[float | None]


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


class RejectMessage(TypedDict):
    reason: NotRequired[str | None]


class Resources(TypedDict):
    """Limits of a sandbox. The ranges are those of the original service; `disk_mb` is an addition."""

    memory_mb: NotRequired[int | None]
    cpu_cores: NotRequired[int | float | None]
    timeout_seconds: NotRequired[int | None]
    max_processes: NotRequired[int | None]
    disk_mb: NotRequired[int | None]


class SendMessage(TypedDict):
    """
    `to_sandbox` is the id or the name of a sandbox of the workspace, `timeout` the seconds from its delivery to its answer.

    `ttl` (seconds until it must be delivered), `from_agent`, `message_id` (of the sender's own making: it is sent once) and `in_reply_to`
    are additions. A response needs `in_reply_to`; in another message it names the one that it follows from. Without `requires_response`
    a request asks for one. Without agents, the primary ones are meant.
    """

    to_sandbox: str
    to_agent: NotRequired[str | None]
    message_type: NotRequired[Literal["request", "response", "notification", "command"]]
    content: Any
    priority: NotRequired[int]
    requires_response: NotRequired[bool | None]
    timeout: NotRequired[int]
    ttl: NotRequired[int]
    from_agent: NotRequired[str | None]
    message_id: NotRequired[str | None]
    in_reply_to: NotRequired[str | None]


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
