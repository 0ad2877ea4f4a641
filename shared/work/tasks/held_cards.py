"""Cards that a quality gate holds in their phase: what moves by itself, or is moved by an agent, stays; a person decides for themselves."""

from shared.core.errors import TransitionRefused
from shared.core.wording import Wording
from shared.store import fetch_all, pages
from shared.work.boards.lanes import PHASE_LETTERS
from shared.work.boards.rows import Lane
from shared.work.items.rows import Item
from shared.work.quality_gates.rows import MEASURED, Measured
from shared.work.tasks.rows import TaskHead

_ORDER = tuple(PHASE_LETTERS)


def refuse_held(card: Item, lane: Lane) -> None:
    """Raise TransitionRefused if a card would leave its phase for a later one while a quality gate that blocks holds one of its tasks.

    A query, if the phase is a later one; one read more if a gate holds tasks: those that are cancelled do not count.
    """
    if _ORDER.index(lane.phase_id) <= _ORDER.index(card.phase_id):
        return
    found = pages(Measured, f"ITEM#{card.id}", prefix=MEASURED, consistent=True)
    held = {row.task_id: row.failing for page in found for row in page.rows if row.failing and row.phase_id == card.phase_id}
    tasks = fetch_all(TaskHead, list(held)) if held else []
    reasons = [reason for task in tasks if task.status != "cancelled" and not task.deleted_at for reason in held[task.id]]
    if reasons:
        raise TransitionRefused(
            Wording("A quality gate holds this {card}: {reasons}", reasons="; ".join(reasons)), {"rule": "quality_gate"}
        )
