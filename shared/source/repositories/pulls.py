"""Pull requests: who opened and merged them, and the task that a merge completes."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import ConditionFailed, Conflict, NotFound
from shared.events import EventType, record
from shared.source.commits.references import read_references
from shared.source.repositories.pushes import cards_of
from shared.source.repositories.rows import PullRequest, issue_reference, waiting_for, waiting_in
from shared.source.repositories.work import Work, login_of
from shared.store import (
    Operation,
    create,
    first_index_rows,
    get,
    get_all,
    get_many,
    is_stale,
    save,
    update_with_retry,
    write,
)
from shared.work.tasks.changing import change_task, finish
from shared.work.tasks.rows import Task
from shared.work.tasks.statuses import ENDED

log = logging.getLogger(__name__)
WAITS: Final = timedelta(days=30)
"""How long after a merge it is tried to complete its task."""
_BETWEEN: Final = timedelta(hours=1)
_MOST_TRIED: Final = 50  # in one call: each is two round trips
_MAX_REASON: Final = 1_000  # characters


class _Known(ConditionFailed):
    """The pull request is there already."""


def work_off_pull_request(work: Work, payload: Mapping[str, Any]) -> None:
    """Note that a pull request was opened, closed or merged; a merge completes the task that it names. Whatever order these come in, and
    however often, the last state stays."""
    pull, actor = payload["pull_request"], work.actor(login_of(payload))
    merged = bool(pull.get("merged"))
    if payload.get("action") not in ("opened", "reopened", "edited", "closed"):
        return
    reference = issue_reference(work.repository.reference_name, int(pull["number"]))
    row = get(PullRequest, *PullRequest.key_in(work.repository.id, reference))
    if row is None:
        row = _open(work, actor, pull, reference)
    if merged and row.state != "merged":
        row = _merge(work, actor, pull, reference)
    elif not merged:
        _note_state(row, pull)
    if merged and row.task_id:
        complete_merged(actor, row)


def _open(work: Work, actor: Actor, pull: Mapping[str, Any], reference: str) -> PullRequest:
    """Record a pull request that is new here."""
    head = (pull.get("head") or {}).get("ref")
    references = read_references(pull.get("title"), pull.get("body"), head)
    task = _named_task(work, references.tasks)
    cards = cards_of(work.repository, references)
    row: PullRequest = PullRequest.of(
        work.repository,
        reference,
        number=int(pull["number"]),
        title=str(pull.get("title") or "")[:500],
        url=str(pull.get("html_url") or ""),
        task_id=task.id if task else None,
        item_id=task.item_id if task else next((card.id for card in cards), None),
        changed_at=str(pull.get("updated_at") or ""),
    )
    record(row, EventType.PULL_REQUEST_OPENED, actor, **_said(row))
    try:
        write(create(row, _Known))
    except _Known:
        return get(PullRequest, *PullRequest.key_in(work.repository.id, reference)) or row
    return row


def _merge(work: Work, actor: Actor, pull: Mapping[str, Any], reference: str) -> PullRequest:
    def load() -> PullRequest:
        row = get(PullRequest, *PullRequest.key_in(work.repository.id, reference))
        if row is None:
            raise LookupError("a pull request that was written a moment ago is gone")
        return row

    def change(row: PullRequest) -> None:
        if row.state != "merged":
            row.state, row.merge_sha = "merged", str(pull.get("merge_commit_sha") or "")
            record(row, EventType.PULL_REQUEST_MERGED, actor, commit_sha=row.merge_sha, **_said(row))

    return update_with_retry(load, change)


def _note_state(row: PullRequest, pull: Mapping[str, Any]) -> None:
    """Note that a pull request was closed without a merge, or opened again: no event of ours."""
    state, changed_at = str(pull.get("state") or "open"), str(pull.get("updated_at") or "")
    if row.state not in ("merged", state) and changed_at >= str(row.changed_at):
        row.state, row.changed_at = state, changed_at
        write(save(row))


def _said(row: PullRequest) -> dict[str, Any]:
    return {
        "number": int(row.number or 0),
        "repo": row.repo,
        "title": row.title,
        "url": row.url,
        "task_id": row.task_id,
        "item_id": row.item_id,
    }


def _named_task(work: Work, task_ids: tuple[str, ...]) -> Task | None:
    """Return the first of these ids that is a task of the repository's project."""
    keys: list[Any] = [(Task, *Task.key(one)) for one in task_ids]
    rows: list[Any] = get_many(keys) if keys else []
    there = (row for row in rows if row is not None and not row.deleted_at)
    return next((row for row in there if row.proj_id == work.repository.proj_id), None)


def complete_merged(actor: Actor, pull: PullRequest) -> None:
    """Complete the task of a merged pull request, unless it has ended, or is deleted or in another project. What a quality gate, a review
    or an archive holds back is tried again later (`complete_waiting`)."""

    def change(task: Task) -> list[Operation] | None:
        if task.status in ENDED:
            return None
        result = {"pull_request": int(pull.number or 0), "url": pull.url, "commit_sha": pull.merge_sha}
        finish(task, actor, result)
        return []

    reason: str | None = None
    try:
        change_task(actor, str(pull.task_id), change)
    except NotFound:
        log.info("a merge completes no task", extra={"pull": pull.id, "task": pull.task_id})
    except Conflict as error:
        if is_stale(error):
            raise
        reason = error.message[:_MAX_REASON]
    if reason or pull.waits:
        _note_waiting(pull, reason)


def _note_waiting(pull: PullRequest, reason: str | None) -> None:
    now = clock.iso()

    def change(row: PullRequest) -> None:
        row.merged_at = row.merged_at or now
        given_up = reason is not None and clock.parse(row.merged_at) < clock.now() - WAITS
        row.waits, row.tried_at = None if given_up else reason, now

    update_with_retry(lambda: get(PullRequest, str(pull.pk), str(pull.sk)) or pull, change)


def is_waited_for(task_id: str) -> bool:
    """Tell whether a merged pull request would complete this task. One round trip."""
    return bool(first_index_rows(2, waiting_for(task_id), 1)[0])


def complete_waiting(work: Work, task_id: str | None = None) -> None:
    """Try again to complete the tasks of merged pull requests that could not be completed: one task, or what was not tried for an
    hour."""
    if task_id is not None:
        rows, _ = first_index_rows(2, waiting_for(task_id), _MOST_TRIED)
    else:
        before = clock.iso(clock.now() - _BETWEEN)
        rows, _ = first_index_rows(1, waiting_in(work.repository.id), _MOST_TRIED, between=("0", before))
    keys: list[Any] = [(PullRequest, *row.key) for row in rows]
    for pull in get_all(keys) if keys else []:
        if isinstance(pull, PullRequest) and pull.repository_id == work.repository.id and pull.waits:
            complete_merged(work.actor(None), pull)
