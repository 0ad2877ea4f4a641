"""Writing a document: a new one, or the next version of the one with this type and title."""

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict
from shared.core.ids import derived_id
from shared.documents.rows import Document, DocumentVersion
from shared.events import EventType, record
from shared.projects.rows import Project
from shared.store import collection, create, fetch, keep_text, load, save, write


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
    """The document with this type and title gets a new version; without one a new document is made (`document_id` is its id where
    the one that follows from the title is taken by a document that was renamed or deleted).

    Raises NotFound, Forbidden, Conflict("version") when somebody else writes the same document at this moment.
    """
    project = load(Project, project_id, actor, Permission.CARD_EDIT)
    for attempt in range(_TRIES):
        try:
            return _write(actor, project, type_, title, content, document_id, item_id, run_id)
        except Conflict as conflict:
            if conflict.reason != "version" or attempt == _TRIES - 1:
                raise
    raise AssertionError("unreachable")


_TRIES = 3


def _write(
    actor: Actor,
    project: Project,
    type_: str,
    title: str,
    content: str,
    document_id: str,
    item_id: str | None,
    run_id: str | None,
) -> Document:
    named = _id_by_title(project.id, type_, title)
    first = fetch(Document, named)
    document = first if first is not None and _is(first, type_, title) else _titled(project.id, type_, title)
    if document is not None:
        return _next_version(actor, document, title, content, item_id, run_id)
    document_id = document_id if first is not None else named
    document = Document.new(
        document_id,
        org_id=project.org_id,
        ws_id=project.ws_id,
        proj_id=project.id,
        type=type_,
        title=title,
        content=keep_text(_place(project, document_id, 1), content),
        item_id=item_id,
        run_id=run_id,
        created_by=actor.summary,
    )
    record(document, EventType.DOCUMENT_CREATED, actor, title=title, type=type_, number=1, card_id=item_id, run_id=run_id)
    write(create(document, _EXISTS), create(_version(actor, document, "created")))
    return document


_EXISTS = Conflict("version", "The document was written by someone else at the same moment; read it and write again")


def _next_version(
    actor: Actor, document: Document, title: str, content: str, item_id: str | None, run_id: str | None
) -> Document:
    before = int(document.number)
    document.number = before + 1
    document.title = title
    document.content = keep_text(f"documents/{document.ws_id}/{document.id}/{before + 1}", content)
    document.updated_by = actor.summary
    document.status = "draft"
    document.item_id = item_id or document.item_id
    document.run_id = run_id
    record(
        document,
        EventType.DOCUMENT_UPDATED,
        actor,
        changes={"version": [before, before + 1]},
        title=title,
        type=document.type,
        number=before + 1,
        card_id=item_id,
        run_id=run_id,
    )
    write(save(document), create(_version(actor, document, "updated")))
    return document


def _version(actor: Actor, document: Document, change: str) -> DocumentVersion:
    pk, sk = DocumentVersion.key_of(document.id, int(document.number))
    return DocumentVersion(
        pk=pk,
        sk=sk,
        id=derived_id("document-version", document.id, int(document.number)),
        number=document.number,
        title=document.title,
        content=document.content,
        change=change,
        created_at=clock.iso(),
        created_by=actor.summary,
    )


def find_document(project_id: str, type_: str, title: str) -> Document | None:
    """The document of this type and title, if there is one."""
    first = fetch(Document, _id_by_title(project_id, type_, title))
    return first if first is not None and _is(first, type_, title) else _titled(project_id, type_, title)


def _id_by_title(project_id: str, type_: str, title: str) -> str:
    return derived_id("document", project_id, type_, title.casefold())


def _is(document: Document, type_: str, title: str) -> bool:
    return not document.deleted_at and document.type == type_ and document.title.casefold() == title.casefold()


def _titled(project_id: str, type_: str, title: str) -> Document | None:
    """By the index, for documents that got their title later or from people. (An agent's own are found by their id, which follows
    from type and title: the index may be a moment behind.)"""
    for row in reversed(collection(1, f"PROJ#{project_id}#DOC", f"{type_}#")):
        if row.f.get("title", "").casefold() == title.casefold():
            found = fetch(Document, row.id)
            if found is not None and _is(found, type_, title):
                return found
    return None


def _place(project: Project, document_id: str, number: int) -> str:
    return f"documents/{project.ws_id}/{document_id}/{number}"
