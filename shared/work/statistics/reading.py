"""Reading the counters of one project, or of all of an actor's workspaces together."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.store import get, iterate, read_ahead
from shared.work.projects.reading import in_workspaces
from shared.work.statistics.rows import TOTAL, Statistic, project_statistics, workspace_statistics

ACTIVE: Final = timedelta(days=1)
"""An agent is active if something of it was counted in this time."""
_NUMBERS: Final = (
    "tasks_completed", "task_seconds", "commits", "linked_commits", "insertions", "deletions", "files_changed",
)  # fmt: skip


@dataclass
class Tally:
    """A sum of counters (`Statistic` has what they mean)."""

    tasks_completed: int = 0
    task_seconds: int = 0
    commits: int = 0
    linked_commits: int = 0
    insertions: int = 0
    deletions: int = 0
    files_changed: int = 0
    last_at: str = ""

    def add(self, row: Statistic) -> None:
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + int(getattr(row, name)))
        self.last_at = max(self.last_at, row.last_at or "")

    @property
    def lines_changed(self) -> int:
        return self.insertions + self.deletions

    @property
    def average_task_seconds(self) -> int:
        return self.task_seconds // self.tasks_completed if self.tasks_completed else 0

    @property
    def is_active(self) -> bool:
        return self.last_at > clock.iso(clock.now() - ACTIVE)


@dataclass
class Tallies:
    """Counters of one kind by their value (an agent's id, a day), and the totals."""

    total: Tally = field(default_factory=Tally)
    by_value: dict[str, Tally] = field(default_factory=dict)


def begin_tallies(partitions: Iterable[str], kind: str, first: str = "") -> Callable[[], Tallies]:
    """Begin to read the counters of a kind (AGENT, DAY) and the totals; what is returned waits for them."""
    reads = [
        (
            read_ahead(partial(get, Statistic, partition, TOTAL, consistent=False)),
            read_ahead(partial(_rows, partition, kind, first)),
        )
        for partition in partitions
    ]

    def finish() -> Tallies:
        found = Tallies()
        for total, rows in reads:
            if (row := total.result()) is not None:
                found.total.add(row)
            for one in rows.result():
                found.by_value.setdefault(one.value, Tally()).add(one)
        return found

    return finish


def _rows(partition: str, kind: str, first: str) -> list[Statistic]:
    return list(iterate(Statistic, partition, between=(f"{kind}#{first}", f"{kind}#~")))


def begin_project_tallies(project_id: str, kind: str, first: str = "") -> Callable[[], Tallies]:
    """Begin to read a project's counters; the caller authorizes the project in between."""
    return begin_tallies([project_statistics(bare_id(project_id))], kind, first)


def visible_tallies(actor: Actor, kind: str, permission: Permission, first: str = "") -> Tallies:
    """Return the counters of all workspaces in which the actor has the permission, together."""
    parts = in_workspaces(actor, lambda ws_id: begin_tallies([workspace_statistics(ws_id)], kind, first), permission)
    whole = Tallies()
    for part in parts:
        one = part()
        _merge(whole.total, one.total)
        for value, tally in one.by_value.items():
            _merge(whole.by_value.setdefault(value, Tally()), tally)
    return whole


def _merge(into: Tally, other: Tally) -> None:
    for name in _NUMBERS:
        setattr(into, name, getattr(into, name) + getattr(other, name))
    into.last_at = max(into.last_at, other.last_at)
