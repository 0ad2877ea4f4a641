"""agentworks, section 4.2: boards and lanes."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from shared.core.actor import Permission
from shared.edge.contracts.agentworks import AGENTWORKS, AgentName, CardType, WipLimit
from shared.edge.contracts.base import Shape, StrictRequest
from shared.edge.contracts.fields import Description, Name, OneLine
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.work.boards import reading, updating
from shared.work.boards.reading import BoardSnapshot
from shared.work.boards.rows import Lane as LaneRow
from shared.work.boards.updating import UNSET
from shared.work.projects.reading import list_project_boards

routes = Routes(AGENTWORKS, "boards")

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), OneLine]


class CustomField(Shape):
    """A stored definition: it may be older than the rules for a new one."""

    key: str
    name: str
    type: str
    required: bool = False
    options: list[str] | None = None


class CustomFieldDefinition(StrictRequest):
    """Not defined by the document. `options` are the choices of a select or multi_select."""

    key: Word
    name: Word
    type: Word
    required: bool = False
    options: Annotated[list[Word], Field(max_length=200)] | None = None


class BoardSettings(Shape):
    showWipLimits: bool
    enableCardDependencies: bool
    autoArchiveCompleted: bool
    customFields: list[CustomField]


class BoardSettingsChanges(StrictRequest):
    showWipLimits: bool | None = None
    enableCardDependencies: bool | None = None
    autoArchiveCompleted: bool | None = None
    customFields: Annotated[list[CustomFieldDefinition], Field(max_length=50)] | None = None


class AutoProgressCondition(StrictRequest):
    """Not defined by the document. `type`: children_done, dependencies_done, agent_run_completed (`value`: the agent's name, if only
    its runs count; a run that only asked does not), or field (`field` is compared with `value` by `operator`: equals,
    not_equals, contains, greater_than, less_than, is_set, is_not_set). All conditions with the same target (`toLaneId`, else the
    following lane) must be true."""

    type: Word
    field: Word | None = None
    operator: Word | None = None
    value: Annotated[str, Field(max_length=500)] | float | bool | None = None
    toLaneId: Word | None = None


class LaneSettings(Shape):
    color: str
    position: float
    allowedCardTypes: list[str]
    requiredFields: list[str]
    autoProgressConditions: list[AutoProgressCondition] | None = None


class LaneSettingsChanges(StrictRequest):
    color: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    position: Annotated[float, Field(allow_inf_nan=False)] | None = None
    allowedCardTypes: Annotated[list[CardType], Field(max_length=6)] | None = None
    requiredFields: Annotated[list[Word], Field(max_length=50)] | None = None
    autoProgressConditions: Annotated[list[AutoProgressCondition], Field(max_length=20)] | None = None


class BoardSummary(Shape):
    id: str
    name: str
    cardCount: int
    lastActivity: str


class ListBoardsResponse(Shape):
    boards: list[BoardSummary]


class Lane(Shape):
    id: str
    laneNumber: int
    name: str
    description: str | None = None
    wipLimit: int | None = None
    autoTriggerAgent: str | None = None
    exitCriteria: str | None = None
    cardCount: int
    settings: LaneSettings


class BoardDetails(Shape):
    id: str
    projectId: str
    name: str
    description: str | None = None
    lanes: list[Lane]
    settings: BoardSettings
    createdAt: str
    updatedAt: str


class UpdateBoardRequest(StrictRequest):
    name: Name | None = None
    description: Description | None = None
    settings: BoardSettingsChanges | None = None


class UpdateLaneRequest(StrictRequest):
    name: Name | None = None
    description: Description | None = None
    wipLimit: WipLimit | None = None
    autoTriggerAgent: AgentName | None = None
    exitCriteria: Description | None = None
    settings: LaneSettingsChanges | None = None


def _lane(row: LaneRow, cards: int) -> Lane:
    return Lane(
        id=row.id,
        laneNumber=int(row.number),
        name=row.name,
        description=row.description,
        wipLimit=int(row.wip_limit) if row.wip_limit is not None else None,
        autoTriggerAgent=row.auto_trigger_agent,
        exitCriteria=row.exit_criteria,
        cardCount=cards,
        settings=LaneSettings.model_validate(row.settings),
    )


def _lanes(snapshot: BoardSnapshot) -> list[Lane]:
    return [_lane(lane, snapshot.cards_in(lane)) for lane in snapshot.lanes]


def _details(snapshot: BoardSnapshot) -> BoardDetails:
    board = snapshot.board
    return BoardDetails(
        id=board.id,
        projectId=str(board.proj_id),
        name=board.name,
        description=board.description,
        lanes=_lanes(snapshot),
        settings=BoardSettings.model_validate(board.settings),
        createdAt=board.created_at,
        updatedAt=board.updated_at,
    )


def _field_change(body: UpdateBoardRequest | UpdateLaneRequest, field: str) -> Any:
    """Return the change of a field: None if the body has null or an empty text, UNSET if the body does not have the field."""
    return (getattr(body, field) or None) if field in body.model_fields_set else UNSET


@routes.get("/projects/{id}/boards", "boards.list", permission=Permission.PROJECT_READ)
async def list_boards(id: str, caller: Caller) -> ListBoardsResponse:
    """List the boards of a project; every project has exactly one."""
    return ListBoardsResponse(
        boards=[
            BoardSummary(id=board.id, name=board.name, cardCount=project.cards, lastActivity=project.last_activity)
            for board, project in list_project_boards(caller, id)
        ]
    )


@routes.get("/boards/{id}", "boards.get", permission=Permission.PROJECT_READ)
async def get(id: str, caller: Caller) -> BoardDetails:
    """Get a board with its lanes and their numbers of cards."""
    return _details(reading.get_board(caller, id, Permission.PROJECT_READ))


@routes.put("/boards/{id}", "boards.update", permission=Permission.PROJECT_WRITE)
async def update(id: str, body: UpdateBoardRequest, caller: Caller) -> BoardDetails:
    """Change the given fields; settings are merged key by key."""
    settings = body.settings.model_dump(exclude_none=True) if body.settings else None
    return _details(
        updating.update_board(caller, id, name=body.name, description=_field_change(body, "description"), settings=settings)
    )


@routes.get("/boards/{id}/lanes", "boards.lanes", permission=Permission.PROJECT_READ)
async def lanes(id: str, caller: Caller) -> list[Lane]:
    """List the lanes of a board in order, with their numbers of cards."""
    return _lanes(reading.get_board(caller, id, Permission.PROJECT_READ))


@routes.put("/lanes/{id}", "lanes.update", permission=Permission.PROJECT_WRITE)
async def update_lane(id: str, body: UpdateLaneRequest, caller: Caller) -> Lane:
    """Change the given fields; null removes the WIP limit or the automatic agent; settings are merged key by key."""
    row, cards = updating.update_lane(
        caller,
        id,
        name=body.name,
        description=_field_change(body, "description"),
        wip_limit=_field_change(body, "wipLimit"),
        agent=_field_change(body, "autoTriggerAgent"),
        exit_criteria=_field_change(body, "exitCriteria"),
        settings=body.settings.model_dump(exclude_none=True) if body.settings else None,
    )
    return _lane(row, cards)
