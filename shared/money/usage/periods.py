"""Date ranges and their periods (days, weeks, months), in UTC."""

import calendar
from collections.abc import Iterator
from datetime import UTC, date, timedelta
from typing import Final

from shared.core import clock
from shared.core.errors import FieldError, Invalid

MAX_DAYS: Final = 731
"""Two years, the longest range of a response: 731 points of a timeline have 60 KB, and are one page of sums."""
_YEARS: Final = range(2000, 2101)  # other years are typing errors, and a week around their days may not exist
MAX_DAYS_BY_DAY: Final = 62
"""Up to this many days are read by day in one query, unless they are whole months; in longer ranges whole months are read as months."""


def parse_date_range(start: str | None, end: str | None) -> tuple[date, date]:
    """Return first and last day, both included. The default end is today; the default start is the first day of the end's month, or of
    this month if the end is in the future. Raises Invalid for invalid dates, a start after the end, and more than MAX_DAYS."""
    today = clock.now().date()
    last = _parse_day("end_date", end) or today
    first = _parse_day("start_date", start) or min(last, today).replace(day=1)
    if first > last:
        raise Invalid(FieldError("start_date", "The start must not be after the end", start))
    if (last - first).days >= MAX_DAYS:
        raise Invalid(FieldError("start_date", f"At most {MAX_DAYS} days at once", start))
    return first, last


def _parse_day(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = clock.parse(text).astimezone(UTC).date()
    except (ValueError, OverflowError):
        raise Invalid(FieldError(name, "Not a date: use YYYY-MM-DD or ISO 8601", text)) from None
    if day.year not in _YEARS:
        raise Invalid(FieldError(name, f"The year must be from {_YEARS[0]} to {_YEARS[-1]}", text))
    return day


def period_start(day: date, group_by: str) -> date:
    """Return the first day of the `day`, `week` (from Monday) or `month` that contains the day."""
    if group_by == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if group_by == "month" else day


def period_starts(first: date, last: date, group_by: str) -> Iterator[date]:
    """Yield the first day of each period from the one that contains `first` to the one that contains `last`."""
    begin = period_start(first, group_by)
    while begin <= last:
        yield begin
        length = {"day": 1, "week": 7, "month": month_length(begin)}[group_by]
        begin += timedelta(days=length)


def month_length(day: date) -> int:
    """Return the number of days of the month that contains the day."""
    return calendar.monthrange(day.year, day.month)[1]


def split_range(first: date, last: date) -> Iterator[tuple[bool, date, date]]:
    """Split a range into at most three parts (whole months?, first day, last day), in order and without a gap."""
    head = first if first.day == 1 else first.replace(day=1) + timedelta(days=month_length(first))
    tail = (last + timedelta(days=1)).replace(day=1)
    whole = first == head and last + timedelta(days=1) == tail
    if head >= tail or not (whole or (last - first).days >= MAX_DAYS_BY_DAY):
        yield False, first, last
        return
    if first < head:
        yield False, first, head - timedelta(days=1)
    yield True, head, tail - timedelta(days=1)
    if tail <= last:
        yield False, tail, last
