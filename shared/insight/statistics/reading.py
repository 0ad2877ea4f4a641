"""Reading the counters of one project, or of all of an actor's workspaces together."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.insight.statistics.rows import TOTAL, Statistic, project_statistics, workspace_statistics
from shared.store import get, iterate, read_ahead
from shared.work.projects.reading import begin_by_workspace

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

    def merge(self, other: "Tally") -> None:
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.last_at = max(self.last_at, other.last_at)

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
    """Counters of one kind by their value (an agent's id, a day), and the totals. Those of agents also by their phases."""

    total: Tally = field(default_factory=Tally)
    by_value: dict[str, Tally] = field(default_factory=dict)
    by_phase: dict[str, Tally] = field(default_factory=dict)

    def add(self, other: "Tallies") -> None:
        self.total.merge(other.total)
        for own, others in ((self.by_value, other.by_value), (self.by_phase, other.by_phase)):
            for value, tally in others.items():
                own.setdefault(value, Tally()).merge(tally)


@dataclass(frozen=True)
class Range:
    """Which counters are read: of all agents, of one, or of the days from one on."""

    kind: str
    first: str = ""
    last: str = "~"

    @classmethod
    def agent(cls, agent_id: str) -> "Range":
        return cls("AGENT", f"{agent_id}#", f"{agent_id}#~")


AGENTS: Final = Range("AGENT")


def begin_tallies(partition: str, wanted: Range) -> Callable[[], Tallies]:
    """Begin to read counters and the totals beside them; what is returned waits for both."""
    total = read_ahead(partial(get, Statistic, partition, TOTAL, consistent=False))
    rows = read_ahead(partial(_rows, partition, wanted))

    def finish() -> Tallies:
        found = Tallies()
        if (row := total.result()) is not None:
            found.total.add(row)
        for one in rows.result():
            found.by_value.setdefault(one.value, Tally()).add(one)
            if wanted.kind == "AGENT":
                found.by_phase.setdefault(one.phase_id, Tally()).add(one)
        return found

    return finish


def _rows(partition: str, wanted: Range) -> list[Statistic]:
    return list(iterate(Statistic, partition, between=(f"{wanted.kind}#{wanted.first}", f"{wanted.kind}#{wanted.last}")))


def begin_project_tallies(project_id: str, wanted: Range) -> Callable[[], Tallies]:
    """Begin to read a project's counters; the caller authorizes the project in between."""
    return begin_tallies(project_statistics(bare_id(project_id)), wanted)


def begin_visible_tallies(actor: Actor, wanted: Range, permission: Permission) -> Callable[[], Tallies]:
    """Begin to read the counters of all workspaces in which the actor has the permission; what is returned waits for them together."""
    begun = begin_by_workspace(
        actor, lambda ws_ids: [begin_tallies(workspace_statistics(ws_id), wanted) for ws_id in ws_ids], permission
    )

    def finish() -> Tallies:
        whole = Tallies()
        for part in begun().values():
            whole.add(part())
        return whole

    return finish


def begin_spent(ws_id: str, agent_id: str) -> Callable[[], dict[date, int]]:
    """Begin to read what a live agent has spent on each day, in micro-dollars; what is returned waits for it."""
    read = read_ahead(partial(_rows, workspace_statistics(ws_id), Range("SPENT", f"{agent_id}#", f"{agent_id}#~")))
    return lambda: {date.fromisoformat(str(row.sk).rpartition("#")[2]): int(row.price_micros) for row in read.result()}
