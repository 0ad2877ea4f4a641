"""Health probes: every table, every queue and the bucket gets a real request, all at once, in at most three seconds.

The result is kept for two seconds, so that a public request does not become a dozen requests each time.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, fields
from functools import cache, partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.core import aws
from shared.core.settings import Settings, settings
from shared.edge.http.log import logger

TIMEOUT = 3.0  # seconds for all probes together
KEPT_SECONDS = 2.0
TABLES = {"core_table": "database", "telemetry_table": "database", "ephemeral_table": "cache"}
QUEUES = tuple(one.name for one in fields(Settings) if one.name.endswith("_queue"))
SERVICES = ("database", "cache", "message_queue", "storage")
MESSAGES = {
    "database": "Database connection failed",
    "cache": "Cache connection failed",
    "message_queue": "Message queue connection failed",
    "storage": "Storage connection failed",
}


@dataclass(frozen=True)
class Health:
    failed: frozenset[str]
    """The services that did not answer, of SERVICES."""

    @property
    def healthy(self) -> bool:
        return not self.failed

    @property
    def status(self) -> str:
        return "healthy" if self.healthy else "unhealthy"

    @property
    def services(self) -> Mapping[str, str]:
        return {service: "unhealthy" if service in self.failed else "healthy" for service in SERVICES}

    @property
    def errors(self) -> list[str]:
        return [MESSAGES[service] for service in SERVICES if service in self.failed]


_last: tuple[float, Health] | None = None


def health() -> Health:
    """Return the health, at most two seconds old."""
    global _last  # noqa: PLW0603 - one result a process
    if _last is None or time.monotonic() - _last[0] > KEPT_SECONDS:
        _last = (time.monotonic(), probe_services())
    return _last[1]


def clear_cache() -> None:
    """Drop the cached result, so that the next call probes again."""
    global _last  # noqa: PLW0603 - as above
    _last = None


def probe_services() -> Health:
    """Probe every service. Failures are logged with their reason; callers learn only which service failed."""
    failed: set[str] = set()
    for service in ("dynamodb", "sqs", "s3"):
        client(service)  # created before the threads start: creating clients is not thread-safe, using them is
    probes = _probes()
    pool = ThreadPoolExecutor(len(probes))
    futures = {pool.submit(probe): (service, what) for service, what, probe in probes}
    done, late = wait(futures, timeout=TIMEOUT)
    pool.shutdown(wait=False, cancel_futures=True)
    for future in done | late:
        service, what = futures[future]
        reason = "no answer in time" if future in late else future.result()
        if reason is not None:
            failed.add(service)
            logger.error("health probe failed", extra={"probe": what, "reason": reason})
    return Health(frozenset(failed))


def _probes() -> list[tuple[str, str, Callable[[], str | None]]]:
    tables = [(service, field, partial(_reason, _table, field)) for field, service in TABLES.items()]
    queues = [("message_queue", field, partial(_reason, _queue, field)) for field in QUEUES]
    return [*tables, *queues, ("storage", "files_bucket", partial(_reason, _bucket, "files_bucket"))]


def _table(field: str) -> None:
    key = {"PK": {"S": "HEALTH"}, "SK": {"S": "PROBE"}}  # no such row exists; a table that answers so is available
    client("dynamodb").get_item(TableName=settings().need(field), Key=key)


def _queue(field: str) -> None:
    client("sqs").get_queue_attributes(QueueUrl=settings().need(field), AttributeNames=["ApproximateNumberOfMessages"])


def _bucket(field: str) -> None:
    client("s3").head_bucket(Bucket=settings().need(field))


def _reason(probe: Callable[[str], None], field: str) -> str | None:
    """Return why a probe failed, None if it succeeded."""
    try:
        probe(field)
    except (BotoCoreError, ClientError, LookupError) as error:
        return str(error)
    return None


@cache
def client(service: str) -> Any:
    from botocore.config import Config

    config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
    return aws.client(service, config=config)
