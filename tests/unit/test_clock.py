"""Times as texts: they sort by time, whatever the year, and what has no time in UTC is none."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.core import clock


def test_a_time_has_milliseconds_and_is_utc():
    moment = datetime(2026, 11, 21, 9, 30, 0, 123_999, timezone(timedelta(hours=2)))
    assert clock.iso(moment) == "2026-11-21T07:30:00.123Z"
    assert clock.parse(clock.iso(moment)) == datetime(2026, 11, 21, 7, 30, 0, 123_000, UTC)


def test_texts_sort_by_time_in_every_year():
    moments = [datetime(year, 1, 1, tzinfo=UTC) for year in (1, 20, 999, 1000, 2026, 9999)]
    texts = [clock.iso(moment) for moment in moments]
    assert texts == sorted(texts)
    assert [clock.parse(text) for text in texts] == moments
    assert texts[2] == "0999-01-01T00:00:00.000Z"


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00", "soon", ""])
def test_what_is_no_time_in_utc_is_refused(text):
    with pytest.raises(ValueError, match=r"Invalid isoformat|In UTC"):
        clock.parse(text)


def test_the_seconds_between_two_times_are_rounded():
    assert clock.seconds_between("2026-11-28T20:32:41.056Z", "2026-11-28T20:32:41.908Z") == 1
    assert clock.seconds_between("2026-11-28T20:32:41.056Z", "2026-11-28T20:32:41.100Z") == 0
