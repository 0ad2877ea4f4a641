"""The webhook of a repository at GitHub: it sends us what happens there."""

from contextlib import suppress
from typing import Any, Final

from shared.core.errors import CadreError
from shared.core.settings import settings
from shared.source.repositories.github import Denied, Github, Missing, Refused

EVENTS: Final = ("push", "pull_request", "issues", "issue_comment", "commit_comment", "repository")
_HOOKS: Final = "/repos/{owner}/{repo}/hooks"
_PAGE: Final = "?per_page=100"  # a repository has twenty webhooks of an event at most


def address_of(repository_id: str) -> str:
    """Return where GitHub sends the events of a connection. Each has its own, because a repository has one webhook of an address."""
    return f"{settings().base_of('omoios', '/api/v1')}/webhooks/github?repository={repository_id}"


def app_address() -> str:
    """Return where GitHub sends the events of the app: of all repositories that are connected by it."""
    return f"{settings().base_of('omoios', '/api/v1')}/webhooks/github"


def ensure_hook(github: Github, names: dict[str, str], repository_id: str, secret: str, hook_id: int | None) -> tuple[int, str]:
    """Make the webhook, or set up again the one that is there. Return its number and its address at GitHub.

    Raises Denied if the token may make none, and as `Github.send`.
    """
    config = {"url": address_of(repository_id), "content_type": "json", "insecure_ssl": "0", "secret": secret}
    body = {"name": "web", "active": True, "events": list(EVENTS), "config": config}
    if hook_id is not None:
        with suppress(Missing):
            return _number(github.send("PATCH", f"{_HOOKS}/{{hook}}", names | {"hook": str(hook_id)}, body))
    try:
        return _number(github.send("POST", _HOOKS, names, body))
    except Missing:
        raise Denied("webhooks need the permission to administer them (admin:repo_hook)") from None
    except Refused:
        if (found := _find(github, names, config["url"])) is None:
            raise
        return _number(github.send("PATCH", f"{_HOOKS}/{{hook}}", names | {"hook": str(found)}, body))


def _number(hook: Any) -> tuple[int, str]:
    return int(hook["id"]), str(hook["url"])


def _find(github: Github, names: dict[str, str], address: str) -> int | None:
    """Return the number of our webhook that is there already: a connection was made, and nobody kept its number."""
    for hook in github.get(_HOOKS + _PAGE, names).data:
        if hook.get("config", {}).get("url") == address:
            return int(hook["id"])
    return None


def remove_hook(github: Github, names: dict[str, str], hook_id: int) -> None:
    """Remove a webhook that is not needed any more. Where that fails, what it sends is refused."""
    with suppress(CadreError):
        github.send("DELETE", f"{_HOOKS}/{{hook}}", names | {"hook": str(hook_id)})
