"""The build host (`local.building`) as a child process."""

import secrets
from pathlib import Path

from local.host_process import HostProcess


class BuildHost(HostProcess):
    """One host over one folder. `environment` is what functions find it by."""

    module = "local.building"
    variables = (*HostProcess.variables, "CADRE_BUILD_LIMITS")

    def __init__(self, folder: Path, log: Path) -> None:
        super().__init__(folder, log, secrets.token_urlsafe(32))

    @property
    def environment(self) -> dict[str, str]:
        return {"CADRE_BUILD_HOST": self.url, "CADRE_BUILD_HOST_KEY": self.secret}
