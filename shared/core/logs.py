"""The log of a function: JSON lines, none below the level of the settings.

The process leaves out what is below the level, not Lambda: Lambda would also drop the lines that hold the metrics.
"""

import logging
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from shared.core import clock
from shared.core.settings import settings


@cache
def start() -> Logger:
    """Set the level of every log of this process, and return the function's own."""
    level = logging.getLevelNamesMapping()[settings().log_level]
    root = logging.getLogger()
    root.setLevel(max(root.level, level))  # Lambda has set it to the level that it lets through
    logger = Logger()
    logging.getLogger(logger.name).setLevel(level)  # of itself, a Logger takes Lambda's level before any other
    return logger


def at_every_level(name: str) -> logging.Logger:
    """Return a log whose lines are written at every level of the settings: for lines that hold metrics."""
    log = logging.getLogger(f"{start().name}.{name}")
    log.setLevel(logging.INFO)
    return log


def metric(name: str, by: str) -> dict[str, Any]:
    """Return what makes the number `name` of a line a metric, of the value of its field `by` and of all together, which has the alarm.

    A metric costs 0.30 USD a month, in the hours in which it is written: so it is written only if there is something to say."""
    each = {"Namespace": "Cadre", "Dimensions": [[by], []], "Metrics": [{"Name": name, "Unit": "Count"}]}
    return {"_aws": {"Timestamp": clock.epoch() * 1000, "CloudWatchMetrics": [each]}}
