"""Reading documents."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, NotFound
from shared.core.ids import bare_id, is_id
from shared.store import IndexRow, authorize, collection, get, get_many, load, load_text, query
from shared.work.documents import texts
from shared.work.documents.rows import TYPES, Document, DocumentCopy, DocumentText, DocumentVersion, Revision
from shared.work.projects.rows import Project

MAX_REVISIONS: Final = 50  # of one answer
MAX_REVISION_BYTES = 1_200_000  # bytes that they take in it, beside a text
BATCH = 100


@dataclass(frozen=True)
class LoadedDocument:
    """A document, or an older `version` of it, and its text: itself or a pointer (`kept`)."""

    document: Document
    kept: str
    version: DocumentVersion | None = None

    @property
    def content(self) -> str:
        return load_text(self.kept)

    @property
    def size(self) -> int:
        return int((self.version or self.document).size)

    @property
    def shown_size(self) -> int:
        return int((self.version or self.document).shown_size)


def document_rows(project_id: str) -> list[IndexRow]:
    """A project's documents as index rows, without their texts, the last changed first. For a project the caller has read already."""
    return sorted(collection(1, f"PROJ#{project_id}#DOC"), key=lambda row: row.f["updated_at"], reverse=True)


def list_document_rows(actor: Actor, project_id: str) -> list[IndexRow]:
    """As `listed`; `f` has type, title, status, number. Raises NotFound, Forbidden."""
    return document_rows(load(Project, project_id, actor, Permission.PROJECT_READ).id)


@dataclass(frozen=True)
class DocumentQuery:
    """Which documents of a project: `statuses` None for all."""

    type: str | None = None
    statuses: Collection[str] | None = None
    limit: int = 100
    offset: int = 0


def list_documents(actor: Actor, project_id: str, wanted: DocumentQuery) -> tuple[list[LoadedDocument], int]:
    """A page of documents with their texts, the last changed first, and how many match. The page ends before its limit where the texts
    that lie in rows (300 KB each at most) fill an answer. Raises NotFound, Forbidden.

    The project, the index, then one read for each fifty documents.
    """
    rows = [
        row
        for row in list_document_rows(actor, project_id)
        if wanted.type in (None, row.f["type"]) and (wanted.statuses is None or row.f["status"] in wanted.statuses)
    ]
    page: list[IndexRow] = []
    room = texts.MAX_RESPONSE_BYTES
    for row in rows[wanted.offset : wanted.offset + wanted.limit]:
        room -= int(row.f["room"])  # of a text with a file the link will do
        if room < 0 and page:
            break
        page.append(row)
    found: list[LoadedDocument] = []
    for start in range(0, len(page), BATCH // 2):
        found += _load_batch(page[start : start + BATCH // 2])
    return found, len(rows)


def _load_batch(rows: list[IndexRow]) -> Iterable[LoadedDocument]:
    """Documents by their index rows, which may be a moment old: a text that came meanwhile is read by itself."""
    keys: list[Any] = [(Document, *Document.key(row.id)) for row in rows]
    keys += [(DocumentText, *DocumentText.key_of(row.id, int(row.f["text"]))) for row in rows]
    found = get_many(keys)
    for row, document, text in zip(rows, found, found[len(rows) :], strict=False):
        if isinstance(document, Document) and not document.deleted_at:
            same = isinstance(text, DocumentText) and document.text == row.f["text"]
            yield LoadedDocument(document, text.content if same and isinstance(text, DocumentText) else stored_text(document))


def stored_text(document: Document, number: int | None = None) -> str:
    """The kept text of a document, or the one that its version `number` brought."""
    row = get(DocumentText, *DocumentText.key_of(document.id, int(number or document.text)))
    if row is None:
        raise LookupError(f"document {document.id} has no text {number or document.text}")
    return str(row.content)


def read_texts(documents: Iterable[Document]) -> dict[str, str]:
    """The texts of some documents by their ids: a few, for they are read whole."""
    wanted = list(documents)
    rows = get_many([(DocumentText, *DocumentText.key_of(one.id, int(one.text))) for one in wanted])
    return {one.id: load_text(row.content) for one, row in zip(wanted, rows, strict=True) if isinstance(row, DocumentText)}


def get_document(actor: Actor, document_id: str) -> LoadedDocument:
    """A document as it is now. Two reads."""
    document = load(Document, document_id, actor, Permission.PROJECT_READ)
    return LoadedDocument(document, stored_text(document))


def get_latest_document(actor: Actor, project_id: str, type_: str) -> LoadedDocument:
    """The document of a type whose latest version is the youngest; an archived one only where there is no other. One read. Raises
    NotFound where the project has none, or is not the caller's."""
    bare = bare_id(project_id)
    if type_ not in TYPES or not is_id(bare):
        raise NotFound(Document.NAME)
    found = query(DocumentCopy, DocumentCopy.partition(bare, type_), newest_first=True, limit=1, consistent=True).rows
    if not found:
        raise NotFound(Document.NAME)
    row = authorize(found[0], actor, Permission.PROJECT_READ)
    return LoadedDocument(row, row.content)


def get_document_with_revisions(
    actor: Actor, document_id: str, *, number: int | None = None, limit: int = MAX_REVISIONS, offset: int = 0
) -> tuple[LoadedDocument, list[Revision], int]:
    """A document, or its version `number`, with a part of its revisions, the newest first (fewer where they are large), and how many there
    are.

    The document; its text and revisions in one batch; one read more for an older version. Raises NotFound, Forbidden, Invalid (no such
    version).
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
    revisions = list(_within_limit(one for one in rows if isinstance(one, Revision)))
    if isinstance(row, DocumentText):
        return LoadedDocument(document, row.content), revisions, total
    if not isinstance(row, DocumentVersion):
        raise unknown_version(number)
    return LoadedDocument(document, stored_text(document, int(row.text)), row), revisions, total


def _within_limit(revisions: Iterable[Revision]) -> Iterable[Revision]:
    room = MAX_REVISION_BYTES
    for index, one in enumerate(revisions):
        room -= texts.shown_size(json.dumps([one.diff, one.summary], ensure_ascii=False))
        if room < 0 and index:
            return
        yield one


def unknown_version(number: int | None) -> Invalid:
    return Invalid(FieldError("version", "The document has no such version", number))
