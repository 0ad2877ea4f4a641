"""Tables on the local engine, for what moto cannot do: real threads that move files by HTTP, workers that start each other.

The engine's transactions are atomic between threads and processes, as DynamoDB's are. One engine process for the
test session, on loopback; a module that asks for `engine_tables` talks to it, the modules before and after it to moto.
"""

import os
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import boto3
import pytest

from local.engine import Engine
from shared.core import aws, keys
from shared.core.settings import settings
from shared.store import files
from shared.store.client import dynamodb
from tests.tables import QUEUES, create_resources

_OURS = {"AWS_ACCESS_KEY_ID": "000000000042", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
"""An account of its own: the engine keeps 12-digit access keys apart."""


@pytest.fixture(scope="session")
def engine_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running engine with the three tables and the signing secret."""
    data: Path = tmp_path_factory.mktemp("engine")
    engine = Engine(data, extra={"PERSIST_STATE": "0", "S3_PERSIST": "0"})
    engine.start()
    try:
        session = boto3.session.Session()
        where = {"endpoint_url": engine.url, "region_name": "us-east-1"}
        ours = {"aws_access_key_id": _OURS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": _OURS["AWS_SECRET_ACCESS_KEY"]}
        create_resources(cache(partial(session.client, **where, **ours)))
        yield engine.url
    finally:
        engine.stop()


@pytest.fixture(scope="module")
def engine_tables(engine_url: str) -> Iterator[None]:
    """This module's reads and writes go to the engine. Rows stay: tests use ids of their own."""
    with pytest.MonkeyPatch.context() as patch:
        account = _OURS["AWS_ACCESS_KEY_ID"]
        queues = {f"CADRE_{queue.upper()}_QUEUE": f"{engine_url}/{account}/{name}" for queue, name in QUEUES.items()}
        for name, value in (_OURS | {"AWS_ENDPOINT_URL": engine_url} | queues).items():
            patch.setitem(os.environ, name, value)
        _forget()
        yield
    _forget()


def _forget() -> None:
    """What was made for another endpoint."""
    aws.session.cache_clear()
    aws.short_call_client.cache_clear()
    dynamodb.cache_clear()
    files._bucket.cache_clear()
    settings.cache_clear()
    keys._root.cache_clear()
    keys.key_for.cache_clear()
