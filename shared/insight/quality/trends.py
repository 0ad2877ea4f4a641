"""How the quality of tasks develops: the newest metrics, by type."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from shared.core.actor import Actor, Permission
from shared.insight.quality.rows import metrics_of
from shared.store import IndexRow, ReadFuture, index_rows, load, read_ahead
from shared.work.projects.reading import in_workspaces
from shared.work.projects.rows import Project

_LOOKED_AT = 2_000  # rows of a workspace that are looked at for those of a project


@dataclass(frozen=True)
class Trend:
    average_value: float
    pass_rate: float
    sample_count: int


@dataclass(frozen=True)
class Trends:
    by_type: dict[str, Trend]
    analyzed: int
    pass_rate: float


def get_trends(actor: Actor, phase_id: str | None, limit: int, project_id: str | None = None) -> Trends:
    """Return the trends of the newest `limit` metrics of a phase, or of all phases, in a project or in all the actor's workspaces.

    One round trip beside the check of the caller's access. Raises NotFound, Forbidden.
    """
    project_id = project_id or actor.project_id
    ws_id: str | None = None
    if project_id is not None:
        project = load(Project, project_id, actor, Permission.CARD_READ)
        project_id, ws_id = project.id, str(project.ws_id)

    def read(one: str) -> list[IndexRow]:
        rows = index_rows(3 if phase_id else 2, metrics_of(one, phase_id), newest_first=True, limit=min(limit, 100))
        wanted = (row for row in islice(rows, _LOOKED_AT) if project_id is None or row.f["project"] == project_id)
        return list(islice(wanted, limit))

    begin = partial(_begin, read)
    reads = [begin(ws_id)] if ws_id else in_workspaces(actor, begin, Permission.CARD_READ)
    found = sorted((row for part in reads for row in part.result()), key=lambda row: row.sort, reverse=True)[:limit]
    kinds = {row.f["of"] for row in found}
    by_type = {kind: _trend([row for row in found if row.f["of"] == kind]) for kind in sorted(kinds)}
    return Trends(by_type, len(found), _trend(found).pass_rate if found else 0.0)


def _begin(read: Callable[[str], list[IndexRow]], ws_id: str) -> ReadFuture[list[IndexRow]]:
    return read_ahead(partial(read, ws_id))


def _trend(rows: Sequence[IndexRow]) -> Trend:
    number = len(rows)
    average = sum(float(row.f["value"]) for row in rows) / number
    return Trend(round(average, 4), round(sum(bool(row.f["passed"]) for row in rows) / number, 4), number)
