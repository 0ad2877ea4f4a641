"""The statuses of a document and the allowed transitions.

draft     -> review, archived
review    -> approved, rejected, draft, archived
rejected  -> review, draft, archived
approved  -> archived, draft
archived  -> draft

Transitions into and out of `approved` need the permission `document:approve`; all others need only the permission to write. A new text or
title makes a new version: it stays in review if the document was in review, and is a draft otherwise. The version that was approved
before stays the approved one until another one is approved (`approved_number`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict
from shared.core.situations import Situation
from shared.work.documents.rows import Document, DocumentVersion

TRANSITIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "draft": frozenset({"review", "archived"}),
        "review": frozenset({"approved", "rejected", "draft", "archived"}),
        "rejected": frozenset({"review", "draft", "archived"}),
        "approved": frozenset({"archived", "draft"}),
        "archived": frozenset({"draft"}),
    }
)


def change_status(actor: Actor, document: Document, status: str) -> None:
    """Change the document's status. Raises Conflict(DOCUMENT_STATUS) if the transition is not allowed, Forbidden."""
    current = document.status
    if status not in TRANSITIONS[current]:
        allowed = sorted(TRANSITIONS[current] - {"rejected"})
        raise Conflict(
            Situation.DOCUMENT_STATUS,
            f"A document in status '{current}' cannot become '{status}'; it can become {' or '.join(allowed)}",
            {"from": current, "to": status, "allowed": allowed},
        )
    if "approved" in (current, status):
        actor.require(Permission.DOCUMENT_APPROVE, document.ws_id, document.org_id)
    if status == "approved":
        mark_approved(actor, document)
        return
    if current == "approved" and status == "draft":
        document.approved_by = document.approved_at = document.approved_number = None
    document.status, document.rejection_reason = status, None


def mark_approved(actor: Actor, document: Document) -> None:
    """Make the latest version the approved one."""
    document.status, document.rejection_reason = "approved", None
    document.approved_by, document.approved_at = actor.summary, clock.iso()
    document.approved_number = document.number


def reset_for_new_version(document: Document) -> None:
    """Set the status of a new version: in review if the document was in review, else draft."""
    if document.status != "review":
        document.status = "draft"
    document.rejection_reason = document.approved_by = document.approved_at = None


def version_status(document: Document, version: DocumentVersion) -> str:
    """Return a version's current status. Of the older versions, the approved one is `approved`, all others are `superseded`."""
    if version.number == document.number:
        return str(document.status)
    return "approved" if version.number == document.approved_number else "superseded"
