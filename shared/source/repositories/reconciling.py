"""Deliveries that did not come: GitHub keeps what it sent, and how it was answered, for three days."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from zlib import crc32

from shared.core import clock
from shared.core.outbound import AnswerTooLong
from shared.source.repositories.branches import compare_branches
from shared.source.repositories.github import Missing
from shared.source.repositories.hooks import EVENTS
from shared.source.repositories.messages import send, send_of_app
from shared.source.repositories.pulls import complete_waiting
from shared.source.repositories.receiving import take
from shared.source.repositories.rows import ACTIVE, DISCONNECTED, FAILING, WATCHED, Delivery, Repository
from shared.source.repositories.states import UNSEEN, look_up, note_status
from shared.source.repositories.work import Work
from shared.store import fetch, get_many, iterate_shards, process_all, retrying, save, write

log = logging.getLogger(__name__)

_DELIVERIES: Final = "/repos/{owner}/{repo}/hooks/{hook}/deliveries"
_PAGE: Final = 100  # deliveries that one look goes back
_MOST: Final = 20  # of them that one look fetches; the next one goes on
_BACK: Final = timedelta(days=3)
_EVERY: Final = 900  # seconds between two runs of the job
_INTERVAL: Final = 600  # seconds in which a repository is not looked at twice


def reconcile(work: Work) -> int:
    """Look at how GitHub's deliveries went: fetch those that never came and put them in line, and note whether the webhook works; then
    compare the branches, for what GitHub does not keep any more. Return how many deliveries were put in line.

    Two requests where nothing has happened, which count for no limit of GitHub's; one more for each delivery that is missing. One that
    nobody can be asked for is looked at once an hour. Raises TooManyRequests, Denied, Moved, TokenRefused and Upstream.
    """
    repository = work.repository
    complete_waiting(work)
    silent = repository.webhook_status == DISCONNECTED and not work.message.get("force")
    if silent and (clock.epoch() + crc32(repository.id.encode())) % 3_600 >= _EVERY:
        return 0
    by_app = repository.installation_id is not None
    try:
        taken = 0 if by_app else _fetch_deliveries(work)
        if by_app:
            compare_branches(work)
    except Missing:
        found = look_up(work)
        reason = UNSEEN if found is None or by_app else "The webhook was removed at GitHub"
        note_status(repository, DISCONNECTED, reason, etag=None)
        return 0
    if by_app:  # its deliveries are those of the app (`reconcile_app`)
        note_status(repository, ACTIVE, None)
    else:
        compare_branches(work)
    seen = {"branches_etag": repository.branches_etag, "branches_seen": repository.branches_seen}
    _write(repository, seen)
    return taken


def _fetch_deliveries(work: Work) -> int:
    repository = work.repository
    names = repository.names | {"hook": str(int(repository.hook_id))}
    page = work.github.get(f"{_DELIVERIES}?per_page={_PAGE}", names, etag=repository.etag or "")
    if page.data is None:
        return 0
    missing = _missing(repository, page.data)
    tried = taken = 0
    for entry in missing[:_MOST]:
        if time.monotonic() > work.until:
            break
        tried += 1
        taken += _fetch(work, names, entry)
    status, reason = _health(page.data)
    note_status(repository, status, reason, etag=page.etag if tried == len(missing) else None)
    return taken


def _fetch(work: Work, names: Mapping[str, str], entry: Mapping[str, Any]) -> bool:
    """Fetch a delivery and put it in line. One that is too long for an answer is left to the comparison of branches."""
    try:
        detail = work.github.get(f"{_DELIVERIES}/{{delivery}}", {**names, "delivery": str(entry["id"])}).data
    except AnswerTooLong:
        log.warning("a delivery is too long to be fetched", extra={"repository": work.repository.id, "delivery": entry["guid"]})
        return False
    body = json.dumps(detail["request"]["payload"], ensure_ascii=False, separators=(",", ":")).encode()
    return take(work.repository, str(entry["event"]), str(entry["guid"]), body)


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


def _write(repository: Repository, seen: Mapping[str, Any]) -> None:
    def attempt(_: int) -> None:
        row = fetch(Repository, repository.id)
        if row is None or row.deleted_at or all(getattr(row, name) == value for name, value in seen.items()):
            return
        for name, value in seen.items():
            setattr(row, name, value)
        write(save(row))

    retrying(attempt)


def ask_for_reconciling(until: float) -> int:
    """Put every connected repository in line to be looked at. Return how many there are. Stops at `until` (`time.monotonic`)."""
    send_of_app({"app": "reconcile"}, once=f"app-{clock.epoch() // _INTERVAL}")
    rows = iterate_shards(Repository, WATCHED, until, index=4, limit=_PAGE)
    return process_all(WATCHED.name, rows, _ask, lambda row: f"repository {row.entity_id}")


def _ask(row: Repository) -> int:
    send({"repository": row.entity_id, "reconcile": True}, once=f"reconcile-{clock.epoch() // _INTERVAL}")
    return 1
