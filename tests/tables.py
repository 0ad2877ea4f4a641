"""The tables, bucket, queues and secret that tests run on, on moto or on an engine."""

from collections.abc import Callable
from typing import Any

from shared.store import IN_INDEXES

QUEUES = {
    "agent_runs": "agent_runs",
    "ws_live": "ws_live.fifo",
    "ws_push": "ws_push",
    "emails": "emails",
    "exports": "exports",
    "cascade": "cascade",
    "model_calls": "model_calls",
    "sandbox_messages": "sandbox_messages",
    "webhook_delivery": "webhook_delivery.fifo",
    "webhook_retry": "webhook_retry",
    "github_events": "github_events.fifo",
}


def create_table(client: Any, name: str, indexes: int) -> None:
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
                else {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(IN_INDEXES)},
            }
            for n in range(1, indexes + 1)
        ]
    client.create_table(**arguments)


def create_resources(client: Callable[[str], Any]) -> dict[str, str]:
    """Tables, bucket, queues, secret and key, by clients of their services. What the settings name, by the variables' names."""
    client("secretsmanager").create_secret(Name="signing", SecretString="a-signing-key-for-tests-only")
    for name, indexes in (("core", 4), ("telemetry", 0), ("ephemeral", 1)):
        create_table(client("dynamodb"), name, indexes)
    client("s3").create_bucket(Bucket="files")
    queues = {}
    for queue, name in QUEUES.items():
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        queues[f"CADRE_{queue.upper()}_QUEUE"] = client("sqs").create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]
    dead = ("emails_dead", "exports_dead")
    for name in dead:
        client("sqs").create_queue(QueueName=name)
    queues["CADRE_DEAD_LETTER_QUEUES"] = ",".join(dead)
    return queues | {"CADRE_SECRETS_KEY": client("kms").create_key()["KeyMetadata"]["Arn"]}
