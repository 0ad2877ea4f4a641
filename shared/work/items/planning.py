"""Requirements and features: cards of the types `epic` and `feature`, whichever contract made them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id
from shared.store import begin_index_rows, fetch, fetch_all, load, page_of
from shared.work.items.creating import NewItem, create_item
from shared.work.items.rows import Item, ItemHead
from shared.work.items.updating import update_item

REQUIREMENT, FEATURE = "epic", "feature"
"""Types of cards."""
_NAMES: Final = {REQUIREMENT: "requirement", FEATURE: "feature"}
_FIRST_PHASE: Final = "PHASE_BACKLOG"
"""The phase in which nothing has begun: its lane has no limit of cards unless somebody sets one."""


@dataclass(frozen=True)
class NewRequirement:
    title: str
    description: str
    acceptance_criteria: Sequence[str]
    user_stories: Sequence[dict[str, Any]] = ()
    priority: str = "medium"
    effort_points: int | None = None
    labels: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class NewFeature:
    name: str
    description: str
    implementation_notes: str | None = None
    complexity_points: int | None = None
    developer_id: str | None = None


def create_requirement(actor: Actor, board_id: str, new: NewRequirement) -> Item:
    """Create a requirement on a board, in its first lane. Two round trips. Raises what `create_item` does."""
    return create_item(
        actor,
        board_id,
        NewItem(
            new.title,
            REQUIREMENT,
            phase_id=_FIRST_PHASE,
            description=new.description,
            priority=new.priority,
            acceptance_criteria=list(new.acceptance_criteria),
            user_stories=list(new.user_stories),
            effort_points=new.effort_points,
            labels=new.labels,
        ),
    )


def create_feature(actor: Actor, requirement_id: str, new: NewFeature) -> Item:
    """Create a feature of a requirement, on its board; it has the requirement's priority. The developer is the card's assignee.

    Three round trips: the requirement, which names the board, then those of `create_item`. Raises NotFound("requirement") and what
    `create_item` does; Invalid for a developer who is no member of the workspace.
    """
    requirement = load_type(actor, requirement_id, REQUIREMENT, Permission.CARD_CREATE)
    return create_item(
        actor,
        requirement.board_id,
        NewItem(
            new.name,
            FEATURE,
            phase_id=_FIRST_PHASE,
            description=new.description,
            priority=requirement.priority,
            parent_id=requirement.id,
            assignee_id=new.developer_id,
            implementation_notes=new.implementation_notes,
            complexity_points=new.complexity_points,
        ),
    )


def load_type(actor: Actor, item_id: str, type_: str, permission: Permission) -> Item:
    """Return a requirement or a feature. One round trip. Raises NotFound, also for a card of another type, and Forbidden."""
    try:
        item = load(Item, item_id, actor, permission)
    except NotFound:
        raise NotFound(_NAMES[type_]) from None
    if item.type != type_:
        raise NotFound(_NAMES[type_])
    return item


def requirement_of(feature: ItemHead) -> str | None:
    """Return the id of a feature's requirement; None if the card above it is of another type or deleted. One round trip at most."""
    above = fetch(ItemHead, feature.parent_id) if feature.parent_id else None
    return above.id if above is not None and above.type == REQUIREMENT and not above.deleted_at else None


def set_feature_status(actor: Actor, feature_id: str, status: str, reason: str | None = None) -> Item:
    """Set the status of a feature: a status of a card, or `open` for one on which nobody works. Two round trips.

    The card moves as `update_item` says. Raises NotFound("feature"), Forbidden, TransitionRefused, Conflict (archived).
    """
    changes = {"status": status} | ({"blocked_reason": reason} if reason is not None else {})
    return update_item(actor, feature_id, changes, read=lambda: load_type(actor, feature_id, FEATURE, Permission.CARD_EDIT))


def list_features(actor: Actor, requirement_id: str, *, limit: int, offset: int = 0) -> tuple[list[Item], int]:
    """Return a page of a requirement's features in the order of their cards, and how many there are. Two round trips.

    Raises NotFound("requirement"), Forbidden.
    """
    children = begin_index_rows(3, f"PARENT#{bare_id(requirement_id)}")
    load_type(actor, requirement_id, REQUIREMENT, Permission.CARD_READ)
    rows, total = page_of((row for row in children if row.f["type"] == FEATURE), offset, limit)
    return fetch_all(Item, [row.id for row in rows], to_show=True), total
