"""How many tickets a project, or all visible projects together, have of each status and priority: from the boards' own counts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shared.core.actor import Actor
from shared.store import CountedRows, get_all, index_rows
from shared.work.boards.creating import board_id_of
from shared.work.boards.rows import Counts
from shared.work.projects.reading import in_workspaces
from shared.work.projects.rows import projects_of


@dataclass
class TicketCounts:
    """Numbers of tickets. A blocked one is in `blocked` and in no other status."""

    total: int = 0
    blocked: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    """draft, ready, in_progress and done."""
    by_priority: Counter[str] = field(default_factory=Counter)

    @property
    def completion_rate(self) -> float:
        """Return the share of the tickets that are done; 0 without tickets."""
        return round(self.by_status["done"] / self.total, 4) if self.total else 0.0


def count_tickets(counts: Iterable[Counts]) -> TicketCounts:
    """Sum the tickets of boards. No round trip, unless a board has cards that were made before it tallied them: then its list is read."""
    sums = TicketCounts()
    for board in counts:
        cards = board.cards
        statuses, priorities = Counter(board.by_status), Counter(board.by_priority)
        if statuses.total() != cards or priorities.total() != cards:
            listed = [row.f for row in index_rows(1, f"{board.pk}#ITEM")]
            statuses, priorities = _counted(listed, "status"), _counted(listed, "priority")
            cards = len(listed)
        sums.total += cards
        sums.blocked += statuses.pop("blocked", 0)
        sums.by_status += statuses
        sums.by_priority += priorities
    return sums


def _counted(fields: list[dict[str, Any]], name: str) -> Counter[str]:
    return Counter(str(one[name]) for one in fields)


def visible_project_ids(actor: Actor) -> list[str]:
    """Return the ids of all projects that the actor may see, archived ones too. Two round trips for the first 5,000 of a workspace."""
    lists = in_workspaces(actor, lambda ws_id: CountedRows(projects_of(ws_id), 0))
    return [row.id for counted in lists for row in counted.all(lambda status: status != "deleted")]


def read_counts(project_ids: Iterable[str]) -> list[Counts]:
    """Read the counts of the boards of projects; one round trip, batches side by side."""
    keys = [(Counts, *Counts.key(board_id_of(project_id))) for project_id in project_ids]
    return [row for row in get_all(keys, consistent=False) if isinstance(row, Counts)]
