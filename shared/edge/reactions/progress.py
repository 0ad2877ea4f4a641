"""Move cards automatically (`shared.work.items.auto_progress`) after changes that may have fulfilled a lane's condition.

Idempotent, because the current state decides.
"""

from shared.events import EventType
from shared.events.change import Change
from shared.runs.agent_runs.rows import Run
from shared.work.items.auto_progress import after_leaving, list_waiting_items, progress_in_lanes, progress_items
from shared.work.items.dependencies import Dependency
from shared.work.items.rows import ItemHead
from shared.work.tasks.held_cards import refuse_held

_RUN_ENDED = frozenset({EventType.RUN_COMPLETED, EventType.RUN_FAILED, EventType.RUN_CANCELLED})


def react(change: Change) -> None:
    if change.kind == ItemHead.KIND:
        _react_to_item(change)
    elif change.kind == Run.KIND and change.event.type in _RUN_ENDED:
        progress_items([change.after(Run).item_id], refuse_held)
    elif change.event.type is EventType.DEPENDENCY_REMOVED and change.kind == Dependency.KIND:
        progress_items([change.after(Dependency).item_id], refuse_held)


def _react_to_item(change: Change) -> None:
    item, before = change.after(ItemHead), change.before(ItemHead)
    existed, lives = change.existed()
    left = not lives or item.archived_at or (before is not None and before.lane_id != item.lane_id)
    if before is not None and existed and not before.archived_at and left:
        after_leaving(item, before.lane_id, refuse_held)
    elif lives:
        progress_in_lanes({item.id: item.lane_id}, refuse_held)
    closed = item.status == "done" or not lives
    was_closed = before is not None and (before.status == "done" or not existed)
    if closed and not was_closed:
        progress_items(list_waiting_items(item), refuse_held)
