"""Statistics of an agent, summed over all workspaces of an actor."""

from dataclasses import dataclass

from shared.core.actor import Actor
from shared.runs.agent_runs.rows import AgentStats
from shared.store import get_many


@dataclass(frozen=True)
class AgentStatistics:
    runs: int
    succeeded: int
    duration_ms: int
    price_micros: int
    last_used: str | None

    @property
    def average_seconds(self) -> float:
        return round(self.duration_ms / self.runs / 1000, 3) if self.runs else 0.0


def get_agent_statistics(actor: Actor, agent_id: str) -> AgentStatistics:
    """Return the agent's statistics over the actor's workspaces; one round trip for each hundred of them."""
    keys = [(AgentStats, *AgentStats.key_of(ws_id, agent_id)) for ws_id in actor.workspaces]
    fetched = [row for start in range(0, len(keys), 100) for row in get_many(keys[start : start + 100])]
    rows = [row for row in fetched if isinstance(row, AgentStats)]
    return AgentStatistics(
        sum(int(row.runs) for row in rows),
        sum(int(row.succeeded) for row in rows),
        sum(int(row.duration_ms) for row in rows),
        sum(int(row.price_micros) for row in rows),
        max((row.last_used for row in rows if row.last_used), default=None),
    )
