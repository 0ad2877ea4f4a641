"""What the agent is told by its environment."""

import os
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Settings:
    """`token` is replaced while the agent runs; the rest stays."""

    sandbox_id: str
    token: str
    api: str
    socket: str
    proxy: str = ""
    """The path of a Unix socket through which both are reached; empty: directly."""
    home: Path = Path()

    @classmethod
    def taken_from(cls, environment: MutableMapping[str, str]) -> "Settings":
        """Read the settings, and remove the token: no tool that the agent starts shall inherit it. Raises KeyError."""
        return cls(
            sandbox_id=environment["CADRE_SANDBOX_ID"].removeprefix("sb_"),
            token=environment.pop("CADRE_SANDBOX_TOKEN"),
            api=environment["CADRE_SANDBOX_API"].rstrip("/"),
            socket=environment["CADRE_SANDBOX_SOCKET"],
            proxy=environment.get("CADRE_SANDBOX_PROXY", ""),
            home=Path(environment.get("HOME") or os.getcwd()),
        )

    @property
    def work_folder(self) -> Path:
        return self.home / "work"
