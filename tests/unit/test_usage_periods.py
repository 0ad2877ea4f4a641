"""Days and what they fall into; where a month's spending leads."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.core.errors import Invalid
from shared.money.usage.month_summary import forecast
from shared.money.usage.periods import MAX_DAYS_BY_DAY, parse_date_range, period_start, period_starts, split_range

DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))
SPANS = st.tuples(DAYS, st.integers(0, 730)).map(lambda one: (one[0], min(one[0] + timedelta(days=one[1]), date(2100, 12, 31))))


@given(SPANS)
def test_stretches_cover_every_day_once(span):
    first, last = span
    covered, found = [], list(split_range(first, last))
    for months, begin, end in found:
        assert begin <= end
        if months:
            assert begin.day == (end + timedelta(days=1)).day == 1
        covered += [begin + timedelta(days=n) for n in range((end - begin).days + 1)]
    assert covered == [first + timedelta(days=n) for n in range((last - first).days + 1)]
    assert len(found) <= 3
    assert (
        sum((end - begin).days + 1 for months, begin, end in found if not months) <= MAX_DAYS_BY_DAY
    )  # what is read day by day is bounded


@given(SPANS, st.sampled_from(["day", "week", "month"]))
def test_every_day_is_in_one_of_the_periods(span, group_by):
    first, last = span
    begins = list(period_starts(first, last, group_by))
    assert begins == sorted(set(begins))
    inside = {period_start(first + timedelta(days=n), group_by) for n in range((last - first).days + 1)}
    assert set(begins) == inside  # none missing, none that holds no day of the span


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("0001-01-01T00:00:00+09:00", None, "start_date"),
        (None, "9999-12-31", "end_date"),
        ("9999-12-31T23:59:59-09:00", "9999-12-31", "end_date"),
        ("2026-02-30", None, "start_date"),
        ("2024-01-01", "2026-01-01", "start_date"),
        ("", None, "start_date"),
    ],
)
def test_what_is_no_span(start, end, field):
    with pytest.raises(Invalid) as refused:
        parse_date_range(start, end)
    assert refused.value.fields[0].field == field


def test_two_years_are_a_span():
    assert parse_date_range("2024-01-01", "2025-12-31") == (date(2024, 1, 1), date(2025, 12, 31))


NOON = datetime(2026, 4, 16, tzinfo=UTC)  # 15 of 30 days are over


def of(*prices: int, start: int = 1) -> list[tuple[date, int]]:
    return [(date(2026, 4, start + n), price) for n, price in enumerate(prices)]


def test_a_month_goes_on_as_it_began():
    seen = forecast(of(*[10] * 15), 1_000, NOON)
    assert (seen.projected_micros, seen.reached_on) == (300, None)


def test_the_day_on_which_the_limit_will_be_reached():
    assert forecast(of(*[10] * 15), 200, NOON).reached_on == date(2026, 4, 21)  # ten a day: after 20 days
    assert forecast(of(*[10] * 15), 300, NOON).reached_on == date(2026, 4, 30)  # at the last moment of the month
    assert forecast(of(*[10] * 15), 301, NOON).reached_on is None


def test_the_day_on_which_it_was_reached():
    assert forecast(of(10, 80, 10, 5), 100, NOON).reached_on == date(2026, 4, 3)
    assert forecast([], 0, NOON).reached_on == date(2026, 4, 1)


def test_a_first_minute_is_no_month():
    seen = forecast(of(100), 1_000, datetime(2026, 4, 1, 0, 1, tzinfo=UTC))
    assert (seen.projected_micros, seen.reached_on) == (3_000, date(2026, 4, 11))


@example([33_333_334], 1_000_000_000, 0)  # the product of a day and the limit is longer than a timedelta
@given(st.lists(st.integers(0, 10**12), max_size=30), st.integers(0, 10**13), st.integers(0, 30 * 86_400_000 - 1))
def test_a_forecast_is_never_before_today_nor_after_the_month(prices, limit, elapsed):
    now = datetime(2026, 4, 1, tzinfo=UTC) + timedelta(milliseconds=elapsed)
    spent = [(day, price) for day, price in of(*prices) if day <= now.date()]
    seen, total = forecast(spent, limit, now), sum(price for _, price in spent)
    assert seen.projected_micros >= total
    if total >= limit:
        assert seen.reached_on is not None
        assert seen.reached_on <= now.date()
    elif seen.reached_on is not None:
        assert now.date() <= seen.reached_on <= date(2026, 4, 30)
        assert seen.projected_micros >= limit
