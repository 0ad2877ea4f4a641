"""omoios: the events of commits, issues and pull requests."""

from collections.abc import Iterator
from typing import Any

from shared.events import EventType
from shared.events.change import Change
from shared.source.commits.rows import Commit, CommitLink
from shared.source.repositories.rows import IssueLink, PullRequest, Remark

EventFields = tuple[str, str, str, dict[str, Any]]
"""Event type, entity type, entity id, payload."""


def commit_pushed(change: Change) -> Iterator[EventFields]:
    commit = change.after(Commit)
    payload = {
        "commit_sha": commit.sha,
        "message": commit.message,
        "author": commit.author,
        "files_changed": int(commit.file_count),
        "insertions": int(commit.insertions),
        "deletions": int(commit.deletions),
    }
    yield "COMMIT_PUSHED", "commit", commit.sha, payload


def commit_linked(change: Change) -> Iterator[EventFields]:
    link = change.after(CommitLink)
    yield "COMMIT_LINKED", "commit", link.sha, {"commit_sha": link.sha, "ticket_id": link.item_id, "agent_id": link.agent_id}


def commit_commented(change: Change) -> Iterator[EventFields]:
    remark = change.after(Remark)
    yield (
        "COMMIT_COMMENTED",
        "commit",
        remark.sha,
        {
            "commit_sha": remark.sha,
            "comment": remark.text,
            "ticket_id": remark.card_id,
        },
    )


def issue_created(change: Change) -> Iterator[EventFields]:
    link = change.after(IssueLink)
    payload = {"issue_number": int(link.number or 0), "repo": link.repo, "title": link.title}
    yield "GITHUB_ISSUE_CREATED", "issue", f"{link.repo}#{payload['issue_number']}", payload


def pull_request(change: Change) -> Iterator[EventFields]:
    pull, number = change.after(PullRequest), int(change.event.data["number"])
    entity_id = f"{pull.repo}#{number}"
    if change.event.type is EventType.PULL_REQUEST_OPENED:
        opened = {"pr_number": number, "repo": pull.repo, "linked_task_id": pull.task_id}
        yield "GITHUB_PR_OPENED", "pull_request", entity_id, opened
    else:
        merged = {"pr_number": number, "commit_sha": pull.merge_sha, "linked_task_id": pull.task_id}
        yield "GITHUB_PR_MERGED", "pull_request", entity_id, merged
