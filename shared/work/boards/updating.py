"""Updating boards and lanes."""

from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, NotFound
from shared.events import EventType, record
from shared.store import Entity, Operation, ReadFuture, get, load, read_ahead, update_with_retry
from shared.work.boards.conditions import check_conditions
from shared.work.boards.counting import ProjectArchived, require_writable
from shared.work.boards.fields import check_custom_fields
from shared.work.boards.lanes import COLUMN_BY_ID
from shared.work.boards.reading import BoardSnapshot, get_board
from shared.work.boards.rows import Board, Counts, Lane

UNSET: Any = object()
"""Marks a field that stays as it is; None clears a field."""


def update_board(
    actor: Actor, board_id: str, *, name: str | None = None, description: Any = UNSET, settings: dict[str, Any] | None = None
) -> BoardSnapshot:
    """Change the given fields; settings are merged key by key. Two round trips.

    Raises NotFound, Forbidden, Invalid (a custom field definition), Conflict (archived).
    """
    snapshots: list[BoardSnapshot] = []

    def read() -> Board:
        snapshots.append(get_board(actor, board_id, Permission.PROJECT_WRITE))
        return snapshots[-1].board

    def change(board: Board) -> list[Operation]:
        if snapshots[-1].counts.closed:
            raise ProjectArchived
        check_custom_fields((settings or {}).get("customFields") or [])
        values = {
            "name": board.name if name is None else name,
            "description": board.description if description is UNSET else description,
            "settings": board.settings | (settings or {}),
        }
        return apply_changes(board, values, EventType.BOARD_UPDATED, actor, require_writable(board.id))

    update_with_retry(read, change)
    return snapshots[-1]


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
    """Change the given fields; settings are merged key by key. Returns the lane and its number of cards. Two round trips.

    A WIP limit below the current number of cards is allowed: it only refuses new cards. Raises NotFound, Forbidden, Conflict (archived),
    and Invalid for an unknown agent or a condition that can never be true.
    """
    if agent is not UNSET and agent:
        agent = agent_name(agent)

    counts: ReadFuture[Counts | None]

    def change(lane: Lane) -> list[Operation]:
        nonlocal counts
        counts = read_ahead(lambda: get(Counts, *Counts.key(lane.board_id)))  # while the lane is written
        check_conditions(lane, (settings or {}).get("autoProgressConditions") or [])
        values = {
            "name": lane.name if name is None else name,
            "description": lane.description if description is UNSET else description,
            "wip_limit": lane.wip_limit if wip_limit is UNSET else wip_limit,
            "auto_trigger_agent": lane.auto_trigger_agent if agent is UNSET else agent or None,
            "exit_criteria": lane.exit_criteria if exit_criteria is UNSET else exit_criteria,
            "settings": lane.settings | (settings or {}),
        }
        return apply_changes(lane, values, EventType.LANE_UPDATED, actor, require_writable(lane.board_id))

    lane = update_with_retry(lambda: load(Lane, lane_id, actor, Permission.PROJECT_WRITE), change)
    board = counts.result()
    return lane, board.cards_in(lane.id) if board else 0


def apply_changes(entity: Entity, values: dict[str, Any], event: EventType, actor: Actor, *guards: Operation) -> list[Operation]:
    """Set the fields that differ and record the event. Returns `guards` for the same write, or nothing if no field differs."""
    changes = {field: [getattr(entity, field), value] for field, value in values.items() if getattr(entity, field) != value}
    if not changes:
        return []
    for field, (_, value) in changes.items():
        setattr(entity, field, value)
    record(entity, event, actor, changes=changes)
    return list(guards)


def record_wip_exceeded(lane: Lane, column_id: str, count: int, actor: Actor) -> None:
    """Record on the lane that a forced move exceeded its column's limit. The caller writes the lane."""
    record(
        lane,
        EventType.WIP_EXCEEDED,
        actor,
        board_id=lane.board_id,
        column_id=column_id,
        current_count=count,
        wip_limit=COLUMN_BY_ID[column_id].wip_limit,
    )


def agent_name(id_or_name: str, field: str = "auto_trigger_agent") -> str:
    """Return the name of the agent with this id or name. Raises Invalid, naming `field`, if there is none."""
    from shared.agents.catalogue.registry import get_agent  # loads the whole catalogue, which most functions do not need

    try:
        return get_agent(id_or_name).name
    except NotFound:
        raise Invalid(FieldError(field, "No agent of the catalogue has this id or name", id_or_name)) from None
