"""omoios: the approval of tickets."""

from typing import Annotated, Literal

from pydantic import Field

from shared.core.actor import Permission
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.omoios import Id
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.tickets import APPROVED
from shared.planning.tickets import approving
from shared.store import load
from shared.work.items.pending import approval_of
from shared.work.items.rows import Item


class ApproveTicketRequest(Request):
    ticket_id: Id


class RejectTicketRequest(Request):
    ticket_id: Id
    rejection_reason: Annotated[str, Field(min_length=1, max_length=2_000)]


class ApproveTicketResponse(Shape):
    """`approver_id` is shown as it was sent; who approved is the caller, `decided_by`."""

    ticket_id: str
    status: Literal["approved"] = "approved"
    approver_id: str
    decided_by: str


class RejectTicketResponse(Shape):
    """`rejector_id` is shown as it was sent; who rejected is the caller, `decided_by`."""

    ticket_id: str
    status: Literal["rejected"] = "rejected"
    rejector_id: str
    decided_by: str


class PendingReviewCount(Shape):
    pending_count: int


class ApprovalStatus(Shape):
    ticket_id: str
    approval_status: str
    requested_by: str | None
    """The id of who asked for the ticket."""
    requested_at: str | None
    approval_deadline: str | None
    decided_by: str | None
    decided_at: str | None
    rejection_reason: str | None


def publish(routes: Routes) -> None:
    """Declare the operations."""

    @routes.post("/tickets/approve", "tickets.approve", permission=Permission.RUN_APPROVE)
    async def approve(body: ApproveTicketRequest, caller: Caller, approver_id: Id = "api_user") -> ApproveTicketResponse:
        """Approve a ticket that waits for it; work on it begins with its first task. 400 if it does not wait, or not any more."""
        item = approving.approve(caller, body.ticket_id)
        return ApproveTicketResponse(ticket_id=item.id, approver_id=approver_id, decided_by=caller.id)

    @routes.post("/tickets/reject", "tickets.reject", permission=Permission.RUN_APPROVE)
    async def reject(body: RejectTicketRequest, caller: Caller, rejector_id: Id = "api_user") -> RejectTicketResponse:
        """Reject a ticket that waits for approval. 400 if it does not wait, or not any more."""
        item = approving.reject(caller, body.ticket_id, body.rejection_reason)
        return RejectTicketResponse(ticket_id=item.id, rejector_id=rejector_id, decided_by=caller.id)

    @routes.get("/tickets/pending-review-count", "tickets.pendingReviewCount", permission=Permission.CARD_READ)
    async def pending_review_count(caller: Caller) -> PendingReviewCount:
        """Count the tickets that wait for approval in all the caller's active projects."""
        return PendingReviewCount(pending_count=approving.count_pending(caller))

    @routes.get("/tickets/approval-status", "tickets.approvalStatus", permission=Permission.CARD_READ)
    async def approval_status(ticket_id: Id, caller: Caller) -> ApprovalStatus:
        """Get whether a ticket is approved, and by whom. One that nobody decided on before its deadline has timed out."""
        item = load(Item, ticket_id, caller, Permission.CARD_READ)
        approval = item.approval or {}
        return ApprovalStatus(
            ticket_id=item.id,
            approval_status=approval_of(item) or APPROVED,
            requested_by=(approval.get("requested_by") or {}).get("id"),
            requested_at=approval.get("requested_at"),
            approval_deadline=approval.get("expires_at"),
            decided_by=(approval.get("decided_by") or {}).get("id"),
            decided_at=approval.get("decided_at"),
            rejection_reason=approval.get("reason"),
        )
