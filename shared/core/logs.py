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

    Every request has one, so it is written without `logging` and Powertools' formatter, which need 0.35 M instructions for it.
    """
    logger = start()
    line = {"level": "INFO", "message": message, "timestamp": clock.iso(), "service": logger.service, **fields}
    if trace := os.environ.get("_X_AMZN_TRACE_ID"):
        line["xray_trace_id"] = trace.partition(";")[0].removeprefix("Root=")
    stream = logger.registered_handler.stream  # type: ignore[attr-defined]  # Powertools' handler writes to a stream
    stream.write(write_json({name: value for name, value in line.items() if value is not None}) + "\n")
    stream.flush()
