"""Listing tasks: those of all the caller's workspaces, of a project, or of a card."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id
from shared.store import CountedRows, IndexRow, ReadFuture, fetch_all, id_of, index_rows, load, read_ahead
from shared.work.items.rows import ItemHead
from shared.work.projects.reading import by_workspace
from shared.work.projects.rows import Project
from shared.work.tasks.rows import NO_LIST, Task, ended_by, held_in, label_of, tasks_of, tasks_of_card

LISTED: Final = 5_000
"""The tasks of a card (the newest), or of an agent in a workspace, of which a page can be asked for."""


@dataclass(frozen=True)
class TaskQuery:
    """Filter and page of a list of tasks. Without statuses or a phase all are meant."""

    statuses: Collection[str] = ()
    phase_id: str | None = None
    project_id: str | None = None
    limit: int = 100
    offset: int = 0

    def wants(self, label: str) -> bool:
        """Tell whether tasks that are counted as this are asked for."""
        if label == NO_LIST:
            return False
        status, phase_id, project_id = label.split(" ")
        return (
            (not self.statuses or status in self.statuses)
            and self.phase_id in (None, phase_id)
            and self.project_id in (None, project_id)
        )


def list_tasks(actor: Actor, query: TaskQuery) -> tuple[list[Task], int]:
    """Return a page of the tasks in all the actor's workspaces, or in one project, newest first, and their total number.

    Two round trips; three for a page that is not at the head of a workspace's list; one more for a workspace that the actor has joined
    since the process knows them. Raises NotFound, Forbidden (project).
    """
    number = query.offset + query.limit
    begin = partial(_begin, number)
    if query.project_id is not None:
        query = TaskQuery(query.statuses, query.phase_id, id_of(Project, query.project_id), query.limit, query.offset)
        lists = by_workspace(actor, begin, Permission.CARD_READ)
        project = load(Project, str(query.project_id), actor, Permission.CARD_READ)
        if project.status == "deleted":
            raise NotFound(Project.NAME)
        counted = [rows for ws_id, rows in lists.items() if ws_id == project.ws_id]
    else:
        counted = list(by_workspace(actor, begin, Permission.CARD_READ).values())
    skip = query.offset if len(counted) == 1 else 0  # of several lists, nobody knows how many of the first ones are in which
    pages = [rows.page(skip, number - skip, query.wants) for rows in counted]
    rows = sorted((row for page in pages for row in page.rows()), key=lambda row: (created_at(row), row.id), reverse=True)
    found = rows[query.offset - skip :][: query.limit]
    return fetch_all(Task, [row.id for row in found], to_show=True), sum(page.total for page in pages)


def _begin(number: int, ws_id: str) -> CountedRows:
    return CountedRows(tasks_of(ws_id), number, newest_first=True)


def created_at(row: IndexRow) -> str:
    """Return when a task was created, by its place in the counted list: `<block>/<time>#<id>`."""
    return row.sort.rpartition("/")[2].partition("#")[0]


def list_agent_tasks(actor: Actor, agent_id: str, query: TaskQuery) -> tuple[list[Task], int]:
    """Return a page of the tasks that an agent holds or has ended in all the actor's workspaces, and how many match. Those that it holds
    come first, then what it ended last. Two round trips.
    """
    parts = by_workspace(actor, partial(_begin_of_agent, agent_id), Permission.CARD_READ).values()
    held = [row for one, _ in parts for row in one.result() if row.f.get("agent_id") == agent_id]
    ended = sorted((row for _, one in parts for row in one.result()), key=lambda row: row.sort, reverse=True)
    rows = [row for row in (*held, *ended) if query.wants(label_of(row.f))]
    return fetch_all(Task, [row.id for row in rows[query.offset :][: query.limit]], to_show=True), len(rows)


def _begin_of_agent(agent_id: str, ws_id: str) -> tuple[ReadFuture[list[IndexRow]], ReadFuture[list[IndexRow]]]:
    held = read_ahead(lambda: list(islice(index_rows(3, held_in(ws_id)), LISTED)))
    return held, read_ahead(lambda: list(islice(index_rows(3, ended_by(ws_id, agent_id), newest_first=True), LISTED)))


def list_card_tasks(actor: Actor, item_id: str, query: TaskQuery, agent_id: str | None = None) -> tuple[list[Task], int]:
    """Return a page of a card's tasks, or of those that an agent holds or has ended, newest first, and how many match. Two round trips.

    Raises NotFound, Forbidden.
    """
    found = read_ahead(lambda: list(islice(index_rows(2, tasks_of_card(bare_id(item_id)), newest_first=True), LISTED)))
    load(ItemHead, item_id, actor, Permission.CARD_READ)
    rows = [row for row in found.result() if query.wants(label_of(row.f)) and agent_id in (None, row.f.get("agent_id"))]
    ids = [row.id for row in rows[query.offset :][: query.limit]]
    return fetch_all(Task, ids, to_show=True), len(rows)
