"""omoios: models of entities that several areas show."""

from typing import Any

from shared.edge.contracts.base import Shape
from shared.work.items.rows import Item

_STATUSES = {"draft": "open", "ready": "open", "in_progress": "in_progress", "done": "done"}


def ticket_status(status: str, before_block: str | None = None) -> str:
    """Return open, in_progress or done. A blocked ticket keeps the status it had before; that it is blocked is shown separately."""
    return _STATUSES[(before_block or "in_progress") if status == "blocked" else status]


def upper(priority: str) -> str:
    return priority.upper()


class Ticket(Shape):
    id: str
    project_id: str
    title: str
    description: str | None
    phase_id: str
    status: str
    priority: str
    approval_status: str | None
    is_blocked: bool
    blocked_reason: str | None
    context: dict[str, Any] | None
    created_at: str
    updated_at: str


def ticket(item: Item) -> Ticket:
    return Ticket(
        id=item.id,
        project_id=str(item.proj_id),
        title=item.title,
        description=item.description,
        phase_id=item.phase_id,
        status=ticket_status(item.status, item.status_before_block),
        priority=upper(item.priority),
        approval_status=item.approval_status,
        is_blocked=item.is_blocked,
        blocked_reason=item.blocked_reason,
        context=item.context,
        created_at=item.created_at,
        updated_at=item.updated_at,
    )
