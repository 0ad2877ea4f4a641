"""What has a clock: `infra/schedules.py` has a rule for each job here, and names it in `detail.job`."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from shared.core.settings import settings
from shared.runs.sweeping import sweep

logger = Logger(level=settings().log_level)

JOBS: dict[str, Callable[[], Any]] = {
    "timeouts": sweep,  # runs that nobody works on any more
}


def handler(event: dict[str, Any], context: Any) -> None:
    job = event["detail"]["job"]
    logger.info("job", extra={"job": job, "result": JOBS[job]()})
