"""The process of one version: a checkout of the build's commit, in which the environment's command runs."""

import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from local.building.processes import end_strays
from local.engine import free_port
from local.repositories import GIT, GIT_VARIABLES

CHILD = Path(__file__).with_name("child.py")
_CLONE_SECONDS = 60
_HEALTH_SECONDS = 2.0
_spawner = ThreadPoolExecutor(1, "spawner")
"""One thread that never ends starts all processes: the kernel ends a process with the thread that started it."""


class Version:
    """`problem` says why it cannot run."""

    def __init__(self, folder: Path, name: str, repository: str | None, commit: str, command: list[str]) -> None:
        self.folder, self.name, self.repository, self.commit, self.command = folder, name, repository, commit, command
        self.port = free_port()
        self.problem = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._preparing: Future[None] = _spawner.submit(self._prepare)

    @property
    def preparing(self) -> bool:
        return not self._preparing.done()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def is_healthy(self) -> bool:
        """Ask the version: it is healthy if `GET /health` answers below 500, which a version without this path does by 404."""
        if not self.alive:
            return False
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_HEALTH_SECONDS)
            connection.request("GET", "/health")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False

    def end(self, *, remove: bool) -> None:
        """End the process with all that it started; with `remove` its checkout goes too."""
        self._preparing.cancel()
        if not self._preparing.cancelled():
            self._preparing.exception()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._end_left()
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _end_left(self) -> None:
        """End what the version has in sessions of its own, or left when it or the host died: by its environment (Linux)."""
        end_strays(f"HOME={self.folder}")

    def _prepare(self) -> None:
        try:
            self._end_left()
            self._check_out()
            environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
            environment |= {"HOME": str(self.folder), "PORT": str(self.port), "VERSION": self.name, "GIT_COMMIT": self.commit}
            with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, str(CHILD), str(os.getpid()), *self.command],
                    cwd=self.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except subprocess.CalledProcessError as error:
            self.problem = f"the commit cannot be checked out: {error.stderr.decode(errors='replace').strip()[-200:]}"
        except (OSError, subprocess.TimeoutExpired) as error:
            self.problem = f"the version cannot be started ({type(error).__name__})"

    def _check_out(self) -> None:
        if self.folder.exists():  # of an earlier start of the host
            return
        if not self.repository:
            raise FileNotFoundError("the project has no repository")
        self._git("clone", "--quiet", "--no-checkout", "--", self.repository, str(self.folder))
        self._git("-C", str(self.folder), "checkout", "--quiet", "--detach", self.commit)

    def _git(self, *arguments: str) -> None:
        subprocess.run(
            [*GIT, "-c", "safe.directory=*", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | GIT_VARIABLES,
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_CLONE_SECONDS,
        )
