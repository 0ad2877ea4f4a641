"""The log of a function: JSON lines, none below the level of the settings.

The process leaves out what is below the level, not Lambda: Lambda would also drop the lines that hold the metrics.
"""

import logging
import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from shared.core import clock
from shared.core.settings import settings
from shared.core.texts import write_json


@cache
def start() -> Logger:
    """Set the level of every log of this process, and return the function's own."""
    level = logging.getLevelNamesMapping()[settings().log_level]
    root = logging.getLogger()
    root.setLevel(max(root.level, level))  # Lambda has set it to the level that it lets through
    logger = Logger()
    logging.getLogger(logger.name).setLevel(level)  # of itself, a Logger takes Lambda's level before any other
    return logger


def write_metrics(message: str, fields: dict[str, Any]) -> None:
    """Write a line that holds metrics, at every level of the settings. A field that is None is left out.

    Every request has one, so it is written without `logging` and Powertools' formatter, which need 0.35 M instructions for it, and says
    only what a fault is found by: a hundred bytes are 0.05 USD a million. The log group says the function; few traces are recorded.
    """
    line = {"level": "INFO", "message": message, "timestamp": clock.iso(), "xray_trace_id": _recorded_trace(), **fields}
    stream = start().registered_handler.stream  # type: ignore[attr-defined]  # Powertools' handler writes to a stream
    stream.write(write_json({name: value for name, value in line.items() if value is not None}) + "\n")
    stream.flush()


def _recorded_trace() -> str | None:
    """Return the id of the trace that X-Ray records of this call, if it does."""
    trace = os.environ.get("_X_AMZN_TRACE_ID", "")
    return trace.partition(";")[0].removeprefix("Root=") if "Sampled=1" in trace else None


def work_failed(message: str, job: str, **about: Any) -> None:
    """Write that work failed on our side, which raises the alarm `WorkFailed`."""
    write_metrics(message, {"job": job, **about, "failed": 1} | metric("failed", by="job"))


def metric(name: str, by: str) -> dict[str, Any]:
    """Return what makes the number `name` of a line a metric of the stage: of the value of its field `by`, and of all together, which has
    the alarm.

    A metric costs 0.30 USD a month, in the hours in which it is written: so it is written only if there is something to say."""
    each = {"Namespace": "Cadre", "Dimensions": [["stage", by], ["stage"]], "Metrics": [{"Name": name, "Unit": "Count"}]}
    return {"stage": settings().stage, "_aws": {"Timestamp": clock.epoch() * 1000, "CloudWatchMetrics": [each]}}
