"""How a workspace stands this month: what it used."""

import calendar
from dataclasses import dataclass
from datetime import date

from shared.core import clock
from shared.core.money import micros
from shared.store import query
from shared.tenancy.rows import Workspace
from shared.usage.rows import Rollup


@dataclass(frozen=True)
class Usage:
    """The calendar month so far, in UTC. Money is what the customer pays, in micro-dollars; `end` is the last day of the month."""

    start: date
    end: date
    calls: int
    price_micros: int
    limit_micros: int
    projected_micros: int

    @property
    def percent(self) -> float:
        """Of the month's limit; 100 where the limit is nothing."""
        if self.limit_micros <= 0:
            return 100.0
        return round(100 * self.price_micros / self.limit_micros, 2)


def usage_of(workspace: Workspace) -> Usage:
    """One round trip: the daily sums of this month."""
    today = clock.now().date()
    first = today.replace(day=1)
    days = calendar.monthrange(today.year, today.month)[1]
    rows = query(Rollup, f"USG#WS#{workspace.id}", between=(f"TOTAL#{first}#", f"TOTAL#{today}#~")).rows
    price = sum(int(row.price_micros) for row in rows)
    return Usage(
        first,
        first.replace(day=days),
        sum(int(row.calls) for row in rows),
        price,
        micros(workspace.settings["maxMonthlyUsage"]),
        price * days // today.day,
    )


def no_usage(workspace: Workspace) -> Usage:
    """Of a workspace that was just made: no round trip."""
    first = clock.now().date().replace(day=1)
    days = calendar.monthrange(first.year, first.month)[1]
    return Usage(first, first.replace(day=days), 0, 0, micros(workspace.settings["maxMonthlyUsage"]), 0)
