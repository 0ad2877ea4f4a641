"""Reading documents, their texts, versions and revisions."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, NotFound
from shared.core.ids import bare_id, is_id
from shared.store import (
    CountedRows,
    IndexRow,
    ReadFuture,
    authorize,
    first_index_rows,
    get,
    get_many,
    load,
    load_text,
    query,
    read_ahead,
)
from shared.work.documents import texts
from shared.work.documents.rows import TYPES, Document, DocumentCopy, DocumentText, DocumentVersion, Revision, documents_of
from shared.work.projects.rows import Project

MAX_REVISIONS: Final = 50  # revisions in one response
MAX_REVISION_BYTES = 1_200_000  # bytes of all revisions in a response, beside a text
BATCH = 100


@dataclass(frozen=True)
class LoadedDocument:
    """A document, or an older `version` of it, with its text as stored: the text itself or a pointer."""

    document: Document
    stored: str
    version: DocumentVersion | None = None

    @property
    def content(self) -> str:
        return load_text(self.stored)

    @property
    def size(self) -> int:
        return int((self.version or self.document).size)

    @property
    def shown_size(self) -> int:
        return int((self.version or self.document).shown_size)


def newest_rows(project_id: str, number: int) -> tuple[list[IndexRow], bool]:
    """Return the index rows of the `number` documents that were changed last, and whether these are all. One query."""
    rows, more = first_index_rows(1, documents_of(project_id).partition, number, newest_first=True)
    return rows, not more


@dataclass(frozen=True)
class DocumentQuery:
    """Filter and page of a document list. `statuses` None: all."""

    type: str | None = None
    statuses: Collection[str] | None = None
    limit: int = 100
    offset: int = 0


def list_documents(actor: Actor, project_id: str, selection: DocumentQuery) -> tuple[list[LoadedDocument], int]:
    """Return a page of documents with their texts, last changed first, and how many match in total. Raises NotFound, Forbidden.

    The page is shorter than its limit if the texts stored in rows (at most 300 KB each) fill a response. Two round trips; three for a page
    that is not at the head of the list.
    """
    counted = CountedRows(documents_of(bare_id(project_id)), selection.offset + selection.limit, newest_first=True)
    load(Project, project_id, actor, Permission.PROJECT_READ)

    def wanted(label: str) -> bool:
        type_, _, status = label.partition("/")
        return selection.type in (None, type_) and (selection.statuses is None or status in selection.statuses)

    page = counted.page(selection.offset, selection.limit, wanted)
    shown: list[IndexRow] = []
    remaining = texts.MAX_RESPONSE_BYTES
    for row in page.rows():
        remaining -= int(row.f["room"])  # a text that is stored as a file needs no room: it can be shown as a link
        if remaining < 0 and shown:
            break
        shown.append(row)
    parts = [shown[start : start + BATCH // 2] for start in range(0, len(shown), BATCH // 2)]
    later = [read_ahead(partial(_load_batch, part)) for part in parts[1:]]
    loaded = _load_batch(parts[0]) if parts else []
    return [*loaded, *(document for part in later for document in part.result())], page.total


def _load_batch(rows: list[IndexRow]) -> list[LoadedDocument]:
    """Load documents with their texts by index rows, in one batch; a text that changed after the index row is read separately."""
    keys: list[Any] = [(Document, *Document.key(row.id)) for row in rows]
    keys += [(DocumentText, *DocumentText.key_of(row.id, int(row.f["text"]))) for row in rows]
    read = get_many(keys)
    loaded = []
    for row, document, text in zip(rows, read, read[len(rows) :], strict=False):
        if isinstance(document, Document) and not document.deleted_at:
            current = isinstance(text, DocumentText) and document.text == row.f["text"]
            content = text.content if current and isinstance(text, DocumentText) else stored_text(document)
            loaded.append(LoadedDocument(document, content))
    return loaded


def stored_text(document: Document, number: int | None = None) -> str:
    """Read the text of a document, or the one that its version `number` introduced, as stored: the text itself or a pointer."""
    row = get(DocumentText, *DocumentText.key_of(document.id, int(number or document.text)))
    if row is None:
        raise LookupError(f"document {document.id} has no text {number or document.text}")
    return str(row.content)


def read_texts(documents: Iterable[Document]) -> dict[str, str]:
    """Read the texts of a few documents and return them by document id. All are held in memory at once."""
    documents = list(documents)
    rows = get_many([(DocumentText, *DocumentText.key_of(document.id, int(document.text))) for document in documents])
    return {
        document.id: load_text(row.content)
        for document, row in zip(documents, rows, strict=True)
        if isinstance(row, DocumentText)
    }


def get_document(actor: Actor, document_id: str, permission: Permission = Permission.PROJECT_READ) -> LoadedDocument:
    """Read a document with its latest text, which is the one with the highest number. One round trip. Raises NotFound, Forbidden."""
    latest = latest_text(bare_id(document_id))
    document = load(Document, document_id, actor, permission)
    row = latest.result()
    if row is None or not is_text_of(row, document):  # it was written between the two reads
        return LoadedDocument(document, stored_text(document))
    return LoadedDocument(document, row.content)


def latest_text(document_id: str) -> ReadFuture[DocumentText | None]:
    """Begin to read the latest text of a document, beside the document itself: it is the one with the highest number."""
    partition, _ = Document.key(document_id)

    def newest() -> DocumentText | None:
        rows = query(DocumentText, partition, prefix="TEXT#", newest_first=True, limit=1, consistent=True).rows
        return next(iter(rows), None)

    return read_ahead(newest)


def is_text_of(row: DocumentText, document: Document) -> bool:
    """Tell whether a text that was read beside a document is its text."""
    return bool(row.sk == DocumentText.key_of(document.id, int(document.text))[1])


def get_latest_document(actor: Actor, project_id: str, type_: str) -> LoadedDocument:
    """Read the document of a type with the newest version; an archived one only if there is no other. One read.

    Raises NotFound if the project has none or is not visible to the actor, Forbidden.
    """
    bare = bare_id(project_id)
    if type_ not in TYPES or not is_id(bare):
        raise NotFound(Document.NAME)
    rows = query(DocumentCopy, DocumentCopy.partition(bare, type_), newest_first=True, limit=1, consistent=True).rows
    if not rows:
        raise NotFound(Document.NAME)
    row = authorize(rows[0], actor, Permission.PROJECT_READ)
    return LoadedDocument(row, row.content)


def get_document_with_revisions(
    actor: Actor, document_id: str, *, number: int | None = None, limit: int = MAX_REVISIONS, offset: int = 0
) -> tuple[LoadedDocument, list[Revision], int]:
    """Read a document, or its version `number`, with a page of its revisions, newest first, and their total number.

    The page is shorter than `limit` if the revisions are large. One read and one batch; one more read for an older version. Raises
    NotFound, Forbidden, Invalid (no such version).
    """
    document = load(Document, document_id, actor, Permission.PROJECT_READ)
    total = int(document.version)
    writes = range(total - offset, max(total - offset - limit, 0), -1)
    older = number is not None and number != document.number
    first = (
        (DocumentVersion, *DocumentVersion.key_of(document.id, int(number or 0)))
        if older
        else (DocumentText, *DocumentText.key_of(document.id, int(document.text)))
    )
    keys: list[Any] = [first, *((Revision, *Revision.key_of(document.id, write)) for write in writes)]
    row, *rows = get_many(keys)
    revisions = list(_within_limit(revision for revision in rows if isinstance(revision, Revision)))
    if isinstance(row, DocumentText):
        return LoadedDocument(document, row.content), revisions, total
    if not isinstance(row, DocumentVersion):
        raise unknown_version(number)
    return LoadedDocument(document, stored_text(document, int(row.text)), row), revisions, total


def _within_limit(revisions: Iterable[Revision]) -> Iterable[Revision]:
    """Yield revisions until they fill MAX_REVISION_BYTES, but at least one."""
    remaining = MAX_REVISION_BYTES
    for index, revision in enumerate(revisions):
        remaining -= texts.shown_size(json.dumps([revision.diff, revision.summary], ensure_ascii=False))
        if remaining < 0 and index:
            return
        yield revision


def unknown_version(number: int | None) -> Invalid:
    """Return the error for a version that the document does not have."""
    return Invalid(FieldError("version", "The document has no such version", number))
