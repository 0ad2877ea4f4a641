"""What a lane asks of a card. Creating, changing and moving cards share it."""

import json
from typing import Any

from shared.core.errors import Conflict, FieldError, Invalid, TransitionRefused
from shared.core.situations import Situation
from shared.work.boards.rows import Lane
from shared.work.items.rows import Item

_SIZES = {  # bytes, as JSON: a page of a hundred cards fits into Lambda's 6 MB, a card and its last event into a row of 400 KB
    "description": 40_000,
    "acceptance_criteria": 40_000,
    "custom_fields": 20_000,
    "context": 60_000,
    "external_links": 10_000,
}
_ATTRIBUTES = {  # a lane's requiredFields carry the names of agentworks' card
    "assigneeId": "assignee",
    "parentId": "parent_id",
    "estimatedHours": "estimated_hours",
    "loggedHours": "logged_hours",
    "dueDate": "due_date",
    "customFields": "custom_fields",
    "externalLinks": "external_links",
    "acceptanceCriteria": "acceptance_criteria",
}


_NOTHING: tuple[Any, ...] = (None, "", [], {})  # 0 and false are values


def refuse_oversized(item: Item) -> None:
    """Raises Invalid for a text that is too long for a card; long texts are documents."""
    for name, limit in _SIZES.items():
        value = getattr(item, name)
        if value and len(json.dumps(value, ensure_ascii=False).encode()) > limit + 2:
            raise Invalid(FieldError(name, f"This takes at most {limit:,} bytes; keep long texts in a document"))


def refuse_archived(item: Item) -> None:
    """Raises Conflict(CARD_ARCHIVED) for a card that was put away: it counts nowhere, so it goes nowhere."""
    if item.archived_at:
        raise Conflict(Situation.CARD_ARCHIVED, "The card is archived; restore it to change it")


def refuse_unfit(item: Item, lane: Lane) -> None:
    """Raises TransitionRefused unless the lane is on the card's board, takes its type, and finds every field it requires."""
    if lane.board_id != item.board_id or lane.deleted_at:
        raise TransitionRefused("The lane belongs to another board", {"laneId": lane.id})
    refuse_type(item, lane)
    missing = [name for name in lane.settings.get("requiredFields") or [] if value_of(item, name) in _NOTHING]
    if missing:
        raise TransitionRefused(
            f"The lane {lane.name} requires {', '.join(missing)}", {"laneId": lane.id, "missingFields": missing}
        )


def refuse_type(item: Item, lane: Lane) -> None:
    """Raises TransitionRefused where the lane does not take cards of this type."""
    allowed = lane.settings.get("allowedCardTypes") or []
    if allowed and item.type not in allowed:
        raise TransitionRefused(
            f"The lane {lane.name} does not take cards of type {item.type}", {"laneId": lane.id, "allowedCardTypes": allowed}
        )


def wip_limit(lane: Lane) -> int | None:
    """How many cards the lane takes at a time; None: any number."""
    return None if lane.wip_limit is None else int(lane.wip_limit)


def value_of(item: Item, name: str) -> Any:
    """What a card has under a name of agentworks' card, or of a custom field. A person is their id."""
    attribute = _ATTRIBUTES.get(name, name)
    if attribute in Item.get_attributes():
        value = getattr(item, attribute)
        return value["id"] if attribute == "assignee" and value else value
    return item.custom_fields.get(name)
