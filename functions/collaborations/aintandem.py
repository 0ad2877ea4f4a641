"""aintandem, section 5: collaborations."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.core.actor import Permission
from shared.core.money import micros
from shared.core.situations import Situation
from shared.edge.contracts.aintandem import AINTANDEM, public_id
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import OneLine, Seen
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.aintandem.collaborations import (
    CollaborationDetails,
    CollaborationSummary,
    details,
    sandbox,
    summary,
)
from shared.sandboxes.collaborations import reading, starting
from shared.sandboxes.collaborations.state import from_json
from shared.sandboxes.collaborations.wording import MAX_TASK

routes = Routes(AINTANDEM, "collaborations", rate_class="message")

Mode = Literal["orchestrated", "peer_to_peer", "swarm"]
Named = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), OneLine]
Task = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TASK), Seen]


def _deliverable(name: str) -> str:
    if name.casefold() in starting.RESERVED:
        raise ValueError(f"{name} is the name of a step of every collaboration: call the deliverable otherwise")
    return name


def _all_different(names: list[str]) -> list[str]:
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError("Each deliverable is named once")
    return names


DeliverableName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60), OneLine, AfterValidator(_deliverable)
]


class OrchestrateCollaboration(Request):
    """`participants` are names or ids of sandboxes; `orchestrator` is a sandbox, or an agent of a participant, else the platform
    orchestrates. Additions: `project_id`, where the deliverables are written as documents (else the active project that was changed
    last, else a new one); `max_turns` of a conversation; `max_cost_usd`."""

    task: Task
    participants: Annotated[list[Named], Field(min_length=2, max_length=20)]
    collaboration_mode: Mode = "orchestrated"
    orchestrator: Named | None = None
    timeout: Annotated[int, Field(ge=30, le=3600, description="Seconds")] = 300
    deliverables: Annotated[list[DeliverableName], Field(max_length=20), AfterValidator(_all_different)] = []
    project_id: Annotated[str, Field(max_length=64)] | None = None
    max_turns: Annotated[int, Field(ge=2, le=60)] = 20
    max_cost_usd: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] | None = None


class StartedCollaboration(Shape):
    collaboration_id: str
    status: str
    participants: list[str]
    estimated_duration_seconds: int


class CollaborationPage(Shape):
    """`next` is sent as `before` to get the next page; null: this is the last one."""

    collaborations: list[CollaborationSummary]
    total: int
    next: str | None


@routes.post(
    "/workspaces/{workspace_id}/collaboration/orchestrate",
    "collaborations.orchestrate",
    status=202,
    permission=Permission.AGENT_RUN,
    errors=(Situation.SANDBOX_STATUS, Situation.PROJECT_ARCHIVED, Situation.LIMIT_REACHED),
)
async def orchestrate(workspace_id: str, body: OrchestrateCollaboration, caller: Caller) -> StartedCollaboration:
    """Begin a task that several sandboxes do together."""
    new = starting.NewCollaboration(
        body.task,
        body.participants,
        body.collaboration_mode,
        body.orchestrator,
        body.timeout,
        body.deliverables,
        body.project_id,
        body.max_turns,
        micros(body.max_cost_usd) if body.max_cost_usd is not None else None,
    )
    row = starting.orchestrate(caller, workspace_id, new)
    state = from_json(row.state)
    return StartedCollaboration(
        collaboration_id=public_id("collaboration", row.id),
        status=row.status,
        participants=[sandbox(one.sandbox_id) for one in state.members[: state.participants]],
        estimated_duration_seconds=int(row.timeout_seconds),
    )


@routes.get(
    "/workspaces/{workspace_id}/collaborations", "collaborations.list", permission=Permission.WORKSPACE_READ, addition=True
)
async def list_collaborations(
    workspace_id: str,
    caller: Caller,
    limit: Annotated[int, Field(ge=1, le=100)] = 20,
    before: Annotated[str, Field(max_length=100)] | None = None,
) -> CollaborationPage:
    """List the collaborations of a workspace, newest first."""
    page = reading.list_collaborations(caller, workspace_id, limit, before)
    return CollaborationPage(collaborations=[summary(row) for row in page.rows], total=page.total, next=page.next)


@routes.get("/collaborations/{collaboration_id}", "collaborations.get", permission=Permission.WORKSPACE_READ)
async def get_collaboration(collaboration_id: str, caller: Caller) -> CollaborationDetails:
    """How far a collaboration is, who takes part, what they have said to each other last, and what came of it."""
    return details(reading.get_collaboration(caller, collaboration_id))


@routes.post(
    "/collaborations/{collaboration_id}/cancel",
    "collaborations.cancel",
    permission=Permission.AGENT_RUN,
    errors=(Situation.COLLABORATION_STATUS,),
    addition=True,
)
async def cancel_collaboration(collaboration_id: str, caller: Caller) -> CollaborationSummary:
    """End a collaboration. What nobody has got yet is withdrawn; what is in work is not heard any more."""
    return summary(starting.cancel(caller, collaboration_id))
