"""Dead letters on their way again: `python -m tools.redrive emails --stage prod` (or `make redrive QUEUE=emails STAGE=prod`).

    agent-runs, ws-push, emails,  the letters go back to their queue
    cascade, exports
    stream                        the events that a letter names are read from the table's stream again and given to the projector
    schedule                      nothing to do: a job does at its next time what it did not do at this; the letters are thrown away
    ws-live                       thrown away: what was live is not; a viewer's client asks for what it lacks

Without a queue it says how many letters each has. Uses the caller's own AWS credentials and region; a local engine's address comes in
AWS_ENDPOINT_URL. Docs: docs/operations.md.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infra.names import PROJECT, stack_name
from infra.queues import QUEUES

DEAD = {name: ("data", "".join(part.capitalize() for part in name.split("-")) + "Dead") for name in QUEUES}
DEAD |= {"stream": ("functions", "StreamDead"), "schedule": ("functions", "ScheduleDead")}
"""Queue -> the stack that holds its dead letters, and their name there."""
_NO_MOVES = {"InvalidAction", "UnknownOperationException", "InvalidParameterValue"}  # engines that know no message move tasks


class Refused(RuntimeError):
    """It cannot be done; the message says why."""


class Deployment:
    """One deployment's resources, by their names in the templates."""

    def __init__(self, stage: str, deployment: str) -> None:
        self.stage, self.deployment = stage, deployment
        self.sqs = boto3.client("sqs")

    def find(self, part: str, name: str) -> str:
        stack = stack_name(self.stage, part, self.deployment)
        try:
            found = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=name)
        except ClientError as error:
            raise Refused(f"{stack} has no {name}: {error.response['Error']['Message']}") from error
        physical: str = found["StackResourceDetail"]["PhysicalResourceId"]
        return physical

    def dead(self, queue: str) -> str:
        """The address of a queue's dead letters."""
        return self.find(*DEAD[queue])

    def attributes(self, url: str) -> dict[str, str]:
        found: dict[str, str] = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return found

    def letters(self, url: str) -> Iterator[dict[str, Any]]:
        """The letters that wait, each once; those that are not deleted are there again a few minutes later."""
        while found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=300).get("Messages"):
            yield from found


def move(at: Deployment, queue: str) -> int:
    """Give the letters back to their queue. How many there were."""
    dead = at.dead(queue)
    attributes = at.attributes(dead)
    try:
        handle = at.sqs.start_message_move_task(SourceArn=attributes["QueueArn"])["TaskHandle"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_MOVES:
            raise
        return _carry(at, dead, at.find("data", DEAD[queue][1].removesuffix("Dead")))
    while True:
        tasks = at.sqs.list_message_move_tasks(SourceArn=attributes["QueueArn"])["Results"]
        task = next((one for one in tasks if one.get("TaskHandle") == handle), tasks[0])  # one that is over has no handle
        if task["Status"] in {"COMPLETED", "CANCELLED"}:
            return int(task.get("ApproximateNumberOfMessagesMoved", 0))
        if task["Status"] == "FAILED":
            raise Refused(f"the letters of {queue} were not moved: {task.get('FailureReason')}")
        time.sleep(1)


def _carry(at: Deployment, dead: str, queue: str) -> int:
    carried = 0
    for letter in at.letters(dead):
        at.sqs.send_message(QueueUrl=queue, MessageBody=letter["Body"])
        at.sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])
        carried += 1
    return carried


def replay(at: Deployment, queue: str) -> int:
    """Give the projector the events that it could not consume. How many there were. It knows those that it has consumed before."""
    dead, function = at.dead(queue), at.find("functions", "StreamProjector")
    lambdas, replayed = boto3.client("lambda"), 0
    for letter in at.letters(dead):
        named = json.loads(letter["Body"])["DDBStreamBatchInfo"]
        records = [record for record in _records(named) if "event_id" in record["dynamodb"].get("NewImage", {})]
        for start in range(0, len(records), 100):
            answer = lambdas.invoke(
                FunctionName=function, Payload=json.dumps({"Records": records[start : start + 100]}, default=str)
            )
            told = json.loads(answer["Payload"].read())
            if "FunctionError" in answer or told["batchItemFailures"]:
                raise Refused(f"the projector still fails, after {replayed} events: {json.dumps(told)[:500]}")
        at.sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])
        replayed += len(records)
    return replayed


def _records(named: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The records of a batch, first to last. A stream keeps them for 24 hours."""
    streams, last = boto3.client("dynamodbstreams"), int(named["endSequenceNumber"])
    try:
        iterator = streams.get_shard_iterator(
            StreamArn=named["streamArn"],
            ShardId=named["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=named["startSequenceNumber"],
        )["ShardIterator"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"TrimmedDataAccessException", "ResourceNotFoundException"}:
            raise
        raise Refused("the stream keeps events for 24 hours; those of this letter are gone (docs/operations.md)") from error
    while iterator:
        page = streams.get_records(ShardIterator=iterator)
        for record in page["Records"]:
            if int(record["dynamodb"]["SequenceNumber"]) > last:
                return
            yield record
            if int(record["dynamodb"]["SequenceNumber"]) == last:
                return
        iterator = page.get("NextShardIterator")


def forget(at: Deployment, queue: str) -> int:
    """Throw the letters away. How many there were."""
    dead, count = at.dead(queue), 0
    for letter in at.letters(dead):
        at.sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])
        count += 1
    return count


WAYS: dict[str, tuple[Callable[[Deployment, str], int], str]] = {
    **dict.fromkeys(QUEUES, (move, "letters are on their way again")),
    "stream": (replay, "events were consumed"),
    "schedule": (forget, "letters were thrown away"),
    "ws-live": (forget, "letters were thrown away"),
}


def main(arguments: list[str] | None = None) -> int:
    """0, or 2 with why not."""
    parser = argparse.ArgumentParser(prog="python -m tools.redrive", description="Dead letters on their way again.")
    parser.add_argument("queue", nargs="?", choices=sorted(DEAD), help="without it: how many letters each has")
    parser.add_argument("--stage", default="local", help="local, dev or prod")
    parser.add_argument("--deployment", default=PROJECT)
    given = parser.parse_args(arguments)
    at = Deployment(given.stage, given.deployment)
    try:
        if given.queue:
            way, words = WAYS[given.queue]
            sys.stdout.write(f"{given.queue}: {way(at, given.queue)} {words}\n")
        else:
            for queue in sorted(DEAD):
                sys.stdout.write(f"{queue:<12} {at.attributes(at.dead(queue))['ApproximateNumberOfMessages']}\n")
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
