"""One start of one sandbox: its process tree, its limits, how it ended."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from local.building.processes import descendants, end_strays
from local.sandboxes import Limits, Plan
from local.sandboxes.isolation import AGENT, LIBRARIES, own_namespaces, places, words
from local.sandboxes.measuring import NotMeasured, exact_memory, size_of, use_of

_ROOT: Final = Path(__file__).parent.parent.parent
AGENT_CODE: Final = _ROOT / "sandbox" / "src"
_BURST: Final = 2.0  # seconds of CPU that may be used ahead, so that a start is not slowed down
_LOG_BYTES: Final = 1_000_000
_LOG_KEPT: Final = 64_000
_LAST_LINES: Final = 600  # characters of the log that say how it ended
_STARTS_WITHIN, _ENDS_WITHIN = 20.0, 10.0  # seconds
_UIDS: Final = (1_800_000_000, 100_000_000)  # users that no computer has: nothing belongs to them but what a sandbox has made
_FOLDER_EVERY: Final = 1.0  # seconds


class NotStarted(Exception):
    """The sandbox could not be started: says why."""


class Machine:
    """`place` is the sandbox's folder on the host: `files` is its own, `log` what its agent writes to standard error."""

    def __init__(self, place: Path, number: int, limits: Limits, *, isolate: bool, why_not: str = "") -> None:
        self.place, self.number, self.limits, self.isolate = place, number, limits, isolate
        self.exit: str | None = None
        self.isolation: list[str] = []
        self.facts: dict[str, Any] = {}
        self._why_not = why_not
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._first = 0
        self._ended = threading.Event()
        self._end_reason: str | None = None
        self._cpu, self._at, self._debt, self._paused = 0.0, time.monotonic(), -_BURST, False
        self._window = (time.monotonic(), 0.0)
        self._percent: float | None = None
        self._size: int | None = None
        self._sized_at = 0.0
        self._log_begins = 0

    @property
    def alive(self) -> bool:
        return self._first != 0 and not self._ended.is_set()

    @property
    def pid(self) -> int:
        """The first process of the sandbox, as the host sees it."""
        return self._first

    def start(self, environment: dict[str, str], proxy: Path, base: Path, arguments: list[str] | None = None) -> None:
        """Start the agent, or the program of `arguments`. Raises NotStarted."""
        files = self.place / "files"
        (files / ".tmp").mkdir(parents=True, exist_ok=True, mode=0o700)
        base.mkdir(parents=True, exist_ok=True)
        plan = self._plan(environment, proxy, base, arguments)
        if os.geteuid() == 0 and self.isolate:
            for folder in (files, files / ".tmp"):
                os.chown(folder, plan.outer_uid, plan.outer_uid, follow_symlinks=False)
        with (self.place / "log").open("ab") as log:
            self._log_begins = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-m", "local.sandboxes.launch"],
                cwd=_ROOT,
                env={},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdin is not None  # noqa: S101 - they are pipes
        assert self._process.stdout is not None  # noqa: S101
        waiting = threading.Timer(_STARTS_WITHIN, self._process.kill)
        waiting.start()
        try:
            self._process.stdin.write(json.dumps(asdict(plan)).encode() + b"\n")
            self._process.stdin.flush()
            self._begin(self._process.stdout)
        except (OSError, ValueError, KeyError) as error:
            raise self._failed(str(error)) from None
        finally:
            waiting.cancel()
        threading.Thread(target=self._follow, daemon=True).start()

    def _begin(self, lines: Any) -> None:
        """Read what the launcher says until the agent runs: two processes say it, in whatever order."""
        while not (self._first and self.facts):
            said = json.loads(lines.readline() or b'{"error": "The launcher ended"}')
            if "error" in said:
                raise OSError(said["error"])
            self._first, self.facts = said.get("pid", self._first), said.get("facts", self.facts)
        self.isolation = words(self.facts, self.limits, self._why_not)

    def _failed(self, reason: str) -> NotStarted:
        self._kill()
        self._close()
        self.exit = f"It could not be started: {reason}"
        self._ended.set()
        return NotStarted(self.exit)

    def _plan(self, environment: dict[str, str], proxy: Path, base: Path, arguments: list[str] | None) -> Plan:
        libraries = next(Path(path) for path in sys.path if path.endswith("site-packages"))
        read_only, links = places(AGENT_CODE, libraries)
        inside = self.isolate
        python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
        paths = [AGENT, LIBRARIES] if inside else [str(AGENT_CODE), str(libraries)]
        home = "/sandbox" if inside else str(self.place / "files")
        ours = {
            "PATH": f"{Path(python).parent}{os.pathsep}{os.defpath}",
            "HOME": home,
            "TMPDIR": "/tmp" if inside else f"{home}/.tmp",  # noqa: S108 - inside of it, a folder of its own
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CADRE_SANDBOX_PROXY": f"{'/run/cadre' if inside else proxy}/platform.sock",
        }
        return Plan(
            arguments=arguments or [python, "-s", "-m", "cadre_sandbox"],
            environment=environment | ours,
            folder=str(self.place / "files"),
            proxy=str(proxy),
            read_only=read_only,
            base=str(base),
            outer_uid=_UIDS[0] + zlib.crc32(self.place.name.encode()) % _UIDS[1],
            limits=asdict(self.limits),
            namespaces=own_namespaces(),
            isolate=inside,
            links=links,
        )

    def _follow(self) -> None:
        """Wait for the end and note how it ended."""
        process = self._process
        assert process is not None and process.stdout is not None  # noqa: S101, PT018 - it was started
        code: int | None = None
        for line in process.stdout:
            with contextlib.suppress(ValueError, AttributeError):
                code = json.loads(line).get("exit", code)
        self._kill()
        self._close()
        self.exit = self._end_reason or self._how(code)
        self._ended.set()

    def _how(self, code: int | None) -> str:
        if code is None:
            how = "It was ended from outside"
        elif code < 0:
            how = f"It was ended by {signal.Signals(-code).name}"
        else:
            how = f"It ended with exit status {code}"
        last = self.log()[-_LAST_LINES:].strip()
        return f"{how}. Its last lines: {last}" if last else how

    def log(self) -> str:
        """Return the end of what this start has written."""
        with contextlib.suppress(OSError), (self.place / "log").open("rb") as file:
            file.seek(max(self._log_begins, os.fstat(file.fileno()).st_size - _LOG_KEPT))
            return file.read(_LOG_KEPT).decode(errors="replace")
        return ""

    def stop(self, reason: str = "It was stopped") -> None:
        """End it with all its processes, and wait until they are gone."""
        with self._lock:
            self._end_reason = self._end_reason or reason
        self._kill()
        if self._first:
            self._ended.wait(10)

    def _kill(self) -> None:
        """Kill the first process: with it the kernel ends all of its namespace. Without namespaces each is sought and killed."""
        with self._lock:
            if self._first and not self._ended.is_set():
                rest = [] if self.isolate else [self._first, *descendants(self._first)]
                for pid in rest or [self._first]:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)
                if not self.isolate:
                    end_strays(f"CADRE_SANDBOX_ID={self.place.name}")

    def _close(self) -> None:
        """Reap what was started and close its pipes."""
        process = self._process
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()
        if self._first and self._first != process.pid:
            with contextlib.suppress(OSError):  # it is gone already
                _wait_for(self._first)
            with self._lock, contextlib.suppress(ChildProcessError):
                os.waitpid(self._first, 0)

    def look(self) -> None:
        """Measure it and hold it to its limits: pause it, or end it with the reason."""
        now = time.monotonic()
        most = self.limits.memory_mb * 1024**2
        with self._lock:
            if not self.alive:
                return
            use = use_of(self._first, most)
            self._pause_or_go_on(use.pids, use.cpu, now)
        if len(use.pids) > self.limits.max_processes:
            self.stop(f"It started more than {self.limits.max_processes} processes")
        elif use.memory > most:
            self.stop(f"It used more than {self.limits.memory_mb} MB of memory")
        elif now - self._sized_at > _FOLDER_EVERY:
            self._sized_at = now
            self._look_at_folder()

    def _pause_or_go_on(self, pids: list[int], cpu: float, now: float) -> None:
        used, took = max(0.0, cpu - self._cpu), now - self._at
        self._cpu, self._at = max(cpu, self._cpu), now
        self._debt = max(-_BURST, self._debt + used - took * self.limits.cpu_cores)
        if now - self._window[0] >= 2:
            self._percent = 100 * (self._cpu - self._window[1]) / (now - self._window[0])
            self._window = (now, self._cpu)
        pause = self._debt > 0
        if not pause and not self._paused:
            return
        for pid in pids:  # its first process goes on: it ends the sandbox if the host ends
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGSTOP if pause else signal.SIGCONT)
        self._paused = pause

    def _look_at_folder(self) -> None:
        try:
            self._size = size_of(self.place / "files", self.limits.files)
            if self._size > self.limits.disk_mb * 1024**2:
                self.stop(f"It stored more than {self.limits.disk_mb} MB of files")
        except NotMeasured as error:
            self.stop(str(error))
        log = self.place / "log"
        if log.stat().st_size > _LOG_BYTES:
            last = self.log().encode()
            log.write_bytes(last)  # the agent appends to it: whatever it writes next comes after
            self._log_begins = 0

    def usage(self) -> dict[str, Any]:
        """Return what was measured last; None where nothing was."""
        with self._lock:
            if not self.alive:
                return {}
            pids = list(descendants(self._first))
            memory = exact_memory(self._first)
        return {
            "cpu_percent": None if self._percent is None else round(self._percent, 1),
            "memory_mb": round(memory / 1024**2, 1),
            "disk_mb": None if self._size is None else round(self._size / 1024**2, 1),
            "processes": len(pids),
        }


def _wait_for(pid: int) -> None:
    """Wait until a process has ended, and with it its namespace, whoever its parent is."""
    descriptor = os.pidfd_open(pid)
    try:
        select.select([descriptor], [], [], _ENDS_WITHIN)
    finally:
        os.close(descriptor)
