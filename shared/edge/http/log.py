"""Write one structured log line per request, with embedded metrics (CloudWatch EMF); never a body, a token or a raw path."""

import logging
from typing import Any

from shared.core import clock, logs
from shared.edge.http.call import Call
from shared.edge.http.operation import Operation

logger = logs.start()
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
            "_aws": {
                "Timestamp": clock.epoch() * 1000,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Cadre",
                        "Dimensions": [["contract", "area"]],
                        "Metrics": [
                            {"Name": "duration_ms", "Unit": "Milliseconds"},
                            {"Name": "requests", "Unit": "Count"},
                            {"Name": "server_errors", "Unit": "Count"},
                        ],
                    }
                ],
            },
            "requests": 1,
            "server_errors": int(status >= 500),
        },
    )


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
