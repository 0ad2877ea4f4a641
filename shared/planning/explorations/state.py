"""An exploration with all that decides what comes next: read at once, and its stage, which follows from its documents.

The stage is stored nowhere: whoever approves the requirements, through whichever contract, has changed it.
"""

from dataclasses import dataclass
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, NotFound
from shared.core.ids import bare_id, is_id
from shared.core.situations import Situation
from shared.planning.explorations.dialogue import Asked
from shared.planning.explorations.rows import DESIGN, REQUIREMENTS, Exploration, Question, Spec, document_id
from shared.store import authorize, get_many, load_text, query, read_ahead
from shared.work.documents.reading import is_text_of, latest_text, stored_text
from shared.work.documents.rows import Document, DocumentText

STAGES: Final = (
    "exploring",
    "requirements_generated",
    "requirements_approved",
    "design_generated",
    "design_approved",
    "spec_generated",
    "initialized",
)


@dataclass
class State:
    """An exploration as it was read. `newest` has the newest text of each document, by its type."""

    exploration: Exploration
    questions: list[Question]
    requirements: Document | None
    design: Document | None
    spec: Spec | None
    newest: dict[str, DocumentText]

    @property
    def stage(self) -> str:
        return stage_of(self.exploration, self.requirements, self.design, self.spec)

    @property
    def asked(self) -> list[Asked]:
        return [asked_of(row) for row in self.questions]

    def text_of(self, document: Document) -> str:
        """Return the latest text of a document. One read if it was written between the reads of the rows."""
        newest = self.newest.get(document.type)
        return load_text(newest.content if newest is not None and is_text_of(newest, document) else stored_text(document))

    def require(self, *stages: str, instead: str) -> None:
        """Raise Conflict unless the exploration is at one of these stages; `instead` says what must come first."""
        if self.stage not in stages:
            details = {"current_stage": self.stage, "required_stage": stages[-1]}
            raise Conflict(Situation.DOCUMENT_STATUS, f"The exploration is at the stage {self.stage}: {instead}", details)


def stage_of(exploration: Exploration, requirements: Document | None, design: Document | None, spec: Spec | None) -> str:
    """Return the stage of an exploration with these documents and this spec."""
    if exploration.initialized_at:
        return "initialized"
    if spec is not None:
        return "spec_generated"
    if requirements is None:
        return "exploring"
    if requirements.status != "approved":
        return "requirements_generated"
    if design is None or exploration.design_of != requirements.number:
        return "requirements_approved"
    return "design_approved" if design.status == "approved" else "design_generated"


def asked_of(row: Question) -> Asked:
    return Asked(int(row.number), row.key, row.category, row.text, row.status, row.answer or "")


def read_state(actor: Actor, exploration_id: str, permission: Permission) -> State:
    """Read an exploration with its questions, documents and spec: reads that begin together. Raises NotFound, Forbidden."""
    bare = bare_id(exploration_id)
    if not is_id(bare):
        raise NotFound(Exploration.NAME)
    questions = read_ahead(lambda: query(Question, f"EXPL#{bare}", prefix="Q#", consistent=True).rows)
    texts = {type_: latest_text(document_id(bare, type_)) for type_ in (REQUIREMENTS, DESIGN)}
    rows: list[Any] = get_many(
        [
            (Exploration, *Exploration.key(bare)),
            (Document, *Document.key(document_id(bare, REQUIREMENTS))),
            (Document, *Document.key(document_id(bare, DESIGN))),
            (Spec, *Spec.key(bare)),
        ]
    )
    exploration, requirements, design, spec = rows
    if exploration is None or exploration.deleted_at:
        raise NotFound(Exploration.NAME)
    authorize(exploration, actor, permission)
    newest = {type_: row for type_, read in texts.items() if (row := read.result()) is not None}
    return State(exploration, list(questions.result()), requirements, design, spec, newest)
