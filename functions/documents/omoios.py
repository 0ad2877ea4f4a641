"""omoios, section 9: approving and rejecting documents, and their versions. Each version has an id of its own."""

from typing import Annotated

from fastapi import Query
from pydantic import StringConstraints

from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Offset, Seen
from shared.edge.contracts.omoios import OMOIOS, Id
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.documents import document_status
from shared.work.documents import approving

routes = Routes(OMOIOS, "documents")

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), Seen]


class ApproveDocument(Request):
    """`user_id` is the caller."""

    user_id: Id | None = None


class RejectDocument(Request):
    rejection_reason: Reason


class ApprovedDocument(Shape):
    document_id: str
    status: str
    approved_by: str | None
    approved_at: str | None


class RejectedDocument(Shape):
    document_id: str
    status: str
    rejection_reason: str | None


class DocumentVersion(Shape):
    id: str
    version: int
    status: str
    created_at: str


@routes.post(
    "/documents/{document_id}/approve",
    "documents.approve",
    permission=Permission.DOCUMENT_APPROVE,
    errors=(Situation.DOCUMENT_STATUS,),
)
async def approve(document_id: str, body: ApproveDocument, caller: Caller) -> ApprovedDocument:
    """Approve the latest version of a document, by its id or that of the version. 409 for an older version."""
    caller.require_self(body.user_id)
    document = approving.approve(caller, document_id).document
    return ApprovedDocument(
        document_id=document.version_id,
        status=document_status(document.status),
        approved_by=(document.approved_by or {}).get("id"),
        approved_at=document.approved_at,
    )


@routes.post(
    "/documents/{document_id}/reject",
    "documents.reject",
    permission=Permission.DOCUMENT_APPROVE,
    errors=(Situation.DOCUMENT_STATUS,),
)
async def reject(document_id: str, body: RejectDocument, caller: Caller) -> RejectedDocument:
    """Reject the latest version of a document. The next refinement of requirements answers to the reason."""
    document = approving.reject(caller, document_id, body.rejection_reason).document
    return RejectedDocument(
        document_id=document.version_id, status=document_status(document.status), rejection_reason=document.rejection_reason
    )


@routes.get("/documents/{document_id}/versions", "documents.versions", permission=Permission.PROJECT_READ)
async def versions(
    document_id: str,
    caller: Caller,
    call: ThisCall,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
    offset: Offset = 0,
) -> list[DocumentVersion]:
    """List the versions of a document, newest first, by its id or that of any version; `X-Total-Count` has their number."""
    document, found = approving.list_versions(caller, document_id, limit=limit, offset=offset)
    call.headers.append(("X-Total-Count", str(int(document.number))))
    return [
        DocumentVersion(
            id=one.version.id,
            version=int(one.version.number),
            status=document_status(one.status),
            created_at=one.version.created_at,
        )
        for one in found
    ]
