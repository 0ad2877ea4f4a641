"""The e-commerce scenario on everything that is deployed: three sandboxes, each a process, implement a feature together with the embedded
model and leave documents, the same bytes each time; a kill in the middle loses nothing."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.stack.sandboxes import TEAMS, WITHIN, Box, Workspace, running_teams
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
DELIVERABLES = ["frontend_components", "backend_api", "security_review"]
TASK = """Implement user authentication for the shop.

- The frontend shows a login form with e-mail and password components.
- The backend API locks an account after 5 failed logins.
- The security review looks for passwords in logs.
"""


@pytest.fixture(scope="module")
def teams(workspace: Workspace) -> Iterator[list[Box]]:
    with running_teams(workspace) as made:
        yield made


def start(workspace: Workspace, **more: Any) -> str:
    body = {"task": TASK, "participants": list(TEAMS), "timeout": 300, "deliverables": DELIVERABLES, **more}
    return str(workspace.call("POST", f"/workspaces/{workspace.id}/collaboration/orchestrate", body)["collaboration_id"])


def ended(workspace: Workspace, started: str) -> Any:
    pk = f"COL#{started.removeprefix('col_')}"
    eventually(lambda: workspace.row(pk), lambda row: row["status"] not in ("initializing", "in_progress"), within=WITHIN)
    return workspace.call("GET", f"/collaborations/{started}")


def texts(workspace: Workspace, shown: Any) -> dict[str, str]:
    """The documents as agentworks shows them."""
    found = {}
    for one in shown["deliverables"]:
        url = f"{workspace.root}/agentworks/v1/documents/{one['document_id']}"
        answer = workspace.http.get(url, headers={"Authorization": f"Bearer {workspace.token}"})
        assert answer.status_code == 200, answer.text
        found[one["name"]] = str(answer.json()["content"])
    return found


def test_three_processes_implement_a_feature_together_and_the_same_work_makes_the_same_bytes(stack, workspace, teams):
    started = start(workspace)
    with connect(stack.ws("aintandem", f"/ws/collaborations/{started}?token={workspace.token}")) as socket:
        socket.send(json.dumps({"action": "subscribe", "channels": ["events"]}))
        frames: list[Any] = []
        while not frames or frames[-1].get("event") != "ended":
            frames.append(json.loads(socket.recv(timeout=WITHIN)))
    shown = ended(workspace, started)
    assert (shown["status"], shown["reason"]) == ("completed", None)
    assert [(one["name"], one["authors"][0]["name"]) for one in shown["deliverables"]] == list(
        zip(DELIVERABLES, TEAMS, strict=True)
    )
    assert len(shown["messages"]) == 6
    first = texts(workspace, shown)
    assert "> The backend API locks an account after 5 failed logins." in first["backend_api"]
    assert "- backend-team, backend_api: “The backend API locks an account after 5 failed logins.”" in first["security_review"]
    again = ended(workspace, start(workspace, project_id=shown["project_id"]))
    assert texts(workspace, again) == first


def test_a_participant_that_is_killed_in_the_middle_comes_back_and_nothing_is_lost(workspace, teams):
    backend = teams[1]
    started = start(workspace)
    (pid,) = backend.processes()
    os.kill(pid, signal.SIGKILL)
    shown = ended(workspace, started)
    assert (shown["status"], shown["reason"]) == ("completed", None)
    assert [one["authors"][0]["name"] for one in shown["deliverables"]] == list(TEAMS)
    assert backend.processes() != [pid]


@pytest.mark.parametrize("mode", ["peer_to_peer", "swarm"])
def test_the_other_modes_come_to_an_end_too(workspace, teams, mode):
    shown = ended(workspace, start(workspace, collaboration_mode=mode))
    assert (shown["status"], shown["reason"]) == ("completed", None)
    assert all(one["document_id"] for one in shown["deliverables"])
    assert (shown["consensus"] is None) == (mode == "peer_to_peer")
