"""One structured line a request, with its metrics embedded (CloudWatch EMF); never a body, a token or a raw path."""

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from shared.core import clock
from shared.core.settings import settings
from shared.http.call import Call

if TYPE_CHECKING:
    from shared.http.routing import Operation

logger = Logger(level=settings().log_level)


def request(operation: "Operation", call: Call, status: int, seconds: float) -> None:
    milliseconds = round(seconds * 1000, 2)
    logger.info(
        "request",
        extra=_about(operation, call)
        | {
            "status": status,
            "duration_ms": milliseconds,
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


def crash(operation: "Operation", call: Call) -> None:
    """The exception at hand, with its traceback."""
    logger.exception("unexpected error", extra=_about(operation, call))


def _about(operation: "Operation", call: Call) -> dict[str, Any]:
    return {
        "contract": operation.contract.name,
        "area": operation.area,
        "operation": operation.id,
        "method": operation.method,
        "path": operation.path,
        "request_id": call.request_id,
        "actor": call.actor.id if call.actor else None,
    }
