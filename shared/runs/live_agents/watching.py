"""The scheduled job of live agents: it writes what their silence means, so that listeners are told, and looks for what nobody else sees.

Nothing depends on it for being right: health is told when it is asked for, and a lease that has ended is anybody's.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.runs.live_agents.giving import give_work, may_find_work
from shared.runs.live_agents.holding import free_unbegun
from shared.runs.live_agents.reading import Seen, read_agents, see_again
from shared.runs.live_agents.rows import FAILED, LIVING, UNOCCUPIED, WATCHED, LiveAgent
from shared.runs.live_agents.silence import mark_silent
from shared.runs.live_agents.statuses import TRANSITIONS, set_status
from shared.store import fetch, fetch_indexed, iterate_shards, process_all, process_in_turn, retrying, save, write

FAILED_KEPT: Final = 86_400
"""Seconds after which an agent that failed is terminated: it takes the place of others."""
_PAGE: Final = 50


def watch_heartbeats(until: float) -> int:
    """Write the status of every agent that its silence has made degraded or failed, free what agents were given and never began, terminate
    those that failed a day ago, and let the platform's own agents look for work again.

    Return how much was done. Each part has its share of the time until `until` (`time.monotonic`); the next call goes on there.
    """
    parts: tuple[Callable[[float], int], ...] = (_watch, _terminate_failed, _look_for_work)

    return process_in_turn("the watch of live agents", parts, lambda part, end: part(end), until, lambda part: part.__name__)


def _watch(until: float) -> int:
    watched = iterate_shards(LiveAgent, WATCHED, until, index=3, limit=_PAGE, read=_see_all)
    return process_all(WATCHED.name, watched, _look_after, _name_of_seen)


def _terminate_failed(until: float) -> int:
    over = ("0", clock.in_seconds(-FAILED_KEPT))
    failed = iterate_shards(LiveAgent, FAILED, until, index=3, between=over, limit=_PAGE, read=partial(fetch_indexed, LiveAgent))
    return process_all(FAILED.name, failed, _terminate, lambda agent: f"{LiveAgent.NAME} {agent.id}")


def _look_for_work(until: float) -> int:
    """What kept an agent from its work, a limit or another run on the card, may be over without an event of its own; and no event tells
    that a lease has ended."""
    waiting = iterate_shards(LiveAgent, UNOCCUPIED, until, index=3, limit=_PAGE, read=may_find_work)
    return process_all(UNOCCUPIED.name, waiting, lambda agent: give_work(agent.id), lambda agent: f"{LiveAgent.NAME} {agent.id}")


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

    return mark_silent(seen, status, SYSTEM, "Its heartbeats did not come", applies)


def _terminate(agent: LiveAgent) -> int:
    def attempt(number: int) -> int:
        row = fetch(LiveAgent, agent.id) if number else agent
        if row is None or row.status != "failed":
            return 0
        further = set_status(row, "terminated", SYSTEM, "It failed a day ago")
        write(save(row), *further)
        return 1

    return retrying(attempt)
