# Made from the API's OpenAPI document by `make sdk`: do not change it here.
# sha256:d78bc56c2cd15a803a3542677ffd1c3c5d005f08b1afc951b313529921e24cc6

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from aintandem._model import Model


class AgentMetrics(Model):
    """`avg_response_time_ms` is null until the agent has answered a message."""

    messages_processed: int
    avg_response_time_ms: int | None


class Author(Model):
    sandbox_id: str
    name: str
    agent_name: str | None


class ConnectionDetails(Model):
    collaboration_bus_url: str
    api_endpoint: str


class Connections(Model):
    collaboration_bus: Literal["connected", "disconnected"] | str
    mcp_servers: dict[str, str]


class Cores(Model):
    allocated: int | float
    used: float | None


class CreatedSandbox(Model):
    sandbox_id: str
    name: str
    status: str
    connection_details: ConnectionDetails
    created_at: str


class Deliverable(Model):
    """A deliverable that was asked for; `document_id` null: it is not written."""

    name: str
    document_id: str | None
    authors: list[Author]
    cost_usd: float


class DiscoveredAgent(Model):
    """`sandbox_name` is an addition."""

    sandbox_id: str
    sandbox_name: str
    agent_name: str
    role: str | None
    capabilities: list[str]
    status: str
    metrics: AgentMetrics


class DiscoveredAgents(Model):
    """`total` is an addition: how many match."""

    agents: list[DiscoveredAgent]
    total: int


class Dissent(Model):
    sandbox_id: str
    voted_for: str
    reason: str


class ExchangedMessage(Model):
    """`message_id`, `message_type` and `timestamp` are additions. `content` null with `content_omitted`: it has no room here."""

    from_: str = Field(..., alias="from")
    to: str
    content: Any
    message_id: str
    message_type: str
    timestamp: str
    content_omitted: bool = False


class Failure(Model):
    code: str
    message: str


class Features(Model):
    max_workspaces: int | None
    max_sandboxes_per_workspace: int | None
    cross_machine_deployment: bool


class HealthMetrics(Model):
    status: Literal["healthy", "unhealthy", "unknown"] | str
    uptime_seconds: int
    restart_count: int


class HealthReport(Model):
    status: Literal["healthy", "unhealthy", "unknown"] | str
    last_heartbeat: str | None
    uptime_seconds: int


class HealthSummary(Model):
    status: Literal["healthy", "unhealthy", "unknown"] | str
    last_heartbeat: str | None


class Info(Model):
    version: str
    edition: str
    features: Features
    supported_llm_providers: list[str]
    supported_mcp_servers: list[str]


class IntervalSums(Model):
    start: str
    messages: int
    avg_cpu_usage: float | None
    avg_memory_usage: float | None


class ListMeta(Model):
    """`next` is an addition: the `before` of the next page, null at the end."""

    total: int
    since: str | None
    next: str | None


class LogLine(Model):
    """`sequence` is an addition: the number of the line, with which a socket goes on behind it."""

    timestamp: str
    level: Literal["debug", "info", "warn", "error"] | str
    message: str
    sequence: int


class LogMeta(Model):
    total: int
    since: str | None


class LoginUser(Model):
    user_id: str
    email: str
    name: str


class Measured(Model):
    """What was measured last; null is what cannot be measured here, or of a sandbox that does not run."""

    cpu_usage_percent: float | None
    memory_usage_mb: int | None
    message_count: int
    uptime_seconds: int


class Memory(Model):
    allocated: int
    used: int | None
    percentage: int | None


class MessageSummary(Model):
    """`requires_response` and what follows are additions."""

    message_id: str
    from_sandbox: str
    from_agent: str | None
    to_sandbox: str
    to_agent: str | None
    message_type: str
    content: Any
    status: str
    timestamp: str
    requires_response: bool
    priority: int
    timeout: int
    in_reply_to: str | None
    response_id: str | None
    broadcast_id: str | None
    collaboration_id: str | None
    approval: str | None
    reason: str | None
    error: Failure | None
    delivered_at: str | None
    responded_at: str | None


class MessagingMetrics(Model):
    """`avg_response_time_ms` is null until a message was answered."""

    messages_sent: int
    messages_received: int
    messages_failed: int
    avg_response_time_ms: int | None


class Participant(Model):
    """`status`: active, finished or lost. `name` and `reason`, why it was lost, are additions."""

    sandbox_id: str
    name: str
    status: str
    messages_exchanged: int
    reason: str | None


class Period(Model):
    start: str
    end: str
    granularity: Literal["minute", "hour", "day"] | str


class Progress(Model):
    """`failed_steps` is an addition."""

    percentage: int
    current_step: str | None
    completed_steps: list[str]
    remaining_steps: list[str]
    failed_steps: list[str]


class RefreshData(Model):
    access_token: str
    expires_in: int


class RegisteredUser(Model):
    user_id: str
    email: str
    name: str
    created_at: str


class ResourceMetrics(Model):
    """Null is what cannot be measured here, or of a sandbox that does not run."""

    cpu_usage_percent: float | None
    memory_usage_mb: int | None
    memory_usage_percent: float | None
    disk_usage_mb: int | None
    network_in_bytes: int | None
    network_out_bytes: int | None


class SandboxLogs(Model):
    sandbox_id: str
    logs: list[LogLine]
    meta: LogMeta


class SandboxMetrics(Model):
    sandbox_id: str
    timestamp: str
    resources: ResourceMetrics
    messaging: MessagingMetrics
    health: HealthMetrics


class SandboxName(Model):
    sandbox_id: str
    name: str
    status: str


class SandboxSums(Model):
    sandbox_id: str
    name: str
    status: str
    messages_sent: int
    messages_received: int
    messages_failed: int
    avg_response_time_ms: int | None
    avg_cpu_usage: float | None
    avg_memory_usage: float | None
    network_in_bytes: int
    network_out_bytes: int


class SentBroadcast(Model):
    """`blocked` is an addition: the sandboxes that the collaboration policy keeps it from."""

    broadcast_id: str
    recipients: list[str]
    blocked: list[str]
    timestamp: str


class SentMessage(Model):
    """`approval` is an addition: `pending` if somebody must approve the message before it is delivered."""

    message_id: str
    status: str
    timestamp: str
    approval: str | None


class Services(Model):
    api: str
    collaboration_bus: str
    database: str
    redis: str


class ShownPolicy(Model):
    mode: str
    rules: list[dict[str, Any]]


class ShownProvider(Model):
    name: str
    models: list[str]
    default_model: str | None
    base_url: str | None
    parameters: dict[str, Any] | None
    api_key: str | None


class ShownResources(Model):
    memory_mb: int
    cpu_cores: int | float
    timeout_seconds: int
    max_processes: int
    disk_mb: int


class ShownResponse(Model):
    """`timestamp` and `status` are additions."""

    message_id: str
    content: Any
    status: str
    timestamp: str


class ShownServer(Model):
    name: str
    status: Literal["enabled", "disabled"] | str
    transport: str
    url: str | None
    command: list[str] | None


class ShownSettings(Model):
    max_sandboxes: int
    default_llm_provider: str
    collaboration_policy: str
    resource_defaults: dict[str, Any] | None


class StartedCollaboration(Model):
    collaboration_id: str
    status: str
    participants: list[str]
    estimated_duration_seconds: int


class StartedSandbox(Model):
    sandbox_id: str
    status: str
    estimated_ready_seconds: int


class StoppedSandbox(Model):
    sandbox_id: str
    status: str


class Summary(Model):
    """`avg_cpu_usage` is percent of one core, `avg_memory_usage` percent of the memory that a sandbox may use; null: not measured."""

    total_sandboxes: int
    active_sandboxes: int
    total_messages: int
    avg_cpu_usage: float | None
    avg_memory_usage: float | None


class UpdatedWorkspace(Model):
    workspace_id: str
    name: str
    updated_at: str


class Used(Model):
    memory_mb: Memory
    cpu_cores: Cores


class WorkspaceConfig(Model):
    """`secrets` has the names only."""

    workspace_id: str
    settings: ShownSettings
    llm_providers: list[ShownProvider]
    mcp_servers: list[ShownServer]
    collaboration_policy: ShownPolicy
    secrets: list[str]


class WorkspaceDetails(Model):
    workspace_id: str
    name: str
    description: str
    owner_id: str
    settings: ShownSettings
    sandbox_limit: int
    sandbox_count: int
    created_at: str
    updated_at: str
    sandboxes: list[SandboxName]


class WorkspaceFields(Model):
    """`sandbox_limit` is an addition: the smaller one of `max_sandboxes` and what the plan allows, which is what holds."""

    workspace_id: str
    name: str
    description: str
    owner_id: str
    settings: ShownSettings
    sandbox_limit: int
    sandbox_count: int
    created_at: str
    updated_at: str


class AggregateMetrics(Model):
    """`intervals` is an addition: the same figures for each interval in which something was measured."""

    workspace_id: str
    period: Period
    summary: Summary
    by_sandbox: list[SandboxSums]
    intervals: list[IntervalSums]


class CollaborationSummary(Model):
    """An addition to the document, as the list of collaborations is."""

    collaboration_id: str
    collaboration_mode: str
    status: str
    progress: Progress
    participants: list[str]
    cost_usd: float
    reason: str | None
    started_at: str
    completed_at: str | None


class Consensus(Model):
    """What a swarm has decided: whose answer won, the votes of each, who voted otherwise, who for none."""

    sandbox_id: str
    message_id: str
    decided_by: str
    tally: dict[str, int]
    dissent: list[Dissent]
    abstained: list[str]


class HealthData(Model):
    status: str
    version: str
    services: Services
    timestamp: str


class LoginData(Model):
    access_token: str
    refresh_token: str
    token_type: str = "Bearer"
    expires_in: int
    user: LoginUser


class MessageDetails(Model):
    """
    `from_name` and what follows are additions: `number` is its place among the messages from this sender to this recipient, `tries` how
    often it was delivered since it was queued.
    """

    message_id: str
    from_sandbox: str
    from_agent: str | None
    to_sandbox: str
    to_agent: str | None
    message_type: str
    content: Any
    status: str
    timestamp: str
    requires_response: bool
    priority: int
    timeout: int
    in_reply_to: str | None
    response_id: str | None
    broadcast_id: str | None
    collaboration_id: str | None
    approval: str | None
    reason: str | None
    error: Failure | None
    delivered_at: str | None
    responded_at: str | None
    response: ShownResponse | None
    from_name: str
    number: int
    tries: int
    sent_at: str | None
    expires_at: str


class MessageList(Model):
    messages: list[MessageSummary]
    meta: ListMeta


class SandboxConfig(Model):
    """`pending_changes` names what comes into force with the next start; all else holds already."""

    sandbox_id: str
    resources: ShownResources
    environment_variables: dict[str, str]
    agent_config: dict[str, Any]
    mcp_servers: list[Any]
    allowed_hosts: list[str]
    idle_seconds: int | None
    pending_changes: list[str]
    updated_at: str


class SandboxDetails(Model):
    """`reason`, `isolation`, `mcp_servers`, `environment_variables`, `allowed_hosts`, `idle_seconds`, `pending_changes` are additions."""

    sandbox_id: str
    name: str
    workspace_id: str
    status: str
    agent_config: dict[str, Any]
    resources: ShownResources
    health: HealthSummary
    created_at: str
    mcp_servers: list[Any]
    environment_variables: dict[str, str]
    allowed_hosts: list[str]
    idle_seconds: int | None
    pending_changes: list[str]
    metrics: Measured
    reason: str | None
    isolation: list[str]
    restart_count: int
    updated_at: str
    started_at: str | None


class SandboxStatus(Model):
    """`asleep`, `reason`, `restart_count` and `isolation` (what holds the sandbox in, in words) are additions."""

    sandbox_id: str
    status: str
    asleep: bool
    reason: str | None
    restart_count: int
    health: HealthReport
    resources: Used
    connections: Connections
    isolation: list[str]


class SandboxSummary(Model):
    sandbox_id: str
    name: str
    workspace_id: str
    status: str
    agent_config: dict[str, Any]
    resources: ShownResources
    health: HealthSummary
    created_at: str


class CollaborationDetails(Model):
    """Additions to the document: all fields behind `estimated_completion`."""

    collaboration_id: str
    status: str
    progress: Progress
    participants: list[Participant]
    messages: list[ExchangedMessage]
    started_at: str
    estimated_completion: str | None
    task: str
    collaboration_mode: str
    orchestrator: str | None
    orchestrated_by: str | None
    deliverables: list[Deliverable]
    project_id: str | None
    consensus: Consensus | None
    cost_usd: float
    reason: str | None
    error: Failure | None
    completed_at: str | None


class CollaborationPage(Model):
    """`next` is sent as `before` to get the next page; null: this is the last one."""

    collaborations: list[CollaborationSummary]
    total: int
    next: str | None
