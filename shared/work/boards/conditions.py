"""Validating a lane's `autoProgressConditions`. `shared.work.items.auto_progress` documents and evaluates them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from shared.core.errors import FieldError, Invalid
from shared.core.ids import bare_id
from shared.work.boards.lanes import LANES, lane_id_of
from shared.work.boards.rows import Lane

TYPES: Final = ("children_done", "dependencies_done", "agent_run_completed", "field")
OPERATORS: Final = ("equals", "not_equals", "contains", "greater_than", "less_than", "is_set", "is_not_set")
Condition = Mapping[str, Any]


def check_conditions(lane: Lane, conditions: Sequence[Condition]) -> None:
    """Raise Invalid, naming each wrong field, if a condition can never be true or has no target lane."""
    problems = [
        FieldError(f"settings.auto_progress_conditions.{index}.{field}", message, value)
        for index, condition in enumerate(conditions)
        for field, message, value in _problems(lane, condition)
    ]
    if problems:
        raise Invalid(*problems)


def target_lane_id(lane: Lane, condition: Condition) -> str | None:
    """Return the id of the lane to which a condition moves a card; None if it names none and the lane is the last one."""
    if condition.get("toLaneId"):
        return bare_id(condition["toLaneId"])
    following = int(lane.number) + 1
    return lane_id_of(lane.board_id, following) if following < len(LANES) else None


def _problems(lane: Lane, condition: Condition) -> Iterator[tuple[str, str, Any]]:
    """Yield each problem of a condition: the field, the message and the value."""
    if condition["type"] not in TYPES:
        yield "type", f"One of {', '.join(TYPES)}", condition["type"]
    if condition["type"] == "field":
        if not condition.get("field"):
            yield "field", "Which field of the card is compared", condition.get("field")
        if condition.get("operator") not in (None, *OPERATORS):
            yield "operator", f"One of {', '.join(OPERATORS)}", condition["operator"]
        if condition.get("value") is None and condition.get("operator") not in ("is_set", "is_not_set"):
            yield "value", "What the field is compared with", None
    target = target_lane_id(lane, condition)
    if target is None:
        yield "to_lane_id", "No lane follows this one: name where the card goes", None
    elif target == lane.id:
        yield "to_lane_id", "The card is in this lane", condition.get("toLaneId")
    elif target not in [lane_id_of(lane.board_id, template.number) for template in LANES]:
        yield "to_lane_id", "This board has no such lane", condition.get("toLaneId")
