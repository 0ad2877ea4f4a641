"""omoios: models of entities that several areas show."""

from typing import Any

from shared.edge.contracts.base import Shape
from shared.work.items.pending import approval_of, shown_approval
from shared.work.items.rows import Item

APPROVED = "approved"
"""What a ticket is that never needed an approval."""

_STATUSES = {"draft": "open", "ready": "open", "in_progress": "in_progress", "done": "done"}


def ticket_status(status: str, before_block: str | None = None) -> str:
    """Return open, in_progress or done. A blocked ticket keeps the status it had before; that it is blocked is shown separately."""
    return _STATUSES[(before_block or "in_progress") if status == "blocked" else status]


def upper(priority: str) -> str:
    return priority.upper()


def approval_status(fields: dict[str, Any]) -> str:
    """Return the approval status of a ticket as a list shows it, by the fields of its index row."""
    return shown_approval(fields.get("approval_status"), fields.get("approval_until")) or APPROVED


class Ticket(Shape):
    id: str
    project_id: str
    title: str
    description: str | None
    phase_id: str
    status: str
    priority: str
    approval_status: str
    """approved, pending_review, rejected or timed_out."""
    is_blocked: bool
    blocked_reason: str | None
    blocker_type: str | None
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
        approval_status=approval_of(item) or APPROVED,
        is_blocked=item.is_blocked,
        blocked_reason=item.blocked_reason,
        blocker_type=item.blocker_type if item.is_blocked else None,
        context=item.context,
        created_at=item.created_at,
        updated_at=item.updated_at,
    )
