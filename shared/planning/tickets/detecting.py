"""Detecting tickets on which nothing goes on: they have begun, are not blocked, and none of their tasks has changed for a while.

A call looks at the tickets of one project after the other, so many at most, and says where the next call goes on. Nothing is changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.events import EventType, get_event
from shared.planning.tickets.blocking import CHECKS, CLARIFICATION
from shared.store import IndexRow, decode_cursor, encode_cursor, fetch_all, first_index_rows, index_rows, read_ahead
from shared.work.boards.lanes import phase_category
from shared.work.items.pending import APPROVED
from shared.work.items.rows import ItemHead
from shared.work.projects.reading import get_project, list_visible_projects
from shared.work.projects.rows import Project
from shared.work.tasks.rows import Task, tasks_of_card

STUCK_AFTER: Final = timedelta(minutes=30)
"""How long a ticket may be where it is without progress, as in the original service."""
LOOKED_AT: Final = 100
"""Tickets that one call looks at: their rows, and a query of their tasks each."""
MAX_ROWS: Final = 2_000
"""Rows of boards that one call reads, also of tickets that are finished or blocked: about 800 KB."""
_TASKS: Final = 20  # of a ticket: its newest
_PROJECTS: Final = 100  # of a caller, newest first, when none is named
_FAILED: Final = "failed"


@dataclass(frozen=True)
class Stuck:
    """A ticket on which nothing goes on. `minutes`: how long it has been in its lane."""

    item: ItemHead
    kind: str
    minutes: float
    reason: str


@dataclass(frozen=True)
class Detection:
    stuck: list[Stuck]
    next_cursor: str | None
    """Where the next call goes on; None: all were looked at."""


def detect_stuck(actor: Actor, project_id: str | None = None, cursor: str | None = None) -> Detection:
    """Look for tickets on which nothing goes on, in a project, or in all active ones that the actor sees.

    Raises NotFound, Forbidden, Invalid (a cursor that is none).
    """
    bound = ("stuck", actor.id, project_id or "")
    after = decode_cursor(cursor, *bound)
    rows: list[IndexRow] = []
    place: dict[str, str] | None = None
    for number, (project, row) in enumerate(_rows(_projects(actor, project_id), after), 1):
        if _may_be_stuck(row):
            rows.append(row)
        if len(rows) >= LOOKED_AT or number >= MAX_ROWS:
            place = {"project": project.id, "sort": row.sort}
            break
    return Detection(_stuck(rows), encode_cursor(place, *bound))


def _projects(actor: Actor, project_id: str | None) -> list[Project]:
    if project_id is not None:
        return [get_project(actor, project_id, Permission.CARD_READ).project]
    projects, _ = list_visible_projects(actor, _PROJECTS)
    return [one for one in projects if one.status == "active"]


def _rows(projects: Sequence[Project], after: dict[str, str] | None) -> Iterator[tuple[Project, IndexRow]]:
    """Yield the cards of boards, from behind a place on."""
    ids, start = [one.id for one in projects], " "
    if after is not None and after["project"] in ids:
        projects, start = projects[ids.index(after["project"]) :], f"{after['sort']} "
    for project in projects:
        for row in index_rows(1, f"BOARD#{project.board_id}#ITEM", between=(start, "~~"), limit=MAX_ROWS):
            yield project, row
        start = " "


def _may_be_stuck(row: IndexRow) -> bool:
    """Tell whether a card has begun and goes on: what waits in the backlog or for an approval has not begun, and needs nobody."""
    if row.f.get("approval_status") not in (None, APPROVED):
        return False
    return row.f["status"] not in ("blocked", "done") and phase_category(row.f["phase_id"]) == "in_progress"


def _stuck(rows: Sequence[IndexRow]) -> list[Stuck]:
    limit = clock.iso(clock.now() - STUCK_AFTER)
    heads = [head for head in fetch_all(ItemHead, (row.id for row in rows)) if _waits_since(head) <= limit]
    found = [head for head in heads if not head.is_blocked and head.status != "done" and not head.deleted_at]
    parts = [read_ahead(partial(first_index_rows, 2, tasks_of_card(head.id), _TASKS, newest_first=True)) for head in found]
    by_card = [[row.id for row in part.result()[0]] for part in parts]
    tasks = {task.id: task for task in fetch_all(Task, dict.fromkeys(one for ids in by_card for one in ids))}
    stuck = (_assess(head, [tasks[one] for one in ids if one in tasks], limit) for head, ids in zip(found, by_card, strict=True))
    return [one for one in stuck if one is not None]


def _assess(head: ItemHead, tasks: Sequence[Task], limit: str) -> Stuck | None:
    if any(task.updated_at > limit for task in tasks):
        return None
    minutes = round((clock.now() - clock.parse(_waits_since(head))).total_seconds() / 60, 1)
    failing = next((task for task in tasks if task.status == _FAILED), None)
    if failing is not None:
        words = failing.error_message or failing.title
        return Stuck(head, CHECKS, minutes, f"A task has failed: {words[:300]}")
    reason = "None of its tasks has changed" if tasks else "It has no tasks"
    return Stuck(head, CLARIFICATION, minutes, f"{reason} for {minutes:g} minutes")


def _waits_since(head: ItemHead) -> str:
    """Return since when a card is where it is: since it came, or was unblocked as the last thing that happened to it."""
    since, event = str(head.lane_since or head.updated_at), get_event(head)
    return max(since, event.at) if event is not None and event.type is EventType.ITEM_UNBLOCKED else since
