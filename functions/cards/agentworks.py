"""agentworks, sections 5.1 and 5.3: cards and their dependencies.

The document shows `externalLinks` and `loggedHours` of a card and `autoArchiveCompleted` of a board, but has no operation that writes
links or hours or restores an archived card; the ones here are additions.
"""

import json
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import AfterValidator, Field, StringConstraints, field_validator

from shared.core.actor import Permission
from shared.edge.contracts.agentworks import (
    AGENTWORKS,
    DEFAULT_LIMIT,
    CardType,
    DeepOffset,
    Id,
    Labels,
    Limit,
    PaginationMeta,
    Reason,
    Search,
    pagination,
)
from shared.edge.contracts.base import Shape, StrictRequest
from shared.edge.contracts.fields import Date, Offset, OneLine, Title
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.agentworks import cards as views
from shared.edge.views.agentworks.activities import activity
from shared.edge.views.agentworks.cards import Card, CardDependency, CardDetails, ExternalLink
from shared.work.activities.details import get_item_details
from shared.work.items import dependencies
from shared.work.items.archiving import restore_item
from shared.work.items.creating import NewItem, create_item
from shared.work.items.deleting import delete_item
from shared.work.items.filtering import ItemFilter
from shared.work.items.hours import log_hours
from shared.work.items.links import add_link, remove_link
from shared.work.items.listing import list_archived, list_items
from shared.work.items.moving import move_item
from shared.work.items.updating import update_item

routes = Routes(AGENTWORKS, "cards")

MAX_CUSTOM_FIELDS = 10_000  # characters of a card's custom fields as JSON: a page of a hundred cards must stay below 6 MB


def _limit_size(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value)) > MAX_CUSTOM_FIELDS:
        raise ValueError(f"custom fields take at most {MAX_CUSTOM_FIELDS:,} characters together")
    return value


Description = Annotated[str, Field(max_length=40_000)]
Status = Literal["draft", "ready", "in_progress", "blocked", "done"]
Priority = Literal["low", "medium", "high", "critical"]
Hours = Annotated[int | float, Field(ge=0, le=100_000)]
Position = Annotated[int | float, Field(ge=0, lt=1e10)]
CustomFields = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=100)], Any], Field(max_length=100), AfterValidator(_limit_size)
]
DependencyType = Literal["blocks", "relates_to", "duplicates"]


class TagInfo(StrictRequest):
    key: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), OneLine]
    value: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), OneLine]
    color: Annotated[str, Field(max_length=30)] | None = None


_TAGS = "`key` or `key:value`, repeated or with commas; a card has all. A tag that contains a comma: alone in its parameter"
Tags = Annotated[list[TagInfo], Field(max_length=50)]


class ListCardsResponse(Shape):
    cards: list[Card]
    total: int
    pagination: PaginationMeta


class CreateCardRequest(StrictRequest):
    laneId: Id
    parentId: Id | None = None
    title: Title
    description: Description | None = None
    type: CardType
    priority: Priority = "medium"
    assigneeId: Id | None = None
    position: Position | None = None
    labels: Labels = []
    tags: Tags = []
    estimatedHours: Hours | None = None
    dueDate: Date | None = None
    customFields: CustomFields = {}


class UpdateCardRequest(StrictRequest):
    """A field that is left out stays unchanged. Null clears `description`, `assigneeId`, `estimatedHours` and `dueDate`."""

    title: Title | None = None
    description: Description | None = None
    type: CardType | None = None
    status: Status | None = None
    priority: Priority | None = None
    assigneeId: Annotated[str, Field(max_length=80)] | None = None
    labels: Labels | None = None
    tags: Tags | None = None
    estimatedHours: Hours | None = None
    dueDate: Date | None = None
    customFields: CustomFields | None = None

    def changes(self) -> dict[str, Any]:
        """Return the fields that were sent, by the attribute names of the card."""
        sent = self.model_dump(exclude_unset=True)
        if self.tags:
            sent["tags"] = _tags(self.tags)
        return {_NAMES.get(name, name): value for name, value in sent.items() if value is not None or name in _CLEARED}


class MoveCardRequest(StrictRequest):
    toLaneId: Id
    position: Position | None = None
    reason: Reason | None = None


class AddLinkRequest(StrictRequest):
    """`title` defaults to the host of the URL; the default of `type` depends on the host."""

    url: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
    title: Title | None = None
    type: Literal["github", "docs", "design", "other"] | None = None


class LogTimeRequest(StrictRequest):
    """Hours to add; a negative number subtracts."""

    hours: Annotated[int | float, Field(ge=-1_000, le=1_000, allow_inf_nan=False)]
    note: Reason | None = None

    @field_validator("hours")
    @classmethod
    def _some(cls, value: float) -> float:
        if round(value, 4) == 0:
            raise ValueError("must not be 0")
        return value


class CreateDependencyRequest(StrictRequest):
    dependencyCardId: Id
    type: DependencyType


class CardDependenciesResponse(Shape):
    blockedBy: list[CardDependency]
    blocking: list[CardDependency]


_NAMES = {
    "assigneeId": "assignee_id",
    "estimatedHours": "estimated_hours",
    "dueDate": "due_date",
    "customFields": "custom_fields",
}
_CLEARED = {"description", "assigneeId", "estimatedHours", "dueDate"}


def _tags(tags: list[TagInfo]) -> list[dict[str, str]]:
    """Return tags as a row stores them: without unset fields."""
    return [tag.model_dump(exclude_none=True) for tag in tags]


@routes.get("/boards/{boardId}/cards", "cards.list", permission=Permission.CARD_READ)
async def list_cards(
    boardId: str,
    caller: Caller,
    laneId: str | None = None,
    assigneeId: str | None = None,
    type: str | None = None,
    status: str | None = None,
    search: Search | None = None,
    tags: Annotated[list[str] | None, Query(description=_TAGS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
    includeChildren: bool = False,
) -> ListCardsResponse:
    """List the cards of a board, ordered by lane and position. `includeChildren` adds summaries of each card's children, on a board of
    more than 100 cards of the first 100 of each."""
    item_filter = ItemFilter(laneId, assigneeId, type, status, search, tuple(tags or ()))
    page = list_items(caller, boardId, item_filter, limit=limit, offset=offset, with_children=includeChildren)
    cards = []
    for item in page.items:
        children = [views.indexed_card(row, item.board_id) for row in page.children.get(item.id, [])] if includeChildren else None
        cards.append(views.card(item, children=children))
    return ListCardsResponse.model_construct(cards=cards, total=page.total, pagination=pagination(limit, offset, page.total))


@routes.get("/boards/{boardId}/cards/archived", "cards.archived", permission=Permission.CARD_READ, addition=True)
async def list_archived_cards(
    boardId: str,
    caller: Caller,
    limit: Limit = DEFAULT_LIMIT,
    offset: DeepOffset = 0,
) -> ListCardsResponse:
    """List the cards that were archived after they were finished (`autoArchiveCompleted`), last archived first."""
    page = list_archived(caller, boardId, limit=limit, offset=offset)
    cards = [views.card(item) for item in page.items]
    return ListCardsResponse.model_construct(cards=cards, total=page.total, pagination=pagination(limit, offset, page.total))


@routes.post("/boards/{boardId}/cards", "cards.create", status=201, permission=Permission.CARD_CREATE)
async def create_card(boardId: str, body: CreateCardRequest, caller: Caller) -> Card:
    """Create a card in a lane. The lane must allow its type and have room, and the card must have the fields that the lane requires."""
    new = NewItem(
        title=body.title,
        type=body.type,
        lane_id=body.laneId,
        description=body.description,
        priority=body.priority,
        parent_id=body.parentId,
        assignee_id=body.assigneeId,
        position=body.position,
        labels=body.labels,
        tags=_tags(body.tags),
        estimated_hours=body.estimatedHours,
        due_date=body.dueDate,
        custom_fields=body.customFields,
    )
    return views.card(create_item(caller, boardId, new))


@routes.get("/cards/{id}", "cards.get", permission=Permission.CARD_READ)
async def get_card(id: str, caller: Caller) -> CardDetails:
    """Get a card with its children, dependencies, newest comments (50) and newest activities (25)."""
    item_details = get_item_details(caller, id)
    fields = views.card_fields(
        item_details.item,
        [views.card_summary(child) for child in item_details.children],
        [views.dependency(dependency) for dependency in item_details.dependencies],
    )
    fields["comments"] = [views.comment(comment) for comment in item_details.comments]
    fields["activities"] = [activity(row) for row in item_details.activities]
    return CardDetails.model_validate(fields)


@routes.put("/cards/{id}", "cards.update", permission=Permission.CARD_EDIT)
async def update_card(id: str, body: UpdateCardRequest, caller: Caller) -> Card:
    """Change the given fields. `status: done` moves the card to the done lane; any other status moves a finished card back."""
    return views.card(update_item(caller, id, body.changes()))


@routes.post("/cards/{id}/move", "cards.move", permission=Permission.CARD_EDIT)
async def move_card(id: str, body: MoveCardRequest, caller: Caller) -> Card:
    """Move the card to another lane of its board, or to another position in its own lane."""
    return views.card(move_item(caller, id, body.toLaneId, body.position, body.reason))


@routes.delete("/cards/{id}", "cards.delete", status=204, permission=Permission.CARD_DELETE)
async def delete_card(id: str, caller: Caller) -> None:
    """Delete a card and everything that belongs to it."""
    delete_item(caller, id)


@routes.post("/cards/{id}/restore", "cards.restore", permission=Permission.CARD_EDIT, addition=True)
async def restore_card(id: str, caller: Caller) -> Card:
    """Restore an archived card to its lane, which must have room."""
    return views.card(restore_item(caller, id))


@routes.post("/cards/{id}/links", "links.create", status=201, permission=Permission.CARD_EDIT, addition=True)
async def create_link(id: str, body: AddLinkRequest, caller: Caller) -> ExternalLink:
    """Add a link (https or http) to a card, which can have at most 50. An existing link with the same URL is returned instead."""
    return ExternalLink.model_validate(add_link(caller, id, body.url, body.title, body.type))


@routes.delete("/cards/{id}/links/{linkId}", "links.delete", status=204, permission=Permission.CARD_EDIT, addition=True)
async def delete_link(id: str, linkId: str, caller: Caller) -> None:
    """Remove a link from a card."""
    remove_link(caller, id, linkId)


@routes.post("/cards/{id}/time", "cards.logTime", status=201, permission=Permission.CARD_EDIT, addition=True)
async def log_time(id: str, body: LogTimeRequest, caller: Caller) -> Card:
    """Log hours of work on a card: adds them to `loggedHours` and records an activity with the person, the hours and the note."""
    return views.card(log_hours(caller, id, body.hours, body.note))


@routes.get("/cards/{id}/dependencies", "dependencies.list", permission=Permission.CARD_READ)
async def list_dependencies(id: str, caller: Caller) -> CardDependenciesResponse:
    """List the dependencies of a card, of all three types. `blockedBy`: it depends on the others; `blocking`: others depend on it."""
    card, resolved = dependencies.list_dependencies(caller, id)
    return CardDependenciesResponse(
        blockedBy=[views.dependency(dependency) for dependency in resolved if dependency.dependent.id == card.id],
        blocking=[views.dependency(dependency) for dependency in resolved if dependency.blocker.id == card.id],
    )


@routes.post(
    "/cards/{id}/dependencies",
    "dependencies.create",
    status=201,
    permission=Permission.CARD_EDIT,
    fields={"dependency_id": "dependencyCardId"},
)
async def create_dependency(id: str, body: CreateDependencyRequest, caller: Caller) -> CardDependency:
    """Make this card depend on another card of the same board. Dependencies of type `blocks` must not form a cycle."""
    return views.dependency(dependencies.create_dependency(caller, id, body.dependencyCardId, body.type))


@routes.delete("/dependencies/{id}", "dependencies.delete", status=204, permission=Permission.CARD_EDIT)
async def delete_dependency(id: str, caller: Caller) -> None:
    """Delete a dependency; it disappears from both cards."""
    dependencies.delete_dependency(caller, id)
