"""Write one structured log line per request, with embedded metrics (CloudWatch EMF); never a body, a token or a raw path."""

import logging
import os
from typing import Any

from shared.core import clock, counts, logs
from shared.core.settings import settings
from shared.edge.http.call import Call
from shared.edge.http.operation import Operation

logger = logs.start()
_NO_VERSION = "$LATEST"
OF_STAGE = {
    "Namespace": "Cadre",
    "Dimensions": [["stage"]],
    "Metrics": [{"Name": name} for name in ("duration_ms", "server_errors", *counts.NAMES)],
}
"""What `/metrics` reads (`functions.system.figures`): percentiles of parts cannot be put together. Requests are the count of durations."""
_requests = logs.at_every_level("requests")
logging.getLogger("mangum.http").setLevel(logging.ERROR)  # Mangum would log a second line per request, with the raw path


def request(operation: Operation, call: Call, status: int, code: str | None, seconds: float) -> None:
    """Log a request. `code` is the contract's error code, None for a success."""
    _requests.info(
        "request",
        extra=_about(operation, call)
        | {
            "status": status,
            "code": code,
            "duration_ms": round(seconds * 1000, 2),
            "requests": 1,
            "server_errors": int(status >= 500),
        }
        | counts.take()
        | _metrics(status),
    )


def _metrics(status: int) -> dict[str, Any]:
    """Return the part of the line that makes metrics of it. A failure of a version also counts for the version: the alarm that stops a
    gradual deployment looks at it (`infra.release`), because Lambda sees no error where a request is answered."""
    each = {
        "Namespace": "Cadre",
        "Dimensions": [["contract", "area"]],
        "Metrics": [
            {"Name": "duration_ms", "Unit": "Milliseconds"},
            {"Name": "requests", "Unit": "Count"},
            {"Name": "server_errors", "Unit": "Count"},
        ],
    }
    about: dict[str, Any] = {
        "_aws": {"Timestamp": clock.epoch() * 1000, "CloudWatchMetrics": [each, OF_STAGE]},
        "stage": settings().stage,
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
        "method": operation.method,
        "path": operation.path,
        "request_id": call.request_id,
        "actor": call.caller,
    }
