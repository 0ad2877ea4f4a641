"""aintandem, section 3: sandboxes."""

from typing import Literal

from functions.sandboxes import monitoring, reaching, thinking
from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.edge.contracts.aintandem import AINTANDEM, Page, PerPage, Search, SortOrder, public_id
from shared.edge.contracts.base import Paged, Request, Shape
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.aintandem.sandboxes import (
    AgentConfig,
    AllowedHosts,
    IdleSeconds,
    McpServers,
    Resources,
    SandboxConfig,
    SandboxDetails,
    SandboxName,
    SandboxStatus,
    SandboxSummary,
    VariableChanges,
    Variables,
    configuration,
    connection_details,
    details,
    shown_status,
    status_report,
    stored_servers,
    summary,
)
from shared.sandboxes.lifecycle import changing, configuring, creating, reading
from shared.sandboxes.metrics.reading import sandbox_and_messages

routes = Routes(AINTANDEM, "sandboxes", rate_class="sandbox")
monitoring.publish(routes)
thinking.publish(routes)
reaching.publish(routes)
READY_SECONDS = 10  # until a sandbox that is started is ready: the document's own figure, shown as an estimate

Status = Literal["running", "stopped", "error"]
Sort = Literal["name", "status", "created_at"]
NOT_READY = (Situation.SANDBOX_STATUS,)


class CreateSandbox(Request):
    """`allowed_hosts` and `idle_seconds` are additions: the hosts that it may ask, and after how long without a message it falls asleep."""

    name: SandboxName
    agent_config: AgentConfig
    resources: Resources | None = None
    mcp_servers: McpServers = []
    environment_variables: Variables = {}
    allowed_hosts: AllowedHosts = []
    idle_seconds: IdleSeconds | None = None


class UpdateSandboxConfig(Request):
    """What is left out stays. `resources` and `environment_variables` are changed name by name, and null removes a variable; the rest
    replaces what was. `idle_seconds` null: it never falls asleep."""

    resources: Resources | None = None
    environment_variables: VariableChanges = {}
    agent_config: AgentConfig | None = None
    mcp_servers: McpServers | None = None
    allowed_hosts: AllowedHosts | None = None
    idle_seconds: IdleSeconds | None = None


class ConnectionDetails(Shape):
    collaboration_bus_url: str
    api_endpoint: str


class CreatedSandbox(Shape):
    sandbox_id: str
    name: str
    status: str
    connection_details: ConnectionDetails
    created_at: str


class StartedSandbox(Shape):
    sandbox_id: str
    status: str
    estimated_ready_seconds: int


class StoppedSandbox(Shape):
    sandbox_id: str
    status: str


@routes.get("/workspaces/{workspace_id}/sandboxes", "sandboxes.list", permission=Permission.WORKSPACE_READ)
async def list_sandboxes(
    workspace_id: str,
    caller: Caller,
    status: Status | None = None,
    page: Page = 1,
    per_page: PerPage = 20,
    sort: Sort = "created_at",
    order: SortOrder = "desc",
    search: Search | None = None,
) -> Paged[SandboxSummary]:
    """List the sandboxes of a workspace, newest first. `search` looks for words in their names."""
    query = reading.SandboxQuery(status, search, sort, order == "desc", per_page, (page - 1) * per_page)
    found, total = reading.list_sandboxes(caller, workspace_id, query)
    return Paged([summary(one) for one in found], total, page, per_page)


@routes.post(
    "/workspaces/{workspace_id}/sandboxes",
    "sandboxes.create",
    status=201,
    permission=Permission.AGENT_RUN,
    errors=(Situation.SLUG_TAKEN, Situation.LIMIT_REACHED),
)
async def create_sandbox(workspace_id: str, body: CreateSandbox, caller: Caller) -> CreatedSandbox:
    """Make a sandbox and start it."""
    new = creating.NewSandbox(
        body.name,
        body.agent_config.model_dump(exclude_none=True),
        body.resources.model_dump(exclude_none=True) if body.resources else {},
        stored_servers(body.mcp_servers),
        body.environment_variables,
        body.allowed_hosts,
        body.idle_seconds,
    )
    sandbox = creating.create_sandbox(caller, workspace_id, new)
    return CreatedSandbox(
        sandbox_id=public_id("sandbox", sandbox.id),
        name=sandbox.name,
        status=shown_status(sandbox),
        connection_details=ConnectionDetails(**connection_details(sandbox.id)),
        created_at=sandbox.created_at,
    )


@routes.get("/sandboxes/{sandbox_id}", "sandboxes.get", permission=Permission.WORKSPACE_READ)
async def get_sandbox(sandbox_id: str, caller: Caller) -> SandboxDetails:
    """A sandbox with its configuration, health and last measurements."""
    return details(*sandbox_and_messages(caller, sandbox_id))


@routes.get("/sandboxes/{sandbox_id}/status", "sandboxes.status", permission=Permission.WORKSPACE_READ)
async def get_status(sandbox_id: str, caller: Caller) -> SandboxStatus:
    """How a sandbox stands: health, what it uses of what it may, its connections, and the isolation that is in force."""
    return status_report(reading.get_sandbox(caller, sandbox_id))


@routes.post("/sandboxes/{sandbox_id}/start", "sandboxes.start", status=202, permission=Permission.AGENT_RUN, errors=NOT_READY)
async def start(sandbox_id: str, caller: Caller) -> StartedSandbox:
    """Start a sandbox that is stopped or in error."""
    sandbox = changing.start_sandbox(caller, sandbox_id)
    return StartedSandbox(
        sandbox_id=public_id("sandbox", sandbox.id), status=shown_status(sandbox), estimated_ready_seconds=READY_SECONDS
    )


@routes.post("/sandboxes/{sandbox_id}/stop", "sandboxes.stop", status=202, permission=Permission.AGENT_RUN, errors=NOT_READY)
async def stop(sandbox_id: str, caller: Caller) -> StoppedSandbox:
    """Stop a sandbox: its processes end, and with them its cost."""
    sandbox = changing.stop_sandbox(caller, sandbox_id)
    return StoppedSandbox(sandbox_id=public_id("sandbox", sandbox.id), status=shown_status(sandbox))


@routes.post(
    "/sandboxes/{sandbox_id}/restart", "sandboxes.restart", status=202, permission=Permission.AGENT_RUN, errors=NOT_READY
)
async def restart(sandbox_id: str, caller: Caller) -> StartedSandbox:
    """Restart a sandbox that runs or is in error."""
    sandbox = changing.restart_sandbox(caller, sandbox_id)
    return StartedSandbox(
        sandbox_id=public_id("sandbox", sandbox.id), status=shown_status(sandbox), estimated_ready_seconds=READY_SECONDS
    )


@routes.delete("/sandboxes/{sandbox_id}", "sandboxes.delete", status=204, permission=Permission.AGENT_RUN)
async def delete_sandbox(sandbox_id: str, caller: Caller) -> None:
    """Delete a sandbox. Its machine is stopped, its name is free."""
    changing.delete_sandbox(caller, sandbox_id)


@routes.get("/sandboxes/{sandbox_id}/config", "config.getSandbox", permission=Permission.WORKSPACE_READ)
async def get_config(sandbox_id: str, caller: Caller) -> SandboxConfig:
    """The configuration of a sandbox, and what of it waits for the next start."""
    return configuration(reading.get_sandbox(caller, sandbox_id).sandbox)


@routes.put("/sandboxes/{sandbox_id}/config", "config.updateSandbox", permission=Permission.AGENT_CONFIGURE)
async def update_config(sandbox_id: str, body: UpdateSandboxConfig, caller: Caller) -> SandboxConfig:
    """Change the configuration of a sandbox. A running one takes over its agents, MCP servers, allowed hosts and idle time at once; new
    resources and environment variables come into force with its next start."""
    changes = configuring.SandboxChanges(
        body.resources.model_dump(exclude_none=True) if body.resources else {},
        body.environment_variables,
        body.agent_config.model_dump(exclude_none=True) if body.agent_config else None,
        None if body.mcp_servers is None else stored_servers(body.mcp_servers),
        body.allowed_hosts,
        body.idle_seconds,
        "idle_seconds" in body.model_fields_set,
    )
    return configuration(configuring.change_sandbox(caller, sandbox_id, changes))
