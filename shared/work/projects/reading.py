"""Reading projects: a single one, those of a workspace, or all that the actor may see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id
from shared.core.texts import has_words, searchable
from shared.people.tenancy.workspaces import authorize_workspace
from shared.store import IndexRow, Row, authorize, begin_index_rows, collection, fetch, fetch_all, get_many, id_of, read_ahead
from shared.work.boards.creating import board_id_of
from shared.work.boards.reading import BoardSnapshot, assemble_board, board_keys, get_board
from shared.work.boards.rows import Board, Counts
from shared.work.projects.rows import Project, ProjectStats

_SORTS = {"name": "name", "created_at": "created_at", "updated_at": "updated_at"}
_KEYS_PER_PROJECT = 3
_BATCH = 100 // _KEYS_PER_PROJECT


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

    Two round trips for a page of 33, one more for each megabyte of the index; sorting by last activity reads the statistics of all
    projects that match.
    """
    index = begin_index_rows(1, f"WS#{bare_id(ws_id)}#PROJ")
    authorize_workspace(actor, ws_id, Permission.PROJECT_READ)
    rows = [row for row in index if row.f["status"] != "deleted" and _matches(row.f, query)]
    if query.sort in _SORTS:
        rows.sort(key=lambda row: (searchable(row.f[_SORTS[query.sort]]), row.id), reverse=query.descending)
        page = rows[query.offset : query.offset + query.limit]
        return _read_snapshots([row.id for row in page]), len(rows)
    snapshots = _read_snapshots([row.id for row in rows])
    snapshots.sort(key=lambda snapshot: (snapshot.last_activity, snapshot.project.id), reverse=query.descending)
    return snapshots[query.offset : query.offset + query.limit], len(snapshots)


def list_visible_projects(actor: Actor, limit: int, offset: int = 0) -> tuple[list[Project], int]:
    """Return a page of the projects in all the actor's workspaces, newest first, and their total number.

    One query for each workspace, some at a time, then one read for each hundred projects of the page.
    """
    rows = _visible_rows(actor)
    rows.sort(key=lambda row: row.sort, reverse=True)
    return fetch_all(Project, [row.id for row in rows[offset : offset + limit]]), len(rows)


def latest_project_id(actor: Actor) -> str:
    """Return the id of the actor's most recently active project. Raises NotFound if there is none."""
    active = [row.id for row in _visible_rows(actor) if row.f["status"] == "active"]
    snapshots = _read_snapshots(active)
    if not snapshots:
        raise NotFound(Project.NAME)
    return str(max(snapshots, key=lambda snapshot: snapshot.last_activity).project.id)


def _visible_rows(actor: Actor) -> list[IndexRow]:
    workspaces = [ws_id for ws_id in actor.workspaces if actor.may(Permission.PROJECT_READ, ws_id)]
    found = [read_ahead(partial(_workspace_rows, ws_id)) for ws_id in workspaces]
    return [row for rows in found for row in rows.result()]


def _workspace_rows(ws_id: str) -> list[IndexRow]:
    return [row for row in collection(1, f"WS#{ws_id}#PROJ") if row.f["status"] != "deleted"]


def _matches(f: dict[str, Any], query: ProjectQuery) -> bool:
    if query.status is not None and f["status"] != query.status:
        return False
    return has_words(f"{f['name']} {f['slug']} {f['description']}", query.search)


def _read_snapshots(ids: Sequence[str]) -> list[ProjectSnapshot]:
    """Read projects in the order of the ids, without those that no longer exist. One round trip for each 33."""
    snapshots: list[ProjectSnapshot] = []
    for start in range(0, len(ids), _BATCH):
        part = ids[start : start + _BATCH]
        rows = iter(get_many([key for project_id in part for key in _keys(project_id)]))
        snapshots += [_snapshot(*three) for three in zip(rows, rows, rows, strict=True) if isinstance(three[0], Project)]
    return snapshots


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
