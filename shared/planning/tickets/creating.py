"""Creating a ticket: unless there is one like it already, and with its first task, its approval and its dependencies in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, NotFound
from shared.core.ids import bare_id, is_id, new_id
from shared.planning.duplicates.finding import DuplicateCheck, DuplicateSearch
from shared.planning.duplicates.just_made import JustMade, find_just_made, note_text
from shared.planning.duplicates.similarity import THRESHOLD
from shared.planning.tickets.tasks import begin_counting, first_task
from shared.store import Operation, RowKey, authorize, get_many, id_of, retrying
from shared.work.boards.creating import board_id_of
from shared.work.boards.lanes import LANE_PHASES, canonical_phase
from shared.work.boards.rows import Board
from shared.work.items.creating import NewItem, create_item
from shared.work.items.dependencies import DependencyGraph, new_blockers
from shared.work.items.rows import PENDING, Item
from shared.work.projects.reading import get_project, latest_project_id
from shared.work.projects.rows import Project

FIRST_PHASE: Final = "PHASE_REQUIREMENTS"
APPROVAL_SECONDS: Final = 1_800
"""How long a ticket waits for its approval, unless its creator says otherwise: as in the original service."""
MAX_DEPENDENCIES: Final = 30
"""Tickets that a new one depends on or blocks: two rows each of the hundred of a transaction."""


@dataclass(frozen=True)
class NewTicket:
    title: str
    description: str | None = None
    phase_id: str | None = FIRST_PHASE
    """None: the project's default phase."""
    priority: str = "medium"
    blocked_by: Sequence[str] = ()
    blocks: Sequence[str] = ()
    approval_required: bool = False
    approval_seconds: int = APPROVAL_SECONDS
    requested_by: str | None = None
    """The id of the agent that asks for the ticket, as the caller says: such a ticket needs an approval."""
    check_duplicates: bool = True
    threshold: float = THRESHOLD
    force: bool = False
    """The ticket is made although there is one like it."""


def a_project_id(actor: Actor, project_id: str | None) -> str:
    """Return the id of a project, by default of the actor's most recently active one. Raises Invalid if there is none, NotFound for a text
    that is no id."""
    return latest_project_id(actor) if project_id is None else id_of(Project, project_id)


def create_ticket(actor: Actor, project_id: str | None, new: NewTicket) -> Item | DuplicateCheck:
    """Create a ticket on the board of a project; return what was found instead if there is an open one like it.

    Five round trips at most: which project; the project and the words of its board; the cards that are like the ticket; the board; the
    transaction. Raises NotFound (project, a ticket that it depends on), Forbidden, Invalid, TransitionRefused (a rule of the lane), and
    Conflict (a cycle of dependencies, an archived project).
    """
    phase = None if new.phase_id is None else _first_phase(new.phase_id)
    project_id = a_project_id(actor, project_id)
    checks = new.check_duplicates and not new.force
    search = DuplicateSearch(board_id_of(project_id), new.title, new.description) if checks else None
    neighbours = _Neighbours(new)
    project = neighbours.read(actor, project_id)
    if search is not None:
        if search.board_id != project.board_id:
            search = DuplicateSearch(project.board_id, new.title, new.description)
        found = search.result(new.threshold)
        if found.is_duplicate:
            return found
        try:
            return _create(actor, project, phase, new, neighbours, note_text)
        except JustMade:
            made = find_just_made(project.board_id, new.title, new.description)
            if made is not None:
                return made
            neighbours.read(actor, project.id)
    return _create(actor, project, phase, new, neighbours)


def add_ticket(actor: Actor, project_id: str, new: NewTicket) -> Item:
    """Create a ticket as `create_ticket` does, without looking for one like it. Three round trips."""
    phase = None if new.phase_id is None else _first_phase(new.phase_id)
    neighbours = _Neighbours(new)
    return _create(actor, neighbours.read(actor, id_of(Project, project_id)), phase, new, neighbours)


def _first_phase(name: str) -> str:
    """Return the phase with this name or alias, in which a ticket can begin. Raises Invalid."""
    phase = canonical_phase(name)
    if phase not in LANE_PHASES:
        raise Invalid(FieldError("phase_id", f"A ticket cannot begin in {name}", name))
    return phase


def _create(
    actor: Actor,
    project: Project,
    phase: str | None,
    new: NewTicket,
    neighbours: "_Neighbours",
    note: Callable[[Item], Operation] | None = None,
) -> Item:
    phase = phase or _first_phase(project.default_phase_id or FIRST_PHASE)
    waits = new.approval_required or new.requested_by is not None or not actor.is_person
    card = NewItem(
        title=new.title,
        type="task",
        phase_id=phase,
        description=new.description,
        priority=new.priority,
        approval_status=PENDING if waits else None,
        approval=_approval(actor, new) if waits else None,
    )
    item_id = new_id()

    def attempt(number: int) -> Item:
        last = None if waits else begin_counting(str(project.ws_id))  # else the approval brings the task
        if number:
            neighbours.read(actor, project.id)

        def beside(item: Item) -> list[Operation]:
            noted = [note(item)] if note is not None else []
            return [*(first_task(actor, item, last) if last is not None else ()), *neighbours.edges(actor, item), *noted]

        return create_item(actor, project.board_id, card, item_id=item_id, beside=beside)

    return retrying(attempt)


def _approval(actor: Actor, new: NewTicket) -> dict[str, Any]:
    asked = {"kind": "agent", "id": new.requested_by, "name": new.requested_by} if new.requested_by else actor.summary
    now = clock.now()
    return {
        "requested_by": asked,
        "requested_at": clock.iso(now),
        "expires_at": clock.iso(now + timedelta(seconds=new.approval_seconds)),
    }


class _Neighbours:
    """The tickets that a new one depends on, and those that depend on it."""

    def __init__(self, new: NewTicket) -> None:
        self._blocked_by, self._blocks = (list(dict.fromkeys(map(bare_id, ids))) for ids in (new.blocked_by, new.blocks))
        if len(self._blocked_by) + len(self._blocks) > MAX_DEPENDENCIES:
            raise Invalid(FieldError("dependencies", f"A new ticket takes at most {MAX_DEPENDENCIES} dependencies"))
        if not all(map(is_id, (*self._blocked_by, *self._blocks))):
            raise NotFound(Item.NAME)
        self._items: dict[str, Item] = {}
        self._board: Board | None = None
        self._graph: DependencyGraph | None = None

    def read(self, actor: Actor, project_id: str) -> Project:
        """Read the project, and what the dependencies need, in one round trip. Return the project."""
        ids = [*self._blocked_by, *self._blocks]
        board_id = board_id_of(project_id)
        keys: list[RowKey] = [(Project, *Project.key(project_id))]
        if ids:
            keys += [(Board, *Board.key(board_id)), (DependencyGraph, *DependencyGraph.key(board_id))]
            keys += [(Item, *Item.key(one)) for one in ids]
        project, *rows = get_many(list(dict.fromkeys(keys)))
        if not isinstance(project, Project) or project.deleted_at or project.status == "deleted":
            raise NotFound(Project.NAME)
        authorize(project, actor, Permission.CARD_CREATE)
        if ids:
            self._take(actor, project, rows)
        return project

    def _take(self, actor: Actor, project: Project, rows: Sequence[Any]) -> None:
        self._board, self._graph, *items = rows
        for item in items:
            if not isinstance(item, Item) or item.deleted_at:
                raise NotFound(Item.NAME)
            authorize(item, actor, Permission.CARD_EDIT)
            if item.board_id != project.board_id:
                raise Invalid(FieldError("dependencies", "These tickets are in different projects", item.id))
            self._items[item.id] = item

    def edges(self, actor: Actor, item: Item) -> list[Operation]:
        """Return the operations that make the dependencies of the new card; none if there are none."""
        if self._board is None:
            return []
        pairs = [(item, self._items[one]) for one in self._blocked_by] + [(self._items[one], item) for one in self._blocks]
        return new_blockers(actor, self._board, self._graph, pairs)


def check_duplicates(
    actor: Actor, project_id: str | None, title: str, description: str | None, *, threshold: float, top_k: int
) -> DuplicateCheck:
    """Look for tickets like a new one in a project, by default the actor's most recently active one.

    Four round trips at most. Raises NotFound, Forbidden, Invalid (there is no project).
    """
    project_id = a_project_id(actor, project_id)
    search = DuplicateSearch(board_id_of(project_id), title, description)
    project = get_project(actor, project_id, Permission.CARD_READ).project
    if search.board_id != project.board_id:
        search = DuplicateSearch(project.board_id, title, description)
    return search.result(threshold, top_k)
