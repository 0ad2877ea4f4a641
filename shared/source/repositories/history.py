"""Commits that no delivery has told us of: those of a push that was too long for one, and those of days without us.

They are worked off in a line of their own, so that what happens now does not wait for them, and they leave a fifth of the token's requests
to it. Each part says where the next one goes on.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from shared.core.errors import Upstream
from shared.core.situations import Situation
from shared.source.commits.references import read_references
from shared.source.commits.rows import Commit, commit_id
from shared.source.repositories.branches import NOBODY, note_head, note_reaching
from shared.source.repositories.github import Missing, Names, Page, Refused
from shared.source.repositories.pushes import work_off_commit
from shared.source.repositories.work import Work
from shared.store import get_all

log = logging.getLogger(__name__)
MOST: Final = 10_000
"""Commits that are fetched of one stretch, as many as GitHub compares."""
RESERVE: Final = 0.2
"""The share of a token's requests that is left to what happens now."""
_PER_PAGE: Final = 100
_COMPARE: Final = "/repos/{owner}/{repo}/compare/{base}...{head}{?per_page,page}"
_COMMITS: Final = "/repos/{owner}/{repo}/commits{?sha,since,per_page,page}"


def work_off_history(work: Work, part: Mapping[str, Any]) -> dict[str, Any] | None:
    """Record and link a stretch of commits from `page` and `start` on. Return where to go on when the time is up; None: all are done.
    A repetition changes nothing. Raises what asking GitHub raises."""
    branch, head, base = str(part["branch"]), str(part["head"]), part.get("base")
    page, start = int(part.get("page", 1)), int(part.get("start", 0))
    while (page - 1) * _PER_PAGE < MOST:
        found, listed = _read(work, part, page)
        if not found:
            break
        unknown = _unknown(work, found)
        for number in range(start, len(found)):
            if str(found[number]["sha"]) not in unknown and not _names_something(found[number], branch):
                continue
            if number > start and time.monotonic() > work.until:
                note_reaching(work.repository, branch, base, head)
                return dict(part) | {"page": page, "start": number}
            login = (found[number].get("author") or {}).get("login")
            work_off_commit(work, work.actor(login), as_entry(found[number]), branch)
        if len(found) < _PER_PAGE or (listed and not unknown):
            break
        page, start = page + 1, 0
    else:
        log.warning("a history is cut", extra={"repository": work.repository.id, "branch": branch, "commits": MOST})
    note_head(work, branch, head)
    return None


def _read(work: Work, part: Mapping[str, Any], page: int) -> tuple[list[Mapping[str, Any]], bool]:
    """Return a page of the commits, and whether they are a plain list, newest first: then those after a page that is known are, too."""
    repository, head = work.repository, str(part["head"])
    base = part.get("base")
    if base in (None, NOBODY) and part["branch"] != repository.default_branch:
        base = str(repository.default_branch)
    names: Names = {**repository.names, "head": head, "per_page": str(_PER_PAGE), "page": str(page)}
    if base not in (None, NOBODY):
        try:
            found: Page = work.github.get(_COMPARE, {**names, "base": str(base)})
            return list(found.data["commits"]), False
        except (Missing, Refused):  # a forced push has removed where it began
            log.info("a stretch of commits has lost its beginning", extra={"repository": repository.id, "branch": part["branch"]})
    try:
        since = str(repository.connected_at)[:19] + "Z"
        found = work.github.get(_COMMITS, {**names, "sha": head, "since": since})
    except (Missing, Refused):  # removed since
        return [], True
    if not isinstance(found.data, list):
        raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, "GitHub answers with no list of commits")
    return found.data, True


def _names_something(found: Mapping[str, Any], branch: str) -> bool:
    """Tell whether a commit may have links: whoever recorded it may have died before they were made."""
    named = read_references(str(found["commit"].get("message") or ""), branch)
    return bool(named.cards or named.tasks or named.issues)


def _unknown(work: Work, found: list[Mapping[str, Any]]) -> set[str]:
    shas = [str(one["sha"]) for one in found]
    rows = get_all([(Commit, *Commit.key(commit_id(work.ws_id, sha))) for sha in shas])
    return {sha for sha, row in zip(shas, rows, strict=True) if row is None}


def as_entry(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return a commit of GitHub's API as a push describes one."""
    about = found["commit"]
    author = about.get("author") or {}
    return {
        "id": str(found["sha"]),
        "message": about.get("message"),
        "timestamp": author.get("date"),
        "url": found.get("html_url"),
        "author": author,
    }
