"""omoios: live agents. They register, send heartbeats, are found by what they can do, and get tasks."""

import json
from typing import Annotated, Any, Literal

from fastapi import Header, Query
from pydantic import Field
from starlette.requests import Request as HttpRequest

from shared.channels.sockets.connections import has_subscribers
from shared.channels.sockets.publish import publish
from shared.channels.sockets.topics import workspace_topic
from shared.core.actor import Permission
from shared.core.errors import Malformed
from shared.core.ids import bare_id
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Date, Offset, OneLine
from shared.edge.contracts.omoios import HEARTBEAT, OMOIOS, Id, Phase
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.agents import Agent, AgentPhase, AgentType, Capacity, Status, Words, agent
from shared.edge.views.omoios.tasks import ClaimedTask, claimed_task
from shared.runs.live_agents import beating, checksums, reading, silence
from shared.runs.live_agents.asking import next_task
from shared.runs.live_agents.changing import set_available, update_agent
from shared.runs.live_agents.health import DEFAULT_TIMEOUT
from shared.runs.live_agents.reading import Seen, Wanted, see
from shared.runs.live_agents.registering import NewAgent, register_agent
from shared.runs.live_agents.rows import LiveAgent
from shared.runs.live_agents.signing import MAX_SIGNATURE, is_signed
from shared.store import read_ahead
from shared.work.boards.lanes import canonical_phase

routes = Routes(OMOIOS, "agents")
METRICS_BYTES = 4_000  # of JSON: a heartbeat is written many times an hour
HOUR = 3_600
TimeoutSeconds = Annotated[int, Query(ge=1, le=86_400, description="Seconds without a heartbeat")]
Signature = Annotated[
    str | None,
    Header(
        max_length=MAX_SIGNATURE, description="RS256 of the body as it is sent, in Base64: of an agent that has registered a key"
    ),
]
Capabilities = Annotated[list[str], Query(default_factory=list, max_length=50)]


class AgentKey(Request):
    """An RSA key as JWK (RFC 7517), of 2,048 bits or more."""

    kty: Literal["RSA"]
    n: Annotated[str, Field(max_length=1_400)]
    e: Annotated[str, Field(max_length=8)]


class RegisterAgent(Request):
    """`project_id`: the only project in which it works; without it the caller's default workspace. `public_key`: whoever registers one
    signs each heartbeat with its private key."""

    agent_type: AgentType
    phase_id: AgentPhase | None = None
    capabilities: Words
    capacity: Capacity = 1
    status: Annotated[Literal["idle", "spawning"], Field(description="idle: ready for tasks; spawning: still starting")] = "idle"
    tags: Words = []
    project_id: Id | None = None
    public_key: AgentKey | None = None


class UpdateAgent(Request):
    """A missing field stays as it is."""

    capabilities: Words | None = None
    capacity: Capacity | None = None
    status: Status | None = None
    tags: Words | None = None
    health_status: Annotated[str, Field(min_length=1, max_length=50), OneLine] | None = None


class Availability(Request):
    available: bool


class HeartbeatMessage(Request):
    """`checksum` is the SHA-256, in hexadecimal, of the other six fields as JSON in UTF-8 with sorted keys.

    Separators are `", "` and `": "` (Python's `json.dumps`) or `","` and `":"` (JavaScript's `JSON.stringify`); other letters stand as
    themselves or as escapes; nested keys are sorted or as they were sent; an absent field is left out or null. Numbers count as they are
    written in the message: `5.0` is not `5`.
    """

    agent_id: Id
    timestamp: Date | None = None
    sequence_number: Annotated[int, Field(ge=0, le=2**53)]
    status: Status
    current_task_id: Id | None = None
    health_metrics: dict[str, Any] | None = None
    checksum: Annotated[str, Field(max_length=128)]


class HeartbeatAck(Shape):
    agent_id: str
    sequence_number: int
    timestamp: str
    received: bool
    """False: a later one was received before, so this one changed nothing."""
    acknowledged: bool
    message: str | None
    status: str
    """The agent's status on the platform."""
    task_ids: list[str]
    """The tasks that the agent holds: those that it was given, too."""


class AgentHealth(Shape):
    agent_id: str
    name: str
    agent_type: str
    phase_id: str | None
    status: str
    health: str
    health_status: str
    healthy: bool
    last_heartbeat: str | None
    time_since_last_heartbeat: float | None
    """In seconds."""
    timeout_seconds: int
    missed_heartbeats: int


class AgentMatch(Shape):
    """`match_score`: the share of the capabilities asked for, 0.2 for an idle agent, 0.2 for a healthy one, 0.05 for each task for which
    it has room (at most five)."""

    agent: Agent
    match_score: float
    matched_capabilities: list[str]


class HealthSummary(Shape):
    healthy: int
    unhealthy: int
    unknown: int


class RecentHeartbeats(Shape):
    last_5_minutes: int
    last_hour: int
    last_24_hours: int


class AgentStatistics(Shape):
    """Of the agents that are not terminated."""

    total_agents: int
    by_status: dict[str, int]
    by_type: dict[str, int]
    by_phase: dict[str, int]
    health_summary: HealthSummary
    recent_heartbeats: RecentHeartbeats


class Cleaned(Shape):
    success: bool
    marked_count: int
    cleaned: int
    agent_ids: list[str]
    timeout_seconds: int
    marked_as: str
    message: str


class NextTask(Shape):
    task: ClaimedTask | None
    """None: there is none that the agent can do, or it has no room for one."""


@routes.post("/agents/register", "agents.register", status=201, permission=Permission.AGENT_RUN)
async def register(body: RegisterAgent, caller: Caller) -> Agent:
    """Register an agent. It gets a name of its type, its phase and a number."""
    key = body.public_key.model_dump() if body.public_key else None
    new = NewAgent(body.agent_type, body.phase_id, body.capabilities, body.capacity, body.status, body.tags, public_key=key)
    return agent(see(register_agent(caller, new, body.project_id), None))


@routes.get("/agents", "agents.list", permission=Permission.PROJECT_READ)
async def list_agents(
    caller: Caller,
    call: ThisCall,
    project_id: Id | None = None,
    agent_type: AgentType | None = None,
    phase_id: Phase | None = None,
    status: Status | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Offset = 0,
) -> list[Agent]:
    """List the agents of all the caller's workspaces, newest first; `X-Total-Count` has their number. Terminated ones are listed, for
    thirty days, if `status` asks for them."""
    found, total = reading.list_agents(caller, _wanted(project_id, agent_type, phase_id, status), limit, offset)
    call.headers.append(("X-Total-Count", str(total)))
    return [agent(one) for one in found]


@routes.get("/agents/search", "agents.search", permission=Permission.PROJECT_READ)
async def search(
    caller: Caller,
    capabilities: Capabilities,
    phase_id: Phase | None = None,
    agent_type: AgentType | None = None,
    project_id: Id | None = None,
    limit: Annotated[int, Query(ge=1, le=20)] = 5,
) -> list[AgentMatch]:
    """Find the agents that can do some work, best first."""
    wanted = _wanted(project_id, agent_type, phase_id)
    return [_match(one) for one in reading.search_agents(caller, capabilities, wanted, limit)]


@routes.get("/agents/best-fit", "agents.bestFit", permission=Permission.PROJECT_READ)
async def best_fit(
    caller: Caller,
    capabilities: Capabilities,
    phase_id: Phase | None = None,
    agent_type: AgentType | None = None,
    project_id: Id | None = None,
) -> AgentMatch:
    """Find the agent that fits some work best. 404 if none can do it."""
    return _match(reading.best_fit(caller, capabilities, _wanted(project_id, agent_type, phase_id)))


@routes.get("/agents/health", "agents.healthAll", permission=Permission.PROJECT_READ)
async def health_of_all(
    caller: Caller, project_id: Id | None = None, timeout_seconds: TimeoutSeconds = DEFAULT_TIMEOUT
) -> list[AgentHealth]:
    """Show the health of every agent that is not terminated."""
    return [_health(one, timeout_seconds) for one in reading.find_agents(caller, _wanted(project_id))]


@routes.get("/agents/statistics", "agents.statistics", permission=Permission.PROJECT_READ)
async def statistics(caller: Caller, project_id: Id | None = None) -> AgentStatistics:
    """Count the agents by status, type, phase and health, and those that were heard from."""
    seen = reading.find_agents(caller, _wanted(project_id))
    states = reading.count_by(seen, lambda one: one.health.health_status)
    return AgentStatistics(
        total_agents=len(seen),
        by_status=reading.count_by(seen, lambda one: one.health.status),
        by_type=reading.count_by(seen, lambda one: one.agent.agent_type),
        by_phase=reading.count_by(seen, lambda one: one.agent.phase_id or "none"),
        health_summary=HealthSummary(
            healthy=states.get("healthy", 0),
            unknown=states.get("unknown", 0),
            unhealthy=len(seen) - states.get("healthy", 0) - states.get("unknown", 0),
        ),
        recent_heartbeats=RecentHeartbeats(
            last_5_minutes=reading.heard_within(seen, 300),
            last_hour=reading.heard_within(seen, HOUR),
            last_24_hours=reading.heard_within(seen, 24 * HOUR),
        ),
    )


@routes.get("/agents/stale", "agents.stale", permission=Permission.PROJECT_READ)
async def stale(caller: Caller, timeout_seconds: TimeoutSeconds = DEFAULT_TIMEOUT) -> list[Agent]:
    """List the agents that have fallen silent and are not terminated."""
    return [agent(one) for one in reading.stale_agents(caller, timeout_seconds)]


@routes.post("/agents/cleanup-stale", "agents.cleanupStale", permission=Permission.AGENT_RUN)
async def clean_up(
    caller: Caller,
    timeout_seconds: TimeoutSeconds = DEFAULT_TIMEOUT,
    mark_as: Literal["timeout", "failed", "degraded", "quarantined", "terminated"] = "timeout",
) -> Cleaned:
    """Take the agents that have fallen silent out of work. `timeout` marks them as failed; their tasks go to others."""
    marked = silence.clean_up(caller, timeout_seconds, mark_as)
    return Cleaned(
        success=True,
        marked_count=len(marked),
        cleaned=len(marked),
        agent_ids=[one.id for one in marked],
        timeout_seconds=timeout_seconds,
        marked_as=mark_as,
        message=f"Marked {len(marked)} stale agent{'' if len(marked) == 1 else 's'} as {mark_as}",
    )


@routes.get("/agents/{agent_id}", "agents.get", permission=Permission.PROJECT_READ)
async def get(agent_id: str, caller: Caller) -> Agent:
    """Get an agent."""
    return agent(reading.get_agent(caller, agent_id))


@routes.patch("/agents/{agent_id}", "agents.update", permission=Permission.AGENT_RUN, fields={"reported_health": "health_status"})
async def update(agent_id: str, body: UpdateAgent, caller: Caller) -> Agent:
    """Change the given fields of an agent. Its status changes by the transitions that the answer names when one is not allowed."""
    given = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None}
    if "health_status" in given:
        given["reported_health"] = given.pop("health_status")
    return _with_heartbeat(caller, agent_id, lambda: update_agent(caller, agent_id, given))


@routes.post("/agents/{agent_id}/availability", "agents.availability", permission=Permission.AGENT_RUN)
async def availability(agent_id: str, body: Availability, caller: Caller) -> Agent:
    """Make an agent available (idle) or unavailable (degraded)."""
    return _with_heartbeat(caller, agent_id, lambda: set_available(caller, agent_id, body.available))


@routes.get("/agents/{agent_id}/health", "agents.health", permission=Permission.PROJECT_READ)
async def health(agent_id: str, caller: Caller, timeout_seconds: TimeoutSeconds = DEFAULT_TIMEOUT) -> AgentHealth:
    """Show the health of an agent."""
    return _health(reading.get_agent(caller, agent_id), timeout_seconds)


@routes.post("/agents/{agent_id}/heartbeat", "agents.heartbeat", permission=Permission.AGENT_RUN, rate_class=HEARTBEAT)
async def heartbeat(
    agent_id: str, body: HeartbeatMessage, caller: Caller, request: HttpRequest, x_agent_signature: Signature = None
) -> HeartbeatAck:
    """Receive a heartbeat: the agent is alive, and keeps the tasks that it has begun. `message` says what is odd about it."""
    found, last = beating.find(caller, agent_id)
    metrics = body.health_metrics or {}
    if bare_id(body.agent_id) != found.id:
        raise Malformed(f"The heartbeat is of agent {body.agent_id}, the address names {agent_id}")
    if len(json.dumps(metrics, ensure_ascii=False).encode()) > METRICS_BYTES:
        raise Malformed(f"health_metrics are longer than {METRICS_BYTES:,} bytes")
    if not checksums.is_valid(await request.body(), body.checksum):
        raise Malformed(
            "The checksum does not belong to this heartbeat: SHA-256 of the other six fields as JSON with sorted keys"
        )
    if found.public_key and not is_signed(found.public_key, await request.body(), x_agent_signature):
        raise Malformed(
            "The header X-Agent-Signature does not have a signature of this body by the key that the agent registered"
        )
    task_id = bare_id(body.current_task_id) if body.current_task_id else None
    topic = workspace_topic(str(found.ws_id))
    somebody_listens = read_ahead(lambda: has_subscribers(topic))
    done = beating.receive(caller, found, last, beating.Beat(body.sequence_number, body.status, task_id, metrics))
    if done.received and somebody_listens.result():
        _publish(topic, done.agent, metrics, done.at)
    return HeartbeatAck(
        agent_id=done.agent.id,
        sequence_number=body.sequence_number,
        timestamp=done.at,
        received=done.received,
        acknowledged=done.received,
        message=done.message,
        status=done.agent.status,
        task_ids=done.agent.task_ids,
    )


@routes.post("/agents/{agent_id}/next-task", "agents.nextTask", permission=Permission.AGENT_RUN, addition=True)
async def take_next(agent_id: str, caller: Caller) -> NextTask:
    """Claim the task that the agent does next. What it was given and has not begun comes first."""
    task = next_task(caller, agent_id)
    return NextTask(task=None if task is None else claimed_task(task))


def _wanted(
    project_id: str | None, agent_type: str | None = None, phase_id: str | None = None, status: str | None = None
) -> Wanted:
    phase = canonical_phase(phase_id) if phase_id else None
    return Wanted(bare_id(project_id) if project_id else None, agent_type, phase, status)


def _with_heartbeat(caller: Caller, agent_id: str, change: Any) -> Agent:
    """Make a change, and show the agent with its last heartbeat, which is read beside it."""
    beat = read_ahead(lambda: reading.last_heartbeat(agent_id))
    changed: LiveAgent = change()
    return agent(see(changed, beat.result()))


def _publish(topic: str, sender: LiveAgent, metrics: dict[str, Any], at: str) -> None:
    """Send a heartbeat to whoever listens now; it is kept nowhere."""
    from shared.edge.views.omoios.events import heartbeat_frame  # with all rows that events show

    publish(topic, {OMOIOS.name: [heartbeat_frame(sender.id, metrics, at)]}, ws_id=sender.ws_id)


def _match(one: reading.Match) -> AgentMatch:
    return AgentMatch(agent=agent(one.seen), match_score=one.score, matched_capabilities=one.capabilities)


def _health(seen: Seen, timeout_seconds: int) -> AgentHealth:
    row = seen.agent
    usable = seen.health.status not in ("failed", "terminated", "quarantined")
    return AgentHealth(
        agent_id=row.id,
        name=row.name,
        agent_type=row.agent_type,
        phase_id=row.phase_id,
        status=seen.health.status,
        health=seen.health.health_status,
        health_status=seen.health.health_status,
        healthy=usable and not reading.is_stale(seen, timeout_seconds),
        last_heartbeat=seen.beat.at if seen.beat is not None else None,
        time_since_last_heartbeat=seen.health.seconds,
        timeout_seconds=timeout_seconds,
        missed_heartbeats=seen.health.missed,
    )
