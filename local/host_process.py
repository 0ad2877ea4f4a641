"""A host of the local stack as a child process: it gets its secret by its first line, and ends with the stack."""

import os
import subprocess
import sys
from pathlib import Path

from local import LocalError
from local.engine import ROOT, free_port

_END_WITHIN = 6.0


class HostProcess:
    """The process of `python -m <module> <folder> <port> <parent>`. It has only the variables that are named, none of the platform."""

    module: str
    variables: tuple[str, ...] = ("PATH", "HOME", "LANG")

    def __init__(self, folder: Path, log: Path, secret: str) -> None:
        self.folder, self.log, self.secret, self.port = folder, log, secret, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it and wait until it listens. Raises `LocalError`."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.module, str(self.folder), str(self.port), str(os.getpid())],
                cwd=ROOT,
                env={name: os.environ[name] for name in self.variables if name in os.environ},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self._process.stdin is not None  # noqa: S101 - they are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(f"{self.secret}\n".encode())
        self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise LocalError(f"{self.module} did not start; the end of {self.log}:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """End it, and it ends what it started."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_END_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
