"""The explorations of a workspace, each with its stage."""

from dataclasses import dataclass
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id, is_id
from shared.people.tenancy.rows import Workspace
from shared.people.tenancy.workspaces import get_workspace
from shared.planning.explorations.rows import DESIGN, REQUIREMENTS, Exploration, Spec, document_id, explorations_of
from shared.planning.explorations.state import stage_of
from shared.store import CountedRows, get_all
from shared.work.documents.rows import Document
from shared.work.projects.creating import default_workspace_id

MOST: Final = 50
"""Explorations of a page: each is four rows."""


@dataclass(frozen=True)
class Listed:
    exploration: Exploration
    stage: str


def list_explorations(actor: Actor, workspace_id: str | None, *, limit: int, offset: int = 0) -> tuple[list[Listed], int]:
    """Return a page of the explorations of a workspace, started last first, and how many there are.

    Two round trips, one more without `workspace_id`, which is then the default one of the caller's organization. Raises NotFound,
    Forbidden.
    """
    ws_id = default_workspace_id(actor, actor.org_id, Permission.PROJECT_READ) if workspace_id is None else bare_id(workspace_id)
    if not is_id(ws_id):
        raise NotFound(Workspace.NAME)
    counted = CountedRows(explorations_of(ws_id), offset + limit, newest_first=True)
    get_workspace(actor, ws_id, Permission.PROJECT_READ)
    page = counted.page(offset, limit, lambda _: True)
    ids = [row.id for row in page.rows()]
    rows: list[Any] = get_all([key for one in ids for key in _keys(one)])
    found = [rows[at : at + 4] for at in range(0, len(rows), 4)]
    return [Listed(one[0], stage_of(*one)) for one in found if one[0] is not None and not one[0].deleted_at], page.total


def _keys(exploration_id: str) -> list[Any]:
    return [
        (Exploration, *Exploration.key(exploration_id)),
        (Document, *Document.key(document_id(exploration_id, REQUIREMENTS))),
        (Document, *Document.key(document_id(exploration_id, DESIGN))),
        (Spec, *Spec.key(exploration_id)),
    ]
