"""Reading projects: a single one, those of a workspace, or all that the actor may see."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, NotFound
from shared.core.ids import bare_id
from shared.core.texts import has_words, searchable
from shared.people.tenancy.rows import Organization, workspaces_of
from shared.people.tenancy.workspaces import authorize_workspace
from shared.store import (
    CountedRows,
    IndexRow,
    Row,
    authorize,
    begin_index_rows,
    count_entries,
    fetch,
    fetch_all,
    get_all,
    get_many,
    id_of,
    index_rows,
    read_ahead,
)
from shared.work.boards.creating import board_id_of
from shared.work.boards.reading import BoardSnapshot, assemble_board, board_keys, get_board
from shared.work.boards.rows import Board, Counts
from shared.work.projects.rows import STATUSES, Project, ProjectStats, in_order, name_key, projects_of

T = TypeVar("T")
Finish = Callable[[], tuple[list[str], int]]
"""Waits for a page that is being read: the ids on it, and how many match in all."""
_NEAR = 1_000  # entries at the beginning of an order: one query, as those of an index are below a kilobyte


@dataclass(frozen=True)
class ProjectSnapshot:
    """A project with its card counts and statistics, as read at one moment."""

    project: Project
    counts: Counts
    active_runs: int
    last_activity: str

    @property
    def cards(self) -> int:
        return self.counts.cards

    @property
    def done(self) -> int:
        return int(self.counts.columns.get("done", 0))


@dataclass(frozen=True)
class ProjectQuery:
    """Filter, order and page of a project list. `sort` is name, created_at, updated_at or last_activity."""

    status: str | None = None
    search: str | None = None
    sort: str = "created_at"
    descending: bool = True
    limit: int = 50
    offset: int = 0

    @property
    def statuses(self) -> Sequence[str]:
        return [self.status] if self.status else STATUSES

    def has_status(self, status: str) -> bool:
        """Tell whether projects with this status are asked for."""
        return status in self.statuses

    def has_words(self, row: IndexRow) -> bool:
        """Tell whether the words of the search occur in a project's texts."""
        return has_words(f"{row.f['name']} {row.f['slug']} {row.f['description']}", self.search)


def get_project(actor: Actor, project_id: str, permission: Permission | None = None) -> ProjectSnapshot:
    """Read a project with its counts. One round trip. Raises NotFound, Forbidden."""
    bare = id_of(Project, project_id)
    snapshots = _read_snapshots([bare])
    if not snapshots or snapshots[0].project.deleted_at or snapshots[0].project.status == "deleted":
        raise NotFound(Project.NAME)
    authorize(snapshots[0].project, actor, permission)
    return snapshots[0]


def get_project_board(actor: Actor, project_id: str, permission: Permission | None = None) -> tuple[Project, BoardSnapshot]:
    """Read a project and its board with counts and lanes. One round trip. Raises NotFound, Forbidden."""
    bare = id_of(Project, project_id)
    project, *rows = get_many([(Project, *Project.key(bare)), *board_keys(board_id_of(bare))])
    if not isinstance(project, Project) or project.deleted_at or project.status == "deleted":
        raise NotFound(Project.NAME)
    authorize(project, actor, permission)
    if project.board_id != board_id_of(bare):
        return project, get_board(actor, project.board_id)
    return project, assemble_board(rows, actor)


def list_project_boards(actor: Actor, project_id: str) -> list[tuple[Board, ProjectSnapshot]]:
    """List the boards of a project (it has exactly one) with the project's counts. One round trip. Raises NotFound, Forbidden."""
    bare = bare_id(project_id)
    boards = read_ahead(lambda: fetch(Board, board_id_of(bare)))
    snapshot = get_project(actor, project_id)
    board = boards.result()
    if snapshot.project.board_id != board_id_of(bare):
        board = fetch(Board, snapshot.project.board_id)
    return [(board, snapshot)] if board is not None else []


def list_workspace_projects(actor: Actor, ws_id: str, query: ProjectQuery) -> tuple[list[ProjectSnapshot], int]:
    """Return a page of a workspace's projects and how many match in total. Raises NotFound, Forbidden.

    Two round trips; three for a page that is not at the head of the list. A search reads the texts of all the workspace's projects.
    """
    begin = _begin_created if query.sort == "created_at" else _begin_ordered
    if query.search or (begin is _begin_ordered and query.offset + query.limit > _NEAR):
        begin = _begin_sorted
    finish = begin(bare_id(ws_id), query)
    authorize_workspace(actor, ws_id, Permission.PROJECT_READ)
    ids, total = finish()
    return _read_snapshots(ids, consistent=False), total


def list_organization_projects(actor: Actor, org_id: str, query: ProjectQuery) -> tuple[list[Project], int]:
    """Return a page of the projects in all workspaces of an organization that the actor may see, and how many match in total.

    Three round trips: who asks, beside it which workspaces there are; their projects, side by side; the rows of the page. Raises NotFound
    for somebody who is neither in the organization nor in one of its workspaces.
    """
    bare = id_of(Organization, org_id)
    workspaces = begin_index_rows(1, workspaces_of(bare))
    organization = fetch(Organization, bare)
    ids = [row.id for row in workspaces]
    if organization is None or not _belongs_to(actor, bare, ids):
        raise NotFound(Organization.NAME)
    parts = [read_ahead(partial(_seen_projects, actor, ws_id, query)) for ws_id in ids]
    found = sorted((row for part in parts for row in part.result()), key=lambda row: _place(row, query.sort))
    if query.descending:
        found.reverse()
    return fetch_all(Project, [row.id for row in found[query.offset :][: query.limit]], to_show=True), len(found)


def _seen_projects(actor: Actor, ws_id: str, query: ProjectQuery) -> list[IndexRow]:
    """Return what matches of a workspace's projects: all for who may read it, else those that are not private."""
    all_of_them = actor.may(Permission.PROJECT_READ, ws_id)
    rows = index_rows(1, projects_of(ws_id).partition)
    seen = (row for row in rows if all_of_them or row.f.get("visibility", "private") != "private")
    return [row for row in seen if query.has_status(row.f["status"]) and query.has_words(row)]


def _place(row: IndexRow, sort: str) -> tuple[str, str]:
    return (_created_at(row) if sort == "created_at" else searchable(row.f[sort])), row.id


def get_seen_project(actor: Actor, project_id: str) -> Project:
    """Return a project that the actor may see: that of a workspace of theirs, an internal one of their organization, any public one.

    One round trip; two for an internal one of another workspace. Raises NotFound.
    """
    project = fetch(Project, id_of(Project, project_id))
    if project is None or project.deleted_at or project.status == "deleted":
        raise NotFound(Project.NAME)
    if actor.may(Permission.PROJECT_READ, project.ws_id) or project.visibility == "public":
        return project
    org_id = str(project.org_id)
    if project.visibility == "internal" and _belongs_to(actor, org_id, (row.id for row in index_rows(1, workspaces_of(org_id)))):
        return project
    raise NotFound(Project.NAME)


def _belongs_to(actor: Actor, org_id: str, ws_ids: Iterable[str]) -> bool:
    return org_id in actor.organizations or any(ws_id in actor.workspaces for ws_id in ws_ids)


def list_visible_projects(actor: Actor, limit: int, offset: int = 0) -> tuple[list[Project], int]:
    """Return a page of the projects in all the actor's workspaces, newest first, and their total number.

    Two round trips; three for a page that is not at the head of a workspace's list; one more for a workspace that the actor has joined
    since the process knows them.
    """
    lists = in_workspaces(actor, lambda ws_id: CountedRows(projects_of(ws_id), offset + limit, newest_first=True))
    skip = offset if len(lists) == 1 else 0  # of several lists, nobody knows how many of the first ones are in which
    pages = [counted.page(skip, offset - skip + limit, _is_there) for counted in lists]
    rows = sorted((row for page in pages for row in page.rows()), key=lambda row: (_created_at(row), row.id), reverse=True)
    ids = [row.id for row in rows[offset - skip :][:limit]]
    return fetch_all(Project, ids, to_show=True), sum(page.total for page in pages)


def latest_project_id(actor: Actor) -> str:
    """Return the id of the actor's most recently active project. Raises Invalid if there is none."""
    found = find_latest_project_id(actor)
    if found is None:
        raise Invalid(FieldError("project_id", "You have no project yet: create one, or name it here"))
    return found


def find_latest_project_id(actor: Actor) -> str | None:
    """Return the id of the actor's most recently active project; None if there is none."""
    reads = in_workspaces(actor, lambda ws_id: read_ahead(partial(_first, ws_id, "last_activity", "active", True, 1)))
    latest = max((row for read in reads for row in read.result()), key=lambda row: row.sort, default=None)
    return None if latest is None else latest.id


def in_workspaces(actor: Actor, begin: Callable[[str], T], permission: Permission = Permission.PROJECT_READ) -> list[T]:
    """Begin a read in each of the actor's workspaces: while access is decided in those that were theirs before, then in the others."""
    return list(by_workspace(actor, begin, permission).values())


def by_workspace(actor: Actor, begin: Callable[[str], T], permission: Permission) -> dict[str, T]:
    """Begin reads as `in_workspaces` does, and return them by the ids of the workspaces."""
    return begin_by_workspace(actor, lambda ws_ids: map(begin, ws_ids), permission)()


def begin_by_workspace(
    actor: Actor, begin: Callable[[Sequence[str]], Iterable[T]], permission: Permission
) -> Callable[[], dict[str, T]]:
    """Begin a read for the workspaces that were the actor's before, one result for each. What is returned decides who may see what, begins
    the rest, and returns the results by the ids of the workspaces: something else may be read in between."""
    likely = sorted(actor.likely_workspaces)
    begun = dict(zip(likely, begin(likely), strict=True))

    def finish() -> dict[str, T]:
        visible = [ws_id for ws_id in actor.workspaces if actor.may(permission, ws_id)]
        missing = [ws_id for ws_id in visible if ws_id not in begun]
        results = begun | dict(zip(missing, begin(missing), strict=True))
        return {ws_id: results[ws_id] for ws_id in visible}

    return finish


def _is_there(status: str) -> bool:
    return status != "deleted"


def _begin_created(ws_id: str, query: ProjectQuery) -> Finish:
    """Begin to read a page in the order of creation, in which the list is counted."""
    counted = CountedRows(projects_of(ws_id), query.offset + query.limit, newest_first=query.descending)

    def finish() -> tuple[list[str], int]:
        page = counted.page(query.offset, query.limit, query.has_status)
        return [row.id for row in page.rows()], page.total

    return finish


def _begin_ordered(ws_id: str, query: ProjectQuery) -> Finish:
    """Begin to read a page near the beginning of another order, from the index that has it."""
    end = query.offset + query.limit
    count = read_ahead(partial(count_entries, projects_of(ws_id), query.has_status))
    parts = [read_ahead(partial(_first, ws_id, query.sort, status, query.descending, end)) for status in query.statuses]

    def finish() -> tuple[list[str], int]:
        rows = sorted((row for part in parts for row in part.result()), key=lambda row: row.sort, reverse=query.descending)
        total = count.result()
        if len(rows[:end]) != min(end, total):  # a list of before, which is not counted or not in this order
            return _begin_sorted(ws_id, query)()
        return [row.id for row in rows[query.offset : end]], total

    return finish


def _begin_sorted(ws_id: str, query: ProjectQuery) -> Finish:
    """Begin to read all projects, whose matches are then sorted."""
    counted = CountedRows(projects_of(ws_id), 0)
    statuses = query.statuses if query.sort == "last_activity" else []
    activity = [read_ahead(partial(_last_activity, ws_id, status)) for status in statuses]

    def finish() -> tuple[list[str], int]:
        active = {project_id: at for part in activity for project_id, at in part.result().items()}

        def place(row: IndexRow) -> tuple[str, str]:
            if query.sort == "name":
                return name_key(row.f["name"]), row.id
            return row.f["updated_at"] if query.sort == "updated_at" else active.get(row.id, _created_at(row)), row.id

        rows = sorted(filter(query.has_words, counted.all(query.has_status)), key=place, reverse=query.descending)
        return [row.id for row in rows[query.offset : query.offset + query.limit]], len(rows)

    return finish


def _first(ws_id: str, order: str, status: str, descending: bool, number: int) -> list[IndexRow]:
    """Return the first rows of a workspace's projects with a status, in an order. One query."""
    return list(islice(index_rows(*in_order(ws_id, order, status), newest_first=descending, limit=number), number))


def _last_activity(ws_id: str, status: str) -> dict[str, str]:
    """Return the last activity of a workspace's projects with a status by their ids. One query for each 5,000 of them."""
    return {row.id: row.sort.partition("#")[0] for row in index_rows(*in_order(ws_id, "last_activity", status))}


def _created_at(row: IndexRow) -> str:
    """Return when a project was created, by its place in the counted list: `<block>/<time>#<id>`."""
    return row.sort.rpartition("/")[2].partition("#")[0]


def _read_snapshots(ids: Sequence[str], *, consistent: bool = True) -> list[ProjectSnapshot]:
    """Read projects in the order of the ids, without those that no longer exist. One round trip: 33 in a batch, batches side by side."""
    rows = iter(get_all([key for project_id in ids for key in _keys(project_id)], consistent=consistent))
    return [_snapshot(*three) for three in zip(rows, rows, rows, strict=True) if isinstance(three[0], Project)]


def _keys(project_id: str) -> Iterable[tuple[type[Row], str, str]]:
    return (
        (Project, *Project.key(project_id)),
        (ProjectStats, *ProjectStats.key(project_id)),
        (Counts, *Counts.key(board_id_of(project_id))),
    )


def _snapshot(project: Any, stats: Any, counts: Any) -> ProjectSnapshot:
    last_activity = stats.last_activity if stats is not None else None
    return ProjectSnapshot(
        project,
        counts or Counts.of(project.board_id),
        int(stats.active_runs) if stats is not None else 0,
        max(last_activity or "", project.updated_at),
    )
