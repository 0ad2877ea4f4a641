"""What operations cost at list prices, by counted units: `bench/prices.py` has the prices, the targets and what is above them."""

import re
from pathlib import Path

from bench import prices
from bench.prices import MISSED, TARGETS, Stage
from shared.core.settings import settings
from tests.areas.viewers import shared_gateway


def test_prices_are_within_their_targets_or_named_with_a_limit(aws):
    shared_gateway().activate()
    try:
        found = {row["what"]: row["usd"] for row in prices.rows(Stage())}
    finally:
        settings.cache_clear()
    assert set(found) == set(TARGETS)
    limits = TARGETS | {what: limit for what, (limit, _) in MISSED.items()}
    assert {what: usd for what, usd in found.items() if not 0 < usd <= limits[what]} == {}
    assert {what for what in MISSED if found[what] <= TARGETS[what]} == set(), "no longer missed"


def test_a_price_says_what_it_is_made_of():
    amounts = prices.Counter({"write unit": 8.0, "call": 1.0})
    assert prices.sum_of(amounts) == 8 * 0.625e-6 + 0.20e-6
    assert prices._parts(amounts).startswith("write unit")


def test_the_idle_stage_is_the_sum_of_its_table():
    page = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text()
    (rounded,) = re.findall(r"about (\d+) USD a month, and storage", page)
    assert round(prices.idle()) == int(rounded)
