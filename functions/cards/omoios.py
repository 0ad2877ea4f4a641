"""omoios: tickets. A ticket is a card: both contracts read and write the same rows."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from functions.cards import tickets_approval, tickets_phases
from shared.core.actor import Permission
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Offset, Title
from shared.edge.contracts.omoios import OMOIOS, Id, Phase, Priority
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.tickets import Ticket, ticket, ticket_status
from shared.planning.duplicates.finding import READ, DuplicateCheck
from shared.planning.duplicates.similarity import THRESHOLD
from shared.planning.phases.rules import phase_named
from shared.planning.tickets import creating
from shared.planning.tickets.creating import APPROVAL_SECONDS, FIRST_PHASE, MAX_DEPENDENCIES, NewTicket
from shared.planning.tickets.listing import TicketFilter, list_tickets
from shared.store import load
from shared.work.boards.lanes import canonical_phase
from shared.work.items.rows import Item

routes = Routes(OMOIOS, "cards")

Text = Annotated[str, Field(max_length=40_000)]
Similarity = Annotated[float, Field(ge=0, le=1)]
Ids = Annotated[list[Id], Field(max_length=MAX_DEPENDENCIES)]
Word = Annotated[str, Field(min_length=1, max_length=50)]
MAX_APPROVAL = 30 * 86_400  # seconds


class Dependencies(Request):
    """`blocked_by`: the tickets on which the new one depends; `blocks`: those that depend on it. Together 30 at most."""

    blocked_by: Ids = []
    blocks: Ids = []


class TicketCreate(Request):
    """`project_id`, `dependencies`, `approval_required` and `approval_timeout_seconds` are additions. Without `project_id` the ticket is
    made in the caller's most recently active project."""

    title: Title
    description: Text | None = None
    phase_id: Phase = FIRST_PHASE
    priority: Priority = "MEDIUM"
    check_duplicates: bool = True
    similarity_threshold: Similarity = THRESHOLD
    force_create: bool = False
    project_id: Id | None = None
    dependencies: Dependencies = Dependencies()
    approval_required: bool = False
    approval_timeout_seconds: Annotated[int, Field(ge=60, le=MAX_APPROVAL)] = APPROVAL_SECONDS


class DuplicateCheckRequest(Request):
    title: Title
    description: Text | None = None
    similarity_threshold: Similarity = THRESHOLD
    top_k: Annotated[int, Field(ge=1, le=READ)] = 5
    project_id: Id | None = None


class DuplicateCandidateResponse(Shape):
    ticket_id: str
    title: str
    description: str | None
    status: str
    similarity_score: float


class DuplicateCheckResponse(Shape):
    """`is_duplicate`: a candidate is not finished. `highest_similarity` is that of the most similar ticket, also below the threshold."""

    is_duplicate: bool
    message: str
    candidates: list[DuplicateCandidateResponse]
    highest_similarity: float


class TicketListResponse(Shape):
    tickets: list[Ticket]
    total: int


def _candidates(found: DuplicateCheck) -> DuplicateCheckResponse:
    if found.is_duplicate:
        message = f"There is a ticket like it: {found.open[0].item.title}"
    elif found.candidates:
        message = f"A finished ticket is like it: {found.candidates[0].item.title}"
    else:
        message = "There is no ticket like it"
    return DuplicateCheckResponse(
        is_duplicate=found.is_duplicate,
        message=message,
        candidates=[
            DuplicateCandidateResponse(
                ticket_id=one.item.id,
                title=one.item.title,
                description=one.item.description,
                status=ticket_status(one.item.status, one.item.status_before_block),
                similarity_score=one.similarity,
            )
            for one in found.candidates
        ],
        highest_similarity=found.highest,
    )


@routes.get("/tickets", "tickets.list", permission=Permission.CARD_READ, addition=True)
async def list_all(
    caller: Caller,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    offset: Offset = 0,
    status: Word | None = None,
    priority: Priority | None = None,
    phase_id: Phase | None = None,
    search: Annotated[str, Field(max_length=200)] | None = None,
    project_id: Id | None = None,
) -> TicketListResponse:
    """List the tickets of a project, by default of the caller's most recently active one, in the order of its board.

    `status` is open, in_progress, done or blocked, or one of the statuses of phases (backlog, analyzing, building, building-done, testing).
    """
    phase, has_status = canonical_phase(phase_id) if phase_id else None, None
    if status is not None:
        has_status = _status_filter(status)
    wanted = TicketFilter(phase, priority.lower() if priority else None, search, has_status)
    page = list_tickets(caller, project_id, wanted, limit=limit, offset=offset)
    return TicketListResponse(tickets=[ticket(item) for item in page.items], total=page.total)


def _status_filter(status: str) -> Any:
    """Return what tells by the fields of an index row whether a ticket has a status."""
    word = status.lower()
    if word in ("open", "in_progress", "done"):
        return lambda f: ticket_status(f["status"], f.get("status_before_block")) == word
    if word == "blocked":
        return lambda f: f["status"] == "blocked"
    phases = {phase_named(word, "status")}
    if word == "analyzing":
        phases.add("PHASE_DESIGN")
    return lambda f: f["phase_id"] in phases and f["status"] != "blocked"


@routes.post(
    "/tickets",
    "tickets.create",
    status=201,
    permission=Permission.CARD_CREATE,
    model=Ticket,
    others={200: DuplicateCheckResponse},
)
async def create(body: TicketCreate, caller: Caller, requested_by_agent_id: Id | None = None) -> Ticket | Response:
    """Create a ticket with its first task; if there is an open ticket like it, answer 200 with the candidates instead.

    A ticket that an agent asks for, and one with `approval_required`, waits for the approval of a person; the first task comes with it.
    """
    new = NewTicket(
        body.title,
        body.description,
        body.phase_id,
        body.priority.lower(),
        blocked_by=body.dependencies.blocked_by,
        blocks=body.dependencies.blocks,
        approval_required=body.approval_required,
        approval_seconds=body.approval_timeout_seconds,
        requested_by=requested_by_agent_id,
        check_duplicates=body.check_duplicates,
        threshold=body.similarity_threshold,
        force=body.force_create,
    )
    made = creating.create_ticket(caller, body.project_id, new)
    if isinstance(made, DuplicateCheck):
        found = OMOIOS.dump(DuplicateCheckResponse, _candidates(made))
        return Response(found, 200, media_type="application/json")
    return ticket(made)


@routes.post("/tickets/check-duplicates", "tickets.checkDuplicates", permission=Permission.CARD_READ, addition=True)
async def check_duplicates(body: DuplicateCheckRequest, caller: Caller) -> DuplicateCheckResponse:
    """Look for tickets like a new one, in a project, by default the caller's most recently active one. Nothing is changed."""
    found = creating.check_duplicates(
        caller, body.project_id, body.title, body.description, threshold=body.similarity_threshold, top_k=body.top_k
    )
    return _candidates(found)


@routes.get("/tickets/{ticket_id}", "tickets.get", permission=Permission.CARD_READ)
async def get_ticket(ticket_id: str, caller: Caller) -> Ticket:
    """Get a ticket."""
    return ticket(load(Item, ticket_id, caller, Permission.CARD_READ))


tickets_phases.publish(routes)
tickets_approval.publish(routes)
