"""The state machine's answers that a cancel must live with."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.runs.agent_runs import queue

ARN = "arn:aws:states:us-east-1:123456789012:execution:AgentRun:run-1-1"


class Machine:
    """A client that refuses to stop, with a code."""

    def __init__(self, code: str, status: str) -> None:
        self.code, self.status = code, status

    def stop_execution(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "StopExecution")

    def describe_execution(self, **_: Any) -> dict[str, str]:
        return {"status": self.status}


@pytest.mark.parametrize(
    ("code", "status"), [("ExecutionDoesNotExist", ""), ("ValidationException", "FAILED"), ("ValidationException", "SUCCEEDED")]
)
def test_an_execution_that_ended_by_itself_is_stopped(code: str, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "client", lambda _: Machine(code, status))
    queue.stop_execution(ARN, "Cancelled")


@pytest.mark.parametrize(("code", "status"), [("AccessDeniedException", ""), ("ValidationException", "RUNNING")])
def test_one_that_cannot_be_stopped_is_told(code: str, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "client", lambda _: Machine(code, status))
    with pytest.raises(ClientError):
        queue.stop_execution(ARN, "Cancelled")
