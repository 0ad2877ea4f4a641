"""omoios, section 10: discoveries, and the tasks that they become."""

from typing import Annotated

from fastapi import Query
from pydantic import Field

from shared.agents.catalogue.registry import get_agent
from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id
from shared.core.situations import Situation
from shared.edge.contracts.base import Request
from shared.edge.contracts.fields import Form, Offset, OneLine, Seen
from shared.edge.contracts.omoios import Phase, Priority
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.tasks import Discovery, Task, discovery, known_phase, task
from shared.runs.live_agents.rows import LiveAgent
from shared.store import load
from shared.work.discoveries import spawning
from shared.work.discoveries.listing import list_agent_discoveries, list_task_discoveries
from shared.work.discoveries.rows import STATUSES

TYPES = (
    "bug",
    "optimization",
    "missing_requirement",
    "dependency_issue",
    "security_concern",
    "clarification_needed",
    "new_component",
    "security_issue",
    "performance_issue",
    "integration_issue",
    "technical_debt",
)
"""The five of the document, then what the original service has beyond them."""
Type = Annotated[
    str,
    Form(
        rf"^({'|'.join(TYPES)}|diagnostic_[a-z0-9_]{{1,30}})$", f"Should be one of {', '.join(TYPES)}, or begin with diagnostic_"
    ),
]
Resolution = Annotated[str, Form(rf"^({'|'.join(STATUSES)})$", f"Should be one of {', '.join(STATUSES)}")]
Text = Annotated[str, Field(min_length=1, max_length=10_000), Seen]
Limit = Annotated[int, Query(ge=1, le=500)]
REFUSALS = (Situation.CARD_ARCHIVED, Situation.PROJECT_ARCHIVED)


class ReportDiscovery(Request):
    """`agent_id`: the agent that made it, if the caller reports for one."""

    type: Type
    description: Text
    priority: Priority = "MEDIUM"
    agent_id: Annotated[str, Field(min_length=1, max_length=100), OneLine] | None = None


class UpdateDiscovery(Request):
    resolution_status: Resolution


class SpawnTask(Request):
    """Without a priority the task's is one level above that of the discovery, without a phase it is in that of the ticket."""

    description: Text
    priority: Priority | None = None
    phase_id: Phase | None = None


def _require_agent(caller: Actor, agent_id: str) -> None:
    """Raise NotFound for an agent that nobody here knows: neither the catalogue nor the caller's workspaces have it."""
    try:
        get_agent(agent_id)
    except NotFound:
        load(LiveAgent, agent_id, caller)


async def list_of_agent(agent_id: str, caller: Caller, call: ThisCall, limit: Limit = 100, offset: Offset = 0) -> list[Discovery]:
    """List the discoveries of an agent in all the caller's workspaces, newest first; `X-Total-Count` has their number."""
    found, total = list_agent_discoveries(caller, agent_id, limit=limit, offset=offset)
    if not total:
        _require_agent(caller, agent_id)
    call.headers.append(("X-Total-Count", str(total)))
    return [discovery(one) for one in found]


async def list_of_task(
    task_id: str,
    caller: Caller,
    call: ThisCall,
    resolution_status: Resolution | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> list[Discovery]:
    """List the discoveries that were made at a task, oldest first; `X-Total-Count` has their number."""
    found, total = list_task_discoveries(caller, task_id, resolution_status, limit=limit, offset=offset)
    call.headers.append(("X-Total-Count", str(total)))
    return [discovery(one) for one in found]


async def report(task_id: str, body: ReportDiscovery, caller: Caller) -> Discovery:
    """Report a discovery that was made at a task."""
    agent = {"id": bare_id(body.agent_id), "name": body.agent_id} if body.agent_id else None
    new = spawning.NewDiscovery(body.type, body.description, body.priority.lower(), agent)
    return discovery(spawning.report_discovery(caller, task_id, new))


async def update(discovery_id: str, body: UpdateDiscovery, caller: Caller) -> Discovery:
    """Set whether a discovery is resolved, or was none."""
    return discovery(spawning.set_resolution(caller, discovery_id, body.resolution_status))


async def spawn_task(discovery_id: str, body: SpawnTask, caller: Caller) -> Task:
    """Create a task for a discovery, which is in progress from then on; it is resolved when its tasks are done."""
    priority = body.priority.lower() if body.priority else None
    new = spawning.SpawnedTask(body.description, priority, known_phase(body.phase_id))
    return task(spawning.spawn_task(caller, discovery_id, new))


def publish(routes: Routes) -> None:
    """Declare the operations on discoveries."""
    reads, edits = Permission.CARD_READ, Permission.CARD_EDIT
    routes.get("/agents/{agent_id}/discoveries", "discoveries.listByAgent", permission=reads)(list_of_agent)
    routes.get("/tasks/{task_id}/discoveries", "discoveries.listByTask", permission=reads)(list_of_task)
    routes.post(
        "/tasks/{task_id}/discoveries", "discoveries.create", status=201, permission=edits, addition=True, errors=REFUSALS[1:]
    )(report)
    routes.put("/discoveries/{discovery_id}", "discoveries.update", permission=edits, addition=True, errors=REFUSALS[1:])(update)
    routes.post(
        "/discoveries/{discovery_id}/spawn-task",
        "discoveries.spawnTask",
        status=201,
        permission=edits,
        errors=(Situation.LANE_TRANSITION, *REFUSALS),
    )(spawn_task)
