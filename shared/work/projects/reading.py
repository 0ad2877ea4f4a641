"""Reading projects: a single one, those of a workspace, or all that the actor may see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
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
from shared.work.projects.rows import Project, ProjectStats, activity_of, projects_of

_SORTS = {"name": "name", "created_at": "created_at", "updated_at": "updated_at"}


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

    Two round trips; three for a page that is not at the head of the list. In the order of creation only the page is read, in another order
    and with a search the index of all projects, its blocks side by side.
    """
    bare, is_by_creation = bare_id(ws_id), query.sort == "created_at"
    counted = CountedRows(projects_of(bare), query.offset + query.limit, newest_first=is_by_creation and query.descending)
    activity = read_ahead(partial(_last_activity, bare)) if query.sort == "last_activity" else None
    authorize_workspace(actor, ws_id, Permission.PROJECT_READ)

    def wanted(status: str) -> bool:
        return status != "deleted" and query.status in (None, status)

    if is_by_creation and not query.search:
        page, total = counted.page(query.offset, query.limit, wanted)
    else:
        active = activity.result() if activity else {}

        def place(row: IndexRow) -> tuple[str, str]:
            return (_activity_of(row, active) if activity else searchable(row.f[_SORTS[query.sort]])), row.id

        found = (row for row in counted.all(wanted) if _is_found(row, query.search))
        rows = sorted(found, key=place, reverse=query.descending)
        page, total = rows[query.offset : query.offset + query.limit], len(rows)
    return _read_snapshots([row.id for row in page]), total


def list_organization_projects(actor: Actor, org_id: str, query: ProjectQuery) -> tuple[list[Project], int]:
    """Return a page of the projects in all workspaces of an organization that the actor may see, and how many match in total.

    Two round trips: who asks, beside it the index of all projects; then the rows of the page. Raises NotFound for somebody who is neither
    in the organization nor in one of its workspaces.
    """
    bare = id_of(Organization, org_id)
    workspaces, rows = begin_index_rows(1, workspaces_of(bare)), begin_index_rows(2, f"ORG#{bare}#PROJ")
    organization = fetch(Organization, bare)
    if organization is None or not _belongs_to(actor, bare, workspaces):
        raise NotFound(Organization.NAME)

    def matches(row: IndexRow) -> bool:
        wanted = row.f["status"] == query.status if query.status else row.f["status"] != "deleted"
        return wanted and _is_found(row, query.search) and _may_see(actor, row)

    found = sorted(
        filter(matches, _complete(rows)),
        key=lambda row: (searchable(row.f[_SORTS[query.sort]]), row.id),
        reverse=query.descending,
    )
    return fetch_all(Project, [row.id for row in found[query.offset : query.offset + query.limit]], to_show=True), len(found)


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
    if project.visibility == "internal" and _belongs_to(actor, org_id, index_rows(1, workspaces_of(org_id))):
        return project
    raise NotFound(Project.NAME)


def _complete(rows: Iterable[IndexRow]) -> list[IndexRow]:
    """Return the rows; those from before an index said whose a project is are completed from the projects. One round trip for these."""
    known = list(rows)
    older = {one.id: one.filters() for one in fetch_all(Project, [row.id for row in known if "ws_id" not in row.f])}
    return [row if "ws_id" in row.f else replace(row, f=older[row.id]) for row in known if "ws_id" in row.f or row.id in older]


def _belongs_to(actor: Actor, org_id: str, workspaces: Iterable[IndexRow]) -> bool:
    return org_id in actor.organizations or any(row.id in actor.workspaces for row in workspaces)


def _may_see(actor: Actor, row: IndexRow) -> bool:
    """Tell whether somebody in the organization may see a project in a list."""
    return row.f["visibility"] != "private" or actor.may(Permission.PROJECT_READ, row.f["ws_id"])


def _is_found(row: IndexRow, search: str | None) -> bool:
    return has_words(f"{row.f['name']} {row.f['slug']} {row.f['description']}", search)


def list_visible_projects(actor: Actor, limit: int, offset: int = 0) -> tuple[list[Project], int]:
    """Return a page of the projects in all the actor's workspaces, newest first, and their total number.

    Three round trips, four for a page that is not at the head of a workspace's list: who calls, then their workspaces side by side.
    """
    lists = [CountedRows(projects_of(ws_id), offset + limit, newest_first=True) for ws_id in _visible_workspaces(actor)]
    skip = offset if len(lists) == 1 else 0  # of several lists, nobody knows how many of the first ones are in which
    found = [counted.page(skip, offset - skip + limit, lambda status: status != "deleted") for counted in lists]
    rows = sorted((row for page, _ in found for row in page), key=lambda row: (row.f["created_at"], row.id), reverse=True)
    ids = [row.id for row in rows[offset - skip :][:limit]]
    return fetch_all(Project, ids), sum(total for _, total in found)


def latest_project_id(actor: Actor) -> str:
    """Return the id of the actor's most recently active project. Raises NotFound if there is none."""
    workspaces = _visible_workspaces(actor)
    activities = [read_ahead(partial(_last_activity, ws_id)) for ws_id in workspaces]
    lists = [CountedRows(projects_of(ws_id), 0) for ws_id in workspaces]
    active = {project_id: at for activity in activities for project_id, at in activity.result().items()}
    rows = [row for counted in lists for row in counted.all(lambda status: status == "active")]
    if not rows:
        raise NotFound(Project.NAME)
    return max(rows, key=lambda row: _activity_of(row, active)).id


def _visible_workspaces(actor: Actor) -> list[str]:
    return [ws_id for ws_id in actor.workspaces if actor.may(Permission.PROJECT_READ, ws_id)]


def _last_activity(ws_id: str) -> dict[str, str]:
    """Return the last activity of a workspace's projects by their ids. One query for each 5,000 projects."""
    return {row.id: row.sort.partition("#")[0] for row in index_rows(1, activity_of(ws_id))}


def _activity_of(row: IndexRow, active: dict[str, str]) -> str:
    return max(active.get(row.id, ""), str(row.f["updated_at"]))


def _read_snapshots(ids: Sequence[str]) -> list[ProjectSnapshot]:
    """Read projects in the order of the ids, without those that no longer exist. One round trip: 33 in a batch, batches side by side."""
    rows = iter(get_all([key for project_id in ids for key in _keys(project_id)]))
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
