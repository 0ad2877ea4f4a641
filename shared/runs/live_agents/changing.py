"""Change a live agent: what it can do, whether it is available, its status."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.core.actor import Actor, Permission
from shared.events import EventType, record
from shared.runs.live_agents.rows import LiveAgent
from shared.runs.live_agents.statuses import check_transition, set_status
from shared.store import Operation, load, update_with_retry


def update_agent(actor: Actor, agent_id: str, changes: Mapping[str, Any]) -> LiveAgent:
    """Change the given fields of an agent: capabilities, capacity, tags, status, reported_health.

    Raises NotFound, Forbidden, Conflict(AGENT_STATUS) for a status that it cannot get now.
    """

    def change(agent: LiveAgent) -> Sequence[Operation]:
        status = changes.get("status", agent.status)
        if status != agent.status:
            check_transition(agent, status)
        changed = {name: (getattr(agent, name), new) for name, new in changes.items() if getattr(agent, name) != new}
        for name, (_, new) in changed.items():
            if name != "status":
                setattr(agent, name, new)
        if status != agent.status:
            return set_status(agent, status, actor, degraded_by="person")
        if changed:
            said = {name: list(pair) for name, pair in changed.items()}
            record(agent, EventType.LIVE_AGENT_UPDATED, actor, changes=said, **agent.named)
        return ()

    return _change(actor, agent_id, change)


def set_available(actor: Actor, agent_id: str, available: bool) -> LiveAgent:
    """Make an agent available (idle) or not (degraded). Raises NotFound, Forbidden, Conflict(AGENT_STATUS)."""

    def change(agent: LiveAgent) -> Sequence[Operation]:
        if agent.status in ("idle", "running") if available else agent.degraded_by == "person":
            return ()
        status = "idle" if available else "degraded"
        if status != agent.status:
            check_transition(agent, status)
            return set_status(agent, status, actor, degraded_by="person")
        agent.degraded_by = "person"  # its silence or its own word had made it degraded
        record(agent, EventType.LIVE_AGENT_UPDATED, actor, changes={}, **agent.named)
        return ()

    return _change(actor, agent_id, change)


def _change(actor: Actor, agent_id: str, change: Callable[[LiveAgent], Sequence[Operation]]) -> LiveAgent:
    return update_with_retry(lambda: load(LiveAgent, agent_id, actor, Permission.AGENT_RUN), change)
