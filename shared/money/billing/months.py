"""Billing periods: calendar months in UTC, written `2026-11`."""

from datetime import date, timedelta

from shared.core import clock


def this_month() -> str:
    return clock.iso()[:7]


def today() -> str:
    return clock.iso()[:10]


def first_day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def next_month(month: str) -> str:
    return (first_day(month) + timedelta(days=31)).isoformat()[:7]


def last_day(month: str) -> date:
    return first_day(next_month(month)) - timedelta(days=1)


def months_between(first: str, end: str) -> list[str]:
    """Return the months from `first` to `end`, without `end`."""
    months = []
    while first < end:
        months.append(first)
        first = next_month(first)
    return months


def days_after(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
