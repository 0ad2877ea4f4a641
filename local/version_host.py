"""The host of versions (`local.versions`) as a child process."""

import base64
import os
import secrets
import subprocess
import sys
from pathlib import Path

from local import LocalError
from local.engine import ROOT, free_port

_END_WITHIN = 6.0


class VersionHost:
    """One host over one folder. `environment` is what functions find it by; `url_of` is where people find what is deployed."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder, self.log, self.port = folder, log, free_port()
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {"CADRE_LOCAL_VERSIONS": f"{self.url}/hook", "CADRE_LOCAL_VERSIONS_SECRET": self.secret}

    def url_of(self, project_id: str, environment: str) -> str:
        return f"{self.url}/{project_id}/{environment}"

    def start(self) -> None:
        """Start it and wait until it listens. Raises `LocalError`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.versions", str(self.folder), str(self.port), str(os.getpid())],
                cwd=ROOT,
                env={name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
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
            raise LocalError(f"the host of versions did not start; the end of {self.log}:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """End it, and it ends its versions."""
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
