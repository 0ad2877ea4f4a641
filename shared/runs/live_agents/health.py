"""The health of an agent, told from its last heartbeat when somebody asks: it needs no job that keeps it up to date.

An agent has to be heard from within its time (30 s while idle, 15 s while it works or watches, 60 s as a guardian; the numbers are
the original service's). One time missed is a warning, two make it degraded, three mean that it has failed.
"""

from dataclasses import dataclass
from typing import Final

from shared.core import clock
from shared.runs.live_agents.rows import LIVING, PLATFORM, Heartbeat, LiveAgent

IDLE_SECONDS, WORKING_SECONDS, GUARDIAN_SECONDS = 30, 15, 60
DEGRADED_AFTER, FAILED_AFTER = 2, 3  # times missed
DEFAULT_TIMEOUT: Final = 90
"""Seconds without a heartbeat after which an agent counts as stale, unless the caller names another number."""
LEASE_MARGIN: Final = 30
"""Seconds by which a lease on a task outlasts its agent: no task is taken from an agent that has not failed."""
RENEW_AFTER: Final = 20
"""Seconds after which a heartbeat renews the leases: not each one writes the tasks' rows."""


@dataclass(frozen=True)
class Health:
    status: str
    """The agent's status as it is at this moment."""
    health_status: str  # healthy | warning | degraded | unresponsive | unknown, or what a client has set
    missed: int
    seconds: float | None
    """Since the last heartbeat; None if there was none."""

    @property
    def is_present(self) -> bool:
        """Tell whether the agent can be given work: it has not missed so much that it is degraded."""
        return self.status in ("idle", "running")


def time_to_live(agent: LiveAgent) -> int:
    """Return the seconds within which the agent's next heartbeat has to come."""
    if agent.expected_within is not None:
        return int(agent.expected_within)
    if agent.agent_type == "guardian":
        return GUARDIAN_SECONDS
    if agent.status == "running" or agent.agent_type in ("monitor", "watchdog"):
        return WORKING_SECONDS
    return IDLE_SECONDS


def lease_seconds(agent: LiveAgent) -> int:
    """Return for how long the agent holds a task after a heartbeat: longer than it takes until it counts as failed."""
    working = GUARDIAN_SECONDS if agent.agent_type == "guardian" else WORKING_SECONDS
    return FAILED_AFTER * working + LEASE_MARGIN


def silence(agent: LiveAgent, beat: Heartbeat | None) -> float:
    """Return the seconds since the agent was heard from: its last heartbeat, its registration, or its way back to work."""
    heard = max(beat.at, agent.active_since) if beat is not None else agent.active_since
    return max(0.0, (clock.now() - clock.parse(heard)).total_seconds())


def health_of(agent: LiveAgent, beat: Heartbeat | None) -> Health:
    """Return how an agent is at this moment."""
    seconds = silence(agent, beat) if beat is not None else None
    if agent.runner == PLATFORM:
        known = "unresponsive" if agent.status == "failed" else "unknown" if agent.status == "terminated" else "healthy"
        return Health(agent.status, known, 0, seconds)
    missed = int(silence(agent, beat) // time_to_live(agent))
    if agent.status not in LIVING:
        return Health(agent.status, _unseen(agent, missed), missed, seconds)
    status = agent.status
    if missed >= FAILED_AFTER:
        status = "failed"
    elif missed >= DEGRADED_AFTER:
        status = "degraded"
    return Health(status, _health_status(agent, beat, missed), missed, seconds)


def _unseen(agent: LiveAgent, missed: int) -> str:
    """Return the health of an agent that was taken out of work."""
    if agent.status == "terminated":
        return "unknown"
    return "unresponsive" if agent.status == "failed" or missed >= FAILED_AFTER else "degraded"


def _health_status(agent: LiveAgent, beat: Heartbeat | None, missed: int) -> str:
    if missed >= FAILED_AFTER:
        return "unresponsive"
    if missed >= DEGRADED_AFTER:
        return "degraded"
    if missed:
        return "warning"
    if agent.reported_health:
        return str(agent.reported_health)
    return "unknown" if beat is None else "healthy"
