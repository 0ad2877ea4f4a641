"""Redrives dead-letter queues: `python -m tools.redrive emails --stage prod` (or `make redrive QUEUE=emails STAGE=prod`).

    agent-runs, ws-push, emails,  the messages go back to their queue
    cascade, exports,
    webhook-delivery, webhook-retry,
    github-events
    stream                        the events that a message names are read from the table's stream again and sent to the projector
    schedule                      the messages are deleted: the next run of a job does what this one, or an execution, did not
    ws-live                       the messages are deleted: a client requests the lines that it lacks

Without a queue it prints how many messages each dead-letter queue has. docs/operations.md has the details.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infra.names import pascal_case
from infra.queues import QUEUES
from tools.deployment import Deployment, ToolError, execute, parser

DEAD = {name: ("data", f"{pascal_case(name)}Dead") for name in QUEUES}
DEAD |= {"stream": ("functions", "StreamDead"), "schedule": ("functions", "ScheduleDead")}
"""Queue -> the stack of its dead-letter queue, and the logical id there."""
_NO_MOVES = {"InvalidAction", "UnknownOperationException", "InvalidParameterValue"}  # of engines without message move tasks


class Queues(Deployment):
    """The dead-letter queues of a deployment."""

    def __init__(self, stage: str, deployment: str) -> None:
        super().__init__(stage, deployment)
        self.sqs = boto3.client("sqs")

    def dead(self, queue: str) -> str:
        """The URL of a queue's dead-letter queue."""
        return self.find(*DEAD[queue])

    def attributes(self, url: str) -> dict[str, str]:
        attributes: dict[str, str] = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return attributes

    def messages(self, url: str) -> Iterator[dict[str, Any]]:
        """Every waiting message once. Messages that the caller does not delete become visible again after five minutes."""
        asked: dict[str, Any] = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 300, "MessageSystemAttributeNames": ["All"]}
        while messages := self.sqs.receive_message(QueueUrl=url, **asked).get("Messages"):
            yield from messages


def move(at: Queues, queue: str) -> int:
    """Move the messages back to their queue; returns their number."""
    dead, live = at.dead(queue), at.find("data", DEAD[queue][1].removesuffix("Dead"))
    source, destination = (at.attributes(url)["QueueArn"] for url in (dead, live))
    try:  # SQS does not know the way back of a message that came past the queue, from a rule
        handle = at.sqs.start_message_move_task(SourceArn=source, DestinationArn=destination)["TaskHandle"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_MOVES:
            raise
        return _copy(at, dead, live)
    while True:
        tasks = at.sqs.list_message_move_tasks(SourceArn=source)["Results"]
        task = next((task for task in tasks if task.get("TaskHandle") == handle), tasks[0])  # a finished task has no handle
        if task["Status"] in {"COMPLETED", "CANCELLED"}:
            return int(task.get("ApproximateNumberOfMessagesMoved", 0))
        if task["Status"] == "FAILED":
            raise ToolError(f"the letters of {queue} were not moved: {task.get('FailureReason')}")
        time.sleep(1)


def _copy(at: Queues, dead: str, queue: str) -> int:
    count = 0
    for message in at.messages(dead):
        attributes = message.get("Attributes", {})  # of a FIFO queue: a new id, or the message counts as one that was sent before
        group = {"MessageGroupId": attributes["MessageGroupId"]} if "MessageGroupId" in attributes else {}
        once = {"MessageDeduplicationId": message["MessageId"]} if group else {}
        at.sqs.send_message(QueueUrl=queue, MessageBody=message["Body"], **group, **once)
        at.sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
        count += 1
    return count


def replay(at: Queues, queue: str) -> int:
    """Send the projector the events that it could not process; returns their number. It skips events that it has processed."""
    dead, function = at.dead(queue), at.function("StreamProjector")
    lambdas, replayed = boto3.client("lambda"), 0
    for message in at.messages(dead):
        batch = json.loads(message["Body"])["DDBStreamBatchInfo"]
        records = [record for record in _records(batch) if "event_id" in record["dynamodb"].get("NewImage", {})]
        for start in range(0, len(records), 100):
            response = lambdas.invoke(
                FunctionName=function, Payload=json.dumps({"Records": records[start : start + 100]}, default=str)
            )
            result = json.loads(response["Payload"].read())
            if "FunctionError" in response or result["batchItemFailures"]:
                raise ToolError(f"the projector still fails, after {replayed} events: {json.dumps(result)[:500]}")
        at.sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
        replayed += len(records)
    return replayed


def _records(batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The stream records of a batch, in order. A stream keeps them for 24 hours."""
    streams, last = boto3.client("dynamodbstreams"), int(batch["endSequenceNumber"])
    try:
        iterator = streams.get_shard_iterator(
            StreamArn=batch["streamArn"],
            ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        )["ShardIterator"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"TrimmedDataAccessException", "ResourceNotFoundException"}:
            raise
        raise ToolError("the stream keeps events for 24 hours; those of this letter are gone (docs/operations.md)") from error
    while iterator:
        page = streams.get_records(ShardIterator=iterator)
        for record in page["Records"]:
            if int(record["dynamodb"]["SequenceNumber"]) > last:
                return
            yield record
            if int(record["dynamodb"]["SequenceNumber"]) == last:
                return
        iterator = page.get("NextShardIterator")


def delete(at: Queues, queue: str) -> int:
    """Delete the messages; returns their number."""
    dead, count = at.dead(queue), 0
    for message in at.messages(dead):
        at.sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
        count += 1
    return count


ACTIONS: dict[str, tuple[Callable[[Queues, str], int], str]] = {
    **dict.fromkeys(QUEUES, (move, "letters are on their way again")),
    "stream": (replay, "events were consumed"),
    "schedule": (delete, "letters were thrown away"),
    "ws-live": (delete, "letters were thrown away"),
}


def main(arguments: list[str] | None = None) -> int:
    """Returns 2 for an error."""
    options = parser("redrive", "Redrives dead-letter queues.")
    options.add_argument(
        "queue", nargs="?", choices=sorted(DEAD), help="without it: how many messages each dead-letter queue has"
    )
    chosen = options.parse_args(arguments)
    return execute(lambda: _execute(Queues(chosen.stage, chosen.deployment), chosen.queue))


def _execute(at: Queues, queue: str | None) -> list[str]:
    """Do what was asked and return what to print. Raises ToolError."""
    if queue is None:
        return [f"{one:<16} {at.attributes(at.dead(one))['ApproximateNumberOfMessages']}" for one in sorted(DEAD)]
    action, outcome = ACTIONS[queue]
    return [f"{queue}: {action(at, queue)} {outcome}"]


if __name__ == "__main__":
    sys.exit(main())
