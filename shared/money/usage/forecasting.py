"""What will be spent, from what was spent on each day; money in micro-dollars."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

HISTORY_DAYS: Final = 30
MIN_DAYS: Final = 3
"""Days of history without which no interval is stated."""
CONFIDENCE: Final = 0.8
METHOD: Final = (
    "Mean of the whole days of the last 30 (from the first with usage on) times the days ahead; "
    "low and high are the 10th and 90th percentile of 1,000 bootstrap samples of as many days"
)
NO_HISTORY: Final = "Nothing was spent in the last 30 days: nothing to conclude from"
LITTLE_HISTORY: Final = "Mean of fewer than 3 days times the days ahead: too little for an interval"
TREND_DAYS: Final = 7
TREND_SHARE: Final = 0.1
_SAMPLES: Final = 1_000


@dataclass(frozen=True)
class Estimate:
    """The spending that is expected over some days; None: nothing is known."""

    expected: int | None
    low: int | None = None
    high: int | None = None


def history(spent: Mapping[date, int], today: date) -> list[int]:
    """Return the spending of each whole day of the last HISTORY_DAYS, from the first with usage on; oldest first. If there was none before
    today, today counts as a whole day: a call in its first minute says nothing of the month."""
    if not any(spent.get(today - timedelta(days=back)) for back in range(1, HISTORY_DAYS + 1)):
        return [spent[today]] if spent.get(today) else []
    days = [today - timedelta(days=back) for back in range(HISTORY_DAYS, 0, -1)]
    used = [day for day in days if spent.get(day)]
    return [spent.get(day, 0) for day in days if used and day >= used[0]]


def estimate(days: Sequence[int], ahead: int) -> Estimate:
    """Estimate the spending of the next `ahead` days from that of past days. The same days give the same estimate."""
    if not days:
        return Estimate(None)
    expected = sum(days) * ahead // len(days)
    if len(days) < MIN_DAYS:
        return Estimate(expected)
    chance = random.Random(0)  # noqa: S311 - samples, not secrets
    sums = sorted(sum(chance.choices(days, k=ahead)) for _ in range(_SAMPLES))
    tail = round(_SAMPLES * (1 - CONFIDENCE) / 2)
    return Estimate(expected, sums[tail], sums[-1 - tail])


def method_of(days: Sequence[int]) -> str:
    """Return in words how an estimate from these days is made."""
    if not days:
        return NO_HISTORY
    return METHOD if len(days) >= MIN_DAYS else LITTLE_HISTORY


def trend(spent: Mapping[date, int], today: date) -> str:
    """Return increasing, decreasing or stable: whether the last seven whole days cost a tenth more or less than the seven before."""

    def week(back: int) -> int:
        return sum(_between(spent, today - timedelta(days=back), TREND_DAYS))

    before, last = week(2 * TREND_DAYS), week(TREND_DAYS)
    if last > before * (1 + TREND_SHARE):
        return "increasing"
    return "decreasing" if last < before * (1 - TREND_SHARE) else "stable"


def _between(spent: Mapping[date, int], first: date, days: int) -> Iterable[int]:
    return (spent.get(first + timedelta(days=number), 0) for number in range(days))
