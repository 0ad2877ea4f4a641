"""Writing a document in one transaction: its row, its new version and text, its revision and its copy in the index by type.

    pending = DocumentWrite(document, stored)     as it was read
    document.title = ...                          changes, then `record(...)`
    pending.commit(actor, RevisionInfo("updated", ...))

Of two concurrent writes of a document the slower one is refused: Conflict(VERSION_CONFLICT). In an archived project every write is
refused: Conflict(PROJECT_ARCHIVED).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.store import (
    Block,
    BlockMoved,
    LastBlock,
    Operation,
    Place,
    create,
    delete,
    enter,
    put,
    reenter,
    retrying,
    save,
    update,
    write,
)
from shared.work.boards.counting import require_writable
from shared.work.boards.creating import board_id_of
from shared.work.documents.rows import Document, DocumentCopy, DocumentText, DocumentVersion, Revision, VersionName, documents_of
from shared.work.documents.texts import StoredText, store_version_text


class _WriteConflict(Conflict):
    def __init__(self) -> None:
        super().__init__(
            Situation.VERSION_CONFLICT, "The document was written by someone else at the same moment; read it and write again"
        )


@dataclass(frozen=True)
class RevisionInfo:
    """The content of a revision."""

    change: str  # created | updated | approved | published
    summary: str
    diff: dict[str, Any] | None = None
    number: int | None = None
    """The version that the revision is about, if it is not the latest."""


class DocumentWrite:
    """A write of a document that is being prepared. `stored` is the document's text as its rows store it: the text or a pointer. A new
    document (`is_new`) enters the `last` block of its project's list, which was read ahead."""

    def __init__(self, document: Document, stored: str, *, is_new: bool = False, last: LastBlock | None = None) -> None:
        self.document, self.stored, self.is_new, self._last = document, stored, is_new, last
        self._was_in, self._label = document.counted_in, document.label
        self.number = 0 if is_new else int(document.number)
        self.status = document.status
        self.published = document.published_number
        self.copy_key = None if is_new else DocumentCopy.key_for(document)
        self.new_text: StoredText | None = None

    def next_version(self, version_id: str | None = None) -> str:
        """Turn the document into its next version and return the version's id."""
        document = self.document
        document.number = self.number + 1
        document.version_id, document.versioned_at = version_id or new_id(), clock.iso()
        return str(document.version_id)

    def set_text(self, text: str) -> None:
        """Store the text of the latest version. Raises Invalid if it is too long."""
        document = self.document
        self.new_text = store_version_text(document, document.version_id, text)
        self.stored = self.new_text.value
        document.text, document.size, document.shown_size = document.number, self.new_text.size, self.new_text.shown_size

    def commit(self, actor: Actor, revision: RevisionInfo, *operations: Operation) -> None:
        """Write everything, with further operations, in one transaction. Raises Conflict(VERSION_CONFLICT, PROJECT_ARCHIVED)."""
        retrying(
            lambda number: self._commit(actor, revision, operations, number), again=lambda error: isinstance(error, BlockMoved)
        )

    def _commit(self, actor: Actor, revision: RevisionInfo, operations: Sequence[Operation], number: int) -> None:
        document, version = self.document, self.document.version
        place = self._place(number)
        document.counted_in = place.start
        rows = [create(document, _WriteConflict) if self.is_new else save(document)]
        if document.number != self.number:
            rows += [create(self._version(actor)), create(self._name())]
        elif document.status != self.status or self._publishes_latest():
            rows.append(self._version_update())
        if self.new_text is not None:
            pk, sk = DocumentText.key_of(document.id, int(document.text))
            rows.append(create(DocumentText(pk=pk, sk=sk, content=self.stored)))
        copy = DocumentCopy.copy_of(document, self.stored)
        if self.copy_key is not None and self.copy_key != (copy.pk, copy.sk):
            rows.append(delete(DocumentCopy(pk=self.copy_key[0], sk=self.copy_key[1])))
        board = board_id_of(str(document.proj_id))
        further = (put(copy), create(self._revision(actor, revision)), *operations, require_writable(board), *place.operations)
        try:
            write(*rows, *further)
        except BlockMoved:
            document.version = version
            raise

    def _place(self, number: int) -> Place:
        """Return where the document is counted from now on."""
        document, counted = self.document, documents_of(str(self.document.proj_id))
        if self.is_new:
            last = self._last if self._last is not None and not number else LastBlock(counted)
            return enter(counted, last.result(), document.label)
        # a short list has the block "" alone: that a document is in it is known without a read, and whether it is the last one by the write
        last_block = Block() if self._was_in == "" and not number else LastBlock(counted).result()
        return reenter(counted, self._was_in, self._label, last_block, document.label)

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
        return VersionName(pk=pk, sk=sk, ws_id=document.ws_id, document_id=document.id, number=document.number)

    def _version_update(self) -> Operation:
        """Return the operation that copies the document's status to the row of its latest version."""
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

    def _revision(self, actor: Actor, info: RevisionInfo) -> Revision:
        document = self.document
        pk, sk = Revision.key_of(document.id, int(document.version))
        return Revision(
            pk=pk,
            sk=sk,
            id=document.event_id,
            change=info.change,
            summary=info.summary,
            diff=info.diff,
            old_number=self.number or None,
            new_number=info.number or document.number,
            created_at=clock.iso(),
            created_by=actor.summary,
        )
