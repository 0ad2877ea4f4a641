"""The statuses of a live agent and the allowed transitions."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import Conflict
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.runs.live_agents.health import time_to_live
from shared.runs.live_agents.rows import CLIENT, KEPT, AgentCount, LiveAgent
from shared.store import Operation, update

TRANSITIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {  # as in the original service
        "spawning": frozenset({"idle", "failed", "terminated"}),
        "idle": frozenset({"running", "degraded", "quarantined", "terminated"}),
        "running": frozenset({"idle", "failed", "degraded", "quarantined"}),
        "degraded": frozenset({"idle", "failed", "quarantined", "terminated"}),
        "failed": frozenset({"quarantined", "terminated"}),
        "quarantined": frozenset({"idle", "terminated"}),
        "terminated": frozenset(),
    }
)
WITHOUT_WORK: Final = frozenset({"failed", "quarantined", "terminated"})
"""The statuses in which an agent holds no task."""


def check_transition(agent: LiveAgent, status: str) -> None:
    """Raise Conflict(AGENT_STATUS), which names the allowed ones, unless the agent may get this status. Who holds tasks is not idle.

    The platform's own agents are running by their tasks only: nobody else would give them work.
    """
    allowed = TRANSITIONS[agent.status]
    if agent.status == "running" and status == "idle" and agent.task_ids:
        reason = f"The agent is idle when what it holds has ended: {len(agent.task_ids)} task{'s' * (len(agent.task_ids) > 1)}"
        raise Conflict(Situation.AGENT_STATUS, reason, {"from": "running", "to": "idle", "task_ids": agent.task_ids})
    if status == "running" and agent.runner != CLIENT:
        reason = "The platform runs this agent: it is running when it does a task"
        raise Conflict(Situation.AGENT_STATUS, reason, {"from": agent.status, "to": status})
    if status not in allowed:
        could = f"it can become {' or '.join(sorted(allowed))}" if allowed else "that is final"
        raise Conflict(
            Situation.AGENT_STATUS,
            f"An agent in status '{agent.status}' cannot become '{status}'; {could}",
            {"from": agent.status, "to": status, "allowed": sorted(allowed)},
        )


def set_status(
    agent: LiveAgent, status: str, actor: Actor, reason: str | None = None, *, degraded_by: str | None = None
) -> list[Operation]:
    """Give an agent another status, with its event. Return what must be written with it.

    An agent that stops working lets its tasks go: the event names them, and its consumer frees them. One that holds tasks when it comes
    back is running, not idle.
    """
    if status == "idle" and agent.task_ids:
        status = "running"
    before, expected_within = agent.status, time_to_live(agent)
    released = list(agent.task_ids) if status in WITHOUT_WORK else []
    if released:
        agent.task_ids = []
    agent.status, agent.status_since = status, clock.iso()
    if before in WITHOUT_WORK:
        agent.active_since = agent.status_since
    degraded = status == "degraded"
    agent.degraded_by, agent.expected_within = (degraded_by, expected_within) if degraded else (None, None)
    record(
        agent,
        EventType.LIVE_AGENT_STATUS,
        actor,
        changes={"status": [before, status]},
        reason=reason,
        released=released or None,
        **agent.named,
        silent=degraded_by == "silence" or None,
    )
    if status != "terminated":
        return []
    agent.ttl = clock.epoch() + KEPT
    return [update(AgentCount.of(str(agent.ws_id)), [AgentCount.living.add(-1)])]
