"""aintandem's sandboxes: their fields in requests and answers."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import to_json

from shared.core.settings import settings
from shared.edge.contracts.aintandem import AINTANDEM, public_id
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Form, OneLine, Seen, WebAddress
from shared.sandboxes.lifecycle.configuring import MAX_VARIABLES
from shared.sandboxes.lifecycle.reading import Heard
from shared.sandboxes.lifecycle.rows import ASLEEP, STOPPED, Sandbox

SandboxName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), OneLine]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), OneLine]
VariableName = Annotated[
    str, Field(max_length=100), Form(r"^[A-Za-z_][A-Za-z0-9_]*$", "Should be a name of letters, digits and _")
]
MAX_AGENTS: Final = 60_000
MAX_SERVERS: Final = 20_000
"""Bytes of JSON of the agents and of the MCP servers of a sandbox, and of those of a workspace: all of it goes to the sandbox in one
frame of its socket, which has at most 128 KB, and its row in DynamoDB has at most 400 KB."""


def at_most(size: int) -> AfterValidator:
    """Return a validator that refuses what has more bytes than this as JSON."""

    def check(value: Any) -> Any:
        if len(to_json(value, exclude_none=True)) > size:
            raise ValueError(f"Should have at most {size:,} bytes as JSON")
        return value

    return AfterValidator(check)


def _no_reserved(variables: dict[str, Any]) -> dict[str, Any]:
    reserved = sorted(
        name for name in variables if name.upper().startswith(("CADRE_", "LD_", "PYTHON")) or name.upper() == "PATH"
    )
    if reserved:
        raise ValueError(f"{', '.join(reserved)} cannot be set: the platform sets it, or it changes which programs run")
    return variables


VariableValue = Annotated[str, Field(max_length=4_000), Form(r"^[^\x00]*$", "Should have no zero character")]
Variables = Annotated[dict[VariableName, VariableValue], Field(max_length=MAX_VARIABLES), AfterValidator(_no_reserved)]
VariableChanges = Annotated[
    dict[VariableName, VariableValue | None], Field(max_length=MAX_VARIABLES), AfterValidator(_no_reserved)
]
HostPattern = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=253),
    Form(
        r"^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$",
        "Should be the name of a host (api.example.com), or of all below a domain (*.example.com)",
    ),
]


def _local_only(port: str) -> str:
    if not settings().local:
        raise ValueError("A port of this machine can be allowed on the local stage alone")
    return port


LocalPort = Annotated[
    str,
    Field(max_length=15),
    Form(r"^localhost:[1-9][0-9]{0,4}$", "Should be localhost with a port"),
    AfterValidator(_local_only),
]
AllowedHosts = Annotated[list[HostPattern | LocalPort], Field(max_length=50)]
IdleSeconds = Annotated[int, Field(ge=60, le=86_400)]


class AgentDefinition(Request):
    name: Line
    role: Line | None = None
    description: Annotated[str, Field(max_length=500), Seen] | None = None
    system_prompt: Annotated[str, Field(max_length=20_000), Seen] | None = None
    capabilities: Annotated[list[Line], Field(max_length=50)] | None = None


class AgentTeam(Request):
    primary_agent: AgentDefinition
    sub_agents: Annotated[list[AgentDefinition], Field(max_length=20)] = []


AgentConfig = Annotated[AgentTeam, at_most(MAX_AGENTS)]


class Resources(Request):
    """Limits of a sandbox. The ranges are those of the original service; `disk_mb` is an addition."""

    memory_mb: Annotated[int, Field(ge=128, le=16_384)] | None = None
    cpu_cores: Annotated[int | float, Field(ge=0.1, le=16)] | None = None
    timeout_seconds: Annotated[int, Field(ge=30, le=3_600)] | None = None
    max_processes: Annotated[int, Field(ge=1, le=100)] | None = None
    disk_mb: Annotated[int, Field(ge=16, le=10_240)] | None = None


class McpServerDefinition(Request):
    """An MCP server that is no built-in one: `stdio` runs a command inside of the sandbox, `sse` and `http` ask an address."""

    name: Line
    transport: Literal["stdio", "sse", "http"] = "stdio"
    command: Annotated[list[Annotated[str, Field(max_length=1_000)]], Field(min_length=1, max_length=50)] | None = None
    url: WebAddress | None = None


McpServer = Line | McpServerDefinition
McpServers = Annotated[list[McpServer], Field(max_length=20), at_most(MAX_SERVERS)]


def stored_servers(servers: list[McpServer]) -> list[Any]:
    """Return MCP servers as the sandbox's row holds them."""
    return [one if isinstance(one, str) else one.model_dump(exclude_none=True) for one in servers]


class ShownResources(Shape):
    memory_mb: int
    cpu_cores: int | float
    timeout_seconds: int
    max_processes: int
    disk_mb: int


class HealthSummary(Shape):
    status: Literal["healthy", "unhealthy", "unknown"]
    last_heartbeat: str | None


class SandboxSummary(Shape):
    sandbox_id: str
    name: str
    workspace_id: str
    status: str
    agent_config: dict[str, Any]
    resources: ShownResources
    health: HealthSummary
    created_at: str


class Measured(Shape):
    """What was measured last; null is what cannot be measured here, or of a sandbox that does not run."""

    cpu_usage_percent: float | None
    memory_usage_mb: int | None
    message_count: int
    uptime_seconds: int


class SandboxDetails(SandboxSummary):
    """`reason`, `isolation`, `mcp_servers`, `environment_variables`, `allowed_hosts`, `idle_seconds`, `pending_changes` are additions."""

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


class SandboxConfig(Shape):
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


class HealthReport(HealthSummary):
    uptime_seconds: int


class Memory(Shape):
    allocated: int
    used: int | None
    percentage: int | None


class Cores(Shape):
    allocated: int | float
    used: float | None


class Used(Shape):
    memory_mb: Memory
    cpu_cores: Cores


class Connections(Shape):
    collaboration_bus: Literal["connected", "disconnected"]
    mcp_servers: dict[str, str]


class SandboxStatus(Shape):
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


def shown_status(sandbox: Sandbox) -> str:
    """Return the status in the document's words: one that sleeps is stopped."""
    return STOPPED if sandbox.status == ASLEEP else str(sandbox.status)


def connection_details(sandbox_id: str) -> dict[str, str]:
    """Return where a sandbox is reached: its socket, and itself in this API."""
    shown = public_id("sandbox", sandbox_id)
    return {
        "collaboration_bus_url": f"{settings().socket_base}/{AINTANDEM.name}/ws/sandboxes/{shown}",
        "api_endpoint": f"{settings().base_of(AINTANDEM.name, AINTANDEM.base)}/sandboxes/{shown}",
    }


def _summary(heard: Heard) -> dict[str, Any]:
    sandbox = heard.sandbox
    return {
        "sandbox_id": public_id("sandbox", sandbox.id),
        "name": sandbox.name,
        "workspace_id": public_id("workspace", str(sandbox.ws_id)),
        "status": shown_status(sandbox),
        "agent_config": sandbox.agent_config,
        "resources": sandbox.resources,
        "health": {"status": heard.health, "last_heartbeat": heard.last_heartbeat},
        "created_at": sandbox.created_at,
    }


def summary(heard: Heard) -> SandboxSummary:
    return SandboxSummary.model_validate(_summary(heard))


def details(heard: Heard, message_count: int) -> SandboxDetails:
    sandbox, usage = heard.sandbox, heard.usage
    return SandboxDetails.model_validate(
        _summary(heard)
        | {
            "mcp_servers": sandbox.mcp_servers,
            "environment_variables": sandbox.environment_variables,
            "allowed_hosts": sandbox.allowed_hosts,
            "idle_seconds": sandbox.idle_seconds,
            "pending_changes": sandbox.pending_changes,
            "metrics": {
                "cpu_usage_percent": usage.get("cpu_percent"),
                "memory_usage_mb": None if usage.get("memory_mb") is None else round(usage["memory_mb"]),
                "message_count": message_count,
                "uptime_seconds": heard.uptime_seconds,
            },
            "reason": sandbox.reason,
            "isolation": list((sandbox.machine or {}).get("isolation", ())),
            "restart_count": sandbox.restart_count,
            "updated_at": sandbox.updated_at,
            "started_at": sandbox.started_at,
        }
    )


def configuration(sandbox: Sandbox) -> SandboxConfig:
    names = ("resources", "environment_variables", "agent_config", "mcp_servers", "allowed_hosts", "idle_seconds")
    shown = {name: getattr(sandbox, name) for name in (*names, "pending_changes", "updated_at")}
    return SandboxConfig.model_validate(shown | {"sandbox_id": public_id("sandbox", sandbox.id)})


def status_report(heard: Heard) -> SandboxStatus:
    sandbox, usage = heard.sandbox, heard.usage
    allocated, used, cpu = sandbox.resources["memory_mb"], usage.get("memory_mb"), usage.get("cpu_percent")
    servers = heard.link.mcp_servers if heard.link is not None and heard.is_connected else {}
    return SandboxStatus.model_validate(
        {
            "sandbox_id": public_id("sandbox", sandbox.id),
            "status": shown_status(sandbox),
            "asleep": sandbox.status == ASLEEP,
            "reason": sandbox.reason,
            "restart_count": sandbox.restart_count,
            "health": {
                "status": heard.health,
                "last_heartbeat": heard.last_heartbeat,
                "uptime_seconds": heard.uptime_seconds,
            },
            "resources": {
                "memory_mb": {
                    "allocated": allocated,
                    "used": None if used is None else round(used),
                    "percentage": None if used is None else round(100 * used / allocated),
                },
                "cpu_cores": {"allocated": sandbox.resources["cpu_cores"], "used": None if cpu is None else round(cpu / 100, 2)},
            },
            "connections": {
                "collaboration_bus": "connected" if heard.is_connected else "disconnected",
                "mcp_servers": servers,
            },
            "isolation": list((sandbox.machine or {}).get("isolation", ())),
        }
    )
