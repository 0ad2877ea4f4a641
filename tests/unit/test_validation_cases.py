"""The validator on its marked cases: without a model it is right, and what a credulous one passes is held to what was measured."""

import pytest

from bench import validation

LEAST = {
    ("reader", "passed", "chosen on"): (1.0, 0.5),
    ("reader", "failed", "chosen on"): (1.0, 0.65),
    ("reader", "passed", "held out"): (1.0, 0.4),
    ("reader", "failed", "held out"): (1.0, 0.7),
    ("credulous", "passed", "chosen on"): (0.87, 0.75),
    ("credulous", "failed", "chosen on"): (1.0, 0.35),
    ("credulous", "passed", "held out"): (0.7, 0.7),
    ("credulous", "failed", "held out"): (1.0, 0.3),
}
"""Precision and recall."""


def test_the_sets_are_worth_measuring_on():
    for name, least in (("chosen on", 70), ("held out", 30)):
        truths = [one["truth"] for one in validation.read(name)]
        assert len(truths) >= least
        assert all(truths.count(result) >= 10 for result in ("passed", "failed", "unknown"))


@pytest.mark.parametrize("row", validation.measure(), ids=lambda row: f"{row['set']}-{row['judge']}-{row['verdict']}")
def test_verdicts_are_as_good_as_they_were(row):
    precision, recall = LEAST[row["judge"], row["verdict"], row["set"]]
    assert row["precision"] >= precision
    assert row["recall"] >= recall
