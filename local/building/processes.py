"""Running a command with limits, and ending everything that it started."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from local.building import BuildFailed, Limits

_PR_SET_CHILD_SUBREAPER: Final = 36  # linux/prctl.h
_LOOK: Final = 0.05  # seconds between two looks at a running command
_LAST: Final = 19  # nice: seventy processes that compute get as much of the machine as one ordinary one (kernel/sched/core.c)
_DYING: Final = 0.005  # seconds that a killed process takes to be gone


def adopt_orphans() -> None:
    """Become the parent of whatever loses its own below this process, so that nothing escapes by a session of its own (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1)


class Cancelled(Exception):
    """Somebody cancelled the build."""


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    log: IO[bytes],
    limits: Limits,
    until: float,
    cancelled: threading.Event,
) -> int:
    """Run a command until it ends; return its exit code, negative for a signal. Whatever it started has ended then too.

    Raises BuildFailed when a limit is passed (`until` is `time.monotonic`), Cancelled when the build was cancelled.
    """
    process = subprocess.Popen(
        _limited(command, limits, until),
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.setpriority(os.PRIO_PGRP, process.pid, _LAST)
        while process.poll() is None:
            go_on(until, cancelled, _LOOK)
            if sum(1 for _ in descendants()) > limits.processes:
                raise BuildFailed(f"The build started more than {limits.processes} processes")
            if os.fstat(log.fileno()).st_size > limits.log_bytes:
                raise BuildFailed(f"The build wrote more than {limits.log_bytes:,} bytes of log")
        return process.returncode
    finally:
        end_all(process)


def go_on(until: float, cancelled: threading.Event, wait: float = 0) -> None:
    """Raise BuildFailed if the time is up, Cancelled if the build was cancelled or is within `wait` seconds."""
    if cancelled.wait(wait):
        raise Cancelled
    if time.monotonic() > until:
        raise BuildFailed("The build took longer than it may")


def remove(folder: Path) -> None:
    """Remove a folder, however deep it is: `shutil.rmtree` recurses. Only where no build runs, which would end it."""
    subprocess.run(["rm", "-rf", "--", str(folder)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def _limited(command: Sequence[str], limits: Limits, until: float) -> list[str]:
    """Return the command behind its limits. A system that lacks one of them, or has a lower one, goes on with its own."""
    bounds = {
        "-t": max(1, int(until - time.monotonic()) + 1),  # seconds of CPU
        "-d": limits.memory // 1024,  # kilobytes that are written to; Node and the JVM only reserve far more than they use
        "-f": limits.file_bytes // 512,  # blocks, as POSIX counts them
        "-c": 0,
        "-n": 1024,
    }
    lines = "; ".join(f"ulimit {option} {bound} 2>/dev/null || :" for option, bound in bounds.items())
    return ["/bin/sh", "-c", f'{lines}; exec "$@"', "sh", *command]


def end_all(process: "subprocess.Popen[bytes]") -> None:
    """End a process with its group, and all that descends from this process."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for _ in range(200):  # what forks faster than it is killed is stopped first, all of it, then killed
        found = list(descendants())
        if not found:
            break
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
        _reap()
        time.sleep(_DYING)


def end_strays(variable: str) -> None:
    """End what was left: every process with this variable in its environment (Linux)."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if variable.encode() in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), signal.SIGKILL)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def descendants(of: int | None = None) -> Iterator[int]:
    """Yield the ids of all processes that descend from one, by default this one (Linux; elsewhere none are known)."""
    waiting = [of or os.getpid()]
    while waiting:  # no recursion: a build may make a chain of any length
        children: list[int] = []
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{waiting.pop()}/task").iterdir():
                children += map(int, (task / "children").read_text().split())
        yield from children
        waiting += children
