"""The sandbox host of a laptop, asked as the platform asks it, with the real agent and a platform of tests behind the proxy."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local.sandbox_host import SandboxHost, start_again
from local.sandboxes.proxy import Way
from shared.sandboxes.machines.local import LocalMachine
from shared.sandboxes.machines.port import MachineUnavailable, Start
from tests.sandbox_platform import OTHER, SANDBOX, FakePlatform, message
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
WITHIN = 30.0


@pytest.fixture
def host(tmp_path: Path) -> Iterator[SandboxHost]:
    made = SandboxHost(tmp_path / "sandboxes", tmp_path / "log")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def machines(host: SandboxHost) -> LocalMachine:
    return LocalMachine(host.url, host.secret)


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    made = FakePlatform()
    yield made
    made.close()


def start(platform: FakePlatform | None = None, number: int = 1, sandbox_id: str = SANDBOX, **environment: str) -> Start:
    port = platform.port if platform else 9
    urls = {"platform_url": f"http://127.0.0.1:{port}", "socket_url": f"ws://127.0.0.1:{port}/ws"}
    resources = {"memory_mb": 256, "cpu_cores": 1, "timeout_seconds": 30, "max_processes": 10, "disk_mb": 16}
    return Start(sandbox_id, number, "a-token", resources=resources, environment=environment, **urls)


def pid_of(host: SandboxHost, number: int = 1) -> int:
    answer = httpx2.get(f"{host.url}/sandboxes/{SANDBOX}/{number}", headers={"Authorization": f"Bearer {host.secret}"})
    return int(answer.json()["pid"])


def test_a_sandbox_reaches_its_platform_by_the_proxy_and_answers(host, machines, platform):
    made = machines.start(start(platform, GREETING="hello"))
    assert made["isolation"]
    assert machines.look(made).alive
    eventually(lambda: platform.of("ready"), within=WITHIN)
    platform.deliver(message("m1"))
    (answer,) = eventually(lambda: platform.answers("m1"), within=WITHIN)
    assert answer["content"]["text"].startswith("Done: Request from backend-team")
    usage = eventually(lambda: platform.of("heartbeat"), within=WITHIN)[0]["usage"]
    assert usage["memory_mb"] > 1
    assert usage["network_in_bytes"] > 100  # the host counts what goes through the proxy
    machines.stop(made)
    assert not machines.look(made).alive


def test_the_same_start_is_made_once_and_a_later_one_ends_the_one_before(host, machines):
    first = machines.start(start())
    pid = pid_of(host)
    assert machines.start(start()) == first
    assert pid_of(host) == pid
    second = machines.start(start(number=2))
    assert not os.path.exists(f"/proc/{pid}")
    assert machines.look(second).alive
    machines.stop(first)  # comes late, and ends nothing
    assert machines.look(second).alive
    with pytest.raises(MachineUnavailable):
        machines.start(start(number=1))
    machines.stop(second)
    machines.stop(second)


def test_files_are_kept_until_they_are_to_be_forgotten(host, machines):
    made = machines.start(start())
    kept = host.folder / SANDBOX / "files" / "kept"
    kept.write_text("x")
    machines.stop(made)
    again = machines.start(start(number=2))
    assert kept.read_text() == "x"
    machines.stop(again, forget=True)
    assert not (host.folder / SANDBOX).exists()
    assert machines.look(again).exit == "The host does not know it"


def test_an_agent_that_ends_is_told_with_its_last_lines(host, machines, platform):
    platform.refuses = lambda _method, _path: 401
    made = machines.start(start(platform))
    state = eventually(lambda: machines.look(made), lambda one: not one.alive, within=WITHIN)
    assert state.exit.startswith("It ended with exit status 3. Its last lines: ")
    assert "The platform refuses the token of this start" in state.exit


def test_resources_that_are_no_numbers_are_refused(machines):
    for wrong in ("many", -1, 0, None):
        told = replace(start(), resources={"memory_mb": wrong} if wrong is not None else {"memory_mb": []})
        with pytest.raises(MachineUnavailable):
            machines.start(told)


def test_nobody_without_the_key_is_heard(host, machines):
    made = machines.start(start())
    with pytest.raises(MachineUnavailable):
        LocalMachine(host.url, "another-key").stop(made)
    assert machines.look(made).alive
    assert httpx2.get(f"{host.url}/sandboxes/{SANDBOX}/1").status_code == 401


@pytest.mark.parametrize(
    "path", ["/", "/sandboxes", f"/sandboxes/{SANDBOX}", "/sandboxes/../../etc/1", f"/sandboxes/{SANDBOX}/-1"]
)
def test_other_paths_are_unknown(host, path):
    headers = {"Authorization": f"Bearer {host.secret}"}
    assert httpx2.put(f"{host.url}{path}", json={}, headers=headers).status_code == 404


def test_a_killed_host_takes_its_sandboxes_along_and_they_are_known_afterwards(host, machines):
    machines.start(start())
    ended = machines.start(start(sandbox_id=OTHER))
    machines.stop(ended)
    pid = pid_of(host)
    os.kill(host.pid, signal.SIGKILL)
    eventually(lambda: os.path.exists(f"/proc/{pid}"), lambda there: not there, within=WITHIN)
    assert list(host.ended_with_the_stack()) == [(SANDBOX, 1)]


def test_what_ran_starts_again_under_the_same_number():
    begun: list[dict[str, Any]] = []

    class States:
        def start_execution(self, **about: str) -> None:
            begun.append(about)

    assert start_again(States(), "arn", iter([(SANDBOX, 3)])) == 1
    (about,) = begun
    assert about["stateMachineArn"] == "arn"
    assert len(about["name"]) <= 80
    assert about["input"] == f'{{"sandbox_id": "{SANDBOX}", "start_number": 3, "next": "start", "seconds": 0}}'


WAY = Way(SANDBOX, "http://localhost:8000/aintandem/api/v1", f"ws://localhost:8000/aintandem/ws/sandboxes/sb_{SANDBOX}", dict)
BASE = "/aintandem/api/v1"


@pytest.mark.parametrize(
    ("path", "upgrade"),
    [
        (f"{BASE}/sandboxes/sb_{SANDBOX}/messages", False),
        (f"{BASE}/sandboxes/{SANDBOX}/egress?x=1", False),
        (f"{BASE}/messages/{OTHER}", False),
        (f"/aintandem/ws/sandboxes/sb_{SANDBOX}", True),
    ],
)
def test_the_proxy_leads_to_the_platform_for_this_sandbox(path, upgrade):
    assert WAY.target("localhost:8000", path, upgrade=upgrade) == ("localhost", 8000)


@pytest.mark.parametrize(
    ("host_name", "path", "upgrade"),
    [
        ("localhost:8001", f"{BASE}/messages/{OTHER}", False),
        ("169.254.169.254", "/latest/meta-data", False),
        ("localhost:8000", f"{BASE}/sandboxes/sb_{OTHER}/messages", False),
        ("localhost:8000", f"{BASE}/sandboxes/sb_{SANDBOX}", False),
        ("localhost:8000", f"{BASE}/sandboxes/sb_{SANDBOX}/../sb_{OTHER}/messages", False),
        ("localhost:8000", f"{BASE}/sandboxes/sb_{SANDBOX}/%2e%2e/sb_{OTHER}/messages", False),
        ("localhost:8000", f"{BASE}//sandboxes/sb_{SANDBOX}/messages", False),
        ("localhost:8000", f"{BASE}/workspaces", False),
        ("localhost:8000", f"/agentworks/v1{BASE}/messages/1", False),
        ("localhost:8000", f"/aintandem/ws/sandboxes/sb_{OTHER}", True),
        ("localhost:8000", f"{BASE}/sandboxes/sb_{SANDBOX}/messages", True),
        ("localhost:8000", f"/aintandem/ws/sandboxes/sb_{SANDBOX}", False),
    ],
)
def test_and_nowhere_else(host_name, path, upgrade):
    assert WAY.target(host_name, path, upgrade=upgrade) is None


def test_the_run_folder_of_another_person_is_not_used(tmp_path):
    """A folder in the shared temporary folder that somebody else has made first would lead a sandbox's proxy through their hands."""
    code = (
        "import sys; sys.argv = ['x']; from pathlib import Path; from local.sandboxes.__main__ import _run_folder\n"
        f"import tempfile; tempfile.tempdir = {str(tmp_path)!r}\n"
        f"run = _run_folder(Path('a')); run.rmdir(); run.symlink_to({str(tmp_path)!r}); _run_folder(Path('a'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - our own code
    assert done.returncode == 1
    assert "belongs to somebody else" in done.stderr
