"""What a lane's `autoProgressConditions` may say. `shared.work.items.auto_progress` says what each means, and acts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from shared.core.errors import FieldError, Invalid
from shared.core.ids import bare_id
from shared.work.boards.creating import lane_id_of
from shared.work.boards.lanes import LANES
from shared.work.boards.rows import Lane

TYPES: Final = ("children_done", "dependencies_done", "agent_run_completed", "field")
OPERATORS: Final = ("equals", "not_equals", "contains", "greater_than", "less_than", "is_set", "is_not_set")
Condition = Mapping[str, Any]


def check_conditions(lane: Lane, conditions: Sequence[Condition]) -> None:
    """Raises Invalid, naming each field of a condition that could never hold or leads nowhere."""
    problems = [
        FieldError(f"settings.auto_progress_conditions.{index}.{field}", message, value)
        for index, one in enumerate(conditions)
        for field, message, value in _problems(lane, one)
    ]
    if problems:
        raise Invalid(*problems)


def target_lane_id(lane: Lane, condition: Condition) -> str | None:
    """The id of the lane that a condition leads to; None where the last lane names none."""
    if condition.get("toLaneId"):
        return bare_id(condition["toLaneId"])
    following = int(lane.number) + 1
    return lane_id_of(lane.board_id, following) if following < len(LANES) else None


def _problems(lane: Lane, one: Condition) -> Iterator[tuple[str, str, Any]]:
    """Field, what is wrong, and the value."""
    if one["type"] not in TYPES:
        yield "type", f"One of {', '.join(TYPES)}", one["type"]
    if one["type"] == "field":
        if not one.get("field"):
            yield "field", "Which field of the card is compared", one.get("field")
        if one.get("operator") not in (None, *OPERATORS):
            yield "operator", f"One of {', '.join(OPERATORS)}", one["operator"]
        if one.get("value") is None and one.get("operator") not in ("is_set", "is_not_set"):
            yield "value", "What the field is compared with", None
    goes = target_lane_id(lane, one)
    if goes is None:
        yield "to_lane_id", "No lane follows this one: name where the card goes", None
    elif goes == lane.id:
        yield "to_lane_id", "The card is in this lane", one.get("toLaneId")
    elif goes not in [lane_id_of(lane.board_id, kind.number) for kind in LANES]:
        yield "to_lane_id", "This board has no such lane", one.get("toLaneId")
