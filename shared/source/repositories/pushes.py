"""Pushes: their commits are recorded with their changes and linked to the cards that their messages or the branch name."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import Conflict, NotFound
from shared.source.commits.agents import agent_by_author, find_agent
from shared.source.commits.changes import ChangedFile, store_changes, totals
from shared.source.commits.linking import link_commit, record_commit
from shared.source.commits.references import References, read_references
from shared.source.commits.rows import SHA, Commit, commit_id
from shared.source.repositories.branches import NOBODY, ask_for_history, note_gone, note_head
from shared.source.repositories.github import Github, Missing, Refused
from shared.source.repositories.rows import Branch, IssueLink, Repository, branch_reference, issue_reference
from shared.source.repositories.work import Work, login_of
from shared.store import fetch, get, get_many, is_stale
from shared.work.items.rows import ItemHead
from shared.work.tasks.rows import Task

_BRANCH: Final = "refs/heads/"
_PAGES: Final = 10  # of 300 files: GitHub shows 3,000 of a commit
MOST_AT_ONCE: Final = 200
"""Commits of a push that are worked off in its line. GitHub sends 2,048 of a longer one, and the rest must be fetched."""
_MAX_MESSAGE: Final = 20_000  # characters that are kept
log = logging.getLogger(__name__)


def work_off_push(work: Work, payload: Mapping[str, Any], start: int = 0) -> int | None:
    """Record and link the commits of a push from the one with number `start` on. Return where to go on when the time is up; None: all are
    done, or are fetched in a line of their own because they are many. A repetition changes nothing. Raises what asking GitHub raises."""
    ref = str(payload.get("ref") or "")
    branch = ref.removeprefix(_BRANCH) if ref.startswith(_BRANCH) else None
    if payload.get("deleted"):
        if branch:
            note_gone(work, branch)
        return None
    actor = work.actor(login_of(payload))
    entries = payload.get("commits") or []
    head = str(payload.get("after") or "")
    if branch and len(entries) > MOST_AT_ONCE and SHA.fullmatch(head):
        ask_for_history(work, branch, str(payload.get("before") or NOBODY), head)
        return None
    for number in range(start, len(entries)):
        if number > start and time.monotonic() > work.until:
            return number
        work_off_commit(work, actor, entries[number], branch)
    if branch and SHA.fullmatch(head):
        _note_pushed(work, branch, payload, head)
    return None


def _note_pushed(work: Work, branch: str, payload: Mapping[str, Any], head: str) -> None:
    """Note how far the branch is known: up to here, unless there was a push before of which nobody has told. Then the job compares what is
    known with what GitHub has."""
    row = get(Branch, *Branch.key_in(work.repository.id, branch_reference(branch)))
    forced = bool(payload.get("forced"))
    if row is None or row.gone or forced or row.head in (payload.get("before"), head):
        note_head(work, branch, head, forced=forced)


def work_off_commit(work: Work, actor: Actor, entry: Mapping[str, Any], branch: str | None) -> Commit:
    """Record a commit, if it is new, and link it. `entry` is what a push says of it: its sha and its message at least."""
    sha = str(entry["id"])
    if not SHA.fullmatch(sha):
        raise ValueError("a push has a commit whose id is no sha")
    references = read_references(str(entry.get("message") or ""), branch)
    commit = fetch(Commit, commit_id(work.ws_id, sha))
    if commit is None:
        commit = _record(work, actor, sha, entry, references, branch)
    for card in cards_of(work.repository, references):
        try:
            link_commit(actor, card, commit)
        except (NotFound, Conflict) as error:  # the card was deleted, or its project archived, since it was read
            if is_stale(error):
                raise
            log.info("a commit is not linked", extra={"sha": sha, "card": card.id, "reason": error.message})
        commit = fetch(Commit, commit.id) or commit
    return commit


def _record(work: Work, actor: Actor, sha: str, entry: Mapping[str, Any], references: References, branch: str | None) -> Commit:
    try:
        commit, files = fetch_commit(work.github, work.repository, sha)
    except (Missing, Refused):  # a forced push has removed it since; 422 is GitHub's answer for a sha of nothing
        commit, files = as_pushed(work.repository, sha, entry)
    agent = find_agent(references.agent, work.ws_id)
    if agent is None and references.run:
        agent = work.agent_of_run(references.run, work.ws_id)
    commit.agent_id = agent or agent_by_author(commit.author, commit.author_email or "")
    commit.branch = branch[:250] if branch else None
    save_commit(actor, commit, files)
    return commit


def save_commit(actor: Actor, commit: Commit, files: Sequence[ChangedFile]) -> None:
    """Write a commit with its files, unless it is there."""
    record_commit(actor, commit, store_changes(f"github/{commit.ws_id}/commits/{commit.sha}", files))


def fetch_commit(github: Github, repository: Repository, sha: str) -> tuple[Commit, list[ChangedFile]]:
    """Read a commit at GitHub: its row, not yet written, and its files. One request for 300 files. Raises as `Github.get`."""
    names = repository.names | {"sha": sha}
    pages = list(github.pages("/repos/{owner}/{repo}/commits/{sha}?per_page=300", names, most=_PAGES))
    files = [_file(one) for page in pages for one in page.get("files") or []]
    whole = pages[0]
    about, author = whole["commit"], whole["commit"].get("author") or {}
    parents = whole.get("parents") or []
    commit = _commit(
        repository,
        str(whole["sha"]),
        str(about.get("message") or ""),
        author,
        url=str(whole.get("html_url") or ""),
        parent_sha=str(parents[0]["sha"]) if parents else None,
        author_login=(whole.get("author") or {}).get("login"),
    )
    stats = whole.get("stats") or {}
    for name, value in totals(files).items():
        setattr(commit, name, value)
    commit.insertions = int(stats.get("additions", commit.insertions))  # of all files, where the list of them is cut
    commit.deletions = int(stats.get("deletions", commit.deletions))
    return commit, files


def _file(one: Mapping[str, Any]) -> ChangedFile:
    return ChangedFile(
        path=str(one["filename"]),
        status=str(one.get("status") or "modified"),
        additions=int(one.get("additions") or 0),
        deletions=int(one.get("deletions") or 0),
        previous_path=one.get("previous_filename"),
        patch=one.get("patch"),
    )


def as_pushed(repository: Repository, sha: str, entry: Mapping[str, Any]) -> tuple[Commit, list[ChangedFile]]:
    """Return a commit as the push describes it: which files it changes, and not how."""
    files = [ChangedFile(str(path), status) for status in ("added", "removed", "modified") for path in entry.get(status) or []]
    author = dict(entry.get("author") or {}) | {"date": entry.get("timestamp")}
    commit = _commit(repository, sha, str(entry.get("message") or ""), author, url=str(entry.get("url") or ""))
    commit.file_count = len(files)
    return commit, files


def _commit(repository: Repository, sha: str, message: str, author: Mapping[str, Any], *, url: str, **more: Any) -> Commit:
    return Commit.new(
        commit_id(str(repository.ws_id), sha),
        org_id=repository.org_id,
        ws_id=repository.ws_id,
        proj_id=repository.proj_id,
        sha=sha,
        repository_id=repository.id,
        repo=repository.full_name,
        subject=(message.strip().splitlines() or [""])[0][:500],
        message=message[:_MAX_MESSAGE],
        author=str(author.get("name") or "unknown")[:200],
        author_email=str(author["email"])[:320] if author.get("email") else None,
        date=_utc(author.get("date")),
        url=url,
        **more,
    )


def _utc(moment: Any) -> str:
    """Return a time of GitHub's in our form; now for what is none."""
    try:
        return clock.iso(clock.parse(str(moment)))
    except ValueError:
        return clock.iso()


def cards_of(repository: Repository, references: References) -> list[ItemHead]:
    """Return the cards of the repository's project that are named: themselves, by a task of theirs, or by their issue. One round trip; two
    for tasks and issues."""
    issues = [
        (IssueLink, *IssueLink.key_in(repository.id, issue_reference(repository.reference_name, number)))
        for number in references.issues
    ]
    tasks = [(Task, *Task.key(one)) for one in references.tasks]
    cards = [(ItemHead, *ItemHead.key(one)) for one in references.cards]
    keys: list[Any] = [*cards, *tasks, *issues]
    rows: list[Any] = get_many(keys) if keys else []
    found = [row for row in rows if row is not None and row.proj_id == repository.proj_id]
    further = {str(row.item_id) for row in found if not isinstance(row, ItemHead) and row.item_id}
    named = {row.id: row for row in found if isinstance(row, ItemHead)}
    missing: list[Any] = [(ItemHead, *ItemHead.key(one)) for one in sorted(further - named.keys())]
    named |= {row.id: row for row in _heads(get_many(missing) if missing else [])}
    return [card for card in named.values() if not card.deleted_at and card.proj_id == repository.proj_id]


def _heads(rows: Iterable[Any]) -> list[ItemHead]:
    return [row for row in rows if isinstance(row, ItemHead)]
