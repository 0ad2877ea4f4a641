"""Reading documents."""

from dataclasses import dataclass

from shared.core.actor import Actor, Permission
from shared.documents.rows import Document
from shared.projects.rows import Project
from shared.store import IndexRow, collection, kept_text, load


@dataclass(frozen=True)
class Page:
    document: Document
    content: str


def documents_of(actor: Actor, project_id: str) -> list[IndexRow]:
    """A project's documents without their content, newest first within each type; `f` has type, title, status, number."""
    project = load(Project, project_id, actor, Permission.PROJECT_READ)
    return listed(project.id)


def listed(project_id: str) -> list[IndexRow]:
    """As `documents_of`, for a project the caller has read already."""
    return sorted(collection(1, f"PROJ#{project_id}#DOC"), key=lambda row: row.f.get("updated_at", ""), reverse=True)


def the_document(actor: Actor, document_id: str) -> Page:
    document = load(Document, document_id, actor, Permission.PROJECT_READ)
    return Page(document, kept_text(document.content))
