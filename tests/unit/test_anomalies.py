"""How unusual an agent is: its parts, what is learned, and the readings in a row."""

import pytest

from shared.runs.guardian import anomalies
from shared.runs.guardian.anomalies import LEARNED, READINGS, AgentReading, Baseline, Measured, read, values_of

USUAL = {"latency": 60.0, "errors": 0.1, "cpu_usage_percent": 20.0, "memory_usage_mb": 400.0}


def baseline(times: int = LEARNED, **values: float) -> Baseline:
    made = Baseline(*Baseline.key_of("ws", "worker", None), usual={})
    for _ in range(times):
        made.learn(USUAL | values)
    return made


def reading(measured: Measured, usual: Baseline | None = None, before: AgentReading | None = None) -> AgentReading:
    return read("agent", measured, before, usual or baseline())


def test_an_agent_that_is_as_usual_is_not_unusual():
    metrics = {"cpu_usage_percent": 20, "memory_usage_mb": 400}
    found = reading(Measured(60.0, 0.1, metrics))
    assert (float(found.score), int(found.in_a_row), found.since) == (0, 0, None)


@pytest.mark.parametrize(
    ("measured", "part", "value"),
    [
        (Measured(latency=78.0), "latency", 1.0),  # three deviations, of a tenth of the mean each
        (Measured(latency=66.0), "latency", 0.33),
        (Measured(latency=42.0), "latency", 1.0),
        (Measured(failed=0.1), "errors", 0.0),
        (Measured(failed=0.15), "errors", 0.5),
        (Measured(failed=0.9), "errors", 1.0),
        (Measured(metrics={"cpu_usage_percent": 40, "memory_usage_mb": 400}), "resources", 0.5),
        (Measured(metrics={"cpu_usage_percent": 90}), "resources", 1.0),
        (Measured(waiting=["medium"] * 3 + ["critical"]), "queue", 0.5),
        (Measured(waiting=["critical"] * 9), "queue", 1.0),
    ],
)
def test_each_part_is_measured_against_the_usual(measured, part, value):
    found = reading(measured)
    assert found.parts[part] == pytest.approx(value, abs=0.01)
    assert float(found.score) == pytest.approx(anomalies.WEIGHTS[part] * value, abs=0.01)


def test_what_is_not_known_yet_makes_nothing_unusual():
    extreme = Measured(9_000.0, None, {"cpu_usage_percent": 100})
    assert float(reading(extreme, baseline(LEARNED - 1)).score) == 0
    assert float(reading(extreme, baseline(LEARNED)).score) == pytest.approx(0.55)


@pytest.mark.parametrize("odd", ["90", None, True, float("nan"), float("inf"), -5, [], {"used": 1}])
def test_odd_metrics_count_as_none(odd):
    measured = Measured(metrics={"cpu_usage_percent": odd, "memory_usage_mb": 400})
    assert float(reading(measured).score) == 0
    assert values_of(measured) == {"memory_usage_mb": 400.0}


def test_readings_count_in_a_row():
    extreme = Measured(600.0, 1.0, {"cpu_usage_percent": 100})
    found, sinces = None, set()
    for number in range(1, READINGS + 2):
        found = reading(extreme, before=found)
        sinces.add(found.since)
        assert (int(found.in_a_row), found.is_anomaly) == (number, number >= READINGS)
    assert len(sinces) == 1
    found = reading(Measured(60.0), before=found)
    assert (int(found.in_a_row), found.is_anomaly, found.since) == (0, False, None)


def test_what_is_usual_follows_slowly():
    learned = baseline(20)
    mean, variance = learned.known("latency")
    assert (mean, variance) == (60.0, 0.0)
    learned.learn({"latency": 160.0})
    mean, variance = learned.known("latency")
    assert mean == pytest.approx(70.0)
    assert variance == pytest.approx(900.0)
