"""The sandbox host (`local.sandboxes`) as a child process."""

import secrets
from pathlib import Path

from local.host_process import HostProcess


class SandboxHost(HostProcess):
    """One host over one folder. `environment` is what functions find it by."""

    module = "local.sandboxes"

    def __init__(self, folder: Path, log: Path) -> None:
        super().__init__(folder, log, secrets.token_urlsafe(32))

    @property
    def environment(self) -> dict[str, str]:
        return {"CADRE_SANDBOX_HOST": self.url, "CADRE_SANDBOX_HOST_KEY": self.secret}
