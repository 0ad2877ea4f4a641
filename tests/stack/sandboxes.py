"""Sandboxes of the running stack: a workspace of a person, its requests, and the processes of this computer."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.waiting import eventually

WITHIN = 90.0  # seconds: of a busy machine
TEAMS = ("frontend-team", "backend-team", "security-team")


class Workspace:
    """A new person's workspace at aintandem. `data` is the stack's folder; `dynamodb` asks its tables, since a person who waits by
    asking again and again soon has no requests left."""

    def __init__(self, root: str, data: Path, dynamodb: Callable[[], Any]) -> None:
        self.root, self.data, self.dynamodb = root, data, dynamodb
        self.http = httpx2.Client(verify=False, timeout=60)
        self.email = f"sandboxes-{time.time_ns()}@example.com"
        body = {"name": "Ada", "email": self.email, "password": "correct horse battery"}
        self.token = self.http.post(f"{root}/agentworks/v1/auth/register", json=body).json()["token"]
        self.id = str(self.call("GET", "/workspaces")[0]["workspace_id"])

    def login(self) -> None:
        body = {"email": self.email, "password": "correct horse battery"}
        self.token = self.http.post(f"{self.root}/agentworks/v1/auth/login", json=body).json()["token"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.http.request(method, f"{self.root}/aintandem/api/v1{path}", json=body, headers=headers)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
        return answer.json()["data"] if answer.content else None

    def row(self, pk: str) -> dict[str, Any]:
        """Return a row of the core table, its attributes as text."""
        client = self.dynamodb()
        table = next(name for name in client.list_tables()["TableNames"] if "Core" in name)
        key = {"PK": {"S": pk}, "SK": {"S": "META"}}
        item = client.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
        return {name: next(iter(value.values())) for name, value in item.items()}

    def create(self, name: str, **more: Any) -> "Box":
        agent = {"name": f"{name}-lead", "role": "Lead", "system_prompt": "You lead a team."}
        body = {"name": name, "agent_config": {"primary_agent": agent}, "mcp_servers": ["filesystem"], **more}
        return Box(self, str(self.call("POST", f"/workspaces/{self.id}/sandboxes", body)["sandbox_id"]))

    def close(self) -> None:
        self.http.close()


class Box:
    """One sandbox."""

    def __init__(self, workspace: Workspace, sandbox_id: str) -> None:
        self.workspace, self.id = workspace, sandbox_id

    @property
    def folder(self) -> Path:
        return self.workspace.data / "sandboxes" / self.id.removeprefix("sb_")

    def status(self) -> Any:
        return self.workspace.call("GET", f"/sandboxes/{self.id}/status")

    def becomes(self, status: str, restarts: int | None = None) -> Any:
        """Wait until it has a status, after so many restarts; return what is shown then."""

        def reached(row: dict[str, Any]) -> bool:
            return row["status"] == status and restarts in (None, int(row.get("restart_count", 0)))

        eventually(self.row, reached, within=WITHIN)
        return self.status()

    def row(self) -> dict[str, Any]:
        return self.workspace.row(f"SBX#{self.id.removeprefix('sb_')}")

    def ask(self, to: "Box", text: str, **more: Any) -> str:
        """Send a request; return its id."""
        body = {"to_sandbox": to.id, "message_type": "request", "content": {"text": text}, "timeout": 120, **more}
        return str(self.workspace.call("POST", f"/sandboxes/{self.id}/messages", body)["message_id"])

    def notify(self, to: "Box", text: str) -> str:
        """Send a message that needs no answer; return its id."""
        return self.ask(to, text, message_type="notification")

    def delivered(self, message_id: str) -> dict[str, Any]:
        """Wait until a message was delivered; return its row."""
        pk = f"MSG#{message_id.removeprefix('msg_')}"
        found: dict[str, Any] = eventually(lambda: self.workspace.row(pk), lambda row: "delivered_at" in row, within=WITHIN)
        return found

    def answer(self, message_id: str) -> Any:
        pk = f"MSG#{message_id.removeprefix('msg_')}"
        eventually(lambda: self.workspace.row(pk), lambda row: "responded_at" in row, within=WITHIN)
        return self.workspace.call("GET", f"/messages/{message_id}")["response"]["content"]

    def log(self) -> list[str]:
        return [one["message"] for one in self.workspace.call("GET", f"/sandboxes/{self.id}/logs?limit=500")["logs"]]

    def processes(self) -> list[int]:
        """The agents of this sandbox that run on this computer."""
        mark = f"CADRE_SANDBOX_ID={self.id.removeprefix('sb_')}".encode()
        return [
            pid for pid in _pids() if mark in _read(pid, "environ").split(b"\0") and b"cadre_sandbox" in _read(pid, "cmdline")
        ]

    def journal(self, query: str) -> list[Any]:
        """Ask what its agent remembers."""
        path = self.folder / "files" / ".cadre" / "journal.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
            return base.execute(query).fetchall()

    def remembers(self) -> list[str]:
        return [json.loads(row[0])["content"] for row in self.journal("SELECT data FROM history ORDER BY place")]


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _read(pid: int, name: str) -> bytes:
    try:
        return (Path("/proc") / str(pid) / name).read_bytes()
    except OSError:
        return b""


@contextmanager
def running_teams(workspace: Workspace, **more: Any) -> Iterator[list[Box]]:
    """A sandbox for each of TEAMS, which runs. In the end they are deleted: no process and no file of them is left."""
    made = [workspace.create(name, **more) for name in TEAMS]
    for box in made:
        box.becomes("running")
    yield made
    for box in made:
        workspace.call("DELETE", f"/sandboxes/{box.id}")
    eventually(lambda: [pid for box in made for pid in box.processes()], lambda pids: not pids, within=WITHIN)
    eventually(lambda: [box.folder for box in made if box.folder.exists()], lambda left: not left, within=WITHIN)
