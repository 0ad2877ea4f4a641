"""One write of a document: its row, what is new beside it, its revision, its place on the shelf, in one transaction.

    writing = Writing(document, kept)     as it was read
    document.title = ...                  changes, then `record(...)`
    writing.commit(actor, "updated", ...)

Whoever was slower with the same document is refused: Conflict(VERSION_CONFLICT). In an archived project all are:
Conflict(PROJECT_ARCHIVED).
"""

from dataclasses import dataclass
from typing import Any

from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.store import Operation, create, delete, put, save, update, write
from shared.work.boards.counting import require_writable
from shared.work.boards.creating import board_id_of
from shared.work.documents.rows import Document, DocumentCopy, DocumentText, DocumentVersion, Revision, VersionName
from shared.work.documents.texts import StoredText, store_version_text

WRITE_CONFLICT = Conflict(
    Situation.VERSION_CONFLICT, "The document was written by someone else at the same moment; read it and write again"
)


@dataclass(frozen=True)
class RevisionInfo:
    """What a revision says."""

    change: str  # created | updated | approved | published
    summary: str
    diff: dict[str, Any] | None = None
    number: int | None = None
    """The version it is about, where that is not the latest."""


class DocumentWrite:
    """`kept` is the document's text as rows hold it."""

    def __init__(self, document: Document, kept: str, *, first: bool = False) -> None:
        self.document, self.kept, self.first = document, kept, first
        self.number = 0 if first else int(document.number)
        self.status = document.status
        self.published = document.published_number
        self.shelf = None if first else DocumentCopy.place_of(document)
        self.brought: StoredText | None = None

    def next_version(self, version_id: str | None = None) -> str:
        """The document becomes its next version; answers the version's id."""
        document = self.document
        document.number = self.number + 1
        document.version_id, document.versioned_at = version_id or new_id(), clock.iso()
        return str(document.version_id)

    def bring(self, text: str) -> None:
        """The latest version has this text."""
        document = self.document
        self.brought = store_version_text(document, document.version_id, text)
        self.kept = self.brought.value
        document.text, document.size, document.shown_size = document.number, self.brought.size, self.brought.shown_size

    def commit(self, actor: Actor, told: RevisionInfo, *further: Operation) -> None:
        document = self.document
        rows = [create(document, WRITE_CONFLICT) if self.first else save(document)]
        if document.number != self.number:
            rows += [create(self._version(actor)), create(self._name())]
        elif document.status != self.status or self._publishes_latest():
            rows.append(self._turned())
        if self.brought is not None:
            pk, sk = DocumentText.key_of(document.id, int(document.text))
            rows.append(create(DocumentText(pk=pk, sk=sk, content=self.kept)))
        shelved = DocumentCopy.copy_of(document, self.kept)
        if self.shelf is not None and self.shelf != (shelved.pk, shelved.sk):
            rows.append(delete(DocumentCopy(pk=self.shelf[0], sk=self.shelf[1])))
        board = board_id_of(str(document.proj_id))
        write(*rows, put(shelved), create(self._revision(actor, told)), *further, require_writable(board))

    def _version(self, actor: Actor) -> DocumentVersion:
        document = self.document
        pk, sk = DocumentVersion.key_of(document.id, int(document.number))
        return DocumentVersion(
            pk=pk,
            sk=sk,
            id=document.version_id,
            number=document.number,
            title=document.title,
            content_type=document.content_type,
            text=document.text,
            size=document.size,
            shown_size=document.shown_size,
            status=document.status,
            approved_by=document.approved_by,
            approved_at=document.approved_at,
            published_at=document.published_at if document.published_number == document.number else None,
            created_at=document.versioned_at,
            created_by=actor.summary,
        )

    def _name(self) -> VersionName:
        document = self.document
        pk, sk = VersionName.key_of(document.version_id)
        return VersionName(pk=pk, sk=sk, document_id=document.id, number=document.number)

    def _turned(self) -> Operation:
        """The latest version has the document's status."""
        document = self.document
        pk, sk = DocumentVersion.key_of(document.id, int(document.number))
        actions: list[Any] = [DocumentVersion.status.set(document.status)]
        for attribute, value in (
            (DocumentVersion.approved_by, document.approved_by),
            (DocumentVersion.approved_at, document.approved_at),
            (DocumentVersion.rejection_reason, document.rejection_reason),
        ):
            actions.append(attribute.remove() if value is None else attribute.set(value))
        if self._publishes_latest():
            actions.append(DocumentVersion.published_at.set(document.published_at))
        return update(DocumentVersion(pk=pk, sk=sk), actions)

    def _publishes_latest(self) -> bool:
        return bool(self.document.published_number == self.document.number != self.published)

    def _revision(self, actor: Actor, told: RevisionInfo) -> Revision:
        document = self.document
        pk, sk = Revision.key_of(document.id, int(document.version))
        return Revision(
            pk=pk,
            sk=sk,
            id=document.event_id,
            change=told.change,
            summary=told.summary,
            diff=told.diff,
            old_number=self.number or None,
            new_number=told.number or document.number,
            created_at=clock.iso(),
            created_by=actor.summary,
        )
