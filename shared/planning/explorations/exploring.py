"""The dialogue of an exploration: it begins with an idea, and each answer may bring further questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id, new_id
from shared.events import EventType, record
from shared.people.tenancy.rows import Workspace
from shared.people.tenancy.workspaces import get_workspace
from shared.planning.explorations.authors import EMBEDDED, AuthorOf, Subject, embedded
from shared.planning.explorations.dialogue import NewQuestion, is_ready, status_of
from shared.planning.explorations.rows import Exploration, Question, explorations_of
from shared.planning.explorations.state import State, asked_of, read_state
from shared.store import Block, LastBlock, Operation, create, enter, retrying, save, update, write
from shared.work.projects.creating import default_workspace_id

MAX_IDEA: Final = 20_000  # characters: ten pages
MAX_ANSWER: Final = 5_000


@dataclass(frozen=True)
class Dialogue:
    """An exploration with the questions that wait for an answer."""

    exploration: Exploration
    stage: str
    waiting: list[Question]
    ready: bool


def workspace_for(actor: Actor, workspace_id: str | None) -> Workspace:
    """Return the workspace of a new exploration: the one that is named, else the default one of the caller's organization.

    One read, or two. Raises NotFound, Forbidden.
    """
    if workspace_id is None:
        workspace_id = default_workspace_id(actor, actor.org_id, Permission.DOCUMENT_WRITE)
    return get_workspace(actor, workspace_id, Permission.DOCUMENT_WRITE)


def begin(actor: Actor, workspace_id: str | None) -> tuple[Workspace, LastBlock]:
    """Return the workspace of a new exploration, and the end of its list, read beside it. Raises as `workspace_for` does."""
    if workspace_id is None:
        workspace_id = default_workspace_id(actor, actor.org_id, Permission.DOCUMENT_WRITE)
    last = LastBlock(explorations_of(bare_id(workspace_id)))
    return workspace_for(actor, workspace_id), last


def start(actor: Actor, workspace: Workspace, idea: str, last: LastBlock | None = None, **model: Any) -> Dialogue:
    """Start an exploration, with its first questions, which need no model. One read, one write; `last`: what was read already.

    `model`: `provider`, `model`, `priced`.
    """
    counted = explorations_of(workspace.id)
    return retrying(
        lambda number: _start(actor, workspace, idea, (last if last and not number else LastBlock(counted)).result(), model)
    )


def _start(actor: Actor, workspace: Workspace, idea: str, last: Block | None, model: dict[str, Any]) -> Dialogue:
    subject = Subject(idea)
    asked = EMBEDDED.ask(subject)
    exploration = Exploration.new(
        new_id(),
        org_id=workspace.org_id,
        ws_id=workspace.id,
        initial_idea=idea,
        language=subject.language,
        asked=len(asked),
        created_by=actor.summary,
        **model,
    )
    place = enter(explorations_of(workspace.id), last, "exploration")
    exploration.counted_in = place.start
    rows = _question_rows(exploration.id, asked, 0)
    record(exploration, EventType.EXPLORATION_STARTED, actor, initial_idea=idea, questions=_shown(rows))
    write(create(exploration), *(create(row) for row in rows), *place.operations)
    return Dialogue(exploration, "exploring", rows, is_ready(idea, [asked_of(row) for row in rows]))


def answer(actor: Actor, exploration_id: str, question_id: str, text: str, author_of: AuthorOf = embedded) -> Dialogue:
    """Answer a question, or answer it anew, and ask what follows from it. Two round trips.

    Raises NotFound (exploration, question), Forbidden, Conflict after the requirements were generated.
    """
    return retrying(lambda _: _answer(actor, exploration_id, question_id, text, author_of))


def _answer(actor: Actor, exploration_id: str, question_id: str, text: str, author_of: AuthorOf) -> Dialogue:
    state = read_state(actor, exploration_id, Permission.DOCUMENT_WRITE)
    question = next((row for row in state.questions if row.id == question_id.strip().lower()), None)
    if question is None:
        raise NotFound("question")
    state.require("exploring", instead="say what is to change with refine-requirements")
    exploration = state.exploration
    question.answer, question.status = text, status_of(text)
    question.answered_by, question.answered_at = actor.summary, clock.iso()
    new = author_of(actor, exploration).ask(Subject(exploration.initial_idea, state.asked))
    rows = _question_rows(exploration.id, new, len(state.questions))
    exploration.asked = len(state.questions) + len(rows)
    record(
        exploration,
        EventType.QUESTION_ANSWERED,
        actor,
        question_id=question.id,
        answer_text=text,
        questions=_shown(rows),
    )
    write(save(exploration), _stored_answer(question), *(create(row) for row in rows))
    state.questions += rows
    return dialogue_of(state)


def dialogue_of(state: State) -> Dialogue:
    """Return what waits for an answer in an exploration."""
    stage = state.stage
    waiting = [row for row in state.questions if row.status == "waiting" and stage == "exploring"]
    ready = stage != "exploring" or is_ready(state.exploration.initial_idea, state.asked)
    return Dialogue(state.exploration, stage, waiting, ready)


def _stored_answer(question: Question) -> Operation:
    actions = [
        Question.answer.set(question.answer),
        Question.status.set(question.status),
        Question.answered_by.set(question.answered_by),
        Question.answered_at.set(question.answered_at),
    ]
    return update(question, actions, Question.pk.exists())


def _question_rows(exploration_id: str, asked: Sequence[NewQuestion], before: int) -> list[Question]:
    rows = []
    for number, one in enumerate(asked, start=before + 1):
        pk, sk = Question.key_of(exploration_id, number)
        rows.append(
            Question(pk=pk, sk=sk, number=number, key=one.key, category=one.category, text=one.text, created_at=clock.iso())
        )
    return rows


def _shown(rows: Sequence[Question]) -> list[list[str]]:
    return [[row.id, row.text] for row in rows]
