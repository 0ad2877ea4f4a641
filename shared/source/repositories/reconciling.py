"""Deliveries that did not come: GitHub keeps what it sent, and how it was answered, for three days."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.events import EventType, record
from shared.source.repositories.github import Missing, Moved, TokenRefused
from shared.source.repositories.hooks import EVENTS
from shared.source.repositories.messages import send
from shared.source.repositories.receiving import take
from shared.source.repositories.rows import ACTIVE, DISCONNECTED, FAILING, WATCHED, Delivery, Repository
from shared.source.repositories.work import Work
from shared.store import fetch, get_many, iterate_shards, process_all, update_with_retry

_DELIVERIES: Final = "/repos/{owner}/{repo}/hooks/{hook}/deliveries"
_PAGE: Final = 100  # deliveries that one look goes back
_MOST: Final = 20  # of them that one look fetches; the next one goes on
_BACK: Final = timedelta(days=3)
_INTERVAL: Final = 600  # seconds in which a repository is not looked at twice


def reconcile(work: Work) -> int:
    """Look at how GitHub's deliveries went: fetch those that never came and put them in line, and note whether the webhook works. Return
    how many were put in line. One request where nothing has happened, which counts for no limit of GitHub's; one more for each that is
    missing. Raises TooManyRequests, Denied and Upstream."""
    repository = work.repository
    names = repository.names | {"hook": str(int(repository.hook_id))}
    try:
        page = work.github.get(f"{_DELIVERIES}?per_page={_PAGE}", names, etag=repository.etag or "")
    except Missing:
        return _note(repository, DISCONNECTED, "The webhook, or the repository, was removed at GitHub")
    except (TokenRefused, Moved) as error:
        return _note(repository, DISCONNECTED, error.message)
    if page.data is None:
        return 0
    missing = _missing(repository, page.data)
    taken = 0
    for entry in missing[:_MOST]:
        if time.monotonic() > work.until:
            break
        detail = work.github.get(f"{_DELIVERIES}/{{delivery}}", names | {"delivery": str(entry["id"])}).data
        body = json.dumps(detail["request"]["payload"], ensure_ascii=False, separators=(",", ":")).encode()
        taken += take(repository, str(entry["event"]), str(entry["guid"]), body)
    whole = taken == len(missing)
    status, reason = _health(page.data)
    _note(repository, status, reason, page.etag if whole else None)
    return taken


def _missing(repository: Repository, entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the deliveries that have not come, oldest first, each once."""
    since = max(clock.iso(clock.now() - _BACK), str(repository.connected_at))
    sent = {str(one["guid"]): one for one in entries if one["event"] in EVENTS and _time(one) >= since}
    keys: list[Any] = [(Delivery, *Delivery.key_of(repository.id, guid)) for guid in sent]
    rows = get_many(keys) if keys else []
    unknown = [one for one, row in zip(sent.values(), rows, strict=True) if row is None]
    return sorted(unknown, key=_time)


def _time(entry: Mapping[str, Any]) -> str:
    return clock.iso(clock.parse(str(entry["delivered_at"])))


def _health(entries: Sequence[Mapping[str, Any]]) -> tuple[str, str | None]:
    """Tell by the newest delivery whether the webhook works."""
    newest = max(entries, key=_time, default=None)
    if newest is None or 200 <= int(newest.get("status_code") or 0) < 300:
        return ACTIVE, None
    return FAILING, f"GitHub's last delivery was not accepted: {newest.get('status_code') or newest.get('status')}"


def note_status(repository: Repository, status: str, reason: str | None) -> None:
    """Note whether the webhook works."""
    _note(repository, status, reason)


def _note(repository: Repository, status: str, reason: str | None, etag: str | None = None) -> int:
    def change(row: Repository) -> None:
        row.etag = etag
        if row.webhook_status != status:
            changes = {"webhook_status": [row.webhook_status, status]}
            row.webhook_status, row.status_reason = status, reason
            record(row, EventType.REPOSITORY_UPDATED, SYSTEM, changes=changes, repo=row.full_name, reason=reason)

    update_with_retry(lambda: fetch(Repository, repository.id) or repository, change)
    return 0


def ask_for_reconciling(until: float) -> int:
    """Put every connected repository in line to be looked at. Return how many there are. Stops at `until` (`time.monotonic`)."""
    rows = iterate_shards(Repository, WATCHED, until, index=4, limit=_PAGE)
    return process_all(WATCHED.name, rows, _ask, lambda row: f"repository {row.entity_id}")


def _ask(row: Repository) -> int:
    send({"repository": row.entity_id, "reconcile": True}, once=f"reconcile-{clock.epoch() // _INTERVAL}")
    return 1
