"""What a lane asks of a card. Creating, changing and moving cards share it."""

import json
from typing import Any

from shared.core.errors import Conflict, FieldError, Invalid, TransitionRefused
from shared.core.situations import Situation
from shared.work.boards.rows import Lane
from shared.work.items.rows import Item

_MAX_BYTES = {  # bytes, as JSON: a page of a hundred cards fits into Lambda's 6 MB, a card and its last event into a row of 400 KB
    "description": 40_000,
    "acceptance_criteria": 40_000,
    "custom_fields": 20_000,
    "context": 60_000,
    "external_links": 10_000,
}
_ATTRIBUTE_BY_NAME = {  # a lane's settings are stored as agentworks wrote them, with its names of the card's fields
    "assigneeId": "assignee_id",
    "parentId": "parent_id",
    "estimatedHours": "estimated_hours",
    "loggedHours": "logged_hours",
    "dueDate": "due_date",
    "customFields": "custom_fields",
    "externalLinks": "external_links",
    "acceptanceCriteria": "acceptance_criteria",
}


_EMPTY: tuple[Any, ...] = (None, "", [], {})  # 0 and false are values


def refuse_oversized(item: Item) -> None:
    """Raises Invalid for a text that is too long for a card; long texts are documents."""
    for name, limit in _MAX_BYTES.items():
        value = getattr(item, name)
        if value and len(json.dumps(value, ensure_ascii=False).encode()) > limit + 2:
            raise Invalid(FieldError(name, f"This takes at most {limit:,} bytes; keep long texts in a document"))


def refuse_archived(item: Item) -> None:
    """Raises Conflict(CARD_ARCHIVED) for a card that was put away: it counts nowhere, so it goes nowhere."""
    if item.archived_at:
        raise Conflict(Situation.CARD_ARCHIVED, "The card is archived; restore it to change it")


def refuse_lane_mismatch(item: Item, lane: Lane) -> None:
    """Raises TransitionRefused unless the lane is on the card's board, takes its type, and finds every field it requires."""
    if lane.board_id != item.board_id or lane.deleted_at:
        raise TransitionRefused("The lane belongs to another board", {"lane_id": lane.id})
    refuse_type(item, lane)
    missing = [_attribute_name(name) for name in lane.settings.get("requiredFields") or [] if field_value(item, name) in _EMPTY]
    if missing:
        words = ", ".join(map(_display_name, missing))
        raise TransitionRefused(f"The lane {lane.name} requires {words}", {"lane_id": lane.id, "missing_fields": missing})


def refuse_type(item: Item, lane: Lane) -> None:
    """Raises TransitionRefused where the lane does not take cards of this type."""
    allowed = lane.settings.get("allowedCardTypes") or []
    if allowed and item.type not in allowed:
        raise TransitionRefused(
            f"The lane {lane.name} does not take cards of type {item.type}", {"lane_id": lane.id, "allowed_card_types": allowed}
        )


def wip_limit(lane: Lane) -> int | None:
    """How many cards the lane takes at a time; None: any number."""
    return None if lane.wip_limit is None else int(lane.wip_limit)


def field_value(item: Item, name: str) -> Any:
    """What a card has under a name that a lane's settings give: a field of the card, or a custom field. A person is their id."""
    own = _attribute_name(name)
    if own in ("assignee", "assignee_id"):
        return item.assignee["id"] if item.assignee else item.assignee
    custom = own.startswith(_CUSTOM_PREFIX)
    return item.custom_fields.get(own.removeprefix(_CUSTOM_PREFIX)) if custom else getattr(item, own)


_CUSTOM_PREFIX = "custom_fields."


def _attribute_name(name: str) -> str:
    """Our name of a field that a lane's settings name: the card's attribute, `assignee_id`, or `custom_fields.<key>`."""
    own = _ATTRIBUTE_BY_NAME.get(name, name)
    return own if own == "assignee_id" or own in Item.get_attributes() else f"{_CUSTOM_PREFIX}{name}"


def _display_name(own: str) -> str:
    """A field as a message names it: `estimated hours`, or the key of a custom field."""
    return own.removeprefix(_CUSTOM_PREFIX) if own.startswith(_CUSTOM_PREFIX) else own.removesuffix("_id").replace("_", " ")
