"""Sandboxes through everything that is deployed: they run as limited processes, answer each other, crash, come back, sleep and wake."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest
from websockets.sync.client import connect

from tests.stack.sandboxes import WITHIN, Box, Workspace, running_teams
from tests.stack.test_redrive import resource
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@pytest.fixture(scope="module")
def teams(workspace: Workspace) -> Iterator[list[Box]]:
    with running_teams(workspace, environment_variables={"NODE_ENV": "development"}) as made:
        yield made


def test_three_sandboxes_are_three_limited_processes_and_their_status_is_true(workspace, teams):
    found = [box.processes() for box in teams]
    assert [len(one) for one in found] == [1, 1, 1]
    for box, (pid,) in zip(teams, found, strict=True):
        assert os.getpriority(os.PRIO_PROCESS, pid) == 19
        shown = eventually(box.status, lambda one: one["resources"]["memory_mb"]["used"] is not None, within=WITHIN)
        assert shown["health"]["status"] == "healthy"
        assert shown["connections"] == {"collaboration_bus": "connected", "mcp_servers": {"filesystem": "connected"}}
        assert 5 < shown["resources"]["memory_mb"]["used"] < 200
        isolated = os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")
        assert any("no network" in line for line in shown["isolation"]) == isolated
        eventually(
            box.log, lambda lines: lines[:2] == ["Agent started successfully", "Connected to collaboration bus"], within=WITHIN
        )
    measured = workspace.call("GET", f"/sandboxes/{teams[0].id}")["metrics"]
    assert measured["uptime_seconds"] >= 0
    assert measured["memory_usage_mb"] > 5


def test_a_request_is_answered_while_a_viewer_sees_it(stack, workspace, teams):
    frontend, backend, _ = teams
    with connect(stack.ws("aintandem", f"/ws/sandboxes/{backend.id}?token={workspace.token}")) as socket:
        socket.send(json.dumps({"action": "subscribe", "channels": ["messages"]}))
        sent = frontend.ask(backend, "Design the API of the shop")
        assert "Design the API of the shop" in backend.answer(sent)["text"]
        seen: list[str] = []
        until = time.monotonic() + WITHIN
        while not any("Written by the embedded model" in text for text in seen):
            seen.append(str(socket.recv(timeout=until - time.monotonic())))
    shown = [one for one in map(json.loads, seen) if one["channel"] == "messages"]
    assert any(sent in json.dumps(one) for one in shown)


def test_a_killed_one_comes_back_with_its_history_and_answers_what_came_meanwhile(teams):
    frontend, backend, _ = teams
    backend.answer(frontend.ask(backend, "Remember the invoice table"))
    before = backend.status()["restart_count"]
    (pid,) = backend.processes()
    os.kill(pid, signal.SIGKILL)
    sent = frontend.ask(backend, "What did I ask before?")
    shown = backend.becomes("running", before + 1)
    assert shown["reason"] is None
    assert backend.processes() != [pid]
    backend.answer(sent)
    eventually(
        backend.remembers,
        lambda texts: all(any(asked in text for text in texts) for asked in ("invoice table", "ask before")),
        within=WITHIN,
    )


def test_an_idle_one_sleeps_and_its_next_message_wakes_it(stack, workspace, teams):
    frontend = teams[0]
    sleeper = workspace.create("night-team", idle_seconds=60)
    sleeper.becomes("running")
    key = {"PK": {"S": f"LINK#{sleeper.id.removeprefix('sb_')}"}, "SK": {"S": "META"}}
    link = {"TableName": resource(stack, "data", "Ephemeral"), "Key": key, "UpdateExpression": "SET message_at = :then"}
    then = {":then": {"N": str(int(time.time()) - 3_600)}}
    stack.boto("dynamodb").update_item(**link, ExpressionAttributeValues=then)  # an hour ago: nobody waits for it here
    asleep = sleeper.becomes("asleep")
    assert (asleep["asleep"], asleep["status"], asleep["reason"]) == (True, "stopped", "It was idle")
    assert sleeper.processes() == []
    assert "Wake up" in sleeper.answer(frontend.ask(sleeper, "Wake up"))["text"]
    assert len(sleeper.processes()) == 1
    workspace.call("POST", f"/sandboxes/{sleeper.id}/stop")
    sleeper.becomes("stopped")
    eventually(sleeper.processes, lambda pids: not pids, within=WITHIN)
    workspace.call("DELETE", f"/sandboxes/{sleeper.id}")


def test_three_crashes_in_a_minute_are_an_error_with_the_last_lines_of_the_log(workspace, teams):
    frontend = teams[0]
    box = workspace.create("fragile-team")
    box.becomes("running")
    for crash in range(3):
        (pid,) = eventually(box.processes, within=WITHIN)
        os.kill(pid, signal.SIGABRT)
        if crash < 2:
            box.becomes("running", crash + 1)
    shown = box.becomes("error")
    assert shown["reason"].startswith("It crashed 3 times within 60 seconds. It was ended by SIGABRT. Its last lines: ")
    assert "Connected to collaboration bus" in shown["reason"]
    assert box.processes() == []
    refused = workspace.http.post(
        f"{workspace.root}/aintandem/api/v1/sandboxes/{frontend.id}/messages",
        json={"to_sandbox": box.id, "content": {"text": "Are you there?"}},
        headers={"Authorization": f"Bearer {workspace.token}"},
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "SANDBOX_NOT_READY")
    workspace.call("POST", f"/sandboxes/{box.id}/start")
    box.becomes("running")
    workspace.call("DELETE", f"/sandboxes/{box.id}")
