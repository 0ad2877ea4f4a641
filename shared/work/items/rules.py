"""The rules that a card must meet, also those of its lane. Creating, updating and moving cards share them."""

import json
from collections.abc import Iterable
from typing import Any, Final

from shared.core.errors import Conflict, FieldError, Invalid, TransitionRefused
from shared.core.situations import Situation
from shared.core.wording import Wording
from shared.work.boards.lanes import LANES
from shared.work.boards.rows import Lane
from shared.work.items.rows import Item, ItemHead

MAX_AUTO_MOVES: Final = len(LANES)
"""How often a card moves without a person: each lane of a board once."""
_MAX_BYTES = {  # bytes as JSON: a page of a hundred cards fits into Lambda's 6 MB, a card with its last event into DynamoDB's 400 KB
    "description": 40_000,
    "acceptance_criteria": 40_000,
    "user_stories": 40_000,
    "implementation_notes": 20_000,
    "custom_fields": 20_000,
    "context": 60_000,
    "external_links": 10_000,
}
_ATTRIBUTE_BY_NAME = {  # a lane's settings are stored with the field names of agentworks
    "assigneeId": "assignee_id",
    "parentId": "parent_id",
    "estimatedHours": "estimated_hours",
    "loggedHours": "logged_hours",
    "dueDate": "due_date",
    "customFields": "custom_fields",
    "externalLinks": "external_links",
    "acceptanceCriteria": "acceptance_criteria",
}


def unique_labels(labels: Iterable[str]) -> list[str]:
    """Return labels as a card has them: each once, in their order."""
    return list(dict.fromkeys(labels))


def unique_tags(tags: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Return tags as a card has them: each pair of key and value once; the last one's color counts."""
    return list({(tag["key"], tag["value"]): tag for tag in tags}.values())


_EMPTY: tuple[Any, ...] = (None, "", [], {})  # 0 and false are values


def refuse_oversized(item: Item) -> None:
    """Raise Invalid if a field of the card is too long; long texts belong into documents."""
    for name, limit in _MAX_BYTES.items():
        value = getattr(item, name)
        if value and len(json.dumps(value, ensure_ascii=False).encode()) > limit + 2:
            raise Invalid(FieldError(name, f"This takes at most {limit:,} bytes; keep long texts in a document"))


def refuse_archived(item: ItemHead) -> None:
    """Raise Conflict(CARD_ARCHIVED) if the card is archived: it is not counted in any lane, so it cannot move."""
    if item.archived_at:
        raise Conflict(Situation.CARD_ARCHIVED, Wording("The {card} is archived; restore it to change it"))


def refuse_lane_mismatch(item: Item, lane: Lane) -> None:
    """Raise TransitionRefused unless the lane is on the card's board, allows its type, and the card has every required field."""
    if lane.board_id != item.board_id or lane.deleted_at:
        raise TransitionRefused(Wording("The {lane} belongs to another board"), {"lane_id": lane.id})
    refuse_type(item, lane)
    missing = [_attribute_name(name) for name in lane.settings.get("requiredFields") or [] if field_value(item, name) in _EMPTY]
    if missing:
        fields = ", ".join(map(_display_name, missing))
        reason = Wording("The {lane} {lane_name} requires {fields}", fields=fields, **_name(lane))
        raise TransitionRefused(reason, {"lane_id": lane.id, "phase_id": lane.phase_id, "missing_fields": missing})


def refuse_type(item: ItemHead, lane: Lane) -> None:
    """Raise TransitionRefused if the lane does not allow cards of this type."""
    allowed = lane.settings.get("allowedCardTypes") or []
    if allowed and item.type not in allowed:
        cards = f"cards of type {item.type}"
        reason = Wording("The {lane} {lane_name} does not take {such_cards}", such_cards=cards, **_name(lane))
        raise TransitionRefused(reason, {"lane_id": lane.id, "phase_id": lane.phase_id, "allowed_card_types": allowed})


def _name(lane: Lane) -> dict[str, str]:
    """Return what a message may call the lane: contracts without lanes name its phase."""
    return {"lane_name": lane.name, "phase_id": lane.phase_id}


def wip_limit(lane: Lane) -> int | None:
    """Return how many cards may be in the lane at a time; None: no limit."""
    return None if lane.wip_limit is None else int(lane.wip_limit)


def field_value(item: Item, name: str) -> Any:
    """Return the value of a card's field or custom field, by its name in a lane's settings. An assignee is returned as an id."""
    attribute = _attribute_name(name)
    if attribute in ("assignee", "assignee_id"):
        return item.assignee["id"] if item.assignee else item.assignee
    custom = attribute.startswith(_CUSTOM_PREFIX)
    return item.custom_fields.get(attribute.removeprefix(_CUSTOM_PREFIX)) if custom else getattr(item, attribute)


_CUSTOM_PREFIX = "custom_fields."


def _attribute_name(name: str) -> str:
    """Translate a field name of a lane's settings: to the card's attribute, to `assignee_id`, or to `custom_fields.<key>`."""
    attribute = _ATTRIBUTE_BY_NAME.get(name, name)
    return attribute if attribute == "assignee_id" or attribute in Item.get_attributes() else f"{_CUSTOM_PREFIX}{name}"


def _display_name(attribute: str) -> str:
    """Return a field's name for error messages: `estimated hours`, or the key of a custom field."""
    return (
        attribute.removeprefix(_CUSTOM_PREFIX)
        if attribute.startswith(_CUSTOM_PREFIX)
        else attribute.removesuffix("_id").replace("_", " ")
    )
