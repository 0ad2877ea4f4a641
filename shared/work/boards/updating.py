"""Renaming and setting boards and lanes."""

from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.events import EventType, record
from shared.store import Entity, Operation, get, load, update_with_retry
from shared.work.boards.conditions import check_conditions
from shared.work.boards.counting import PROJECT_ARCHIVED, require_writable
from shared.work.boards.fields import check_custom_fields
from shared.work.boards.lanes import COLUMN_BY_ID
from shared.work.boards.reading import BoardSnapshot, get_board
from shared.work.boards.rows import Board, Counts, Lane

UNSET: Any = object()
"""A field that a change does not mention (None takes its value away)."""


def update_board(
    actor: Actor, board_id: str, *, name: str | None = None, description: Any = UNSET, settings: dict[str, Any] | None = None
) -> BoardSnapshot:
    """Change what is given; settings change key by key. Raises Invalid for custom fields that could hold nothing. Two round
    trips."""
    seen: list[BoardSnapshot] = []

    def read() -> Board:
        seen.append(get_board(actor, board_id, Permission.PROJECT_WRITE))
        return seen[-1].board

    def change(board: Board) -> list[Operation]:
        if seen[-1].counts.closed:
            raise PROJECT_ARCHIVED
        check_custom_fields((settings or {}).get("customFields") or [])
        wished = {
            "name": board.name if name is None else name,
            "description": board.description if description is UNSET else description,
            "settings": board.settings | (settings or {}),
        }
        return apply_changes(board, wished, EventType.BOARD_UPDATED, actor, require_writable(board.id))

    update_with_retry(read, change)
    return seen[-1]


def update_lane(
    actor: Actor,
    lane_id: str,
    *,
    name: str | None = None,
    description: Any = UNSET,
    wip_limit: Any = UNSET,
    agent: Any = UNSET,
    exit_criteria: Any = UNSET,
    settings: dict[str, Any] | None = None,
) -> tuple[Lane, int]:
    """Change what is given; settings change key by key. Answers the lane and how many cards are in it. Three round trips.

    A limit below what the lane holds is allowed: it refuses newcomers until cards have left. Raises Invalid for an agent that the
    catalogue lacks, and for a condition that could never hold.
    """
    if agent is not UNSET and agent:
        check_agent(agent)

    def change(lane: Lane) -> list[Operation]:
        check_conditions(lane, (settings or {}).get("autoProgressConditions") or [])
        wished = {
            "name": lane.name if name is None else name,
            "description": lane.description if description is UNSET else description,
            "wip_limit": lane.wip_limit if wip_limit is UNSET else wip_limit,
            "auto_trigger_agent": lane.auto_trigger_agent if agent is UNSET else agent or None,
            "exit_criteria": lane.exit_criteria if exit_criteria is UNSET else exit_criteria,
            "settings": lane.settings | (settings or {}),
        }
        return apply_changes(lane, wished, EventType.LANE_UPDATED, actor, require_writable(lane.board_id))

    lane = update_with_retry(lambda: load(Lane, lane_id, actor, Permission.PROJECT_WRITE), change)
    counts = get(Counts, *Counts.key(lane.board_id))
    return lane, int(counts.lanes.get(lane.id, 0)) if counts else 0


def apply_changes(entity: Entity, wished: dict[str, Any], event: EventType, actor: Actor, *guards: Operation) -> list[Operation]:
    """Set the fields that differ and record the event; the guards go with the write, if there is one."""
    changes = {field: [getattr(entity, field), value] for field, value in wished.items() if getattr(entity, field) != value}
    if not changes:
        return []
    for field, (_, value) in changes.items():
        setattr(entity, field, value)
    record(entity, event, actor, changes=changes)
    return list(guards)


def record_wip_exceeded(lane: Lane, column_id: str, count: int, actor: Actor) -> None:
    """Say on the lane, which the caller then writes, that a forced move took its column past the limit."""
    record(
        lane,
        EventType.WIP_EXCEEDED,
        actor,
        board_id=lane.board_id,
        column_id=column_id,
        current_count=count,
        wip_limit=COLUMN_BY_ID[column_id].wip_limit,
    )


def check_agent(name: str, field: str = "auto_trigger_agent") -> None:
    """Raises Invalid, naming `field`, unless the catalogue has an agent of this name."""
    from shared.agents.catalogue import AGENTS

    if name not in {agent.name for agent in AGENTS}:
        raise Invalid(FieldError(field, "No agent of the catalogue has this name", name))
