"""Webhooks of GitHub: what taking one in costs, by the size of its payload.

The trips are counted on moto: of a process that does not know the repository yet, and of one that does. The CPU time is that of a whole
invocation of the function's handler (routing, signature, JSON, the row, the message) with AWS answered in the process: what one core takes
in a second follows from it, and with the trips how many processes a stream of webhooks keeps busy.
"""

import gc
import hashlib
import json
import os
import statistics
import time
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.replaying import answer_everything

SIZES = {"an issue": 1, "a push of 3 commits": 3, "a push of 100 commits": 100}
"""The commits in each payload."""
RATE = 1_000  # webhooks a second
TRIP_MS = 5.0  # of DynamoDB and of SQS within a region, as in `bench.prices`' reckoning of waits: what a write takes there
BLOCKS, EACH = 9, 60


def measure() -> list[dict[str, Any]]:
    """Return one row for each payload: bytes, trips of both processes, CPU microseconds, webhooks a second of one core."""
    from shared.core import clock

    requests, cold, warm = _recorded()
    moment = clock.now()
    clock.now = lambda: moment  # no window of a rate limit begins
    answer_everything(_reply)
    return [_row(name, event, cold[name], warm[name]) for name, event in requests.items()]


def _recorded() -> tuple[dict[str, dict[str, Any]], dict[str, list[str]], dict[str, list[str]]]:
    """Carry each request out on moto; return the requests, and the names of the calls of a process that is new and of one that is not."""
    import boto3
    from moto import mock_aws

    from shared.core.settings import settings
    from shared.people.access import quota_leases
    from shared.source.repositories import receiving
    from tests import conftest
    from tests.areas.boards_world import create_world
    from tests.areas.github_world import Octo
    from tests.github_server import FakeGithub
    from tests.trips import LARGE_LEASES, count_requests

    github = FakeGithub()
    cold: dict[str, list[str]] = {}
    warm: dict[str, list[str]] = {}
    with mock_aws(), patch.multiple(quota_leases, **LARGE_LEASES):
        os.environ |= conftest.create_resources(cache(boto3.client)) | {"CADRE_GITHUB_API": github.url}
        settings.cache_clear()
        octo = Octo(create_world(), github)
        if octo.connect().status != 201:
            raise RuntimeError("the repository is not connected")
        requests = {name: _request(github, commits) for name, commits in SIZES.items()}
        for name, event in requests.items():
            receiving.clear_cache()
            for seen_as in (cold, warm):
                with count_requests() as seen:
                    _invoke(event)
                seen_as[name] = seen.names
                _forget_delivery()
    github.close()
    return requests, cold, warm


def _request(github: Any, commits: int) -> dict[str, Any]:
    """Return the event of API Gateway of a webhook with so many commits, or of an issue."""
    from tests.areas.driving import event

    if commits == 1:
        payload, kind = github.payload(action="opened", issue=github.issue(1, "It crashes", "When I click. " * 40)), "issues"
    else:
        payload, kind = (
            github.push(*(github.commit(f"Change number {number}\n\nIn some words") for number in range(commits))),
            "push",
        )
    body, headers, query = github.signed(kind, payload, delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958")
    return event("omoios", "POST", f"/webhooks/github?{query}", body=body.decode(), headers=headers)


def _invoke(event: dict[str, Any]) -> None:
    from functions.github.handler import handler

    answer = handler(event, None)
    if answer["statusCode"] != 200:
        raise RuntimeError(f"answered {answer['statusCode']}: {answer['body'][:300]}")


def _forget_delivery() -> None:
    from shared.store.client import dynamodb

    rows = dynamodb().scan(TableName="ephemeral")["Items"]
    for row in (row for row in rows if row["PK"]["S"].startswith("GHD#")):
        dynamodb().delete_item(TableName="ephemeral", Key={"PK": row["PK"], "SK": row["SK"]})


def _reply(operation: str, request: Any) -> bytes:
    if operation == "SendMessage":
        body = json.loads(request.body)["MessageBody"]
        return json.dumps({"MD5OfMessageBody": hashlib.md5(body.encode()).hexdigest(), "MessageId": "m"}).encode()  # noqa: S324 - SQS's own
    if operation == "PutItem":
        return b"{}"
    raise RuntimeError(f"{operation} is no call of a process that knows the repository")


def _row(name: str, event: dict[str, Any], cold: list[str], warm: list[str]) -> dict[str, Any]:
    us = _cpu(lambda: _invoke(event)) * 1e6
    waits = (len(warm) + 1) * TRIP_MS  # the message is no call of a table
    return {
        "webhook": name,
        "bytes": len(event["body"]),
        "cold": len(cold),
        "warm": len(warm),
        "us": us,
        "per_core": 1e6 / us,
        "cores": RATE * us / 1e6,
        "processes": RATE * (us / 1e3 + waits) / 1e3,
    }


def _cpu(call: Callable[[], None]) -> float:
    """Return the CPU seconds of a call: the median of blocks."""
    from shared.edge.http.log import logger
    from shared.people.access.quota_leases import PROCESS_LEASES

    logger.registered_handler.setStream(Path(os.devnull).open("w"))  # noqa: SIM115 - as long as this process
    leases = deepcopy(vars(PROCESS_LEASES))
    for _ in range(EACH):
        call()
    gc.collect()
    spent = []
    for _ in range(BLOCKS):
        vars(PROCESS_LEASES).update(
            deepcopy(leases)
        )  # the lease's trip, one in twenty webhooks of a repository, is counted by hand
        started = time.process_time()
        for _ in range(EACH):
            call()
        spent.append((time.process_time() - started) / EACH)
    return statistics.median(spent)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
