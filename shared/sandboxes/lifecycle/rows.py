"""Rows of sandboxes.

SBX#<id>   META        the sandbox; written when its state changes
WS#<id>    SBX         how many sandboxes the workspace has: its limit is a condition of the write
SBX#<workspace>#<name>  META   that a name is taken
LINK#<id>  META        the sandbox's own connection and its last heartbeat, in the ephemeral table: no stream, no index
"""

from typing import Any, Final

from shared.store import BooleanAttribute, Entity, Ephemeral, Guard, JSONAttribute, NumberAttribute, Row, Shards, UnicodeAttribute

PROVISIONING, STARTING, RUNNING, RESTARTING = "provisioning", "starting", "running", "restarting"
STOPPING, STOPPED, ERROR, ASLEEP = "stopping", "stopped", "error", "asleep"
STATUSES: Final = (PROVISIONING, STARTING, RUNNING, RESTARTING, STOPPING, STOPPED, ERROR, ASLEEP)
"""`asleep`: nothing runs and nothing costs; its next message starts it. Contracts show it as `stopped`."""
BEGINNING: Final = (PROVISIONING, STARTING, RESTARTING)
LIVING: Final = (PROVISIONING, STARTING, RUNNING, RESTARTING)
"""The statuses in which a machine runs, or is about to."""
WATCHED: Final = Shards("SBX#WATCHED", 2)
"""The sandboxes that the scheduled job looks after: those that live or are stopping, by id."""
LEFT: Final = Shards("SBX#LEFT", 1)
"""The deleted sandboxes whose machine was not ended yet, in index 1."""
WITH_NEXT_START: Final = ("resources", "environment_variables")
"""What a machine is given at its start, and cannot take over while it runs."""


def sandboxes_of(ws_id: str) -> str:
    """Return the partition of index 1 that holds the sandboxes of a workspace, oldest first."""
    return f"WS#{ws_id}#SBX"


def name_guard(ws_id: str, name: str, sandbox_id: str = "") -> Guard:
    """Return the row that keeps a name of a sandbox unique in its workspace: participants are named by it."""
    return Guard.of(f"SBX#{ws_id}#{name.casefold()}", sandbox_id)


class Sandbox(Entity):
    KIND = "SBX"
    NAME = "sandbox"

    name = UnicodeAttribute()
    status = UnicodeAttribute(default=PROVISIONING)  # STATUSES
    status_since = UnicodeAttribute()
    agent_config = JSONAttribute()
    """`{primary_agent, sub_agents}`; an agent has name, role, description, system_prompt, capabilities."""
    resources = JSONAttribute()
    """`{memory_mb, cpu_cores, timeout_seconds, max_processes, disk_mb}`, all filled."""
    mcp_servers = JSONAttribute(default=list)
    environment_variables = JSONAttribute(default=dict)
    allowed_hosts = JSONAttribute(default=list)
    """Hosts that it may ask; none: it reaches the platform and nothing else."""
    idle_seconds = NumberAttribute(null=True)
    """It falls asleep after so many seconds without a message; None: never."""
    start_number = NumberAttribute(default=0)
    """How often it was started. Its token and its link hold it: what an earlier start says is not heard."""
    restart_count = NumberAttribute(default=0)
    crashes = JSONAttribute(default=list)
    """Epoch seconds of its last crashes: three in a minute are an error."""
    reason = UnicodeAttribute(null=True)
    """Why it is in `error`, or what it waits for; with the last lines of its log."""
    machine = JSONAttribute(null=True)
    """What the machine port needs to find it again, and the isolation that is in force (`isolation`)."""
    pending_changes = JSONAttribute(default=list)
    """Names of the settings that come into force with its next start."""
    started_at = UnicodeAttribute(null=True)
    stopped_at = UnicodeAttribute(null=True)
    created_by = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        places = {1: (sandboxes_of(str(self.ws_id)), f"{self.created_at}#{self.id}")}
        watched = self.status in (*LIVING, STOPPING)
        return places | ({3: (WATCHED.partition_of(self.id), self.id)} if watched else {})

    def filters(self) -> dict[str, Any]:
        return {"since": self.status_since, "org": self.org_id}

    def trash(self) -> tuple[str, str] | None:
        return super().trash() if self.machine is None else (LEFT.partition_of(self.id), self.id)

    def agents(self) -> list[dict[str, Any]]:
        """Return its agents, the primary one first."""
        return [self.agent_config["primary_agent"], *self.agent_config.get("sub_agents", [])]


class SandboxCount(Row):
    """How many sandboxes a workspace has, at `WS#<id>, SBX`."""

    TABLE = "core_table"
    living = NumberAttribute(default=0)
    closed = BooleanAttribute(null=True)
    """Whether the workspace is being deleted: no sandbox can be made any more."""

    @classmethod
    def of(cls, ws_id: str) -> "SandboxCount":
        return cls(pk=f"WS#{ws_id}", sk="SBX")


class Link(Ephemeral):
    """The connection of a running sandbox to the platform, at `LINK#<id>, META`."""

    start_number = NumberAttribute()
    connection = UnicodeAttribute(null=True)
    """The id of its WebSocket connection; None: it is not connected."""
    connected_at = UnicodeAttribute(null=True)
    memory_mb = NumberAttribute(default=0)
    """What it may use of memory in this start."""
    token_at = NumberAttribute(default=0)
    """Epoch seconds at which its present token was made."""
    heartbeat_at = UnicodeAttribute(null=True)
    """By our clock."""
    usage = JSONAttribute(null=True)
    """Its last measurements, null where nothing can be measured: `{cpu_percent, memory_mb, disk_mb, network_in_bytes,
    network_out_bytes, processes}`."""
    mcp_servers = JSONAttribute(default=dict)
    """By name: connected | connecting | error."""
    busy = JSONAttribute(default=list)
    """Ids of the messages that it works on."""
    message_at = NumberAttribute(default=0)
    """Epoch seconds of its last message, in or out: from then on it is idle."""

    @classmethod
    def key(cls, sandbox_id: str) -> tuple[str, str]:
        return f"LINK#{sandbox_id}", "META"

    @classmethod
    def of(cls, sandbox_id: str) -> "Link":
        return cls(*cls.key(sandbox_id))
