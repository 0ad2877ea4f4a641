"""Which repositories the hosts of this laptop clone, https and folders that are not the platform's own, and how they run git."""

import os
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

GIT: Final = ("git", "-c", "core.hooksPath=/dev/null")
"""Git without the hooks of a repository."""
GIT_VARIABLES: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ALLOW_PROTOCOL": "https:file",
    "GIT_ASKPASS": "true",
}
"""It asks nobody, has no settings of this machine, and clones by these protocols only."""


def is_within(repository: str, folder: Path) -> bool:
    """Tell whether a repository is a folder in another folder, wherever links lead."""
    parts = urlsplit(repository)
    return parts.scheme == "file" and Path(unquote(parts.path)).resolve().is_relative_to(folder.resolve())
