"""Agents that have fallen silent: marked when somebody asks for it, and by a scheduled job, so that listeners are told.

Nothing else depends on the job. Health is told when it is asked for, and a lease that has ended is anybody's.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

from shared.core import clock
from shared.core.actor import SYSTEM, Actor, Permission
from shared.core.errors import ConditionFailed
from shared.runs.live_agents.holding import free_unbegun
from shared.runs.live_agents.reading import ANY, Seen, is_stale, read_agents, see_again, stale_agents
from shared.runs.live_agents.rows import FAILED, LIVING, UNOCCUPIED, WATCHED, Heartbeat, LiveAgent
from shared.runs.live_agents.statuses import TRANSITIONS, set_status
from shared.runs.live_agents.working import give_work
from shared.store import Operation, check, fetch, fetch_indexed, iterate_shards, process_all, retrying, save, write

MARKS: Final = {
    "timeout": "failed",  # the original service's word
    "failed": "failed",
    "degraded": "degraded",
    "quarantined": "quarantined",
    "terminated": "terminated",
}
"""What silent agents can be marked as, and the status that they get."""
FAILED_KEPT: Final = 86_400
"""Seconds after which an agent that failed is terminated: it takes the place of others."""
_PAGE: Final = 50


class _HeardAgain(ConditionFailed):
    """The agent has sent a heartbeat since it was looked at."""


def clean_up(actor: Actor, timeout: float, mark: str) -> list[LiveAgent]:
    """Give the agents that were not heard from for more than `timeout` seconds the status of a mark. Return those that got it now.

    Only where the actor may run agents. An agent that is heard from meanwhile keeps its status. Two round trips and one for each agent.
    """
    status = MARKS[mark]
    may = [one for one in stale_agents(actor, timeout, ANY) if actor.may(Permission.AGENT_RUN, one.agent.ws_id)]
    words = f"Not heard from for more than {timeout:g} s"
    return [one.agent for one in may if _mark(one, status, actor, words, lambda seen: is_stale(seen, timeout))]


def _mark(seen: Seen, status: str, actor: Actor, reason: str, applies: Callable[[Seen], bool]) -> bool:
    """Give a silent agent a status, as long as it is silent and has another one. Return whether it got it."""

    def attempt(number: int) -> bool:
        now = see_again(seen.agent.id) if number else seen
        if now is None or now.agent.status in (status, "terminated") or not applies(now):
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


def watch_heartbeats(until: float) -> int:
    """Write the status of every agent that its silence has made degraded or failed, free what agents were given and never began, terminate
    those that failed a day ago, and let the platform's own agents look for work again.

    Return how much was done. Each part has its share of the time until `until` (`time.monotonic`); the next call goes on there.
    """
    parts: tuple[Callable[[float], int], ...] = (_watch, _terminate_failed, _look_for_work)

    def do(number: int) -> int:
        now = time.monotonic()
        return parts[number](now + (until - now) / (len(parts) - number))

    return process_all("the watch of live agents", range(len(parts)), do, lambda number: parts[number].__name__)


def _watch(until: float) -> int:
    watched = iterate_shards(LiveAgent, WATCHED, until, index=3, limit=_PAGE, read=_see_all)
    return process_all(WATCHED.name, watched, _look_after, _name_of_seen)


def _terminate_failed(until: float) -> int:
    over = ("0", clock.in_seconds(-FAILED_KEPT))
    failed = iterate_shards(LiveAgent, FAILED, until, index=3, between=over, limit=_PAGE, read=partial(fetch_indexed, LiveAgent))
    return process_all(FAILED.name, failed, _terminate, lambda agent: f"{LiveAgent.NAME} {agent.id}")


def _look_for_work(until: float) -> int:
    """What kept an agent from its work, a limit or another run on the card, may be over without an event of its own."""
    rows = iterate_shards(LiveAgent, UNOCCUPIED, until, index=3, limit=_PAGE)
    return process_all(
        UNOCCUPIED.name, rows, lambda row: give_work(row.entity_id), lambda row: f"{LiveAgent.NAME} {row.entity_id}"
    )


def _name_of_seen(seen: Seen) -> str:
    return f"{LiveAgent.NAME} {seen.agent.id}"


def _look_after(seen: Seen) -> int:
    return _follow_silence(seen) if seen.health.status != seen.agent.status else free_unbegun(seen.agent)


def _see_all(rows: Sequence[LiveAgent]) -> Iterable[Seen]:
    """Return the agents of a page that fall silent or hold tasks."""
    ids = [row.entity_id for row in rows]
    return [seen for seen in read_agents(ids) if seen.health.status != seen.agent.status or seen.agent.task_ids]


def _follow_silence(seen: Seen) -> int:
    """Write what an agent's silence makes of it: degraded, and then failed. Each is a change of its own."""
    marked = [status for status in ("degraded", "failed") if _mark_if(see_again(seen.agent.id), status)]
    return len(marked)


def _mark_if(seen: Seen | None, status: str) -> bool:
    if seen is None or status not in TRANSITIONS[seen.agent.status]:
        return False

    def applies(now: Seen) -> bool:
        silent = now.health.status if now.agent.status in LIVING else None
        return silent in ("failed", status)

    return _mark(seen, status, SYSTEM, "Its heartbeats did not come", applies)


def _terminate(agent: LiveAgent) -> int:
    row = fetch(LiveAgent, agent.id)
    if row is None or row.status != "failed":
        return 0
    further = set_status(row, "terminated", SYSTEM, "It failed a day ago")
    write(save(row), *further)
    return 1
