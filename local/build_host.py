"""The build host (`local.building`) as a child process."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

from local import LocalError
from local.engine import ROOT, free_port

_END_WITHIN = 6.0


class BuildHost:
    """One host over one folder. `environment` is what functions find it by."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder, self.log, self.port, self.key = folder, log, free_port(), secrets.token_urlsafe(32)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {"CADRE_BUILD_HOST": f"http://127.0.0.1:{self.port}", "CADRE_BUILD_HOST_KEY": self.key}

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it and wait until it listens. Raises `LocalError`."""
        names = ("PATH", "HOME", "LANG", "CADRE_BUILD_LIMITS")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.building", str(self.folder), str(self.port), str(os.getpid())],
                cwd=ROOT,
                env={name: os.environ[name] for name in names if name in os.environ},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self._process.stdin is not None  # noqa: S101 - they are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(f"{self.key}\n".encode())
        self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise LocalError(f"the build host did not start; the end of {self.log}:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """End it with everything that builds."""
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
