"""What CloudWatch makes of a log line with embedded metrics (EMF): values of metrics, by their dimensions."""

import json
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Value:
    """One value of a metric; `at` is in epoch seconds."""

    namespace: str
    name: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    at: float
    value: float


def values_in(log: str) -> Iterator[Value]:
    """Return the values that a function's log embeds, line by line. A line without metrics has none."""
    for line in log.splitlines():
        if '"_aws"' not in line:
            continue
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        embedded = fields.get("_aws") if isinstance(fields, dict) else None
        if not isinstance(embedded, dict):
            continue
        for each in embedded["CloudWatchMetrics"]:
            for names in each["Dimensions"]:
                dimensions = tuple((name, str(fields[name])) for name in names)
                for metric in each["Metrics"]:
                    if (value := fields.get(metric["Name"])) is not None:
                        unit, at = metric.get("Unit", "None"), embedded["Timestamp"] / 1000
                        yield Value(each["Namespace"], metric["Name"], unit, dimensions, at, float(value))
