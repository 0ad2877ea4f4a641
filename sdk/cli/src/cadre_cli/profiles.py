"""Where logins are kept: one file for each profile, readable by its owner alone."""

import ipaddress
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from cadre_cli.problems import Usage

DEFAULT_URL = "http://localhost:8000"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Profile(BaseModel):
    """A login at one platform, for one organization there. `expires_at` is of the access token, in epoch seconds."""

    url: str
    email: str
    organization: str
    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)
    expires_at: float


def folder() -> Path:
    """Return the folder of the XDG Base Directory Specification."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(home) if os.path.isabs(home) else Path.home() / ".config") / "cadre"


def names() -> list[str]:
    return sorted(path.stem for path in (folder() / "profiles").glob("*.json"))


def load(name: str) -> Profile | None:
    """Return a profile, or None if there is none. Raises Usage for a file that is none."""
    path = _path(name)
    try:
        return Profile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        raise Usage(f"{path} is no profile. Remove it and log in again.") from None


def save(name: str, profile: Profile) -> None:
    _write(_path(name), profile.model_dump_json(indent=2))


def remove(name: str) -> None:
    with suppress(FileNotFoundError):
        _path(name).unlink()


def choose(name: str | None, url: str | None) -> str:
    """Return the profile that is meant: the one that is named, that of the address, else the one of the last login."""
    if name or url:
        return name or name_for(str(url))
    try:
        return (folder() / "current").read_text().strip()
    except FileNotFoundError:
        return name_for(DEFAULT_URL)


def make_current(name: str) -> None:
    _write(folder() / "current", name)


def name_for(url: str) -> str:
    """Return the name of the profile of a platform that was given no other: its host, and its port if it has one."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", urlsplit(url).netloc)


def clean_url(url: str) -> str:
    """Return the address of a platform in one form. Raises Usage for what is none, and for one that would send tokens in clear."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise Usage(f"{url} is not the address of a platform, such as https://cadre.example.com")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise Usage(f"{url}: only a platform on this machine is reached without https")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_name(name: str) -> None:
    """Raise Usage for what no profile can be called."""
    if not _NAME.fullmatch(name):
        raise Usage(f"{name!r} is no name of a profile: letters, digits, dots and hyphens")


def _path(name: str) -> Path:
    check_name(name)
    return folder() / "profiles" / f"{name}.json"


def _write(path: Path, text: str) -> None:
    """Write a file at once or not at all: another command may read it meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
