"""Reading live agents: one, those that the caller may see, those that fit some work, and figures of them.

A workspace has LIMIT agents that are not terminated, so a list reads all of them, and their heartbeats beside them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, Final, cast

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id
from shared.runs.live_agents.health import Health, health_of, silence
from shared.runs.live_agents.rows import CLIENT, Heartbeat, LiveAgent, agents_of, ended_of
from shared.store import IndexRow, authorize, begin_index_rows, get, get_all, get_many, id_of, load
from shared.work.projects.reading import in_workspaces
from shared.work.projects.rows import Project

READ_AT_MOST: Final = 2_000
"""Agents that a list over all the caller's workspaces reads: the newest."""
FULL_COVERAGE, IDLE_BONUS, HEALTHY_BONUS, PER_CAPACITY, COUNTED_CAPACITY = 1.0, 0.2, 0.2, 0.05, 5  # the original service's score


@dataclass(frozen=True)
class Seen:
    """An agent, its last heartbeat and its health at this moment."""

    agent: LiveAgent
    beat: Heartbeat | None
    health: Health


@dataclass(frozen=True)
class Wanted:
    """The filters of a search for agents; None means any. An agent without a project works in every project of its workspace."""

    project_id: str | None = None
    agent_type: str | None = None
    phase_id: str | None = None
    status: str | None = None

    def matches(self, seen: Seen) -> bool:
        agent = seen.agent
        return (
            (self.project_id is None or agent.proj_id in (None, self.project_id))
            and (self.agent_type is None or agent.agent_type == self.agent_type)
            and (self.phase_id is None or agent.phase_id == self.phase_id)
            and (self.status is None or seen.health.status == self.status)
        )


ANY: Final = Wanted()


@dataclass(frozen=True)
class Match:
    seen: Seen
    score: float
    capabilities: list[str]
    """Those of the wanted capabilities that the agent has, under its own names."""


def get_agent(actor: Actor, agent_id: str, permission: Permission = Permission.PROJECT_READ) -> Seen:
    """Return an agent with its last heartbeat. One round trip. Raises NotFound, Forbidden."""
    bare = id_of(LiveAgent, agent_id)
    row, beat = get_many(_keys(bare))
    if not isinstance(row, LiveAgent) or row.deleted_at:
        raise NotFound(LiveAgent.NAME)
    return see(authorize(row, actor, permission), cast("Heartbeat | None", beat))


def last_heartbeat(agent_id: str) -> Heartbeat | None:
    """Return the last heartbeat of an agent, if there is one. It shows nothing until it is known who asks."""
    return get(Heartbeat, *Heartbeat.key(bare_id(agent_id)), consistent=False)


def see(agent: LiveAgent, beat: Heartbeat | None) -> Seen:
    return Seen(agent, beat, health_of(agent, beat))


def list_agents(actor: Actor, wanted: Wanted, limit: int, offset: int = 0) -> tuple[list[Seen], int]:
    """Return a page of the agents in all the actor's workspaces, newest first, and how many there are.

    Terminated agents are listed if their status is asked for. Two round trips.
    """
    found = find_agents(actor, wanted)
    return found[offset : offset + limit], len(found)


def find_agents(actor: Actor, wanted: Wanted) -> list[Seen]:
    """Return all agents that are wanted in the workspaces that the actor may see, newest first. Raises NotFound for an unknown project."""
    partition = ended_of if wanted.status == "terminated" else agents_of
    begin = cache(lambda ws_id: begin_index_rows(1, partition(ws_id), newest_first=True))
    for ws_id in actor.likely_workspaces:
        begin(ws_id)
    if wanted.project_id is not None:
        lists = [begin(str(load(Project, wanted.project_id, actor, Permission.PROJECT_READ).ws_id))]
    else:
        lists = in_workspaces(actor, begin)
    return [one for one in read_agents(_newest(lists)) if wanted.matches(one)]


def agents_in(ws_id: str) -> list[Seen]:
    """Return all agents of a workspace that are not terminated. For the platform's own work: two round trips."""
    return read_agents(_newest([begin_index_rows(1, agents_of(ws_id), newest_first=True)]))


def _newest(lists: Iterable[Iterator[IndexRow]]) -> list[str]:
    rows = [row for one in lists for row in islice(one, READ_AT_MOST)]
    return [row.id for row in sorted(rows, key=lambda row: row.sort, reverse=True)[:READ_AT_MOST]]


def see_again(agent_id: str) -> Seen | None:
    """Return an agent as it is now, by an id that we wrote ourselves. One round trip, strongly consistent."""
    row, beat = get_many(_keys(agent_id))
    return see(row, cast("Heartbeat | None", beat)) if isinstance(row, LiveAgent) else None


def read_agents(ids: Sequence[str]) -> list[Seen]:
    """Return agents with their heartbeats, without missing ones: 50 in a batch, batches side by side."""
    rows = iter(get_all([key for agent_id in ids for key in _keys(agent_id)], consistent=False))
    return [
        see(agent, cast("Heartbeat | None", beat)) for agent, beat in zip(rows, rows, strict=True) if isinstance(agent, LiveAgent)
    ]


def _keys(agent_id: str) -> list[Any]:
    return [(LiveAgent, *LiveAgent.key(agent_id)), (Heartbeat, *Heartbeat.key(agent_id))]


def search_agents(actor: Actor, capabilities: Sequence[str], wanted: Wanted, limit: int) -> list[Match]:
    """Return the agents that fit best, at most `limit`. Each has one of the capabilities at least, if any is asked for, and can work."""
    matches = [match_of(one, capabilities) for one in find_agents(actor, wanted)]
    usable = [one for one in matches if one.seen.health.is_present and (one.capabilities or not capabilities)]
    return sorted(usable, key=lambda one: (-one.score, one.seen.agent.created_at))[:limit]


def best_fit(actor: Actor, capabilities: Sequence[str], wanted: Wanted) -> Match:
    """Return the agent that fits best. Raises NotFound if none can do it."""
    found = search_agents(actor, capabilities, wanted, 1)
    if not found:
        raise NotFound("fitting agent")
    return found[0]


def match_of(seen: Seen, capabilities: Sequence[str]) -> Match:
    """Rate an agent: the share of the wanted capabilities that it has, whatever their case, and what it has beside them."""
    asked = {one.casefold() for one in capabilities}
    matched = [one for one in seen.agent.capabilities if one.casefold() in asked]
    coverage = len({one.casefold() for one in matched}) / len(asked) if asked else FULL_COVERAGE
    score = coverage + PER_CAPACITY * min(free_capacity(seen.agent), COUNTED_CAPACITY)
    score += IDLE_BONUS if seen.health.status == "idle" else 0.0
    score += HEALTHY_BONUS if seen.health.health_status == "healthy" else 0.0
    return Match(seen, round(score, 4), matched)


def free_capacity(agent: LiveAgent) -> int:
    """Return how many more tasks the agent can work on."""
    return max(0, int(agent.capacity) - len(agent.task_ids))


def count_by(seen: Iterable[Seen], name: Callable[[Seen], str]) -> dict[str, int]:
    """Count agents by what `name` says of each."""
    return dict(Counter(map(name, seen)))


def heard_within(seen: Iterable[Seen], seconds: float) -> int:
    """Return how many agents were heard from within so many seconds."""
    since = clock.in_seconds(-seconds)
    return sum(one.beat is not None and one.beat.at >= since for one in seen)


def stale_agents(actor: Actor, timeout: float, wanted: Wanted = ANY) -> list[Seen]:
    """Return the agents that were not heard from for more than `timeout` seconds and are not terminated."""
    return [one for one in find_agents(actor, wanted) if is_stale(one, timeout)]


def is_stale(seen: Seen, timeout: float) -> bool:
    return seen.agent.runner == CLIENT and silence(seen.agent, seen.beat) > timeout
