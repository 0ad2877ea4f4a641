"""Approving, rejecting and publishing versions of documents, which needs the permission `document:approve`.

The id of a document stands for its latest version; a version can also be given by its own id.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, NotFound
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.store import Operation, authorize, get, get_many, id_of, load, query, update
from shared.work.documents import statuses
from shared.work.documents.committing import DocumentWrite, RevisionInfo
from shared.work.documents.reading import LoadedDocument, get_document, is_text_of, latest_text, stored_text, unknown_version
from shared.work.documents.rows import Document, DocumentVersion, VersionName

MAX_VERSIONS: Final = 100  # versions in one response


@dataclass(frozen=True)
class VersionSnapshot:
    """A version with its current status: draft, review, approved, rejected, archived or superseded."""

    version: DocumentVersion
    status: str


def list_versions(
    actor: Actor, either_id: str, *, limit: int = MAX_VERSIONS, offset: int = 0
) -> tuple[Document, list[VersionSnapshot]]:
    """List the versions of a document, newest first, by its id or that of a version. Two or three reads. Raises NotFound, Forbidden.

    Versions are numbered without a gap, so a page begins at any `offset`.
    """
    document, _ = _load_by_either_id(actor, either_id, Permission.PROJECT_READ)
    newest = int(document.number) - offset
    if newest < 1:
        return document, []
    bounds = DocumentVersion.key_of(document.id, 1)[1], DocumentVersion.key_of(document.id, newest)[1]
    partition = f"DOC#{document.id}"
    rows = query(DocumentVersion, partition, between=bounds, newest_first=True, limit=limit, consistent=True).rows
    return document, [VersionSnapshot(row, statuses.version_status(document, row)) for row in rows]


def approve(actor: Actor, either_id: str) -> LoadedDocument:
    """Approve the latest version; it supersedes the version approved before. Safe to repeat. A draft passes review in the same step.

    Raises NotFound, Forbidden, Conflict(DOCUMENT_STATUS) for an archived document or a version that is not the latest,
    Conflict(VERSION_CONFLICT).
    """
    document, stored = _load_latest(actor, either_id)
    pending = DocumentWrite(document, stored)
    if document.status == "approved":
        return LoadedDocument(document, pending.stored)
    if document.status in {"draft", "rejected"}:
        statuses.change_status(actor, document, "review")
    statuses.change_status(actor, document, "approved")
    _record_event(actor, pending, EventType.DOCUMENT_APPROVED)
    pending.commit(actor, RevisionInfo("approved", f"Approved version {int(document.number)}"))
    return LoadedDocument(document, pending.stored)


def reject(actor: Actor, either_id: str, reason: str) -> LoadedDocument:
    """Reject the latest version (agentworks shows it as a draft). A draft passes review in the same step. Raises as `approve` does."""
    document, stored = _load_latest(actor, either_id)
    pending = DocumentWrite(document, stored)
    if document.status == "draft":
        statuses.change_status(actor, document, "review")
    statuses.change_status(actor, document, "rejected")
    document.rejection_reason = reason
    _record_event(actor, pending, EventType.DOCUMENT_REJECTED, reason=reason)
    pending.commit(actor, RevisionInfo("updated", f"Rejected version {int(document.number)}: {reason}"))
    return LoadedDocument(document, pending.stored)


def publish(actor: Actor, document_id: str, number: int | None = None) -> LoadedDocument:
    """Publish the version `number`, or a new version with the latest text. Publishing also approves. Safe to repeat with a `number`.

    Two round trips; two more for an older version. Raises NotFound, Forbidden, Invalid (no such version),
    Conflict(DOCUMENT_STATUS) for an archived document, Conflict(VERSION_CONFLICT).
    """
    loaded = get_document(actor, document_id, Permission.DOCUMENT_APPROVE)
    document = loaded.document
    if document.status == "archived":
        raise Conflict(
            Situation.DOCUMENT_STATUS, "The document is archived; give it the status draft to publish it", {"status": "archived"}
        )
    if number is not None and number != document.number:
        return _publish_older(actor, loaded, number)
    pending = DocumentWrite(document, loaded.stored)
    if number is not None and document.published_number == number and document.status == "approved":
        return LoadedDocument(document, pending.stored)
    if number is None:
        pending.next_version()
    statuses.mark_approved(actor, document)
    document.published_at = clock.iso()
    _publish(actor, pending, int(document.number))
    return LoadedDocument(document, pending.stored)


def _publish_older(actor: Actor, latest: LoadedDocument, number: int) -> LoadedDocument:
    document = latest.document
    version = get(DocumentVersion, *DocumentVersion.key_of(document.id, number))
    if version is None:
        raise unknown_version(number)
    text = stored_text(document, int(version.text))
    if document.published_number == number:
        return LoadedDocument(document, text, version)
    document.approved_number = number
    pending = DocumentWrite(document, latest.stored)
    version.published_at = document.published_at = clock.iso()
    published = update(version, [DocumentVersion.published_at.set(version.published_at)])
    _publish(actor, pending, number, published)
    return LoadedDocument(document, text, version)


def _publish(actor: Actor, pending: DocumentWrite, number: int, *operations: Operation) -> None:
    document = pending.document
    before = document.published_number
    document.published_number = number
    _record_event(actor, pending, EventType.DOCUMENT_PUBLISHED, published=number, published_before=before)
    pending.commit(actor, RevisionInfo("published", f"Published version {number}", number=number), *operations)


def _record_event(actor: Actor, pending: DocumentWrite, kind: EventType, **data: object) -> None:
    document = pending.document
    document.updated_by = actor.summary
    changes: dict[str, list[object]] = {}
    if document.status != pending.status:
        changes["status"] = [pending.status, document.status]
    if document.number != pending.number:
        changes["version"] = [pending.number, int(document.number)]
    about = {"title": document.title, "type": document.type, "number": int(document.number), "card_id": document.item_id}
    record(document, kind, actor, changes=changes, **(about | data))


def _load_latest(actor: Actor, either_id: str) -> tuple[Document, str]:
    """Load a document for approval, with its text as stored: one round trip by its own id, two by that of a version.

    Raises Conflict(DOCUMENT_STATUS) if the id is that of an older version, NotFound, Forbidden.
    """
    texts = [latest_text(id_of(Document, either_id))]
    document, number = _load_by_either_id(
        actor, either_id, Permission.DOCUMENT_APPROVE, lambda document_id: texts.append(latest_text(document_id))
    )
    if number != document.number:
        raise Conflict(
            Situation.DOCUMENT_STATUS, "This version has a successor", {"version": number, "latest": int(document.number)}
        )
    row = texts[-1].result()
    return document, row.content if row is not None and is_text_of(row, document) else stored_text(document)


def _load_by_either_id(
    actor: Actor, either_id: str, permission: Permission, beside: Callable[[str], None] = lambda _: None
) -> tuple[Document, int]:
    """Load a document by its own id or by that of a version; returns it with the version's number. Raises NotFound, Forbidden.

    `beside` gets the document's id where a version names it, and may begin to read what else is needed. A version of another tenant
    costs what an unknown one does.
    """
    bare = id_of(Document, either_id)
    document, name = get_many([(Document, *Document.key(bare)), (VersionName, *VersionName.key_of(bare))])
    if isinstance(document, Document) and not document.deleted_at:
        return authorize(document, actor, permission), int(document.number)
    if isinstance(name, VersionName) and name.ws_id in (None, *actor.workspaces):
        beside(name.document_id)
        return load(Document, name.document_id, actor, permission), int(name.number)
    raise NotFound(Document.NAME)
