"""omoios: live agents as they are shown."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from shared.edge.contracts.base import Shape
from shared.edge.contracts.fields import Form, OneLine
from shared.edge.contracts.omoios import Phase
from shared.runs.live_agents.reading import Seen
from shared.runs.live_agents.rows import STATUSES, TYPES
from shared.work.boards.lanes import COLUMN_BY_PHASE, canonical_phase

MAX_CAPACITY = 50  # tasks that an agent works on at once
_WORD = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), OneLine]


def _known_phase(value: str) -> str:
    phase = canonical_phase(value)
    if phase not in COLUMN_BY_PHASE:
        raise ValueError(f"Should be one of {', '.join(COLUMN_BY_PHASE)}")
    return phase


def _lower(value: str) -> str:
    return value.lower()


AgentType = Annotated[str, Form(f"^({'|'.join(TYPES)})$", f"Should be one of {', '.join(TYPES)}")]
AgentPhase = Annotated[Phase, AfterValidator(_known_phase)]
Status = Annotated[str, Form(f"(?i)^({'|'.join(STATUSES)})$", f"Should be one of {', '.join(STATUSES)}"), AfterValidator(_lower)]
Words = Annotated[list[_WORD], Field(max_length=50)]
Capacity = Annotated[int, Field(ge=1, le=MAX_CAPACITY)]


class Agent(Shape):
    """A live agent. `status` and `health_status` are those of this moment, told from its heartbeats."""

    agent_id: str
    name: str
    agent_type: str
    phase_id: str | None
    status: str
    capabilities: list[str]
    capacity: int
    health_status: str
    tags: list[str]
    last_heartbeat: str | None
    created_at: str
    project_id: str | None
    workspace_id: str
    run_by: str
    """`client`: it sends heartbeats and asks for tasks. `platform`: agent runs do its tasks."""
    task_ids: list[str]
    """The tasks that it holds."""
    waits_because: str | None
    """Why the platform began no run for it when it last tried."""
    public_key: dict[str, str] | None
    """The RSA key (a JWK) by which its heartbeats are signed."""


def agent_fields(seen: Seen) -> dict[str, Any]:
    agent = seen.agent
    return {
        "agent_id": agent.id,
        "name": agent.name,
        "agent_type": agent.agent_type,
        "phase_id": agent.phase_id,
        "status": seen.health.status,
        "capabilities": agent.capabilities,
        "capacity": int(agent.capacity),
        "health_status": seen.health.health_status,
        "tags": agent.tags,
        "last_heartbeat": seen.beat.at if seen.beat is not None else None,
        "created_at": agent.created_at,
        "project_id": agent.proj_id,
        "workspace_id": str(agent.ws_id),
        "run_by": agent.runner,
        "task_ids": agent.task_ids,
        "waits_because": agent.waits_because,
        "public_key": agent.public_key,
    }


def agent(seen: Seen) -> Agent:
    return Agent.model_validate(agent_fields(seen))
