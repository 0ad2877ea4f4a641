"""Blocking a ticket with a reason of a kind, and a task that removes what blocks it."""

from dataclasses import dataclass
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.errors import LimitExceeded
from shared.planning.tickets.tasks import begin_counting, new_task
from shared.store import Operation, load
from shared.work.items.pending import is_approved
from shared.work.items.rows import Item
from shared.work.items.updating import change_item
from shared.work.tasks.rows import Task

DEPENDENCY, CLARIFICATION, CHECKS, ENVIRONMENT = "dependency", "waiting_on_clarification", "failing_checks", "environment"
REMEDIES: Final = {
    DEPENDENCY: ("resolve_dependency", "Resolve what the ticket depends on", "It depends on something that is not there yet"),
    CLARIFICATION: ("clarify_requirements", "Clarify what is asked for", "It waits for an answer"),
    CHECKS: ("fix_failing_checks", "Fix the failing checks", "Its checks fail"),
    ENVIRONMENT: ("fix_environment", "Repair the environment", "Its environment does not work"),
}
"""By kind of blocker: the type and the title of the task that removes it, and the reason if none is given."""


@dataclass(frozen=True)
class Blocked:
    """The ticket, and the task that was made with the block; None if the ticket was blocked before, or has all the tasks that it takes."""

    item: Item
    task: Task | None


def block_ticket(actor: Actor, item_id: str, kind: str, reason: str | None = None, remedy: str | None = None) -> Blocked:
    """Block a ticket and make a task that removes the blocker, in one transaction.

    If the ticket is blocked already, only kind and reason change. `remedy` says what the task is to do. Two reads and one transaction.
    Raises NotFound, Forbidden, TransitionRefused (it is finished), Conflict (archived).
    """
    type_, title, usual = REMEDIES[kind]
    task: Task | None = None
    newly, has_room = False, True

    def decide(item: Item) -> dict[str, str]:
        nonlocal newly
        newly = not item.is_blocked
        said = reason or remedy or usual if newly else reason or remedy or item.blocked_reason or usual
        return {"status": "blocked", "blocked_reason": said, "blocker_type": kind}

    def beside(item: Item) -> list[Operation]:
        nonlocal task
        if not newly or not has_room or not is_approved(item):
            return []
        last = begin_counting(str(item.ws_id))
        task, operations = new_task(actor, item, last, f"{title}: {item.title}", remedy or item.blocked_reason, type_)
        return operations

    def block() -> Item:
        return change_item(lambda: load(Item, item_id, actor, Permission.CARD_EDIT), actor, decide, beside=beside)

    try:
        item = block()
    except LimitExceeded:
        task, has_room = None, False
        item = block()  # that it is blocked counts more than the task
    return Blocked(item, task if newly else None)
