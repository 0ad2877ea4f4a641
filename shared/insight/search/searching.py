"""Searching in all of an actor's workspaces, or in one project, and reading what was found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar

from shared.core.actor import Actor, Permission
from shared.insight.search.finding import Hit, Hits, begin_search, ranked
from shared.store import Entity, fetch_all, load, read_ahead
from shared.work.projects.reading import in_workspaces
from shared.work.projects.rows import Project

E = TypeVar("E", bound=Entity)
_AHEAD: Final = 20
"""Workspaces in which a search in a project begins before it is known in which of them the project is: each costs queries."""


@dataclass(frozen=True)
class Found(Generic[E]):
    """A page of what was found, best first, and how many there are. `complete` is False if the words are so common that there may be
    more."""

    rows: list[E] = field(default_factory=list)
    total: int = 0
    complete: bool = True


def search_kinds(actor: Actor, kinds: Sequence[str], words: Sequence[str], project_id: str | None = None) -> dict[str, Hits]:
    """Return what has all the words, by kind. One round trip beside the decision who asks; one more in a workspace that this process does
    not know of. Raises NotFound, Forbidden."""
    if project_id is None:
        parts = in_workspaces(actor, partial(_begin, kinds, words), Permission.CARD_READ)
        return {kind: _together([part[kind]() for part in parts], None) for kind in kinds}
    likely = actor.likely_workspaces if len(actor.likely_workspaces) <= _AHEAD else frozenset()
    begun = {ws_id: _begin(kinds, words, ws_id) for ws_id in likely}
    project = load(Project, project_id, actor, Permission.CARD_READ)
    part = begun.get(str(project.ws_id)) or _begin(kinds, words, str(project.ws_id))
    return {kind: _together([part[kind]()], project.id) for kind in kinds}


def _begin(kinds: Sequence[str], words: Sequence[str], ws_id: str) -> dict[str, Callable[[], Hits]]:
    return {kind: begin_search(ws_id, kind, words) for kind in kinds}


def _together(found: Sequence[Hits], project_id: str | None) -> Hits:
    hits = [hit for part in found for hit in part.hits if project_id is None or hit.proj_id == project_id]
    return Hits(ranked(hits), all(part.complete for part in found))


def begin_page(model: type[E], found: Hits, limit: int, offset: int = 0) -> Callable[[], Found[E]]:
    """Begin to read the rows of a page; what is returned waits for them. What has left all lists since it was found is left out."""
    page = found.hits[offset : offset + limit]
    read = read_ahead(partial(_living, model, page))

    def finish() -> Found[E]:
        rows = read.result()
        return Found(rows, len(found.hits) - (len(page) - len(rows)), found.complete)

    return finish


def read_filtered(model: type[E], found: Hits, keeps: Callable[[E], bool], limit: int, offset: int = 0) -> Found[E]:
    """Read all rows that were found, and return a page of those that a filter keeps. One round trip, batches side by side."""
    rows = [row for row in _living(model, found.hits) if keeps(row)]
    return Found(rows[offset : offset + limit], len(rows), found.complete)


def _living(model: type[E], hits: Sequence[Hit]) -> list[E]:
    rows: list[Any] = fetch_all(model, [hit.id for hit in hits], to_show=True)
    return [row for row in rows if not row.deleted_at and not getattr(row, "archived_at", None)]
