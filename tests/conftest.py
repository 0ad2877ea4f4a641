"""Fixtures of the tests that run on moto: tables, bucket, queues and signing secret, made once, wiped per test."""

import os
from collections.abc import Iterator

import boto3
import pytest

os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "CADRE_CORE_TABLE": "core",
    "CADRE_TELEMETRY_TABLE": "telemetry",
    "CADRE_EPHEMERAL_TABLE": "ephemeral",
    "CADRE_FILES_BUCKET": "files",
    "CADRE_SIGNING_SECRET": "signing",
    "CADRE_STAGE": "local",
    "CADRE_DEFAULT_PROVIDER": "embedded",
    "CADRE_DEFAULT_MODEL": "cadre-embedded-1",
    "POWERTOOLS_SERVICE_NAME": "test",
    "POWERTOOLS_METRICS_NAMESPACE": "Cadre",
}

from moto import mock_aws

from shared.core.settings import settings
from tests.moto_speed import speed_up

speed_up()

QUEUES = {
    "agent_runs": "agent_runs",
    "ws_live": "ws_live.fifo",
    "ws_push": "ws_push",
    "emails": "emails",
    "exports": "exports",
    "cascade": "cascade",
}


def create_table(client, name: str, indexes: int) -> None:
    keys = ["PK", "SK", *(f"GSI{n}{part}" for n in range(1, indexes + 1) for part in ("PK", "SK"))]
    arguments = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
        "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
    }
    if indexes:
        arguments["GlobalSecondaryIndexes"] = [
            {
                "IndexName": f"GSI{n}",
                "KeySchema": [
                    {"AttributeName": f"GSI{n}{part}", "KeyType": kind} for part, kind in (("PK", "HASH"), ("SK", "RANGE"))
                ],
                "Projection": {"ProjectionType": "ALL"}
                if name == "ephemeral"
                else {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["f", "kind"]},
            }
            for n in range(1, indexes + 1)
        ]
    client.create_table(**arguments)


def make_everything() -> None:
    """Tables, bucket, queues and secret, in whatever account boto3 talks to."""
    boto3.client("secretsmanager").create_secret(Name="signing", SecretString="a-signing-key-for-tests-only")
    dynamodb = boto3.client("dynamodb")
    for name, indexes in (("core", 4), ("telemetry", 0), ("ephemeral", 1)):
        create_table(dynamodb, name, indexes)
    boto3.client("s3").create_bucket(Bucket="files")
    sqs = boto3.client("sqs")
    for queue, name in QUEUES.items():
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        os.environ[f"CADRE_{queue.upper()}_QUEUE"] = sqs.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]
    settings.cache_clear()  # a module imported before may have read them without the queues


@pytest.fixture(scope="session")
def _aws() -> Iterator[None]:
    with mock_aws():
        make_everything()
        yield
    boto3.DEFAULT_SESSION = None


@pytest.fixture
def aws(_aws: None) -> Iterator[None]:
    """Empty tables and queues."""
    yield
    from moto.dynamodb.models import dynamodb_backends
    from moto.sqs.models import sqs_backends

    for table in dynamodb_backends["123456789012"]["us-east-1"].tables.values():
        table.items.clear()
    for queue in sqs_backends["123456789012"]["us-east-1"].queues.values():
        queue._messages.clear()
