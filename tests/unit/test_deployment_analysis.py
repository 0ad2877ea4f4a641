"""The pure part of deployments: steps of weights, and the analysis gate."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.delivery.deployments.analysis import PATIENCE, deviation, judge
from shared.delivery.deployments.strategies import shares_of, weights_of
from shared.delivery.targets.port import Figures

STRATEGIES = st.sampled_from(["blue_green", "canary", "rolling", "ramp"])
COUNTS = st.integers(1, 10_000)


def figures(requests: int, errors: int = 0, p95: float | None = 100.0) -> Figures:
    return Figures(requests, errors, p95, 60.0)


@given(STRATEGIES, st.integers(0, 100))
def test_a_strategy_goes_from_nothing_to_everything_and_never_back(strategy, canary):
    shares = shares_of(strategy, canary)
    assert shares[0] == 0
    assert shares[-1] == 100
    assert all(one < next_ for one, next_ in pairwise(shares))


def test_the_steps_of_each_strategy():
    assert shares_of("blue_green") == [0, 100]
    assert shares_of("canary", 10) == [0, 10, 100]
    assert shares_of("canary", 0) == shares_of("canary", 100) == [0, 100]
    assert shares_of("rolling") == [0, 25, 50, 75, 100]
    assert shares_of("ramp") == [0, 5, 10, 25, 50, 100]


@given(st.sampled_from([None, "old", "new"]), st.integers(0, 100))
def test_weights_are_whole_whatever_the_share(old, share):
    weights = weights_of("new", old, share)
    assert sum(weights.values()) == (0 if old is None and share == 0 else 100)
    assert all(weight > 0 for weight in weights.values())
    if old == "old":
        assert weights.get("new", 0) == share


def test_the_deviation_is_that_of_the_handbook():
    # two proportions, NIST/SEMATECH e-Handbook 7.3.3: 12/100 against 5/100 by hand: 0.07 / sqrt(0.085 * 0.915 * 0.02)
    assert deviation(figures(100, 12), figures(100, 5)) == pytest.approx(1.7748, abs=0.0001)


@given(COUNTS, COUNTS, st.floats(0, 1))
def test_a_version_that_is_no_worse_passes(new, old, rate):
    verdict = judge(figures(new, int(new * rate * 0.5)), figures(old, int(old * rate) + (1 if rate < 1 else 0)), 1, 1)
    assert verdict.says == "pass"


@pytest.mark.parametrize(
    ("new", "old", "says", "words"),
    [
        (figures(1000, 200), figures(1000, 1), "fail", "20 % of its requests failed, and 0.1 %"),
        (figures(1000, 12), figures(100_000, 500), "pass", ""),  # sure, but within a point
        (figures(60, 2), figures(1000, 10), "pass", ""),  # two points more, and not sure
        (figures(1000, 0, 180.0), figures(1000, 0, 100.0), "fail", "within 180 ms, and 100 ms"),
        (figures(1000, 0, 30.0), figures(1000, 0, 10.0), "pass", ""),  # three times as long, and nobody notices
        (figures(1000, 60), None, "fail", "6 % of its requests failed"),
        (figures(1000, 40), None, "pass", "no version to compare"),
        (figures(1000, 60), figures(3, 0), "fail", "6 % of its requests failed"),  # three requests are no sample
        (figures(49, 49), figures(1000), "wait", "49 of 50"),
    ],
)
def test_the_gate(new, old, says, words):
    verdict = judge(new, old, 50, 1)
    assert verdict.says == says
    assert words in verdict.reason


def test_without_traffic_the_health_decides_in_the_end_unless_most_of_what_came_failed():
    assert judge(figures(0, 0, None), None, 50, PATIENCE - 1).says == "wait"
    patient = judge(figures(0, 0, None), None, 50, PATIENCE)
    assert (patient.says, patient.reason) == ("pass", "Only 0 of 50 requests came: its health alone decided")
    assert judge(figures(10, 6), figures(1000), 50, PATIENCE).says == "fail"
