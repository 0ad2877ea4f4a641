"""Attempts to leave a sandbox or to harm what is outside of it. Each runs inside, with small limits and the lowest priority.

The tests start the launcher as the host does, with a program of their own instead of the agent.
"""

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.building.processes import descendants, remove
from local.sandboxes import Limits
from local.sandboxes.isolation import own_namespaces
from local.sandboxes.machine import Machine, NotStarted
from tests.waiting import eventually

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's"),
]
LIMITS = Limits(memory_mb=96, cpu_cores=1, max_processes=6, disk_mb=8, open_files=64, files=200)
WITHIN = 60.0


def _can_isolate(folder: Path) -> str:
    if not own_namespaces():
        return "no namespaces"
    machine = Machine(folder / "0", 1, LIMITS, isolate=True)
    try:
        machine.start({}, _made(folder / "p"), folder / "b", ["/bin/true"])
    except NotStarted as error:
        return str(error)
    machine.stop()
    return ""


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sandboxes")
    if why := _can_isolate(folder):
        pytest.skip(f"this system cannot isolate: {why}")
    return folder


@contextmanager
def running(place: Path, code: str, limits: Limits = LIMITS, *, isolate: bool = True) -> Iterator[Machine]:
    """A sandbox that runs a piece of Python, looked at as the host does."""
    machine = Machine(place / f"m{len(list(place.iterdir()))}", 1, limits, isolate=isolate)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            machine.look()

    python = os.path.realpath(sys._base_executable)  # type: ignore[attr-defined]  # of CPython: outside of the virtual environment
    machine.start({"SECRET_OF_ITS_OWN": "1"}, _made(place / "p"), place / "b", [python, "-I", "-c", code])
    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield machine
    finally:
        ended.set()
        watching.join()
        machine.stop()
        remove(machine.place)


def ended(machine: Machine) -> str:
    """Wait until it has ended; return how."""
    eventually(lambda: machine.exit, within=WITHIN)
    assert not machine.alive
    assert not os.path.exists(f"/proc/{machine.pid}/ns/pid") or not list(descendants(machine.pid))
    return str(machine.exit)


def found(place: Path, code: str, limits: Limits = LIMITS) -> Any:
    """Run a piece of Python whose `result` is returned; it must end well."""
    whole = f"import json, os\n{code}\njson.dump(result, open('/sandbox/result.json', 'w'))\n"
    with running(place, whole, limits) as machine:
        how = ended(machine)
        assert how == "It ended with exit status 0", how
        return json.loads((machine.place / "files" / "result.json").read_text())


TRY = """
def attempt(what):
    try:
        return repr(what())
    except OSError as error:
        return error.strerror or type(error).__name__
    except Exception as error:
        return type(error).__name__
"""


def test_what_is_in_force_is_measured_inside(place):
    with running(place, "pass") as machine:
        facts = machine.facts
        assert set(facts["namespaces"]) >= {"user", "mnt", "pid", "net", "ipc", "uts"}
        assert facts["interfaces"] == []
        assert facts["without_rights"]
        assert facts["calls_filtered"]
        assert not facts["new_user_namespaces"]
        assert not facts["sees_host_files"]
        assert any("no network" in sentence for sentence in machine.isolation)


def test_a_fork_bomb_ends_its_own_sandbox_only(place):
    before = _tasks()
    code = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n"
    with running(place, code) as machine:
        assert "more than 6 processes" in ended(machine)
    eventually(_tasks, lambda now: now < before + 50, within=WITHIN)


def test_the_kernel_refuses_more_tasks_than_the_limit(place):
    code = (
        "import time\nchildren = 0\ntry:\n    while children < 400:\n        pid = os.fork()\n"
        "        if pid == 0:\n            time.sleep(30)\n            os._exit(0)\n        children += 1\n"
        "except BlockingIOError:\n    pass\nresult = children"
    )
    limits = Limits(memory_mb=400, max_processes=4, disk_mb=8)
    machine = Machine(place / "tasks", 1, limits, isolate=True)  # nobody looks at it: only the kernel's own limit holds
    python = os.path.realpath(sys._base_executable)  # type: ignore[attr-defined]
    whole = f"import json, os\n{code}\njson.dump(result, open('/sandbox/result.json', 'w'))\ntime.sleep(30)"
    machine.start({}, _made(place / "p"), place / "b", [python, "-I", "-c", whole])
    try:
        if machine.facts["tasks"] is None:
            pytest.skip("this kernel does not count the processes of a user namespace by themselves")
        children = eventually(lambda: _read(machine), within=WITHIN)
        assert 0 < children < limits.tasks
    finally:
        machine.stop()
    eventually(lambda: not os.path.exists(f"/proc/{machine.pid}"), within=WITHIN)


def _read(machine: Machine) -> Any:
    path = machine.place / "files" / "result.json"
    return json.loads(path.read_text()) if path.exists() and path.read_text() else None


def _tasks() -> int:
    return len([name for name in os.listdir("/proc") if name.isdigit()])


def test_one_process_cannot_have_more_memory_than_the_sandbox(place):
    result = found(place, f"{TRY}\nresult = attempt(lambda: len(bytearray(200_000_000)))")
    assert result == "MemoryError"


def test_processes_together_cannot_have_more_memory_than_the_sandbox(place):
    code = (
        "import os, time\nfor _ in range(4):\n    if os.fork() == 0:\n        kept = bytearray(60_000_000)\n"
        "        for at in range(0, len(kept), 4096):\n            kept[at] = 1\n        time.sleep(60)\ntime.sleep(60)"
    )
    with running(place, code) as machine:
        assert "more than 96 MB of memory" in ended(machine)


def test_memory_that_belongs_to_no_process_is_refused(place):
    code = TRY + (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "shm = libc.shmget(0, 50_000_000, 0o1600)\n"
        "def fill():\n    with open('/dev/shm/x', 'wb') as file:\n        file.write(b'x' * 30_000_000)\n"
        "result = [attempt(lambda: os.memfd_create('x')), shm, attempt(fill)]"
    )
    memfd, shm, filled = found(place, code, Limits(memory_mb=128, disk_mb=64))
    assert memfd == "Operation not permitted"
    assert shm == -1
    assert filled == "No space left on device"


def test_a_full_disk_is_its_own(place):
    one = TRY + "def fill():\n    with open('/sandbox/x', 'wb') as file:\n        file.write(b'x' * 20_000_000)\n"
    one += "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresult = attempt(fill)\nos.remove('/sandbox/x')"
    assert found(place, one) == "File too large"
    many = "import time\nfor n in range(20):\n    open(f'/tmp/{n}', 'wb').write(b'x' * 1_000_000)\ntime.sleep(60)"
    with running(place, many) as machine:
        assert "more than 8 MB of files" in ended(machine)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("for n in range(500):\n    open(f'/sandbox/{n}', 'w').close()", "more than 200 files"),
        ("for n in range(3000):\n    os.mkdir('d'); os.chdir('d')", "files"),
        ("os.mkdir('/sandbox/closed'); os.chmod('/sandbox/closed', 0)", None),
    ],
    ids=["many files", "a deep folder", "a closed folder"],
)
def test_a_folder_that_nobody_could_measure_ends_the_sandbox(place, code, said):
    with running(place, f"import os, time\n{code}\ntime.sleep(60 if {said!r} else 3)") as machine:
        how = ended(machine)
        if said is not None:
            assert said in how or "too deep" in how
        elif os.geteuid() != 0:  # root measures it all the same
            assert "cannot be measured" in how


def test_cpu_is_shared(place):
    code = "import os\nfor _ in range(3):\n    os.fork()\nwhile True:\n    pass"
    limits = Limits(memory_mb=96, cpu_cores=0.25, max_processes=9, disk_mb=8)
    with running(place, code, limits) as machine:
        eventually(lambda: machine._cpu > 3, within=WITHIN)  # the seconds that may be used ahead are used
        begun, cpu = machine._at, machine._cpu
        eventually(lambda: machine._at - begun > 6, within=WITHIN)
        assert (machine._cpu - cpu) / (machine._at - begun) < 0.6


@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/etc/hostname", "/home", "/work", "/var", "/sys", "/proc/1/root/etc/shadow", "/proc/1/cwd/.."]
)
def test_files_of_the_host_are_not_there(place, path):
    result = found(
        place, f"{TRY}\nresult = attempt(lambda: os.listdir({path!r}) if os.path.isdir({path!r}) else open({path!r}).read())"
    )
    assert (
        result in ("No such file or directory", "Permission denied")
        or "proc" in result
        or result.startswith("['proc'")
        or "dev" in result
    )


def test_the_data_of_others_is_not_there(place):
    (place / "secret.txt").write_text("a canary")
    code = (
        "seen = []\nfor folder, _, files in os.walk('/'):\n"
        "    if folder.startswith(('/proc', '/usr', '/opt')):\n        continue\n    seen += [os.path.join(folder, f) for f in files]\n"
        "result = [path for path in seen if 'secret.txt' in path]"
    )
    assert found(place, code) == []
    path = str(place / "secret.txt")
    links = TRY + f"os.symlink({path!r}, '/sandbox/link')\nresult = attempt(lambda: open('/sandbox/link').read())"
    assert found(place, links) == "No such file or directory"


def test_only_its_own_folder_can_be_written(place):
    code = TRY + (
        "result = {path: attempt(lambda: open(path + '/x', 'w')) for path in\n"
        "          ('/', '/usr', '/etc', '/opt/cadre/agent', '/opt/cadre/libraries', '/run/cadre', '/dev', '/proc')}"
    )
    answers = found(place, code)
    assert set(answers.values()) <= {"Read-only file system", "Permission denied", "No such file or directory", "Not a directory"}


def test_links_in_its_folder_lead_nowhere_for_the_host(place, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x" * 100)
    code = f"os.symlink({str(outside)!r}, '/sandbox/way'); os.symlink('/', '/sandbox/root'); result = 1"
    whole = f"import json, os, time\n{code}\njson.dump(result, open('/sandbox/result.json', 'w'))\ntime.sleep(60)"
    with running(place, whole) as machine:
        eventually(lambda: _read(machine), within=WITHIN)
        eventually(lambda: machine.usage().get("disk_mb") is not None, within=WITHIN)
        assert machine.usage()["disk_mb"] < 1
    assert not machine.place.exists()
    assert (outside / "kept").read_text() == "x" * 100


def test_nothing_of_the_host_is_inherited(place, monkeypatch):
    monkeypatch.setenv("CANARY_OF_THE_HOST", "secret-canary")
    with Path("/dev/null").open("rb") as kept:
        os.set_inheritable(kept.fileno(), True)
        code = (
            "result = [dict(os.environ), [open(f'/proc/{p}/environ').read() for p in os.listdir('/proc') if p.isdigit()"
            " and os.access(f'/proc/{p}/environ', os.R_OK)], sorted(os.listdir('/proc/self/fd'))]"
        )
        environment, others, descriptors = found(place, code)
    assert "secret-canary" not in json.dumps([environment, others])
    assert set(environment) <= {
        *("PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "CADRE_SANDBOX_PROXY"),
        "SECRET_OF_ITS_OWN",
    }
    assert len(descriptors) <= 4  # the three of every process, and the folder that is being listed


def test_processes_outside_cannot_be_seen_or_signalled(place):
    code = TRY + (
        "import signal\npids = sorted(int(p) for p in os.listdir('/proc') if p.isdigit())\n"
        f"tries = [attempt(lambda pid=pid: os.kill(pid, signal.SIGKILL)) for pid in ({os.getpid()}, 1)]\n"
        "result = [pids, *tries, os.getppid()]"
    )
    pids, other, first, parent = found(place, code)
    assert pids == [1, 2] or len(pids) <= 3
    assert other == "No such process"
    assert first == "None"  # the first process of a namespace does not hear its own children
    assert parent == 1


def test_other_processes_cannot_be_traced(place):
    code = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "def call(number, *rest):\n    ctypes.set_errno(0)\n    return [libc.syscall(number, *rest), ctypes.get_errno()]\n"
        "import platform\n"
        "known = {'x86_64': (101, 272, 165, 321, 250, 308), 'aarch64': (117, 97, 40, 280, 219, 268)}\n"
        "numbers = known[platform.machine()]\n"
        "result = [call(number, 0, 0, 0, 0, 0) for number in (*numbers, 425, 428, 442)]"
    )
    assert found(place, code) == [[-1, 1]] * 9  # EPERM


def test_the_network_is_not_there(place):
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    code = TRY + (
        "import socket\ndef to(host, port):\n    with socket.create_connection((host, port), 2) as c:\n        return c.getpeername()\n"
        f"targets = [('127.0.0.1', {port}), ('127.0.0.1', 8000), ('169.254.169.254', 80), ('10.0.0.1', 80)]\n"
        f"targets += [('1.1.1.1', 53), ('::1', {port}), ('fe80::1', 80)]\n"
        "result = [attempt(lambda: to(*target)) for target in targets]\n"
        "raw = attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))\n"
        "packet = attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))\n"
        "abstract = attempt(lambda: socket.socket(socket.AF_UNIX).connect('\\0cadre-canary'))\n"
        "result += [raw, packet, abstract]"
    )
    with listening, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0cadre-canary")
        abstract.listen()
        answers = found(place, code)
    assert set(answers[:7]) <= {"Network is unreachable", "Cannot assign requested address", "Invalid argument"}
    assert set(answers[7:]) == {"Operation not permitted", "Connection refused"}


def test_a_setuid_program_gives_no_rights(place):
    code = TRY + (
        "import shutil, subprocess\nshutil.copy('/bin/sh', '/sandbox/sh')\nchanged = attempt(lambda: os.chmod('/sandbox/sh', 0o6755))\n"
        "who = subprocess.run(['/sandbox/sh', '-p', '-c', 'id -u'], capture_output=True, text=True).stdout.strip()\n"
        "status = open('/proc/self/status').read()\n"
        "result = [who, attempt(lambda: os.setuid(0)), attempt(lambda: os.chroot('/sandbox')), 'NoNewPrivs:\\t1' in status]"
    )
    who, changed, rooted, held = found(place, code)
    assert who == "1000"
    assert changed in ("Operation not permitted", "Invalid argument")
    assert rooted == "Operation not permitted"
    assert held


def test_devices_cannot_be_made(place):
    code = TRY + "import stat\nresult = attempt(lambda: os.mknod('/sandbox/disk', 0o600 | stat.S_IFBLK, os.makedev(254, 0)))"
    assert found(place, code) == "Operation not permitted"


def test_a_crash_leaves_no_core(place):
    with running(place, "import os\nos.chdir('/sandbox')\nos.abort()") as machine:
        assert "SIGABRT" in ended(machine)
        assert [path.name for path in (machine.place / "files").iterdir()] == [".tmp"]


def test_a_flood_of_log_lines_does_not_fill_the_disk(place):
    code = (
        "import sys, time\nfor _ in range(7):\n    sys.stderr.write('x' * 1_000_000)\n    sys.stderr.flush()\n"
        "open('/sandbox/done', 'w')\ntime.sleep(60)"
    )
    with running(place, code) as machine:
        eventually((machine.place / "files" / "done").exists, within=WITHIN)
        eventually(lambda: (machine.place / "log").stat().st_size, lambda size: size < 1_100_000, within=WITHIN)


def test_it_ends_with_its_host(place):
    """Whoever holds the launcher's standard input goes, and so does the sandbox."""
    with running(place, "import time\ntime.sleep(60)") as machine:
        assert machine._process is not None
        assert machine._process.stdin is not None
        machine._process.stdin.close()
        assert ended(machine) == "It was ended from outside"


def test_without_namespaces_it_is_said(place):
    with running(place, "import time\ntime.sleep(60)", isolate=False) as machine:
        assert any("No namespaces" in sentence for sentence in machine.isolation)
        assert any("files are not isolated" in sentence for sentence in machine.isolation)
        assert any("network is not isolated" in sentence for sentence in machine.isolation)
        pid = machine.pid
        machine.stop()
        eventually(lambda: not os.path.exists(f"/proc/{pid}"), within=WITHIN)


def test_a_killed_agent_is_reported(place):
    with running(place, "import time\ntime.sleep(60)") as machine:
        (agent,) = eventually(lambda: list(descendants(machine.pid)), within=WITHIN)
        os.kill(agent, signal.SIGKILL)
        assert "SIGKILL" in ended(machine)
