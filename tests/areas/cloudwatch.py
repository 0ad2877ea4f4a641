"""CloudWatch for a test: what the lines of a log embed becomes metrics, as on AWS, and moto gives percentiles too."""

import json
from typing import Any

import boto3
import pytest
from moto.cloudwatch import models

from local.embedded_metrics import values_in
from shared.core import clock


def empty() -> None:
    """Forget all metrics: moto keeps them from test to test."""
    for regions in models.cloudwatch_backends.values():
        for backend in regions.values():
            backend.reset()


def publish(lines: list[dict[str, Any]]) -> None:
    """Give the metrics of the lines of a log to CloudWatch."""
    by_namespace: dict[str, list[dict[str, Any]]] = {}
    for one in values_in("\n".join(map(json.dumps, lines))):
        by_namespace.setdefault(one.namespace, []).append({
            "MetricName": one.name, "Value": one.value, "Timestamp": clock.from_epoch(one.at),
            "Dimensions": [{"Name": name, "Value": value} for name, value in one.dimensions],
        })  # fmt: skip
    for namespace, data in by_namespace.items():
        boto3.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)


def with_percentiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto answers null for a percentile, which botocore cannot read."""
    others = models.Statistics.get_statistics_for_type

    def statistic(self: Any, stat: str) -> Any:
        if not stat.startswith("p"):
            return others(self, stat)
        values = sorted(self.metric_single_values_list)
        return values[round((len(values) - 1) * float(stat[1:]) / 100)]

    monkeypatch.setattr(models.Statistics, "get_statistics_for_type", statistic)
