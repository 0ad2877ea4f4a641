"""`python -m local run` as a person uses it: up, used, ended, up again with the data kept, and killed."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from websockets.sync.client import connect

from local import synth
from local.engine import ROOT, free_port
from tests.shell import shell
from tests.waiting import eventually


class Running:
    """One `local run` over `data`, with what it printed."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.url = data, f"http://localhost:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local", "run"],
            cwd=ROOT,
            env=shell(CADRE_DATA=str(data), CADRE_PORT=str(port), CADRE_DEFAULT_PROVIDER="embedded"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.lines: list[str] = []
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if "ready" in line:
                break
        if not self.lines or "ready" not in self.lines[-1]:
            self.end(signal.SIGTERM)
            raise AssertionError(f"it did not get ready: {self.lines}")
        mark = json.loads((data / "local.json").read_text())
        self.engine = f"http://127.0.0.1:{mark['engine_port']}"

    def client(self, service: str) -> Any:
        session = botocore.session.Session(profile="default")  # else the variables of the tests come first
        session.set_config_variable("credentials_file", str(self.data / "credentials"))
        return boto3.session.Session(botocore_session=session).client(service)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def workers_below(data: Path) -> list[str]:
    """Processes that still run code unpacked below `data`, or its engine."""
    found = subprocess.run(["/bin/ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if str(data) in line]


def post(url: str, token: str | None, body: object | None) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, data=json.dumps(body).encode() if body else None, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def an_open_socket(url: str) -> str:
    """The address of a socket that a new person may open."""
    person = {"name": "A Person", "email": "person@example.com", "password": "a-long-password-1"}
    token = post(f"{url}/agentworks/v1/auth/register", None, person)["token"]
    workspace = post(f"{url}/agentworks/v1/workspaces", token, None)["workspaces"][0]
    return f"{url.replace('http', 'ws', 1)}/agentworks/api/workspaces/{workspace['id']}/events?token={token}"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("run") / "data"
    yield path
    assert workers_below(path) == []


@pytest.fixture
def started(data: Path) -> Iterator[Callable[[int], Running]]:
    """Starts a platform on a port; whatever a failing test leaves running is ended."""
    running: list[Running] = []

    def start(port: int) -> Running:
        running.append(Running(data, port))
        return running[-1]

    yield start
    for each in running:
        if each.process.poll() is None:
            each.end(signal.SIGTERM)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes as Linux shows them")
def test_a_day_in_the_life(data: Path, started: Callable[[int], Running]) -> None:
    port, sources = free_port(), synth.fingerprint(ROOT, {})
    first = started(port)
    found = json.loads((data / "endpoints.json").read_text())
    assert set(found["rest"]) == {"agentworks", "enterprise", "aintandem", "orchestrator", "omoios"}
    assert len(found["websockets"]) == 7
    assert found["versions"].startswith("http://127.0.0.1:")
    assert found["model"]["provider"] == "embedded"
    model = "embedded/cadre-embedded-1 (CADRE_DEFAULT_PROVIDER); for a language model start Ollama"
    assert [line for line in first.lines if line.startswith(f"model        {model}")]
    document = next(number for number, line in enumerate(first.lines) if line.startswith("  document   "))  # of the demo
    assert first.lines[document + 1].startswith("    > # ")
    assert [line for line in first.lines[document:] if line.startswith(f"  written by {model}")]
    with urllib.request.urlopen(f"{first.url}/local/health", timeout=10) as answer:
        assert answer.status == 200
    first.client("sqs").create_queue(QueueName="kept")
    with connect(an_open_socket(first.url), open_timeout=20):
        assert first.end(signal.SIGTERM) == 0  # with a socket open: the engine alone would wait for it
    assert not (data / "endpoints.json").exists()

    second = started(port)
    if synth.fingerprint(ROOT, {}) == sources:  # else somebody edits the sources while this runs, and they are deployed
        assert not any("deployed in" in line for line in second.lines)
    assert "kept" in second.client("sqs").get_queue_url(QueueName="kept")["QueueUrl"]
    assert second.engine == first.engine
    assert second.end(signal.SIGINT) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the engine follows its parent on Linux only")
def test_killed_without_warning_it_leaves_nothing_behind_and_starts_again(data: Path, started: Callable[[int], Running]) -> None:
    port = free_port()
    first = started(port)
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    eventually(lambda: workers_below(data), lambda left: left == [], 10)
    second = started(port)
    assert second.end(signal.SIGTERM) == 0
