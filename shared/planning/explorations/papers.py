"""The requirements and the design of an exploration: documents of its project, each a version of its own, approved by people."""

from dataclasses import dataclass
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict
from shared.core.ids import bare_id, new_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.planning.explorations.authors import AuthorOf, Subject, embedded
from shared.planning.explorations.designing import sections_of
from shared.planning.explorations.refining import Remarks
from shared.planning.explorations.requirements import RequirementsText, parse
from shared.planning.explorations.rows import DESIGN, ORIGIN, REQUIREMENTS, document_id
from shared.planning.explorations.state import State, read_state
from shared.planning.explorations.wording import words
from shared.store import LastBlock, Operation, check, save, stale
from shared.work.documents import statuses
from shared.work.documents.committing import DocumentWrite, RevisionInfo
from shared.work.documents.diffs import diff_texts
from shared.work.documents.rows import Document, documents_of


@dataclass(frozen=True)
class Paper:
    """A document of an exploration with its latest text."""

    document: Document
    text: str

    @property
    def total_requirements(self) -> int:
        return len(parse(self.text).requirements)

    @property
    def sections(self) -> list[str]:
        return sections_of(self.text)


def generate_requirements(actor: Actor, exploration_id: str, author_of: AuthorOf = embedded) -> Paper:
    """Write the requirements from the idea and the answers, as a draft. Two round trips.

    Raises NotFound, Forbidden, Conflict if there are requirements already, or if nothing was said of which one can be made.
    """
    last = LastBlock(documents_of(bare_id(exploration_id)))
    state = read_state(actor, exploration_id, Permission.DOCUMENT_WRITE)
    state.require("exploring", instead="the requirements were generated before; refine or approve them")
    subject = Subject(state.exploration.initial_idea, state.asked)
    text = author_of(actor, state.exploration).requirements(subject)
    if not text.requirements:
        waiting = next((row.id for row in state.questions if row.status == "waiting"), "one of the questions")
        raise Conflict(
            Situation.DOCUMENT_STATUS,
            f"Nothing that was said so far tells what must be built: answer {waiting} first",
            {"current_stage": state.stage},
        )
    exploration = state.exploration
    exploration.title = subject.title
    title = words(text.language)["requirements_title"].format(name=subject.title)
    return _create(actor, state, REQUIREMENTS, title, text.text, last)


def refine_requirements(
    actor: Actor, exploration_id: str, feedback: str, changes: list[str], author_of: AuthorOf = embedded
) -> Paper:
    """Write the next version of the requirements, for review: what was said becomes changes, all else stays as it is. Two round trips.

    Why the version was rejected counts as feedback. Raises NotFound, Forbidden, Conflict before there are requirements and after the spec
    was generated, Invalid for a change of a requirement that does not exist.
    """
    state = read_state(actor, exploration_id, Permission.DOCUMENT_WRITE)
    state.require(
        "requirements_approved",
        "design_generated",
        "design_approved",
        "requirements_generated",
        instead="generate the requirements first"
        if state.requirements is None
        else "the spec is made of the approved requirements, which change no more; change its tickets",
    )
    document = _present(state.requirements)
    before = state.text_of(document)
    remarks = Remarks(feedback, changes, document.rejection_reason or "")
    subject = Subject(state.exploration.initial_idea, state.asked)
    text = author_of(actor, state.exploration).refine(subject, parse(before), remarks, int(document.number))
    return _next_version(actor, state, document, before, text.text, "review")


def generate_design(actor: Actor, exploration_id: str, author_of: AuthorOf = embedded) -> Paper:
    """Write the design from the approved requirements, as a draft; a new version if the requirements have changed since the last one, or if
    that was rejected. Two round trips. Raises NotFound, Forbidden, Conflict."""
    last = LastBlock(documents_of(bare_id(exploration_id)))
    state = read_state(actor, exploration_id, Permission.DOCUMENT_WRITE)
    rejected = state.design is not None and state.design.status == "rejected"
    stages = ("design_generated", "requirements_approved") if rejected else ("requirements_approved",)
    state.require(
        *stages,
        instead="approve the requirements first"
        if state.design is None or state.stage == "requirements_generated"
        else "approve or reject the design",
    )
    requirements = _present(state.requirements)
    text = parse(state.text_of(requirements))
    if not text.requirements:
        raise Conflict(Situation.DOCUMENT_STATUS, "The requirements document has no requirement (### REQ-001: ...) any more")
    subject = Subject(state.exploration.initial_idea, state.asked)
    design = author_of(actor, state.exploration).design(subject, text)
    state.exploration.design_of = requirements.number
    if state.design is not None:
        return _next_version(
            actor, state, state.design, state.text_of(state.design), design, "draft", _still_approved(requirements)
        )
    title = words(text.language)["design_title"].format(name=state.exploration.title or subject.title)
    return _create(actor, state, DESIGN, title, design, last, _still_approved(requirements))


def requirements_text(state: State) -> RequirementsText:
    """Return the latest requirements of an exploration that has some."""
    return parse(state.text_of(_present(state.requirements)))


def still_approved(document: Document | None) -> Operation:
    """Return the condition that a document is approved in the version that was read."""
    return _still_approved(_present(document))


def _create(actor: Actor, state: State, type_: str, title: str, text: str, last: LastBlock, *conditions: Operation) -> Paper:
    exploration = state.exploration
    version_id = new_id()
    document = Document.new(
        document_id(exploration.id, type_),
        org_id=exploration.org_id,
        ws_id=exploration.ws_id,
        proj_id=exploration.id,
        type=type_,
        title=title[:200],
        origin=ORIGIN,
        created_by=actor.summary,
    )
    pending = DocumentWrite(document, "", is_new=True, last=last)
    pending.next_version(version_id)
    pending.set_text(text)
    record(document, EventType.DOCUMENT_CREATED, actor, title=document.title, type=type_, number=1)
    pending.commit(actor, RevisionInfo("created", f"Created “{document.title}”"), save(exploration), *conditions)
    return Paper(document, text)


def _next_version(
    actor: Actor, state: State, document: Document, before: str, text: str, status: str, *conditions: Operation
) -> Paper:
    pending = DocumentWrite(document, before)
    old_status, old_number = document.status, int(document.number)
    pending.next_version()
    statuses.reset_for_new_version(document)
    document.status = status
    document.approved_number = None  # what was approved before is superseded: the next step needs a new approval
    pending.set_text(text)
    document.updated_by = actor.summary
    changes: dict[str, list[Any]] = {"version": [old_number, int(document.number)]}
    if old_status != status:
        changes["status"] = [old_status, status]
    record(
        document,
        EventType.DOCUMENT_UPDATED,
        actor,
        changes=changes,
        title=document.title,
        type=document.type,
        number=int(document.number),
    )
    diff = diff_texts(before, text)
    revision = RevisionInfo("updated", f"Changed text: {diff['added']} lines added, {diff['removed']} removed", diff)
    pending.commit(actor, revision, save(state.exploration), *conditions)
    return Paper(document, text)


def _still_approved(document: Document) -> Operation:
    condition = (Document.version == document.version) & (Document.status == "approved")
    return check(Document(*Document.key(document.id)), condition, stale)


def _present(document: Document | None) -> Document:
    if document is None:
        raise LookupError("the stage says that there is a document")
    return document
