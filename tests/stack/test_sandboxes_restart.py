"""The whole platform is killed while sandboxes work, and started again: they run again, and nothing that was sent is lost."""

import signal
import sys
from pathlib import Path

import pytest

from local.engine import free_port
from tests.stack.sandboxes import WITHIN, Workspace
from tests.stack.test_run import Running
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


def test_killed_in_the_middle_of_messages_it_loses_none(tmp_path: Path) -> None:
    port = free_port()
    running = Running(tmp_path / "data", port)
    workspace = Workspace(running.url, running.data, lambda: running.client("dynamodb"))
    try:
        one, other = workspace.create("one"), workspace.create("other")
        for box in (one, other):
            box.becomes("running")
        sent = [one.ask(other, f"Question {number}", timeout=300) for number in range(10)]
        sent += [other.ask(one, f"Question {number}", timeout=300) for number in range(10)]
        running.end(signal.SIGKILL)
        eventually(lambda: one.processes() + other.processes(), lambda pids: not pids, within=WITHIN)
        running = Running(tmp_path / "data", port)
        assert any("start again" in line for line in running.lines)
        workspace.login()
        for box in (one, other):
            box.becomes("running")
        for number, message_id in enumerate(sent):
            answer = one.answer(message_id)
            assert f"Question {number % 10}" in answer.get("text", ""), answer
        for box in (one, other):  # each was answered once: an answer has one id, whatever was delivered twice
            (count,) = box.journal("SELECT count(*) FROM messages WHERE data LIKE '%\"request\"%' AND done = 1")[0]
            assert count == 10
        workspace.call("POST", f"/sandboxes/{one.id}/stop")
        one.becomes("stopped")
    finally:
        workspace.close()
        running.end(signal.SIGTERM)
    assert one.processes() + other.processes() == []
