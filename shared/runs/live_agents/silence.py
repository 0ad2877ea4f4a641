"""Agents that have fallen silent get a status that says so, unless they are heard from before it is written."""

from collections.abc import Callable
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed
from shared.runs.live_agents.reading import ANY, Seen, is_stale, see_again, stale_agents
from shared.runs.live_agents.rows import LIVING, Heartbeat, LiveAgent
from shared.runs.live_agents.statuses import TRANSITIONS, set_status
from shared.store import Operation, check, retrying, save, write

MARKS: Final = {
    "timeout": "failed",  # the original service's word
    "failed": "failed",
    "degraded": "degraded",
    "quarantined": "quarantined",
    "terminated": "terminated",
}
"""What silent agents can be marked as, and the status that they get."""


class _HeardAgain(ConditionFailed):
    """The agent has sent a heartbeat since it was looked at."""


def clean_up(actor: Actor, timeout: float, mark: str) -> list[LiveAgent]:
    """Give the agents that were not heard from for more than `timeout` seconds the status of a mark. Return those that got it now.

    Only where the actor may run agents. An agent that is heard from meanwhile keeps its status. Two round trips and one for each agent.
    """
    status = MARKS[mark]
    may = [one for one in stale_agents(actor, timeout, ANY) if actor.may(Permission.AGENT_RUN, one.agent.ws_id)]
    words = f"Not heard from for more than {timeout:g} s"
    return [one.agent for one in may if mark_silent(one, status, actor, words, lambda seen: is_stale(seen, timeout))]


def mark_silent(seen: Seen, status: str, actor: Actor, reason: str, applies: Callable[[Seen], bool]) -> bool:
    """Give a silent agent a status, as long as it is silent and can get it. Return whether it got it.

    Silence may take any working agent out of work; what is out of it already changes by the table of transitions.
    """

    def attempt(number: int) -> bool:
        now = see_again(seen.agent.id) if number else seen
        if now is None or now.agent.status == status or not applies(now):
            return False
        if now.agent.status not in LIVING and status not in TRANSITIONS[now.agent.status]:
            return False
        further = set_status(now.agent, status, actor, reason, degraded_by="silence")
        write(save(now.agent), _still_silent(now), *further)
        return True

    try:
        return retrying(attempt)
    except _HeardAgain:
        return False


def _still_silent(seen: Seen) -> Operation:
    """Return the condition that no heartbeat has come since the agent was read."""
    unchanged: Any = Heartbeat.pk.does_not_exist() if seen.beat is None else Heartbeat.at == seen.beat.at
    return check(Heartbeat.of(seen.agent.id), unchanged, _HeardAgain)
