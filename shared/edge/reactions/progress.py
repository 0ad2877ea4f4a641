"""Cards that go on by themselves (`shared.work.items.auto_progress`): asked after whatever may have made a condition hold.

Idempotent by nature: what is asked is how things are now.
"""

from shared.events import EventType
from shared.events.change import Change
from shared.runs.agent_runs.rows import Run
from shared.work.items.auto_progress import progress, pull_next_card, waiting_for
from shared.work.items.dependencies import Dependency
from shared.work.items.rows import Item

_RUN_ENDED = frozenset({EventType.RUN_COMPLETED, EventType.RUN_FAILED, EventType.RUN_CANCELLED})


def react(change: Change) -> None:
    if change.kind == Item.KIND:
        _of_item(change)
    elif change.kind == Run.KIND and change.event.type in _RUN_ENDED:
        progress([change.after(Run).item_id])
    elif change.event.type is EventType.DEPENDENCY_REMOVED and change.kind == Dependency.KIND:
        progress([change.after(Dependency).item_id])


def _of_item(change: Change) -> None:
    item, before = change.after(Item), change.before(Item)
    existed, lives = change.existed()
    asked = [item.id] if lives else []
    closed = item.status == "done" or not lives
    was_closed = before is not None and (before.status == "done" or not existed)
    if closed and not was_closed:
        asked += waiting_for(item)
    if asked:
        progress(asked)
    left = not lives or item.archived_at or (before is not None and before.lane_id != item.lane_id)
    if before is not None and existed and not before.archived_at and left:
        pull_next_card(item.board_id, before.lane_id)
