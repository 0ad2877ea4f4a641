"""Which repositories the hosts of this laptop clone: https, and folders that are not the platform's own."""

from pathlib import Path
from urllib.parse import unquote, urlsplit


def is_within(repository: str, folder: Path) -> bool:
    """Tell whether a repository is a folder in another folder, wherever links lead."""
    parts = urlsplit(repository)
    return parts.scheme == "file" and Path(unquote(parts.path)).resolve().is_relative_to(folder.resolve())
