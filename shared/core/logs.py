"""The log of a function: JSON lines, none below the level of the settings.

The process leaves out what is below the level, not Lambda: Lambda would also drop the lines that hold the metrics.
"""

import logging
from functools import cache

from aws_lambda_powertools import Logger

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
