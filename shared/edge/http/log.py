"""Write one structured log line per request, with embedded metrics (CloudWatch EMF); never a body, a token or a raw path."""

import logging
import os
from typing import Any

from shared.core import clock, counts, logs
from shared.core.settings import settings
from shared.edge.http.call import Call
from shared.edge.http.operation import Operation

logger = logs.start()
METRICS = ("duration_ms", "server_errors", *counts.NAMES)
"""Of the whole stage: what `/metrics` reads (`functions.system.figures`). Requests are the count of durations. What a line says by area is
asked of the log: a metric for each would cost 0.30 USD a month."""
_NO_VERSION = "$LATEST"
logging.getLogger("mangum.http").setLevel(logging.ERROR)  # Mangum would log a second line per request, with the raw path


def request(operation: Operation, call: Call, status: int, code: str | None, seconds: float) -> None:
    """Log a request. `code` is the contract's error code, None for a success."""
    measured = {"duration_ms": round(seconds * 1000, 2), "server_errors": int(status >= 500), **counts.take()}
    counted = {name: measured[name] for name in METRICS if measured[name] or name == "duration_ms"}  # a sum needs no zeros
    logs.write_metrics(
        "request", _about(operation, call) | {"status": status, "code": code} | counted | _metrics(counted, status)
    )


def _metrics(counted: dict[str, Any], status: int) -> dict[str, Any]:
    """Return the part of the line that makes metrics of it. A failure of a version also counts for the version: the alarm that stops a
    gradual deployment looks at it (`infra.release`), because Lambda sees no error where a request is answered."""
    of_stage = {"Namespace": "Cadre", "Dimensions": [["stage"]], "Metrics": [{"Name": name} for name in counted]}
    about: dict[str, Any] = {
        "stage": settings().stage,
        "_aws": {"Timestamp": clock.epoch() * 1000, "CloudWatchMetrics": [of_stage]},
    }
    version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", _NO_VERSION)
    if status == 500 and version != _NO_VERSION:
        of_version = {"Namespace": "Cadre", "Dimensions": [["function", "version"]], "Metrics": [{"Name": "failures"}]}
        about["_aws"]["CloudWatchMetrics"].append(of_version)
        about |= {"function": os.environ["AWS_LAMBDA_FUNCTION_NAME"], "version": version, "failures": 1}
    return about


def crash(operation: Operation, call: Call) -> None:
    """Log the current exception with its traceback."""
    logger.exception("unexpected error", extra=_about(operation, call))


def _about(operation: Operation, call: Call) -> dict[str, Any]:
    return {
        "contract": operation.contract.name,
        "area": operation.area,
        "operation": operation.id,
        "request_id": call.request_id,
        "actor": call.caller,
    }
