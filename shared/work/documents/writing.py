"""Creating and updating documents, by people and by agents. An agent writes the next version of the document with a type and title."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, FieldError, Invalid
from shared.core.ids import bare_id, derived_id, new_id
from shared.core.situations import Situation
from shared.core.texts import searchable
from shared.events import EventType, record
from shared.store import Entity, LastBlock, fetch, iterate, load, load_text, retrying
from shared.work.documents import statuses, texts
from shared.work.documents.committing import DocumentWrite, RevisionInfo
from shared.work.documents.diffs import diff_texts
from shared.work.documents.reading import LoadedDocument, get_document, stored_text
from shared.work.documents.rows import Document, documents_of
from shared.work.projects.rows import Project


@dataclass(frozen=True)
class NewDocument:
    """The values of a new document. Its text is `content`, or the text uploaded under `upload_id` (`texts.begin_upload`)."""

    type: str
    title: str
    content: str | None = None
    content_type: str = "markdown"
    tags: list[str] = field(default_factory=list)
    upload_id: str | None = None
    item_id: str | None = None
    run_id: str | None = None


def create_document(actor: Actor, project_id: str, new: NewDocument, *, document_id: str | None = None) -> LoadedDocument:
    """Create a document as a draft; other documents may have the same title. One read, one write.

    `document_id` is the id of one that is made once. Raises NotFound, Forbidden, Invalid, Conflict(PROJECT_ARCHIVED), and
    Conflict(VERSION_CONFLICT) if there is a document with this id.
    """
    last = LastBlock(documents_of(bare_id(project_id)))
    project = load(Project, project_id, actor, Permission.DOCUMENT_WRITE)
    text = _read_text(project.ws_id, project.id, new.content, new.upload_id)
    if text is None:
        raise Invalid(FieldError("content", "This field is required"))
    return _create(actor, project, document_id or new_id(), new, text, new_id(), last)


def update_document(
    actor: Actor, document_id: str, changes: Mapping[str, Any], *, upload_id: str | None = None, base: int | None = None
) -> LoadedDocument:
    """Change `title`, `content` (or the uploaded text), `tags`, `status`. A new text or title makes a new version.

    `base` is the version on which the change is based: it is refused if there is a newer one. Two round trips, one if nothing
    changes. Raises NotFound, Forbidden, Invalid, Conflict(VERSION_CONFLICT) if another request was faster, Conflict(DOCUMENT_STATUS).
    """
    loaded = get_document(actor, document_id, Permission.DOCUMENT_WRITE)
    document = loaded.document
    if base is not None and base != document.number:
        raise Conflict(
            Situation.VERSION_CONFLICT,
            f"The document is at version {int(document.number)} by now; read it and write again",
            {"version": int(document.number)},
        )
    pending = DocumentWrite(document, loaded.stored)
    text = _read_text(document.ws_id, str(document.proj_id), changes.get("content"), upload_id)
    _Change(actor, pending).apply(changes, text)
    return LoadedDocument(document, pending.stored)


def write_document(
    actor: Actor,
    project_id: str,
    type_: str,
    title: str,
    content: str,
    *,
    document_id: str,
    item_id: str | None = None,
    run_id: str | None = None,
) -> Document:
    """Write a new version of the document with this type and title, or create the document.

    A new document's id is derived from type and title; `document_id` is used instead if a renamed or deleted document has that id.
    Raises NotFound, Forbidden, Conflict(VERSION_CONFLICT) if another request writes the same document at this moment.
    """
    project = load(Project, project_id, actor, Permission.DOCUMENT_WRITE)
    new = NewDocument(type_, title, content, item_id=item_id, run_id=run_id)
    version_id = new_id()
    return retrying(lambda _: _write(actor, project, new, content, document_id, version_id), times=3)


def _write(actor: Actor, project: Project, new: NewDocument, text: str, document_id: str, version_id: str) -> Document:
    derived = _id_from_title(project.id, new.type, new.title)
    holder = fetch(Document, derived)
    document = (
        holder
        if holder is not None and _matches(holder, new.type, new.title)
        else _find_by_title(project.id, new.type, new.title)
    )
    if document is None:
        return _create(actor, project, document_id if holder is not None else derived, new, text, version_id).document
    pending = DocumentWrite(document, stored_text(document))
    document.item_id = new.item_id or document.item_id
    document.run_id, document.content_type = new.run_id, new.content_type
    _Change(actor, pending, version_id).apply({"title": new.title}, text, always=True)
    return document


def _create(
    actor: Actor,
    project: Project,
    document_id: str,
    new: NewDocument,
    text: str,
    version_id: str,
    last: LastBlock | None = None,
) -> LoadedDocument:
    document = Document.new(
        document_id,
        org_id=project.org_id,
        ws_id=project.ws_id,
        proj_id=project.id,
        type=new.type,
        title=new.title,
        content_type=new.content_type,
        tags=list(dict.fromkeys(new.tags)),
        item_id=new.item_id,
        run_id=new.run_id,
        created_by=actor.summary,
    )
    pending = DocumentWrite(document, "", is_new=True, last=last)
    pending.next_version(version_id)
    pending.set_text(text)
    record(
        document,
        EventType.DOCUMENT_CREATED,
        actor,
        title=new.title,
        type=new.type,
        number=1,
        card_id=new.item_id,
        run_id=new.run_id,
    )
    pending.commit(actor, RevisionInfo("created", f"Created “{new.title}”"))
    return LoadedDocument(document, pending.stored)


class _Change:
    """One attempt to change one document."""

    def __init__(self, actor: Actor, pending: DocumentWrite, version_id: str | None = None) -> None:
        self.actor, self.pending, self.document = actor, pending, pending.document
        self.version_id = version_id
        self.before = {name: getattr(self.document, name) for name in ("number", "title", "tags", "status")}

    def apply(self, changes: Mapping[str, Any], text: str | None, *, always: bool = False) -> None:
        """Apply the changes and write them. `always`: make a new version even if the text is the same."""
        document, old = self.document, load_text(self.pending.stored) if text is not None else None
        status = _requested_status(document, changes.get("status"))
        title = changes.get("title") or document.title
        tags = list(dict.fromkeys(changes["tags"])) if changes.get("tags") is not None else document.tags
        is_new_version = always or title != document.title or (text is not None and text != old)
        if document.status == "archived" and status is None and (tags != document.tags or (is_new_version and not always)):
            raise Conflict(
                Situation.DOCUMENT_STATUS,
                "The document is archived; give it the status draft to change it",
                {"status": "archived"},
            )
        document.title, document.tags = title, tags
        if is_new_version:
            self.pending.next_version(self.version_id)
            statuses.reset_for_new_version(document)
            if text is not None and text != old:
                self.pending.set_text(text)
        if status is not None and status != document.status:
            statuses.change_status(self.actor, document, status)
        changed = {name: [was, getattr(document, name)] for name, was in self.before.items() if was != getattr(document, name)}
        if changed:
            self._commit(changed, diff_texts(old, text) if text is not None and old is not None else None)

    def _commit(self, changed: dict[str, list[Any]], diff: dict[str, Any] | None) -> None:
        document = self.document
        approved = document.status == "approved" and "status" in changed
        document.updated_by = self.actor.summary
        record(
            document,
            EventType.DOCUMENT_APPROVED if approved else EventType.DOCUMENT_UPDATED,
            self.actor,
            changes={"version" if name == "number" else name: pair for name, pair in changed.items()},
            title=document.title,
            type=document.type,
            number=int(document.number),
            card_id=document.item_id,
            run_id=document.run_id,
        )
        fields = {name: {"old": old, "new": new} for name, (old, new) in changed.items() if name != "number"}
        revision = RevisionInfo("approved" if approved else "updated", _summary(changed, diff), (diff or {}) | {"fields": fields})
        self.pending.commit(self.actor, revision)


def _requested_status(document: Document, status: str | None) -> str | None:
    """Return the requested status; None if it is the status as shown to clients, because forms send back unchanged fields."""
    shown = "draft" if document.status == "rejected" else document.status
    return None if status == shown else status


def _summary(changed: Mapping[str, list[Any]], diff: Mapping[str, Any] | None) -> str:
    parts = []
    if diff and (diff["added"] or diff["removed"]):
        parts.append(f"text: {diff['added']} lines added, {diff['removed']} removed")
    if "title" in changed:
        parts.append("title")
    if "tags" in changed:
        parts.append("tags")
    if "status" in changed:
        parts.append(f"status: {changed['status'][0]} to {changed['status'][1]}")
    return "Changed " + "; ".join(parts) if parts else "Written again without a change"


def _read_text(ws_id: str | None, project_id: str, content: str | None, upload_id: str | None) -> str | None:
    if upload_id is None:
        return content
    if content is not None:
        raise Invalid(FieldError("upload_id", "Give the content or what was uploaded, not both"))
    return texts.read_upload(str(ws_id), project_id, upload_id)


def find_document(project_id: str, type_: str, title: str) -> Document | None:
    """Return the document with this type and title; None if there is none."""
    document = fetch(Document, _id_from_title(project_id, type_, title))
    return document if document is not None and _matches(document, type_, title) else _find_by_title(project_id, type_, title)


def _id_from_title(project_id: str, type_: str, title: str) -> str:
    return derived_id("document", project_id, type_, title.casefold())


def _matches(document: Document, type_: str, title: str) -> bool:
    return not document.deleted_at and document.type == type_ and searchable(document.title) == searchable(title)


def _find_by_title(project_id: str, type_: str, title: str) -> Document | None:
    """Find a document by the index, which may be a moment old: for documents that people created or renamed.

    Documents that agents created are found by their id, which is derived from type and title.
    """
    rows = iterate(Entity, f"PROJ#{project_id}#TITLE", index=2, prefix=f"{Document.title_key(type_, title)}#")
    for row in sorted(rows, key=lambda row: (row.f or {})["updated_at"], reverse=True):
        document = fetch(Document, row.entity_id)
        if document is not None and _matches(document, type_, title):
            return document
    return None
