"""CloudWatch: metrics that log lines embed, and periods that begin where the range begins."""

import inspect
import threading
from typing import Any

from ministack.services import cloudwatch, lambda_svc

from local.embedded_metrics import Value, values_in
from local.patches.source import replaced

_MINUTE = 60
_storing = threading.Lock()


def apply() -> None:
    """Apply this module's patches."""
    count_embedded_metrics()
    begin_periods_with_the_range()


def count_embedded_metrics() -> None:
    """Fault: the metrics that log lines of functions embed (EMF) are not counted.

    Symptom: `/metrics` knows nothing. They are now stored when a function's log is. Equal values of a minute are one point with a count, as
    a point stays for two weeks and is in every snapshot.
    """
    emit = lambda_svc._emit_lambda_logs
    newest: dict[tuple[Any, ...], dict[str, Any]] = {}

    def emit_and_count(func: Any, request_id: str, log_text: str, *args: Any, **kwargs: Any) -> None:
        emit(func, request_id, log_text, *args, **kwargs)
        with _storing:
            for value in values_in(log_text or ""):
                _store(newest, value)

    lambda_svc._emit_lambda_logs = emit_and_count


def _store(newest: dict[tuple[Any, ...], dict[str, Any]], value: Value) -> None:
    minute = value.at // _MINUTE * _MINUTE
    dimensions = dict(value.dimensions)
    metric = value.namespace, value.name, cloudwatch._dims_key(dimensions)
    if newest and next(iter(newest))[0] < minute:
        newest.clear()
    point = newest.setdefault(
        (minute, metric, value.value),
        {"Timestamp": minute, "Value": value.value, "Count": 0, "Unit": value.unit, "Dimensions": dimensions},
    )
    if not point["Count"]:
        cloudwatch._metric_bucket(metric).append(point)
    point["Count"] += 1


def begin_periods_with_the_range() -> None:
    """Fault: GetMetricData cuts time at multiples of the period since 1970, not from the beginning of the range.

    Symptom: an hour that is asked for as one period comes as two, whose percentiles cannot be put together.
    """
    source = replaced(
        inspect.getsource(cloudwatch._get_metric_data),
        'buckets[int(pt["Timestamp"] // period) * period].append(pt)',
        'buckets[(start_time or 0) + (pt["Timestamp"] - (start_time or 0)) // period * period].append(pt)',
    )
    exec(source, vars(cloudwatch))  # noqa: S102 - the engine's own code with one line changed
