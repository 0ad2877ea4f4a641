"""Whether what the platform stands on answers: each table, each queue and the bucket is really asked, all at once, in at most three
seconds. The result is kept for five: a public question must not become seven requests each time."""

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

LIMIT = 3.0  # seconds for all probes together
KEPT = 5.0
TABLES = {"core_table": "database", "telemetry_table": "database", "ephemeral_table": "cache"}
QUEUES = tuple(one.name for one in fields(Settings) if one.name.endswith("_queue"))
SERVICES = ("database", "cache", "message_queue", "storage")
WORDS = {
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
        return [WORDS[service] for service in SERVICES if service in self.failed]


_last: tuple[float, Health] | None = None


def health() -> Health:
    """The state of now, or of at most five seconds ago."""
    global _last  # noqa: PLW0603 - one result a process
    if _last is None or time.monotonic() - _last[0] > KEPT:
        _last = (time.monotonic(), ask())
    return _last[1]


def forget() -> None:
    """Ask again at the next question, however soon it comes."""
    global _last  # noqa: PLW0603 - as above
    _last = None


def ask() -> Health:
    """Ask every service. Logs who did not answer, and why; callers learn only which."""
    failed: set[str] = set()
    for service in ("dynamodb", "sqs", "s3"):
        client(service)  # making clients is not safe in threads; using them is
    probes = _probes()
    pool = ThreadPoolExecutor(len(probes))
    asked = {pool.submit(probe): (service, what) for service, what, probe in probes}
    done, late = wait(asked, timeout=LIMIT)
    pool.shutdown(wait=False, cancel_futures=True)
    for future in done | late:
        service, what = asked[future]
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
    key = {"PK": {"S": "HEALTH"}, "SK": {"S": "PROBE"}}  # no such row: that it is missing proves the table is there
    client("dynamodb").get_item(TableName=settings().need(field), Key=key)


def _queue(field: str) -> None:
    client("sqs").get_queue_attributes(QueueUrl=settings().need(field), AttributeNames=["ApproximateNumberOfMessages"])


def _bucket(field: str) -> None:
    client("s3").head_bucket(Bucket=settings().need(field))


def _reason(probe: Callable[[str], None], field: str) -> str | None:
    """Why a probe failed, None when it did not."""
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
