"""From draft to review to approved to archived, and back to draft.

draft     -> review, archived
review    -> approved, rejected, draft, archived
rejected  -> review, draft, archived
approved  -> archived, draft
archived  -> draft

Whoever may approve (`document:approve`) decides about what goes into `approved` and what comes out of it; everything else is open to
whoever may write. A new text or title is a new version: it stays in review where the document was in review, and is a draft otherwise. The
version that was approved before stays in force until another one is approved (`approved_number`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, Forbidden
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
    """Give the document another status. Raises Conflict(DOCUMENT_STATUS) where that is no next one, Forbidden."""
    was = document.status
    if status not in TRANSITIONS[was]:
        allowed = sorted(TRANSITIONS[was] - {"rejected"})
        raise Conflict(
            Situation.DOCUMENT_STATUS,
            f"A document in status '{was}' cannot become '{status}'; it can become {' or '.join(allowed)}",
            {"from": was, "to": status, "allowed": allowed},
        )
    if "approved" in (was, status) and not actor.may(Permission.DOCUMENT_APPROVE, document.ws_id, document.org_id):
        raise Forbidden
    if status == "approved":
        mark_approved(actor, document)
        return
    if was == "approved" and status == "draft":
        document.approved_by = document.approved_at = document.approved_number = None
    document.status, document.rejection_reason = status, None


def mark_approved(actor: Actor, document: Document) -> None:
    """The latest version is in force from now on."""
    document.status, document.rejection_reason = "approved", None
    document.approved_by, document.approved_at = actor.summary, clock.iso()
    document.approved_number = document.number


def reset_for_new_version(document: Document) -> None:
    """What a new version makes of the status."""
    if document.status != "review":
        document.status = "draft"
    document.rejection_reason = document.approved_by = document.approved_at = None


def version_status(document: Document, version: DocumentVersion) -> str:
    """A version's status as it is now: of those that have a successor, the one in force is `approved`, the others are `superseded`."""
    if version.number == document.number:
        return str(document.status)
    return "approved" if version.number == document.approved_number else "superseded"
