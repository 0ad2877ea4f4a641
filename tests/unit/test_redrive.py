"""Redriving on AWS: a message move task, started and followed. (Against a deployed stack: tests/stack/test_redrive.py.)"""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from tools import redrive
from tools.deployment import ToolError

ARN = "arn:aws:sqs:eu-west-1:111111111111:EmailsDead"


def sqs(*statuses: str, code: str | None = None) -> SimpleNamespace:
    """A queue service whose move task goes through these states."""
    left = list(statuses)

    def start(**asked):
        assert asked == {"SourceArn": ARN}  # the way back is in the queue's own redrive policy
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
        deployment.attributes = lambda _: {"QueueArn": ARN}
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


def test_every_queue_has_a_way_back():
    assert set(redrive.ACTIONS) == set(redrive.DEAD)
    assert redrive.DEAD["agent-runs"] == ("data", "AgentRunsDead")
