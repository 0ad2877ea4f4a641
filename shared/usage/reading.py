"""Usage as people look at it: sums of sums, never a walk over the lines."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from typing import Final

from shared.core import clock
from shared.core.errors import FieldError, Invalid
from shared.store import query
from shared.usage.rows import Rollup

MAX_DAYS: Final = 731
BREAKDOWNS: Final = ("project", "agent", "provider", "user")


@dataclass
class Sum:
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
    """By the value of the dimension asked for."""
    timeline: dict[date, Sum] = field(default_factory=dict)
    """By the first day of each day, week or month that has usage."""


def workspace_usage(ws_id: str, start: str | None, end: str | None, group_by: str = "day", breakdown: str = "project") -> Usage:
    return _usage(f"USG#WS#{ws_id}", start, end, group_by, breakdown)


def project_usage(project_id: str, start: str | None, end: str | None, group_by: str = "day", breakdown: str = "agent") -> Usage:
    return _usage(f"USG#PROJ#{project_id}", start, end, group_by, breakdown)


def _usage(pk: str, start: str | None, end: str | None, group_by: str, breakdown: str) -> Usage:
    first, last = _days(start, end)
    usage = Usage(first, last, Sum())
    period = _PERIODS[group_by]
    for row in _rows(pk, "TOTAL", first, last):
        usage.total.add(row)
        usage.timeline.setdefault(period(date.fromisoformat(row.day)), Sum()).add(row)
    for row in _rows(pk, breakdown.upper(), first, last):
        usage.parts.setdefault(row.value, Sum()).add(row)
    return usage


def _rows(pk: str, dimension: str, first: date, last: date) -> Iterable[Rollup]:
    start = None
    while True:
        page = query(Rollup, pk, between=(f"{dimension}#{first}#", f"{dimension}#{last}#~"), start=start)
        yield from page.rows
        start = page.next_key
        if start is None:
            return


def _days(start: str | None, end: str | None) -> tuple[date, date]:
    today = clock.now().date()
    last = _day("endDate", end) or today
    first = _day("startDate", start) or min(last, today).replace(day=1)
    if first > last:
        raise Invalid(FieldError("startDate", "The start must not be after the end", start))
    if (last - first).days > MAX_DAYS:
        raise Invalid(FieldError("startDate", f"At most {MAX_DAYS} days at once", start))
    return first, last


def _day(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return clock.parse(text).astimezone(UTC).date()
    except ValueError:
        raise Invalid(FieldError(name, "Not a date: use YYYY-MM-DD or ISO 8601", text)) from None


_PERIODS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}


def month_sums(ws_id: str, first: date, last: date) -> dict[str, Sum]:
    """What a workspace used in each month (`2026-11`) of these days, without limit of how many. One query a megabyte: 5,000 days."""
    sums: dict[str, Sum] = {}
    for row in _rows(f"USG#WS#{ws_id}", "TOTAL", first, last):
        sums.setdefault(row.day[:7], Sum()).add(row)
    return sums


def agent_sums(ws_id: str, first: date, last: date) -> dict[str, Sum]:
    """What each agent used in these days, by the agent's id: every line of the ledger is in one of them."""
    sums: dict[str, Sum] = {}
    for row in _rows(f"USG#WS#{ws_id}", "AGENT", first, last):
        sums.setdefault(row.value, Sum()).add(row)
    return sums
