"""What GitHub says of a repository itself: its name, who may see it, whether it is still there."""

from collections.abc import Mapping
from typing import Any, Final

from shared.core.actor import SYSTEM
from shared.events import EventType, record
from shared.source.repositories.github import Denied, Missing
from shared.source.repositories.naming import take_over
from shared.source.repositories.rows import DISCONNECTED, Repository
from shared.source.repositories.work import Work, login_of
from shared.store import fetch, retrying, save, write

DELETED: Final = "The repository was deleted at GitHub"
UNSEEN: Final = "The repository was deleted at GitHub, or moved to where its access token may not see it"


def work_off_repository(work: Work, payload: Mapping[str, Any]) -> None:
    """Note what became of the repository itself: renamed, moved to another owner, made private, archived, deleted."""
    if payload["action"] == "deleted":
        note_status(work.repository, DISCONNECTED, DELETED)
    else:
        take_over(work.repository, payload["repository"], work.actor(login_of(payload)))


def look_up(work: Work) -> Repository | None:
    """Ask GitHub by its number for a repository that is no longer found by its name, and take over the name it has now. Return it; None if
    the token sees it nowhere. Raises as `Github.get`."""
    try:
        found = work.github.get("/repositories/{number}", {"number": str(int(work.repository.github_id))}).data
    except (Missing, Denied):
        return None
    return take_over(work.repository, found, SYSTEM)


def _is_same_way(row: Repository, used: Repository) -> bool:
    """Tell whether a repository is still connected by what was used for it."""
    return (row.token, row.installation_id, row.github_id) == (used.token, used.installation_id, used.github_id)


def note_status(repository: Repository, status: str, reason: str | None, **also: Any) -> None:
    """Note whether what happens at GitHub comes here, and why not; and these attributes."""

    def attempt(_: int) -> None:
        row = fetch(Repository, repository.id)
        if row is None or row.deleted_at or not _is_same_way(row, repository):
            return  # somebody has connected it anew, by another token
        before, was = row.serialize(), row.webhook_status
        row.webhook_status, row.status_reason = status, reason
        for name, value in also.items():
            setattr(row, name, value)
        if row.serialize() == before:
            return
        if was != status:
            changes = {"webhook_status": [was, status]}
            record(row, EventType.REPOSITORY_UPDATED, SYSTEM, changes=changes, repo=row.full_name, reason=reason)
        write(save(row))

    retrying(attempt)
