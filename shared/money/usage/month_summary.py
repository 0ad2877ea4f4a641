"""The usage of a workspace in this month, with a forecast."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shared.core import clock
from shared.core.money import micros
from shared.money.usage.periods import month_length
from shared.money.usage.reading import daily_totals
from shared.money.usage.rows import workspace_partition
from shared.people.tenancy.limits import workspace_limit
from shared.people.tenancy.rows import Workspace
from shared.store import read_ahead

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class MonthUsage:
    """Usage of the calendar month so far, in UTC. Money is customer price in micro-dollars; `end` is the last day of the month."""

    start: date
    end: date
    calls: int
    price_micros: int
    limit_micros: int
    projected_micros: int
    limit_reached_on: date | None = None
    """The day on which the limit was reached, or will be at the present rate; None if the month ends before."""

    @property
    def percent(self) -> float:
        """Percent of the month's limit; 100 if the limit is 0."""
        if self.limit_micros <= 0:
            return 100.0
        return round(100 * self.price_micros / self.limit_micros, 2)


@dataclass(frozen=True)
class Forecast:
    """`projected_micros` at the end of the month; `reached_on` as in `Usage.limit_reached_on`."""

    projected_micros: int
    reached_on: date | None


def month_usage(workspace: Workspace) -> MonthUsage:
    """Return this month's usage from the daily sums; one round trip."""
    return begin_month_usage(workspace.id)(workspace)


def begin_month_usage(ws_id: str) -> Callable[[Workspace], MonthUsage]:
    """Begin to read this month's usage; what is returned waits for it. The caller authorizes the workspace in between."""
    now = clock.now()
    first = now.date().replace(day=1)
    sums = read_ahead(lambda: list(daily_totals(workspace_partition(ws_id), first, now.date())))

    def usage(workspace: Workspace) -> MonthUsage:
        rows = sums.result()
        spent = [(date.fromisoformat(row.day), int(row.price_micros)) for row in rows]
        return _summarize(workspace, now, sum(int(row.calls) for row in rows), spent)

    return usage


def empty_month_usage(workspace: Workspace) -> MonthUsage:
    """Return the usage of a workspace that was just created; no round trip."""
    return _summarize(workspace, clock.now(), 0, [])


def _summarize(workspace: Workspace, now: datetime, calls: int, spent: list[tuple[date, int]]) -> MonthUsage:
    first = now.date().replace(day=1)
    limit = micros(workspace_limit(workspace, "maxMonthlyUsage"))
    prediction = forecast(spent, limit, now)
    last = first.replace(day=month_length(first))
    return MonthUsage(
        first, last, calls, sum(price for _, price in spent), limit, prediction.projected_micros, prediction.reached_on
    )


def forecast(spent: Iterable[tuple[date, int]], limit: int, now: datetime) -> Forecast:
    """Forecast the spending at the end of the month of `now` from the spending of each of its days, in order.

    The rate is the month's spending divided by its time so far; the first day always counts as a whole day, because a call in the first
    minute says nothing about the month. A limit of 0 counts as reached on the first day.
    """
    begin = datetime.combine(now.date().replace(day=1), time(), UTC)
    total, reached = 0, begin.date() if limit <= 0 else None
    for day, price in spent:
        total += price
        if reached is None and total >= limit:
            reached = day
    elapsed = max(now - begin, _DAY)
    month = month_length(now.date()) * _DAY
    projected = total * (month // _MILLISECOND) // (elapsed // _MILLISECOND)
    if reached is None and projected >= limit > total:
        reached = (begin + elapsed // _MILLISECOND * limit // total * _MILLISECOND).date()  # whole numbers: a timedelta overflows
        reached = min(reached, now.date().replace(day=month_length(now.date())))
    return Forecast(projected, reached)


_MILLISECOND = timedelta(milliseconds=1)
