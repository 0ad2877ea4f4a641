"""The figures of the platform: what the log lines of requests made CloudWatch count (`shared.edge.http.log`), read in one call.

They are those of the whole stage and hold nothing of any tenant (decision 57). CloudWatch takes 0.01 USD for a thousand metrics that are
read, so an answer is kept for a minute.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from shared.core import aws, clock
from shared.core.settings import settings

RANGES: Final = {"1h": 3_600, "6h": 21_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000}
AGGREGATIONS: Final = {"1m": 60, "5m": 300, "1h": 3_600}
"""In seconds."""
MOST_POINTS: Final = 2_016
"""A week in steps of five minutes. A month of minutes would be an answer of 10 MB, and CloudWatch keeps minutes for 15 days only."""
_MINUTE: Final = 60
_MINUTES_KEPT: Final = 15 * 86_400
_GRAIN_OF_OLD: Final = 300
"""Seconds to which CloudWatch rounds a range that begins more than 15 days ago: a range of another time would come in two parts."""

_COUNTS: Final = {
    "requests": ("duration_ms", "SampleCount"),
    "errors": ("server_errors", "Sum"),
    "table_calls": ("table_calls", "Sum"),
    "slow_table_calls": ("slow_table_calls", "Sum"),
    "lookups": ("cache_lookups", "Sum"),
    "hits": ("cache_hits", "Sum"),
}
_PERCENTILES: Final = {name: ("duration_ms", name) for name in ("p50", "p95", "p99")}
QUERIES: Final = _COUNTS | _PERCENTILES
"""The metric and the statistic of each figure."""


@dataclass(frozen=True)
class Figures:
    """Of one span of time. None: CloudWatch has nothing to say it by."""

    requests: int | None
    p50: int | None
    p95: int | None
    p99: int | None
    """Milliseconds in the function, without the gateway and a cold start."""
    error_rate: float | None
    """Percent of the requests that the platform could not answer (5xx)."""
    table_calls: int | None
    slow_table_calls: int | None
    cache_hit_rate: float | None
    """Percent."""


@dataclass(frozen=True)
class Report:
    at: datetime
    whole: Figures
    points: list[tuple[datetime, Figures]] | None
    """By the time at which each begins, without those in which nothing was asked; None if there would be more than MOST_POINTS."""


def read_figures(time_range: str, aggregation: str) -> Report:
    """Return the figures of a range as they were within the last minute."""
    return _read(time_range, aggregation, clock.epoch() // _MINUTE)


@lru_cache(maxsize=len(RANGES) * len(AGGREGATIONS))
def _read(time_range: str, aggregation: str, minute: int) -> Report:
    seconds, step = RANGES[time_range], AGGREGATIONS[aggregation]
    grain = _GRAIN_OF_OLD if seconds > _MINUTES_KEPT else _MINUTE
    end = clock.from_epoch(-(-(minute + 1) * _MINUTE // grain) * grain)
    queries = _queries("whole", seconds) + (_queries("each", step) if seconds // step <= MOST_POINTS else [])
    answer = aws.short_call_client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=end - timedelta(seconds=seconds), EndTime=end
    )
    found = {one["Id"]: one for one in answer["MetricDataResults"] if one["StatusCode"] == "Complete"}
    whole = {name: found[f"whole_{name}"]["Values"] for name in QUERIES if f"whole_{name}" in found}
    return Report(clock.now(), _figures(whole), _points(found) if len(queries) > len(QUERIES) else None)


def _queries(prefix: str, period: int) -> list[dict[str, Any]]:
    dimensions = [{"Name": "stage", "Value": settings().stage}]
    return [
        {
            "Id": f"{prefix}_{name}",
            "MetricStat": {
                "Metric": {"Namespace": "Cadre", "MetricName": metric, "Dimensions": dimensions},
                "Period": period,
                "Stat": statistic,
            },
        }
        for name, (metric, statistic) in QUERIES.items()
    ]


def _points(found: Mapping[str, Any]) -> list[tuple[datetime, Figures]]:
    by_time: dict[datetime, dict[str, list[float]]] = {}
    for name in QUERIES:
        if one := found.get(f"each_{name}"):
            for moment, value in zip(one["Timestamps"], one["Values"], strict=True):
                by_time.setdefault(moment, {})[name] = [value]
    return [(moment, _figures(by_time[moment])) for moment in sorted(by_time)]


def _figures(values: Mapping[str, Iterable[float]]) -> Figures:
    """Return the figures of one span: should CloudWatch give it in parts, the sum of their counts and the slowest part's percentiles."""
    asked = any(values.get("requests", ()))  # where something was, a count that is not there is zero: lines leave zeros out
    counts = {name: int(sum(values.get(name, ()))) if asked else None for name in _COUNTS}
    slowest = {name: round(max(found)) if (found := list(values.get(name, ()))) else None for name in _PERCENTILES}
    return Figures(
        requests=counts["requests"],
        error_rate=_percent(counts["errors"], counts["requests"]),
        table_calls=counts["table_calls"],
        slow_table_calls=counts["slow_table_calls"],
        cache_hit_rate=_percent(counts["hits"], counts["lookups"]),
        **slowest,
    )


def _percent(part: int | None, whole: int | None) -> float | None:
    return None if part is None or not whole else round(100 * part / whole, 2)
