"""Tables on the local engine, for what moto cannot do: real threads that move files by HTTP, workers that start each other.

The engine's transactions are atomic between threads and processes, as DynamoDB's are. One engine process for the
test session, on loopback; a module that asks for `engine_tables` talks to it, the modules before and after it to moto.
"""

import os
from collections.abc import Iterator
from functools import cache, partial

import boto3
import pytest

from local.engine import Engine
from shared.core import aws, keys
from shared.core.settings import settings
from shared.store import files
from shared.store.client import the_client
from tests.tables import QUEUES, create_resources

_ACCOUNT = "000000000042"  # of its own: the engine keeps accounts apart


@pytest.fixture(scope="session")
def local_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A running engine with the three tables and the signing secret."""
    engine = Engine(tmp_path_factory.mktemp("engine"), extra={"PERSIST_STATE": "0", "S3_PERSIST": "0"})
    engine.start()
    try:
        create_resources(cache(partial(engine.client, account=_ACCOUNT)))
        yield engine
    finally:
        engine.stop()


@pytest.fixture(scope="module")
def engine_tables(local_engine: Engine) -> Iterator[None]:
    """This module's reads and writes go to the engine. Rows stay: tests use ids of their own."""
    ours = {"AWS_ACCESS_KEY_ID": _ACCOUNT, "AWS_SECRET_ACCESS_KEY": local_engine.secret, "AWS_DEFAULT_REGION": "us-east-1"}
    queues = {f"CADRE_{queue.upper()}_QUEUE": f"{local_engine.url}/{_ACCOUNT}/{name}" for queue, name in QUEUES.items()}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (ours | {"AWS_ENDPOINT_URL": local_engine.url} | queues).items():
            patch.setitem(os.environ, name, value)
        _forget()
        yield
    _forget()


def _forget() -> None:
    """What was made for another endpoint."""
    boto3.DEFAULT_SESSION = None
    aws.session.cache_clear()
    aws.short_call_client.cache_clear()
    the_client.cache_clear()
    files._bucket.cache_clear()
    settings.cache_clear()
    keys._root.cache_clear()
    keys.key_for.cache_clear()
