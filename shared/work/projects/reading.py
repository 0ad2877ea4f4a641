"""Reading projects: one, a workspace's, all of the caller's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id, is_id
from shared.people.tenancy.workspaces import authorize_workspace
from shared.store import IndexRow, Row, authorize, collection, fetch, fetch_all, get_many
from shared.work.boards.creating import board_id_of
from shared.work.boards.reading import BoardNow, assembled, board_keys, cards_on, the_board
from shared.work.boards.rows import Board, Counts
from shared.work.projects.rows import Project, ProjectStats

_SORTS = {"name": "name", "created_at": "created_at", "updated_at": "updated_at"}
_KEYS_A_PROJECT = 3
_A_TRIP = 100 // _KEYS_A_PROJECT


@dataclass(frozen=True)
class ProjectNow:
    """A project with what is counted for it."""

    project: Project
    counts: Counts
    active_runs: int
    last_activity: str

    @property
    def cards(self) -> int:
        return cards_on(self.counts)

    @property
    def done(self) -> int:
        return int(self.counts.columns.get("done", 0))


@dataclass(frozen=True)
class Selection:
    """Which projects of a workspace, in which order. `sort` is name, created_at, updated_at or last_activity."""

    status: str | None = None
    search: str | None = None
    sort: str = "created_at"
    descending: bool = True
    limit: int = 50
    offset: int = 0


def the_project(actor: Actor, project_id: str, permission: Permission | None = None) -> ProjectNow:
    """One project with its numbers. One round trip."""
    bare = bare_id(project_id)
    if not is_id(bare):
        raise NotFound(Project.NAME)
    found = _with_numbers([bare])
    if not found or found[0].project.deleted_at or found[0].project.status == "deleted":
        raise NotFound(Project.NAME)
    authorize(found[0].project, actor, permission)
    return found[0]


def board_of(actor: Actor, project_id: str, permission: Permission | None = None) -> tuple[Project, BoardNow]:
    """A project and its board with counts and lanes. One round trip."""
    bare = bare_id(project_id)
    if not is_id(bare):
        raise NotFound(Project.NAME)
    project, *rows = get_many([(Project, *Project.key(bare)), *board_keys(board_id_of(bare))])
    if not isinstance(project, Project) or project.deleted_at or project.status == "deleted":
        raise NotFound(Project.NAME)
    authorize(project, actor, permission)
    if project.board_id != board_id_of(bare):
        return project, the_board(actor, project.board_id)
    return project, assembled(rows, actor)


def boards_of(actor: Actor, project_id: str) -> list[tuple[Board, ProjectNow]]:
    """The boards of a project with its numbers: every project has exactly one. Two round trips."""
    now = the_project(actor, project_id)
    board = fetch(Board, now.project.board_id)
    return [(board, now)] if board is not None else []


def projects_in(actor: Actor, ws_id: str, wanted: Selection) -> tuple[list[ProjectNow], int]:
    """A page of a workspace's projects and how many match. Two round trips for a page of 33; sorting by last activity reads the
    numbers of all that match."""
    rows = _listed(authorize_workspace(actor, ws_id, Permission.PROJECT_READ))
    rows = [row for row in rows if _matches(row.f, wanted)]
    if wanted.sort in _SORTS:
        rows.sort(key=lambda row: (_folded(row.f[_SORTS[wanted.sort]]), row.id), reverse=wanted.descending)
        page = rows[wanted.offset : wanted.offset + wanted.limit]
        return _with_numbers([row.id for row in page]), len(rows)
    found = _with_numbers([row.id for row in rows])
    found.sort(key=lambda now: (now.last_activity, now.project.id), reverse=wanted.descending)
    return found[wanted.offset : wanted.offset + wanted.limit], len(found)


def projects_of(actor: Actor, limit: int, offset: int = 0) -> tuple[list[Project], int]:
    """A page of the projects of all the caller's workspaces, newest first, and how many there are: a query a workspace, then one
    read for each hundred."""
    rows = _all_of(actor)
    rows.sort(key=lambda row: row.sort, reverse=True)
    return fetch_all(Project, [row.id for row in rows[offset : offset + limit]]), len(rows)


def latest_project(actor: Actor) -> str:
    """The id of the caller's most recently active project. Raises NotFound where there is none."""
    active = [row.id for row in _all_of(actor) if row.f["status"] == "active"]
    found = _with_numbers(active)
    if not found:
        raise NotFound(Project.NAME)
    return str(max(found, key=lambda now: now.last_activity).project.id)


def _all_of(actor: Actor) -> list[IndexRow]:
    return [row for ws_id in actor.workspaces if actor.may(Permission.PROJECT_READ, ws_id) for row in _listed(ws_id)]


def _listed(ws_id: str) -> list[IndexRow]:
    return [row for row in collection(1, f"WS#{ws_id}#PROJ") if row.f["status"] != "deleted"]


def _matches(f: dict[str, Any], wanted: Selection) -> bool:
    if wanted.status is not None and f["status"] != wanted.status:
        return False
    words = _folded(wanted.search or "").split()
    text = _folded(f"{f['name']} {f['slug']} {f['description']}")
    return all(word in text for word in words)


def _folded(text: str) -> str:
    return text.casefold()


def _with_numbers(ids: Sequence[str]) -> list[ProjectNow]:
    """Projects in the order of their ids, those that are gone left out; a round trip for each 33."""
    found: list[ProjectNow] = []
    for start in range(0, len(ids), _A_TRIP):
        part = ids[start : start + _A_TRIP]
        rows = iter(get_many([key for project_id in part for key in _keys(project_id)]))
        found += [_now(*three) for three in zip(rows, rows, rows, strict=True) if isinstance(three[0], Project)]
    return found


def _keys(project_id: str) -> Iterable[tuple[type[Row], str, str]]:
    return (
        (Project, *Project.key(project_id)),
        (ProjectStats, *ProjectStats.key(project_id)),
        (Counts, *Counts.key(board_id_of(project_id))),
    )


def _now(project: Any, stats: Any, counts: Any) -> ProjectNow:
    seen = stats.last_activity if stats is not None else None
    return ProjectNow(
        project,
        counts or Counts.of(project.board_id),
        int(stats.active_runs) if stats is not None else 0,
        max(seen or "", project.updated_at),
    )
