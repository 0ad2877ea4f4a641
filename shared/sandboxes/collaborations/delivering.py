"""The deliverables of a collaboration: each is a document of a project, with who wrote it and what it cost.

A document holds neither ids nor times: the same answers make the same bytes.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from shared.core.actor import Actor, Permission, Role
from shared.core.errors import CadreError, ConditionFailed
from shared.core.ids import derived_id
from shared.core.money import usd_text
from shared.sandboxes.collaborations.looking import answers_of
from shared.sandboxes.collaborations.rows import SWARM, Collaboration
from shared.sandboxes.collaborations.state import FAILED, Ask, State
from shared.sandboxes.collaborations.wording import text_of_answer
from shared.sandboxes.messages.rows import Message
from shared.store import Entity, fetch, is_stale
from shared.work.documents.rows import Document
from shared.work.documents.writing import NewDocument, create_document
from shared.work.projects.creating import NewProject, create_project
from shared.work.projects.rows import Project

_MAY: Final = frozenset({Permission.DOCUMENT_WRITE, Permission.PROJECT_CREATE, Permission.PROJECT_READ})
_NAME_CHARS: Final = 80
_TITLE_CHARS: Final = 400
Written = dict[str, Any]


def write_deliverables(row: Collaboration, state: State) -> tuple[str, list[Written]]:
    """Write the documents of all deliverables that were answered, once. Return the project, and what `Collaboration.documents` holds.

    Raises CadreError if a document has no place.
    """
    asks = {name: ask for name in state.deliverables for ask in state.answered(name)}
    answers = answers_of(row, [ask.number for ask in asks.values()])
    project_id = str(row.project_id or _make_project(row, state, next(iter(asks.values()))))
    written = []
    for name, ask in asks.items():
        message = answers[ask.number]
        document_id = row.document_id(name)
        text = _text(state, name, ask, message)
        new = NewDocument("custom", title_of(name, row.task), text, tags=["collaboration"])
        author = _author(row, state, ask)
        _once(Document, document_id, partial(create_document, author, project_id, new, document_id=document_id))
        cost = sum(one.cost for one in state.of_step(name))
        written.append({"name": name, "document_id": document_id, "authors": [_shown(state, ask, message)], "cost_micros": cost})
    return project_id, written


def title_of(name: str, task: str) -> str:
    """Return the title of a deliverable's document: what it is, and of which task."""
    words = name.replace("_", " ").replace("-", " ").strip() or name
    return f"{words[:1].upper()}{words[1:]}: {' '.join(task.split())}"[:_TITLE_CHARS]


def _text(state: State, name: str, ask: Ask, message: Message) -> str:
    member = state.members[ask.member]
    tried = [one for one in state.of_step(name) if one.status == FAILED]
    cost = sum(one.cost for one in state.of_step(name))
    lines = [f"Written by {member.name} (agent {message.from_agent}). Cost: {usd_text(cost)} USD."]
    lines += [f"{state.members[one.member].name} was asked before: {one.reason}." for one in tried]
    if state.mode == SWARM and state.outcome:
        lines += _vote(state, state.outcome)
    return f"{text_of_answer(message.content).strip()}\n\n---\n\n" + "\n".join(f"- {line}" for line in lines) + "\n"


def _vote(state: State, outcome: Mapping[str, Any]) -> list[str]:
    """Return the lines that say how the vote went."""
    names = {one.sandbox_id: one.name for one in state.members}
    tally = ", ".join(f"{names[one]} {votes}" for one, votes in outcome["tally"].items())
    against = [
        f"{names[one['sandbox_id']]} voted for {names[one['for']]}" + (f": {one['reason']}" if one["reason"] else "")
        for one in outcome["dissent"]
    ]
    return [f"Consensus: the answer of {names[outcome['sandbox_id']]}, by {outcome['decided_by']} ({tally}).", *against]


def _shown(state: State, ask: Ask, message: Message) -> dict[str, Any]:
    member = state.members[ask.member]
    return {"sandbox_id": member.sandbox_id, "name": member.name, "agent": message.from_agent}


def _author(row: Collaboration, state: State, ask: Ask) -> Actor:
    """Return the sandbox that has written a deliverable, as an agent that may make projects and documents and nothing else."""
    member = state.members[ask.member]
    ws_id = str(row.ws_id)
    return Actor(member.sandbox_id, member.name, "agent", org_id=row.org_id, workspaces={ws_id: Role.ADMIN}, scopes=_MAY)


def _make_project(row: Collaboration, state: State, ask: Ask) -> str:
    """Make a project for the deliverables, where the workspace had none when the work began."""
    project_id = derived_id("project", row.id)
    new = NewProject(" ".join(row.task.split())[:_NAME_CHARS])
    author = _author(row, state, ask)
    _once(Project, project_id, lambda: create_project(author, str(row.ws_id), new, project_id=project_id))
    return project_id


def _once(model: type[Entity], entity_id: str, make: Callable[[], object]) -> None:
    """Make something unless another attempt has made it before, or makes it at the same time."""
    if fetch(model, entity_id) is not None:
        return
    try:
        make()
    except (CadreError, ConditionFailed) as error:
        if not (is_stale(error) or isinstance(error, ConditionFailed)) or fetch(model, entity_id) is None:
            raise
