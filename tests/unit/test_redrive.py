"""Redriving on AWS: a message move task, started and followed. (Against a deployed stack: tests/stack/test_redrive.py.)"""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from tools import redrive
from tools.deployment import ToolError

ROOT = Path(__file__).parents[2]
ARN = "arn:aws:sqs:eu-west-1:111111111111:EmailsDead"


def sqs(*statuses: str, code: str | None = None) -> SimpleNamespace:
    """A queue service whose move task goes through these states."""
    left = list(statuses)

    def start(**asked):
        assert asked == {"SourceArn": ARN, "DestinationArn": ARN.removesuffix("Dead")}  # some messages came past the queue
        if code:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "StartMessageMoveTask")
        return {"TaskHandle": "handle"}

    def tasks(**asked):
        status = left.pop(0)
        handle = {"TaskHandle": "handle"} if status == "RUNNING" else {}
        return {"Results": [{"Status": status, "ApproximateNumberOfMessagesMoved": 7, "FailureReason": "no room", **handle}]}

    return SimpleNamespace(start_message_move_task=start, list_message_move_tasks=tasks)


@pytest.fixture
def at(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)

    def with_sqs(service: SimpleNamespace) -> redrive.Queues:
        deployment = redrive.Queues.__new__(redrive.Queues)
        deployment.sqs = service
        deployment.find = lambda part, name: f"{part}/{name}"
        deployment.attributes = lambda url: {"QueueArn": ARN if url.endswith("Dead") else ARN.removesuffix("Dead")}
        return deployment

    return with_sqs


def test_the_move_is_followed_to_its_end(at):
    assert redrive.move(at(sqs("RUNNING", "RUNNING", "COMPLETED")), "emails") == 7


def test_a_move_that_fails_says_why(at):
    with pytest.raises(ToolError, match="no room"):
        redrive.move(at(sqs("RUNNING", "FAILED")), "emails")


def test_what_aws_refuses_is_not_hidden(at):
    with pytest.raises(ClientError):
        redrive.move(at(sqs(code="AccessDenied")), "emails")


@pytest.mark.parametrize(
    ("error", "found"), [("ValidationError", "functions/StreamProjector"), ("", "functions/StreamProjectorLive")]
)
def test_events_are_replayed_by_the_version_that_is_live(monkeypatch, error, found):
    """Where a gradual deployment went back, the function itself is the version that failed."""

    def describe(**asked):
        if error and asked["LogicalResourceId"].endswith("Live"):
            raise ClientError({"Error": {"Code": error, "Message": "no"}}, "DescribeStackResource")
        return {"StackResourceDetail": {"PhysicalResourceId": f"functions/{asked['LogicalResourceId']}"}}

    monkeypatch.setattr("boto3.client", lambda _: SimpleNamespace(describe_stack_resource=describe))
    assert redrive.Queues("prod", "cadre").function("StreamProjector") == found


def test_an_error_is_not_taken_for_a_function_without_versions(monkeypatch):
    def describe(**_):
        raise ClientError({"Error": {"Code": "Throttling", "Message": "slow"}}, "DescribeStackResource")

    monkeypatch.setattr("boto3.client", lambda _: SimpleNamespace(describe_stack_resource=describe))
    with pytest.raises(ToolError, match="StreamProjectorLive: slow"):
        redrive.Queues("prod", "cadre").function("StreamProjector")


@pytest.mark.parametrize("target", ["redrive", "admin", "mail"])
def test_make_reaches_every_deployment(target):
    """Several may be in one account, told apart by the setting `deployment`."""
    words = ["make", "--dry-run", target, "STAGE=prod", "DEPLOYMENT=team", "EMAIL=ada@example.com"]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own makefile
    assert "--stage prod --deployment team\n" in said


def test_every_queue_has_a_way_back():
    assert set(redrive.ACTIONS) == set(redrive.DEAD)
    assert redrive.DEAD["agent-runs"] == ("data", "AgentRunsDead")
