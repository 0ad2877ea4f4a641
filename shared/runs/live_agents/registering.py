"""Register a live agent: it gets a number in its name, and a place among its workspace's agents."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from shared.core import clock
from shared.core.actor import SYSTEM, Actor, Permission
from shared.core.errors import Conflict, LimitExceeded
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.runs.live_agents.reading import agents_in
from shared.runs.live_agents.rows import CLIENT, AgentCount, AgentNumber, LiveAgent
from shared.runs.live_agents.signing import check_key
from shared.runs.live_agents.statuses import set_status
from shared.store import Operation, create, get_many, load, retrying, save, stale, update, write
from shared.work.projects.creating import default_workspace_id
from shared.work.projects.rows import Project

LIMIT: Final = 200  # agents of a workspace that are not terminated: its lists and searches read all of them


@dataclass(frozen=True)
class NewAgent:
    agent_type: str
    phase_id: str | None = None
    capabilities: Sequence[str] = ()
    capacity: int = 1
    status: str = "idle"
    tags: Sequence[str] = ()
    runner: str = CLIENT
    public_key: Mapping[str, str] | None = None
    """The RSA key (a JWK) by which its heartbeats will be signed."""


def register_agent(actor: Actor, new: NewAgent, project_id: str | None = None) -> LiveAgent:
    """Register an agent of a project, or of the default workspace of the caller's organization.

    Three round trips: whose it is, the number there, the transaction. Raises NotFound, Forbidden, Invalid (a key that is
    none), Conflict(PROJECT_ARCHIVED), LimitExceeded.
    """
    if new.public_key is not None:
        check_key(new.public_key)
    if project_id is None:
        return create_agent(actor, new, actor.org_id, default_workspace_id(actor, actor.org_id, Permission.AGENT_RUN))
    project = load(Project, project_id, actor, Permission.AGENT_RUN)
    refuse_inactive(project)
    return create_agent(actor, new, project.org_id, str(project.ws_id), project.id)


def refuse_inactive(project: Project) -> None:
    """Raise Conflict(PROJECT_ARCHIVED) for a project in which nobody works."""
    if project.status != "active":
        raise Conflict(Situation.PROJECT_ARCHIVED, f"The project is {project.status}; no agent works in it")


def create_agent(
    actor: Actor,
    new: NewAgent,
    org_id: str | None,
    ws_id: str,
    project_id: str | None = None,
    in_place_of: Callable[[LiveAgent], list[Operation]] | None = None,
) -> LiveAgent:
    """Write a new agent with the next number of its type and phase; of two at once, the later takes the number after it.

    `in_place_of`: what ends another agent in the same transaction, whose place among those of the workspace this one takes.
    """

    def attempt(_: int) -> LiveAgent:
        agent, operations = build_agent(actor, new, org_id, ws_id, project_id, in_place_of)
        with making_room(ws_id):
            write(*operations)
        return agent

    return retrying(attempt)


def build_agent(
    actor: Actor,
    new: NewAgent,
    org_id: str | None,
    ws_id: str,
    project_id: str | None = None,
    in_place_of: Callable[[LiveAgent], list[Operation]] | None = None,
) -> tuple[LiveAgent, list[Operation]]:
    """Return a new agent with its event, not yet written, and what creates it: for a transaction that gives it work. One round trip.

    The write is refused (`is_stale`) if another agent took the number, and with LimitExceeded if the workspace has no place.
    """
    stem = "-".join(part for part in (new.agent_type, new.phase_id) if part)
    number = AgentNumber.of(ws_id, stem)
    (row,) = get_many([(AgentNumber, number.pk, number.sk)])
    last = int(row.last) if isinstance(row, AgentNumber) else 0
    now = clock.iso()
    agent = LiveAgent.new(
        new_id(),
        org_id=org_id,
        ws_id=ws_id,
        proj_id=project_id,
        name=f"{stem}-{last + 1:03d}",
        agent_type=new.agent_type,
        phase_id=new.phase_id,
        capabilities=list(new.capabilities),
        capacity=new.capacity,
        tags=list(new.tags),
        status=new.status,
        status_since=now,
        active_since=now,
        runner=new.runner,
        public_key=None if new.public_key is None else dict(new.public_key),
        registered_by=actor.summary,
    )
    record(agent, EventType.LIVE_AGENT_REGISTERED, actor, agent_type=new.agent_type, phase_id=new.phase_id, **agent.named)
    place = [_take_place(ws_id)] if in_place_of is None else in_place_of(agent)
    return agent, [create(agent), _take_number(number, last), *place]


@contextmanager
def making_room(ws_id: str) -> Iterator[None]:
    """End the agent that failed first if a new one finds no place, and let it be tried again (`is_stale`)."""
    try:
        yield
    except LimitExceeded:
        if not _end_longest_failed(ws_id):
            raise
        raise stale() from None  # there is room now


def _take_number(number: AgentNumber, last: int) -> Operation:
    is_last: Any = AgentNumber.last == last if last else AgentNumber.pk.does_not_exist()
    return update(number, [AgentNumber.last.set(last + 1)], is_last, stale)


def _take_place(ws_id: str) -> Operation:
    room = AgentCount.living.does_not_exist() | (AgentCount.living < LIMIT)
    return update(AgentCount.of(ws_id), [AgentCount.living.add(1)], room, _full)


def _end_longest_failed(ws_id: str) -> bool:
    """Terminate the agent of a workspace that failed first: a client that dies again and again locks nobody out. False if none has."""
    failed = [one.agent for one in agents_in(ws_id) if one.agent.status == "failed"]
    if not failed:
        return False
    agent = min(failed, key=lambda one: str(one.status_since))
    further = set_status(agent, "terminated", SYSTEM, "Another agent takes its place")
    write(save(agent), *further)
    return True


def _full(_: dict[str, Any] | None) -> LimitExceeded:
    reason = (
        f"This workspace has {LIMIT} agents, as many as it may have; "
        "terminate those that are not needed (cleanup-stale does, with mark_as terminated)"
    )
    return LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": LIMIT})
