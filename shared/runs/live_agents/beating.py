"""Heartbeats: an agent says that it is alive. One read and one write, of a row that nothing else depends on.

The stream of the core table sees none of it. What follows from a heartbeat is written only when it has changed: the agent's status,
and each RENEW_AFTER seconds the leases of its tasks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed, Conflict, NotFound
from shared.core.situations import Situation
from shared.runs.live_agents.health import RENEW_AFTER
from shared.runs.live_agents.holding import renew_tasks
from shared.runs.live_agents.rows import CLIENT, Heartbeat, LiveAgent, heartbeat_expiry
from shared.runs.live_agents.statuses import TRANSITIONS, set_status
from shared.store import authorize, fetch, get_many, id_of, retrying, save, stale, update_now, update_with_retry, write


@dataclass(frozen=True)
class Beat:
    """What a heartbeat says."""

    sequence: int
    status: str
    current_task_id: str | None
    health_metrics: Mapping[str, Any]


@dataclass(frozen=True)
class Acknowledged:
    """The answer to a heartbeat: when it arrived, whether it counts, and what is odd about it."""

    agent: LiveAgent
    at: str
    received: bool
    message: str | None


class _NotNewer(ConditionFailed):
    """A heartbeat with this number or a higher one was received before."""

    def __init__(self, raw: dict[str, Any] | None) -> None:
        super().__init__("A later heartbeat was received before")
        self.last = int(Heartbeat.decode(raw).sequence) if raw else 0


def _not_newer_than(raw: dict[str, Any] | None) -> ConditionFailed:
    return _NotNewer(raw)


def find(actor: Actor, agent_id: str) -> tuple[LiveAgent, Heartbeat | None]:
    """Return the agent that sends a heartbeat, and its last one. One round trip. Raises NotFound, Forbidden."""
    bare = id_of(LiveAgent, agent_id)
    row, last = get_many([(LiveAgent, *LiveAgent.key(bare)), (Heartbeat, *Heartbeat.key(bare))])
    if not isinstance(row, LiveAgent) or row.deleted_at:
        raise NotFound(LiveAgent.NAME)
    return authorize(row, actor, Permission.AGENT_RUN), cast("Heartbeat | None", last)


def receive(actor: Actor, agent: LiveAgent, before: Heartbeat | None, beat: Beat) -> Acknowledged:
    """Receive a heartbeat of an agent that was found. One round trip; more when the agent's status changes or the leases of its tasks are
    renewed.

    A number that is not above the last one changes nothing. Raises Conflict(AGENT_STATUS) for an agent that has failed or was terminated:
    it has to register again; and for one that the platform runs.
    """
    if agent.runner != CLIENT:
        raise Conflict(Situation.AGENT_STATUS, "The platform runs this agent: it sends no heartbeats")
    if agent.status in ("failed", "terminated"):
        reason = f"The agent is {agent.status}: others do its work now. Register a new one"
        raise Conflict(Situation.AGENT_STATUS, reason, {"status": agent.status})
    at, now = clock.iso(), clock.epoch()
    renews = bool(agent.task_ids) and now - (before.renewed if before else 0) >= RENEW_AFTER
    try:
        _store(agent.id, beat, at, now if renews else None)
    except _NotNewer as refused:
        return Acknowledged(agent, at, refused.last == beat.sequence, _not_newer(beat.sequence, refused.last))
    if renews:
        renew_tasks(agent, beat.current_task_id)
    agent = _follow(actor, agent, beat.status)
    odd = _gap(beat.sequence, before) or _other_status(agent, beat.status)
    said = [*_messages(agent), *([odd] if odd else [])]
    return Acknowledged(agent, at, True, "\n".join(said) or None)


def _messages(agent: LiveAgent) -> list[str]:
    """Return what the agent is to be told, and forget it."""
    if not agent.messages:
        return []
    said: list[str] = []

    def change(row: LiveAgent) -> None:
        said[:], row.messages = row.messages, []

    update_with_retry(lambda: fetch(LiveAgent, agent.id) or agent, change)
    return said


def _store(agent_id: str, beat: Beat, at: str, renewed: int | None) -> None:
    actions = [
        Heartbeat.at.set(at),
        Heartbeat.sequence.set(beat.sequence),
        Heartbeat.status.set(beat.status),
        Heartbeat.current_task_id.set(beat.current_task_id or ""),
        Heartbeat.health_metrics.set(dict(beat.health_metrics)),
        Heartbeat.ttl.set(heartbeat_expiry()),
    ]
    if renewed is not None:
        actions.append(Heartbeat.renewed.set(renewed))
    newer = Heartbeat.pk.does_not_exist() | (Heartbeat.sequence < beat.sequence)
    update_now(Heartbeat.of(agent_id), actions, newer, _not_newer_than)


def _not_newer(sequence: int, last: int) -> str:
    if sequence == last:
        return f"Heartbeat {sequence} was received before"
    return f"Heartbeat {sequence} is out of order: {last} was received before, and the next one is {last + 1} or higher"


def _gap(sequence: int, before: Heartbeat | None) -> str | None:
    """Return words for heartbeats that never arrived. The first one has the number 0 or 1."""
    expected = int(before.sequence) + 1 if before else 1
    if sequence <= expected:
        return None
    missing = f"{expected}" if sequence == expected + 1 else f"{expected} to {sequence - 1}"
    return f"Sequence gap: expected {expected}, received {sequence} ({missing} did not arrive)"


def _other_status(agent: LiveAgent, said: str) -> str | None:
    return None if said == agent.status else f"The agent is {agent.status}, not {said}"


def _follow(actor: Actor, agent: LiveAgent, said: str) -> LiveAgent:
    """Give the agent the status that follows from its word, if that is another one."""
    if _next_status(agent, said) is None:
        return agent

    def attempt(number: int) -> LiveAgent:
        row = fetch(LiveAgent, agent.id) if number else agent
        if row is None:
            raise stale()
        status = _next_status(row, said)
        if status is not None:
            further = set_status(row, status, actor, degraded_by="agent")
            write(save(row), *further)
        return row

    return retrying(attempt)


def _next_status(agent: LiveAgent, said: str) -> str | None:
    """Return the status that an agent gets by its word: one that it can get. None: it stays as it is.

    An agent that only was silent is idle again. One that a person has taken out of work stays so, and one that holds tasks is not idle.
    """
    if agent.status == "degraded" and agent.degraded_by != "person" and said in ("idle", "running"):
        return "idle"
    if agent.status in ("degraded", "quarantined") and said in ("idle", "running"):
        return None
    if said == "idle" and agent.task_ids:
        return None
    return said if said in TRANSITIONS[agent.status] else None
