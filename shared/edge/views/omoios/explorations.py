"""omoios: the events of explorations. Those of their documents follow from the documents, whichever contract changed them."""

from collections.abc import Iterator
from typing import Any, Final

from shared.events.change import Change
from shared.planning.explorations.rows import DESIGN, ORIGIN, REQUIREMENTS
from shared.work.documents.rows import Document

_NAMES: Final = {REQUIREMENTS: "REQUIREMENTS", DESIGN: "DESIGN"}
Shown = tuple[str, str, str, dict[str, Any]]
"""Event type, entity type, entity id, payload."""


def exploration_started(change: Change) -> Iterator[Shown]:
    payload = {"exploration_id": change.id, "initial_idea": change.event.data["initial_idea"]}
    yield "EXPLORATION_STARTED", "exploration", change.id, payload
    yield from _questions(change.id, change)


def question_answered(change: Change) -> Iterator[Shown]:
    data = change.event.data
    payload = {"exploration_id": change.id, "question_id": data["question_id"], "answer_text": data["answer_text"]}
    yield "QUESTION_ANSWERED", "exploration", change.id, payload
    yield from _questions(change.id, change)


def project_initialized(change: Change) -> Iterator[Shown]:
    payload = {"exploration_id": change.id, "project_id": change.event.data["project_id"]}
    yield "PROJECT_INITIALIZED", "exploration", change.id, payload


def document_generated(change: Change) -> Iterator[Shown]:
    yield from _document(change, "GENERATED")


def document_changed(change: Change) -> Iterator[Shown]:
    """Yield what a change means to the exploration: a new version was written, or one was approved."""
    if "version" in change.event.changes:
        yield from _document(change, "GENERATED")
    if change.event.changes.get("status", [None, None])[1] == "approved":
        yield from _document(change, "APPROVED")


def _document(change: Change, what: str) -> Iterator[Shown]:
    document = change.after(Document)
    if document.origin == ORIGIN and document.type in _NAMES:
        exploration_id = str(document.proj_id)
        payload = {"exploration_id": exploration_id, "document_id": document.version_id}
        yield f"{_NAMES[document.type]}_{what}", "exploration", exploration_id, payload


def _questions(exploration_id: str, change: Change) -> Iterator[Shown]:
    for question_id, text in change.event.data["questions"]:
        payload = {"exploration_id": exploration_id, "question_id": question_id, "question_text": text}
        yield "QUESTION_GENERATED", "exploration", exploration_id, payload
