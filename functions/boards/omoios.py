"""omoios, section 2: the board as columns of tickets."""

from typing import Annotated, Any

from pydantic import Field

from shared.core.actor import Actor, Permission
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Offset
from shared.edge.contracts.omoios import OMOIOS, Id
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.tickets import approval_status, ticket_status, upper
from shared.store import IndexRow
from shared.work.boards import columns
from shared.work.boards.columns import ColumnSnapshot
from shared.work.boards.reading import BoardSnapshot
from shared.work.items import moving
from shared.work.items.columns import list_column_cards, list_columns_with_cards
from shared.work.items.rows import Item
from shared.work.projects.reading import find_latest_project_id, get_project_board
from shared.work.tasks.held_cards import refuse_held

routes = Routes(OMOIOS, "boards")

PageSize = Annotated[int, Field(ge=1, le=100)]


class BoardTicket(Shape):
    """`context` is not shown on the board; get the ticket to see it."""

    id: str
    title: str
    phase_id: str
    priority: str
    status: str
    approval_status: str
    context: dict[str, Any] | None = None
    is_blocked: bool


class BoardColumn(Shape):
    id: str
    name: str
    description: str
    sequence_order: int
    wip_limit: int | None
    current_count: int
    wip_exceeded: bool
    tickets: list[BoardTicket]


class BoardViewResponse(Shape):
    """`project_id` is null, and the columns are empty, for a caller who names no project and has none yet."""

    columns: list[BoardColumn]
    project_id: str | None


class ColumnTicketsResponse(Shape):
    """A page of a column's tickets, in the order of the board. `total` is the number of tickets in the column."""

    project_id: str | None
    column_id: str
    tickets: list[BoardTicket]
    total: int


class MoveTicketRequest(Request):
    ticket_id: Id
    target_column_id: Id
    force: bool = False


class MovedTicket(Shape):
    ticket_id: str
    new_phase: str
    new_column: str
    status: str


class ColumnStatsResponse(Shape):
    """`utilization` is the used share of the limit (1.0: all of it); null if there is no limit."""

    column_id: str
    name: str
    ticket_count: int
    wip_limit: int | None
    utilization: float | None
    wip_exceeded: bool


class WIPViolationResponse(Shape):
    column_id: str
    column_name: str
    wip_limit: int
    current_count: int
    excess: int


class AutoTransition(Shape):
    """`new_phase` is set if the ticket moved, `reason` if it did not."""

    ticket_id: str
    transitioned: bool
    new_phase: str | None = None
    reason: str | None = None


class ColumnDescription(Shape):
    id: str
    name: str
    description: str
    sequence_order: int
    phase_mapping: list[str]
    wip_limit: int | None
    is_terminal: bool
    auto_transition_to: str | None
    color_theme: str


def _board(caller: Actor, project_id: str | None) -> tuple[str, BoardSnapshot] | tuple[None, None]:
    """Read the board of a project, by default of the caller's most recently active one. Returns the project's id and the board; nothing
    for a caller who names none and has none yet."""
    named = project_id or find_latest_project_id(caller)
    if named is None:
        return None, None
    project, board = get_project_board(caller, named, Permission.PROJECT_READ)
    return project.id, board


def _phase(item: Item) -> str:
    return "PHASE_BLOCKED" if item.is_blocked else item.phase_id


def _ticket(row: IndexRow) -> BoardTicket:
    return BoardTicket.model_construct(
        id=row.id,
        title=row.f["title"],
        phase_id=row.f["phase_id"],
        priority=upper(row.f["priority"]),
        status=ticket_status(row.f["status"], row.f.get("status_before_block")),
        approval_status=approval_status(row.f),
        is_blocked=row.f["status"] == "blocked",
    )


def _column(snapshot: ColumnSnapshot) -> BoardColumn:
    return BoardColumn.model_construct(
        id=snapshot.column.id,
        name=snapshot.column.name,
        description=snapshot.column.description,
        sequence_order=snapshot.column.order,
        wip_limit=snapshot.column.wip_limit,
        current_count=snapshot.count,
        wip_exceeded=snapshot.exceeded,
        tickets=[_ticket(row) for row in snapshot.cards],
    )


@routes.get("/board/view", "board.view", permission=Permission.CARD_READ)
async def view(caller: Caller, project_id: Id | None = None) -> BoardViewResponse:
    """Get the whole board of a project, by default of the caller's most recently active one.

    On a board of more than 500 tickets each column shows its first 50; `current_count` says how many it has, and `GET /board/tickets`
    (an addition) lists them page by page.
    """
    project, board = _board(caller, project_id)
    snapshots = columns.list_columns(None) if board is None else list_columns_with_cards(board)
    return BoardViewResponse.model_construct(columns=[_column(snapshot) for snapshot in snapshots], project_id=project)


@routes.get("/board/tickets", "board.tickets", permission=Permission.CARD_READ, addition=True)
async def tickets(
    caller: Caller, column_id: Id, project_id: Id | None = None, limit: PageSize = 50, offset: Offset = 0
) -> ColumnTicketsResponse:
    """List the tickets of a column page by page, on the board of a project, by default of the caller's most recently active one."""
    shown = columns.column_of(column_id)
    project, board = _board(caller, project_id)
    rows = list_column_cards(board, shown, offset, limit) if board else []
    total = board.cards_in_column(shown.id) if board else 0
    return ColumnTicketsResponse.model_construct(
        project_id=project, column_id=shown.id, tickets=[_ticket(row) for row in rows], total=total
    )


@routes.post("/board/move", "board.move", permission=Permission.CARD_EDIT)
async def move(body: MoveTicketRequest, caller: Caller) -> MovedTicket:
    """Move a ticket to another column. `force` ignores the column's WIP limit; subscribers receive an event if it is exceeded."""
    item = moving.move_to_column(caller, body.ticket_id, body.target_column_id, force=body.force)
    return MovedTicket(ticket_id=item.id, new_phase=_phase(item), new_column=body.target_column_id, status="moved")


@routes.get("/board/stats", "board.stats", permission=Permission.PROJECT_READ)
async def stats(caller: Caller, project_id: Id | None = None) -> list[ColumnStatsResponse]:
    """List how many tickets each column has, and how much of its limit is used."""
    _, board = _board(caller, project_id)
    return [
        ColumnStatsResponse(
            column_id=snapshot.column.id,
            name=snapshot.column.name,
            ticket_count=snapshot.count,
            wip_limit=snapshot.column.wip_limit,
            utilization=round(snapshot.count / snapshot.column.wip_limit, 4) if snapshot.column.wip_limit else None,
            wip_exceeded=snapshot.exceeded,
        )
        for snapshot in columns.list_columns(board)
    ]


@routes.get("/board/wip-violations", "board.wipViolations", permission=Permission.PROJECT_READ)
async def wip_violations(caller: Caller, project_id: Id | None = None) -> list[WIPViolationResponse]:
    """List the columns that have more tickets than their limit."""
    _, board = _board(caller, project_id)
    return [
        WIPViolationResponse(
            column_id=snapshot.column.id,
            column_name=snapshot.column.name,
            wip_limit=snapshot.column.wip_limit,
            current_count=snapshot.count,
            excess=snapshot.count - snapshot.column.wip_limit,
        )
        for snapshot in columns.list_columns(board)
        if snapshot.column.wip_limit is not None and snapshot.exceeded
    ]


@routes.post("/board/auto-transition/{ticket_id}", "board.autoTransition", permission=Permission.CARD_EDIT)
async def auto_transition(ticket_id: str, caller: Caller) -> AutoTransition:
    """Move a ticket to the column that follows its own automatically, if there is room."""
    item = moving.move_to_next_column(caller, ticket_id, refuse_held)
    if item is None:
        return AutoTransition(
            ticket_id=ticket_id, transitioned=False, reason="No auto-transition configured or WIP limit exceeded"
        )
    return AutoTransition(ticket_id=item.id, transitioned=True, new_phase=_phase(item))


@routes.get("/board/column/{phase_id}", "board.column")
async def column(phase_id: str, caller: Caller) -> ColumnDescription:
    """Get the column that shows a phase."""
    shown = columns.get_column(phase_id)
    return ColumnDescription(
        id=shown.id,
        name=shown.name,
        description=shown.description,
        sequence_order=shown.order,
        phase_mapping=list(shown.phases),
        wip_limit=shown.wip_limit,
        is_terminal=shown.terminal,
        auto_transition_to=shown.auto_transition_to,
        color_theme=shown.color,
    )
