"""Dead letters of the deployed stack on their way again, by the tool that an operator uses."""

import json
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local.stack import LocalStack
from tests.shell import shell
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]


def redrive(stack: LocalStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return tool(stack, "redrive", *arguments)


def tool(stack: LocalStack, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command for operators, as they give it beside `make run`."""
    aws = {"AWS_SHARED_CREDENTIALS_FILE": str(stack.engine.credentials)}
    command = [sys.executable, "-m", f"tools.{name}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=shell(**aws), capture_output=True, text=True, check=False)  # noqa: S603 - our own


def resource(stack: LocalStack, part: str, name: str) -> str:
    found = stack.boto("cloudformation").describe_stack_resource(StackName=f"cadre-local-{part}", LogicalResourceId=name)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def letter(stack: LocalStack, part: str, name: str, body: Any) -> None:
    stack.boto("sqs").send_message(QueueUrl=resource(stack, part, name), MessageBody=json.dumps(body))


def dead_letters(stack: LocalStack) -> float:
    """The metric of all dead-letter queues, after the job has looked."""
    event = json.dumps({"detail": {"jobs": ["letters"]}})
    done = stack.boto("lambda").invoke(FunctionName=resource(stack, "functions", "Scheduled"), Payload=event)
    assert "FunctionError" not in done, done["Payload"].read()
    now = datetime.now(UTC)
    found = stack.boto("cloudwatch").get_metric_statistics(
        Namespace="Cadre",
        MetricName="dead_letters",
        Dimensions=[{"Name": "stage", "Value": "local"}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
        Period=600,
        Statistics=["Maximum"],
    )
    return max(one["Maximum"] for one in found["Datapoints"])


def test_letters_go_back_to_their_queue(stack: LocalStack) -> None:
    letter(stack, "data", "WsPushDead", {"kind": "push", "topic": "ws:nobody", "at": 0, "frames": {}})
    said = redrive(stack).stdout.split()
    assert said[said.index("ws-push") + 1] == "1"
    assert dead_letters(stack) >= 1  # what the alarm `DeadLetters` looks at
    done = redrive(stack, "ws-push")
    assert (done.returncode, done.stdout) == (0, "ws-push: 1 letters are on their way again\n"), done.stderr
    said = redrive(stack).stdout.split()
    assert said[said.index("ws-push") + 1] == "0"


def test_events_are_given_to_the_projector_again(stack: LocalStack) -> None:
    """A person registers; the events of that are named in a letter as Lambda writes it."""
    body = {"name": "A Person", "email": f"redrive-{time.time_ns()}@example.com", "password": "correct horse"}
    asked = urllib.request.Request(
        f"{stack.url('agentworks')}/auth/register", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(asked, timeout=30).close()
    streams = stack.boto("dynamodbstreams")
    table = resource(stack, "data", "Core")
    arn = streams.list_streams(TableName=table)["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    start = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    numbers = [one["dynamodb"]["SequenceNumber"] for one in streams.get_records(ShardIterator=start)["Records"]]
    named = {"shardId": shard, "startSequenceNumber": numbers[0], "endSequenceNumber": numbers[-1], "streamArn": arn}
    letter(stack, "functions", "StreamDead", {"DDBStreamBatchInfo": named})
    done = redrive(stack, "stream")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[1]) >= 1
    assert redrive(stack, "stream").stdout == "stream: 0 events were consumed\n"


def test_a_letter_of_the_clock_is_only_thrown_away(stack: LocalStack) -> None:
    letter(stack, "functions", "ScheduleDead", {"detail": {"jobs": ["timeouts"]}})
    assert redrive(stack, "schedule").stdout == "schedule: 1 letters were thrown away\n"


def test_a_mail_that_came_back_is_heard_of(stack: LocalStack) -> None:
    """No SES reports to a laptop: the queue gets what EventBridge would put there."""
    address = f"gone-{time.time_ns()}@example.com"
    sample = json.loads((ROOT / "events" / "sqs-emails-came-back.json").read_text())["Records"][0]["body"]
    letter(stack, "data", "Emails", json.loads(sample.replace("ada@example.com", address)))
    said = eventually(lambda: tool(stack, "mail", address).stdout, lambda text: "no mail" in text)
    assert said.startswith(f"{address} gets no mail: bounce at ")
    assert tool(stack, "mail", address, "--lift").stdout == f"{address} gets mail again\n"


def test_a_deployment_that_is_not_there_is_said(stack: LocalStack) -> None:
    done = redrive(stack, "emails", "--stage", "prod")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cadre-prod-data" in done.stderr
    assert "Traceback" not in done.stderr
