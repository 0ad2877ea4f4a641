"""How a workspace stands this month: what it used."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shared.core import clock
from shared.core.money import micros
from shared.money.usage.periods import month_length
from shared.money.usage.reading import daily_totals
from shared.money.usage.rows import workspace_partition
from shared.people.tenancy.rows import Workspace

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class MonthUsage:
    """The calendar month so far, in UTC. Money is what the customer pays, in micro-dollars; `end` is the last day of the month."""

    start: date
    end: date
    calls: int
    price_micros: int
    limit_micros: int
    projected_micros: int
    limit_reached_on: date | None = None
    """The day on which the limit was reached, or will be at this month's pace; None when the month ends before."""

    @property
    def percent(self) -> float:
        """Of the month's limit; 100 where the limit is nothing."""
        if self.limit_micros <= 0:
            return 100.0
        return round(100 * self.price_micros / self.limit_micros, 2)


@dataclass(frozen=True)
class Forecast:
    """`projected_micros` at the end of the month; `reached_on` as in `Usage.limit_reached_on`."""

    projected_micros: int
    reached_on: date | None


def month_usage(workspace: Workspace) -> MonthUsage:
    """One round trip: the daily sums of this month."""
    now = clock.now()
    first = now.date().replace(day=1)
    rows = list(daily_totals(workspace_partition(workspace.id), first, now.date()))
    spent = [(date.fromisoformat(row.day), int(row.price_micros)) for row in rows]
    return _summarize(workspace, now, sum(int(row.calls) for row in rows), spent)


def empty_month_usage(workspace: Workspace) -> MonthUsage:
    """Of a workspace that was just made: no round trip."""
    return _summarize(workspace, clock.now(), 0, [])


def _summarize(workspace: Workspace, now: datetime, calls: int, spent: list[tuple[date, int]]) -> MonthUsage:
    first = now.date().replace(day=1)
    limit = micros(workspace.settings["maxMonthlyUsage"])
    prediction = forecast(spent, limit, now)
    last = first.replace(day=month_length(first))
    return MonthUsage(
        first, last, calls, sum(price for _, price in spent), limit, prediction.projected_micros, prediction.reached_on
    )


def forecast(spent: Iterable[tuple[date, int]], limit: int, now: datetime) -> Forecast:
    """Where the month of `now` leads at its own pace so far, from what was spent on each of its days, in order.

    The pace is the month's spending over its time so far, of which the first day always counts whole: a call in the first minute says
    nothing about the month. A limit that was reached is told with its day; one of nothing was reached as the month began.
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
        reached = (begin + elapsed * limit / total).date()
        reached = min(reached, now.date().replace(day=month_length(now.date())))
    return Forecast(projected, reached)


_MILLISECOND = timedelta(milliseconds=1)
