"""Reading usage from daily and monthly sums, never from single ledger lines."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from shared.money.usage.periods import parse_date_range, period_start, period_starts, split_range
from shared.money.usage.rows import Rollup, project_partition, workspace_partition
from shared.store import iterate, read_ahead

BREAKDOWNS: Final = ("project", "agent", "provider", "user")


@dataclass
class Sum:
    """A sum of usage; money in micro-dollars. `unpriced_calls` used a model without a known price and are in no amount."""

    calls: int = 0
    tokens: int = 0
    cost_micros: int = 0
    price_micros: int = 0
    unpriced_calls: int = 0
    name: str = ""

    def add(self, row: Rollup) -> None:
        self.calls += int(row.calls)
        self.tokens += int(row.tokens)
        self.cost_micros += int(row.cost_micros)
        self.price_micros += int(row.price_micros)
        self.unpriced_calls += int(row.unpriced_calls)
        self.name = row.name or self.name


@dataclass(frozen=True)
class Usage:
    """Sums over the days (UTC) from `start` to `end`, both included."""

    start: date
    end: date
    total: Sum
    parts: dict[str, Sum] = field(default_factory=dict)
    """Sums by the value of the requested dimension."""
    timeline: dict[date, Sum] = field(default_factory=dict)
    """Sums by the first day of each day, week (from Monday) or month, also of those without usage. The first and last period have only
    the days of the range."""


def begin_workspace_usage(
    ws_id: str, start: str | None, end: str | None, group_by: str = "day", breakdown: str = "project"
) -> Callable[[], Usage]:
    """Begin to read a workspace's usage; what is returned waits for it. The caller authorizes the workspace in between."""
    return _begin_usage(workspace_partition(ws_id), start, end, group_by, breakdown)


def begin_project_usage(
    project_id: str, start: str | None, end: str | None, group_by: str = "day", breakdown: str = "agent"
) -> Callable[[], Usage]:
    """Begin to read a project's usage, as `begin_workspace_usage` does."""
    return _begin_usage(project_partition(project_id), start, end, group_by, breakdown)


def _begin_usage(pk: str, start: str | None, end: str | None, group_by: str, breakdown: str) -> Callable[[], Usage]:
    """Begin to read total, timeline and parts: two queries at once, up to four if the range has whole months (`split_range`)."""
    first, last = parse_date_range(start, end)
    totals = read_ahead(lambda: list(daily_totals(pk, first, last)))
    parts = read_ahead(lambda: list(_read_breakdown(pk, breakdown.upper(), first, last)))

    def usage() -> Usage:
        read = Usage(first, last, Sum(), timeline={begin: Sum() for begin in period_starts(first, last, group_by)})
        for row in totals.result():
            read.total.add(row)
            read.timeline[period_start(date.fromisoformat(row.day), group_by)].add(row)
        for row in parts.result():
            read.parts.setdefault(row.value, Sum()).add(row)
        return read

    return usage


def month_sums(ws_id: str, first: date, last: date) -> dict[str, Sum]:
    """Return a workspace's usage by month (`2026-11`) for any number of days; one query for each megabyte (5,000 days)."""
    sums: dict[str, Sum] = {}
    for row in daily_totals(workspace_partition(ws_id), first, last):
        sums.setdefault(row.day[:7], Sum()).add(row)
    return sums


def agent_sums(ws_id: str, month: str) -> dict[str, Sum]:
    """Return the usage of a month (`2026-11`) by agent id; every ledger line is in exactly one of the sums."""
    return _sum_by_value(workspace_partition(ws_id), "AGENT-M", month, month)


def project_agent_sums(project_id: str) -> dict[str, Sum]:
    """Return all usage of a project by agent id, from its monthly sums; one query."""
    return _sum_by_value(project_partition(project_id), "AGENT-M", "0", "9")


def _sum_by_value(pk: str, dimension: str, first: str, last: str) -> dict[str, Sum]:
    sums: dict[str, Sum] = {}
    for row in read_rollups(pk, dimension, first, last):
        sums.setdefault(row.value, Sum()).add(row)
    return sums


def daily_totals(pk: str, first: date, last: date) -> Iterable[Rollup]:
    """Yield the total of each day that has usage, in order."""
    return read_rollups(pk, "TOTAL", str(first), str(last))


def _read_breakdown(pk: str, dimension: str, first: date, last: date) -> Iterable[Rollup]:
    for months, begin, end in split_range(first, last):
        if months:
            yield from read_rollups(pk, f"{dimension}-M", str(begin)[:7], str(end)[:7])
        else:
            yield from read_rollups(pk, dimension, str(begin), str(end))


def read_rollups(pk: str, dimension: str, first: str, last: str) -> Iterable[Rollup]:
    """Yield the sums of one dimension from one day (or month) to another, in pages of about 5,000."""
    return iterate(Rollup, pk, between=(f"{dimension}#{first}#", f"{dimension}#{last}#~"))
