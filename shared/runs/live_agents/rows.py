"""Rows of live agents: what is known of an agent, what it says all the time, and how many a workspace has.

AINS#<id>   META                 the agent; written when its state changes
WS#<id>     AINS                 how many agents of the workspace have not been terminated
            AINS#<type>-<phase>  the last number in a name
BEAT#<id>   META                 its last heartbeat, in the ephemeral table: no stream, no index
"""

from typing import Any, Final

from shared.core import clock
from shared.store import (
    BooleanAttribute,
    Entity,
    Ephemeral,
    JSONAttribute,
    NumberAttribute,
    Row,
    Shards,
    UnicodeAttribute,
)

TYPES: Final = ("worker", "monitor", "watchdog", "guardian", "validator", "diagnostic")
CLIENT, PLATFORM = "client", "platform"
LIVING: Final = ("spawning", "idle", "running", "degraded")
"""The statuses in which an agent is heard from, and fails if it falls silent."""
STATUSES: Final = (*LIVING, "failed", "quarantined", "terminated")
WATCHED: Final = Shards("AINS#WATCHED", 2)
"""The agents whose heartbeats are watched by the scheduled job."""
UNOCCUPIED: Final = Shards("AINS#UNOCCUPIED", 1)
"""The platform's agents that wait for work, or could not begin what there is, for the scheduled job."""
FAILED: Final = Shards("AINS#FAILED", 1)
"""The agents that failed, by the time when they did."""
KEPT: Final = 30 * 86_400
"""Seconds for which a terminated agent can be read."""


class LiveAgent(Entity):
    KIND = "AINS"
    NAME = "agent"

    name = UnicodeAttribute()
    agent_type = UnicodeAttribute()
    phase_id = UnicodeAttribute(null=True)
    """The only phase whose tasks it does; None: tasks of any phase."""
    capabilities = JSONAttribute(default=list)
    capacity = NumberAttribute(default=1)
    """The number of tasks that it works on at the same time."""
    tags = JSONAttribute(default=list)
    status = UnicodeAttribute(default="idle")  # one of STATUSES
    status_since = UnicodeAttribute()
    active_since = UnicodeAttribute()
    """When it was registered, or came back into work: silence is counted from then on."""
    degraded_by = UnicodeAttribute(null=True)  # person | agent | silence
    """Who made the agent degraded: one that a person made unavailable stays so, whatever its heartbeats say."""
    expected_within = NumberAttribute(null=True)
    """While it is degraded: the seconds within which its heartbeats had to come before."""
    asks_only = BooleanAttribute(default=False)
    """Whether it has not begun what it was given: from then on it gets only what it asks for."""
    reported_health = UnicodeAttribute(null=True)
    """The health that a client has set; shown while heartbeats come in time."""
    runner = UnicodeAttribute(default=CLIENT)  # client | platform
    """Who does its work: a client, which sends heartbeats; or the platform, by agent runs, whose leases take their place."""
    task_ids = JSONAttribute(default=list)
    """The tasks that it holds."""
    public_key = JSONAttribute(null=True)
    """The RSA key (a JWK) by which its heartbeats are signed; None: they are not."""
    messages = JSONAttribute(default=list)
    """What it is told with its next heartbeat."""
    steering = JSONAttribute(null=True)
    """What the guardian has told it of its work: {task_id, rule, message, at}, the last ones."""
    remedied = JSONAttribute(null=True)
    """When a watchdog remedied it, or one that it has replaced: the last times."""
    waits_because = UnicodeAttribute(null=True)
    """Why the platform began no run for it when it last tried."""
    registered_by = JSONAttribute()

    @property
    def has_room(self) -> bool:
        return len(self.task_ids) < self.capacity

    @property
    def summary(self) -> dict[str, str]:
        """Return what a task stores of its agent."""
        return {"kind": "agent", "id": self.id, "name": self.name, "email": ""}

    @property
    def named(self) -> dict[str, Any]:
        """Return what an event about the agent says of it."""
        return {"agent_id": self.id, "agent_name": self.name}

    def indexes(self) -> dict[int, tuple[str, str]]:
        if self.status == "terminated":
            return {1: (ended_of(str(self.ws_id)), f"{self.status_since}#{self.id}")}
        places = {1: (agents_of(str(self.ws_id)), f"{self.created_at}#{self.id}")}
        if self.status == "failed":
            places[3] = (FAILED.partition_of(self.id), f"{self.status_since}#{self.id}")
        elif self.runner == CLIENT and self.status in LIVING:
            places[3] = (WATCHED.partition_of(self.id), f"{self.created_at}#{self.id}")
        elif self.status == "idle" or (self.status == "running" and self.waits_because):
            places[3] = (UNOCCUPIED.partition_of(self.id), f"{self.created_at}#{self.id}")
        return places

    def filters(self) -> dict[str, Any]:
        return {"agent_type": self.agent_type} | ({"project_id": self.proj_id} if self.proj_id else {})


def agents_of(ws_id: str) -> str:
    """Return the partition of index 1 with the agents of a workspace that are not terminated, oldest first."""
    return f"WS#{ws_id}#AINS"


def ended_of(ws_id: str) -> str:
    """Return the partition of index 1 with the terminated agents of a workspace, by the time when they were."""
    return f"WS#{ws_id}#AINS#ENDED"


class AgentCount(Row):
    """How many agents of a workspace are not terminated, at `WS#<id>, AINS`."""

    TABLE = "core_table"
    living = NumberAttribute(default=0)

    @classmethod
    def of(cls, ws_id: str) -> "AgentCount":
        return cls(pk=f"WS#{ws_id}", sk="AINS")


class AgentNumber(Row):
    """The last number in the names of a workspace's agents of one type and phase, at `WS#<id>, AINS#<type>-<phase>`."""

    TABLE = "core_table"
    last = NumberAttribute(default=0)

    @classmethod
    def of(cls, ws_id: str, stem: str) -> "AgentNumber":
        return cls(pk=f"WS#{ws_id}", sk=f"AINS#{stem}")


class Heartbeat(Ephemeral):
    """The last heartbeat of an agent, at `BEAT#<id>, META`. Written with each one, so it is in no index and not in the stream."""

    at = UnicodeAttribute()
    """When it arrived, by our clock."""
    sequence = NumberAttribute()
    status = UnicodeAttribute()
    current_task_id = UnicodeAttribute(null=True)
    health_metrics = JSONAttribute(default=dict)
    renewed = NumberAttribute(default=0)
    """Epoch seconds at which the leases of the agent's tasks were renewed last."""

    @classmethod
    def key(cls, agent_id: str) -> tuple[str, str]:
        return f"BEAT#{agent_id}", "META"

    @classmethod
    def of(cls, agent_id: str) -> "Heartbeat":
        return cls(*cls.key(agent_id))


HEARTBEAT_TTL: Final = 2 * 86_400  # seconds; the statistics look a day back


def heartbeat_expiry() -> int:
    return clock.epoch() + HEARTBEAT_TTL
