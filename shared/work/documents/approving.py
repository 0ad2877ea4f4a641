"""Approving, rejecting and publishing: what somebody with `document:approve` decides about a version.

A document's id means its latest version; a version's own id means that version.
"""

from dataclasses import dataclass
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, NotFound
from shared.core.ids import bare_id, is_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.store import Operation, authorize, get, get_many, load, query, update
from shared.work.documents import statuses
from shared.work.documents.committing import DocumentWrite, RevisionInfo
from shared.work.documents.reading import LoadedDocument, stored_text, unknown_version
from shared.work.documents.rows import Document, DocumentVersion, VersionName

MAX_VERSIONS: Final = 100  # of one answer


@dataclass(frozen=True)
class VersionSnapshot:
    """`status` is draft, review, approved, rejected, archived or superseded."""

    version: DocumentVersion
    status: str


def list_versions(actor: Actor, either_id: str, *, limit: int = MAX_VERSIONS) -> tuple[Document, list[VersionSnapshot]]:
    """The versions of a document, the newest first; its id or one of theirs names it. Two or three reads. Raises NotFound, Forbidden."""
    document, _ = _load_by_either_id(actor, either_id, Permission.PROJECT_READ)
    rows = query(DocumentVersion, f"DOC#{document.id}", prefix="V#", newest_first=True, limit=limit, consistent=True).rows
    return document, [VersionSnapshot(row, statuses.version_status(document, row)) for row in rows]


def approve(actor: Actor, either_id: str) -> LoadedDocument:
    """The latest version is in force, the one before it superseded. From draft it passes review in the same step; approving twice changes
    nothing. Raises NotFound, Forbidden, Conflict(DOCUMENT_STATUS) for a version that has a successor or was put away,
    Conflict(VERSION_CONFLICT)."""
    document = _load_latest(actor, either_id)
    writing = DocumentWrite(document, stored_text(document))
    if document.status == "approved":
        return LoadedDocument(document, writing.kept)
    if document.status in {"draft", "rejected"}:
        statuses.change_status(actor, document, "review")
    statuses.change_status(actor, document, "approved")
    _record_event(actor, writing, EventType.DOCUMENT_APPROVED)
    writing.commit(actor, RevisionInfo("approved", f"Approved version {int(document.number)}"))
    return LoadedDocument(document, writing.kept)


def reject(actor: Actor, either_id: str, reason: str) -> LoadedDocument:
    """The latest version needs work: agentworks shows a draft. From draft it passes review in the same step. Raises as `approve`."""
    document = _load_latest(actor, either_id)
    writing = DocumentWrite(document, stored_text(document))
    if document.status == "draft":
        statuses.change_status(actor, document, "review")
    statuses.change_status(actor, document, "rejected")
    document.rejection_reason = reason
    _record_event(actor, writing, EventType.DOCUMENT_REJECTED, reason=reason)
    writing.commit(actor, RevisionInfo("updated", f"Rejected version {int(document.number)}: {reason}"))
    return LoadedDocument(document, writing.kept)


def publish(actor: Actor, document_id: str, number: int | None = None) -> LoadedDocument:
    """Publish the version `number`, or a new version with the latest text. What is published is approved thereby; publishing again what
    is published changes nothing.

    Two reads and one write; two reads more for an older version. Raises NotFound, Forbidden, Invalid (no such version),
    Conflict(DOCUMENT_STATUS) for an archived document, Conflict(VERSION_CONFLICT).
    """
    document = load(Document, document_id, actor, Permission.DOCUMENT_APPROVE)
    if document.status == "archived":
        raise Conflict(
            Situation.DOCUMENT_STATUS, "The document is archived; give it the status draft to publish it", {"status": "archived"}
        )
    if number is not None and number != document.number:
        return _publish_older(actor, document, number)
    writing = DocumentWrite(document, stored_text(document))
    if number is not None and document.published_number == number and document.status == "approved":
        return LoadedDocument(document, writing.kept)
    if number is None:
        writing.next_version()
    statuses.mark_approved(actor, document)
    document.published_at = clock.iso()
    _publish(actor, writing, int(document.number))
    return LoadedDocument(document, writing.kept)


def _publish_older(actor: Actor, document: Document, number: int) -> LoadedDocument:
    version = get(DocumentVersion, *DocumentVersion.key_of(document.id, number))
    if version is None:
        raise unknown_version(number)
    kept = stored_text(document, int(version.text))
    if document.published_number == number:
        return LoadedDocument(document, kept, version)
    document.approved_number = number
    writing = DocumentWrite(document, stored_text(document))
    version.published_at = document.published_at = clock.iso()
    published = update(version, [DocumentVersion.published_at.set(version.published_at)])
    _publish(actor, writing, number, published)
    return LoadedDocument(document, kept, version)


def _publish(actor: Actor, writing: DocumentWrite, number: int, *further: Operation) -> None:
    document = writing.document
    before = document.published_number
    document.published_number = number
    _record_event(actor, writing, EventType.DOCUMENT_PUBLISHED, published=number, published_before=before)
    writing.commit(actor, RevisionInfo("published", f"Published version {number}", number=number), *further)


def _record_event(actor: Actor, writing: DocumentWrite, kind: EventType, **data: object) -> None:
    document = writing.document
    document.updated_by = actor.summary
    changes: dict[str, list[object]] = {}
    if document.status != writing.status:
        changes["status"] = [writing.status, document.status]
    if document.number != writing.number:
        changes["version"] = [writing.number, int(document.number)]
    about = {"title": document.title, "type": document.type, "number": int(document.number), "card_id": document.item_id}
    record(document, kind, actor, changes=changes, **(about | data))


def _load_latest(actor: Actor, either_id: str) -> Document:
    document, number = _load_by_either_id(actor, either_id, Permission.DOCUMENT_APPROVE)
    if number != document.number:
        raise Conflict(
            Situation.DOCUMENT_STATUS, "This version has a successor", {"version": number, "latest": int(document.number)}
        )
    return document


def _load_by_either_id(actor: Actor, either_id: str, permission: Permission) -> tuple[Document, int]:
    """The document that an id names, and the version."""
    bare = bare_id(either_id)
    if not is_id(bare):
        raise NotFound(Document.NAME)
    document, name = get_many([(Document, *Document.key(bare)), (VersionName, *VersionName.key_of(bare))])
    if isinstance(document, Document) and not document.deleted_at:
        return authorize(document, actor, permission), int(document.number)
    if isinstance(name, VersionName):
        return load(Document, name.document_id, actor, permission), int(name.number)
    raise NotFound(Document.NAME)
