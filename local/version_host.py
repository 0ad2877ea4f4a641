"""The host of versions (`local.versions`) as a child process."""

import base64
import secrets
from pathlib import Path

from local.host_process import HostProcess


class VersionHost(HostProcess):
    """One host over one folder. `environment` is what functions find it by; `url_of` is where people find what is deployed."""

    module = "local.versions"

    def __init__(self, folder: Path, log: Path) -> None:
        super().__init__(folder, log, "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())

    @property
    def environment(self) -> dict[str, str]:
        return {"CADRE_LOCAL_VERSIONS": f"{self.url}/hook", "CADRE_LOCAL_VERSIONS_SECRET": self.secret}

    def url_of(self, project_id: str, environment: str) -> str:
        return f"{self.url}/{project_id}/{environment}"
