"""The app's webhook: one address for all repositories that are connected by the app, and what becomes of its installations."""

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from shared.core import clock
from shared.source.repositories import app
from shared.source.repositories.hooks import EVENTS
from shared.source.repositories.messages import send, send_of_app
from shared.source.repositories.receiving import Incoming, count, read_signed, repository_in, take
from shared.source.repositories.rows import DISCONNECTED, AppDeliveries, Repository, number_of, repositories_by
from shared.source.repositories.states import note_status
from shared.store import RateStatus, fetch, fetch_all, get, index_rows, put, write

log = logging.getLogger(__name__)
APP_EVENTS: Final = ("installation", "installation_repositories")
_GONE: Final = {"deleted": app.REMOVED, "removed": app.REMOVED, "suspend": app.SUSPENDED}
_BACK: Final = timedelta(days=3)  # for which GitHub keeps deliveries
_PAGES: Final = 10  # of a hundred deliveries that one look goes back
_DELIVERIES: Final = "/app/hook/deliveries"


def installation_in(payload: Mapping[str, Any]) -> int:
    """Return the number of the installation that a payload is about; 0 if it names none."""
    found = payload.get("installation")
    number = found.get("id") if isinstance(found, Mapping) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 10**15 else 0


def receive_of_app(incoming: Incoming) -> RateStatus:
    """Take a delivery of the app's webhook and put it in line. Return how many its installation may still send. Raises Unauthenticated,
    RateLimited, Malformed, and Upstream if it could not be put in line."""
    payload = read_signed(incoming, app.webhook_secret())
    status = count(f"installation-{installation_in(payload)}")
    take_of_app(incoming.event, incoming.delivery, payload, incoming.body)
    return status


def take_of_app(event: str, delivery: str, payload: dict[str, Any], body: bytes) -> int:
    """Put a delivery of the app's webhook in line: in that of each repository that it is about and that is connected by this installation.
    Return in how many."""
    installation = installation_in(payload)
    if not installation:
        return 0
    if event in APP_EVENTS:
        send_of_app(_what_became(installation, event, payload), once=delivery)
        return 1
    number, _ = repository_in(payload)
    if event not in EVENTS or not 0 < number < 10**15:
        return 0
    return sum(take(one, event, delivery, body) for one in connected_by(installation, number))


def _what_became(installation: int, event: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message for what became of an installation, or of some of its repositories."""
    message = {"installation": installation, "action": str(payload.get("action") or "")[:50]}
    if event == "installation":
        return message
    named = payload.get("repositories_removed" if message["action"] == "removed" else "repositories_added")
    numbers = [one.get("id") for one in named if isinstance(one, Mapping)] if isinstance(named, list) else []
    return message | {"numbers": [one for one in numbers if isinstance(one, int) and 0 < one < 10**15]}


def connected_by(installation: int, number: int) -> list[Repository]:
    """Return the connections of one repository (by GitHub's number) by an installation."""
    rows = index_rows(*repositories_by(installation), number_of(number))
    return [one for one in fetch_all(Repository, [row.id for row in rows]) if not one.deleted_at]


def work_off_installation(message: Mapping[str, Any], until: float) -> None:
    """Note on the repositories what became of the installation by which they are connected; what it gave back is asked for anew. What does
    not fit before `until` (`time.monotonic`) goes back in line."""
    reason = _GONE.get(str(message["action"]))
    for row in _affected(message):
        if time.monotonic() > until:
            send_of_app(dict(message) | {"after": row.sort})
            return
        repository = fetch(Repository, row.id)
        if repository is None or repository.deleted_at:
            continue
        app.forget_token(int(message["installation"]), int(repository.github_id))
        if reason:
            note_status(repository, DISCONNECTED, reason)
        else:
            send({"repository": repository.id, "reconcile": True, "force": True})


def _affected(message: Mapping[str, Any]) -> Iterator[Any]:
    after = str(message.get("after") or "0")
    index, partition = repositories_by(int(message["installation"]))
    numbers: Sequence[int] | None = message.get("numbers")
    if numbers is None:
        yield from index_rows(index, partition, between=(after, "~"))
        return
    for number in sorted(set(numbers)):
        if number_of(number) >= after[:21]:
            yield from index_rows(index, partition, number_of(number))


# -- deliveries that did not come


def reconcile_app(until: float) -> int:
    """Fetch the deliveries of the app's webhook that were not accepted, and put them in line. Return how many there were. A request for a
    hundred deliveries, and one for each that is fetched. Raises TooManyRequests and Upstream."""
    if not app.is_configured():
        return 0
    known = get(AppDeliveries, *AppDeliveries.KEY)
    since = max(known.looked_at if known else "", clock.iso(clock.now() - _BACK))
    started, github, taken, entries = clock.iso(), app.as_app(), 0, []
    for page in github.pages(f"{_DELIVERIES}?per_page=100", most=_PAGES):
        entries += [one for one in page if _time(one) >= since]
        if not page or _time(page[-1]) < since:
            break
    accepted = {one["guid"] for one in entries if 200 <= int(one.get("status_code") or 0) < 300}
    missing = {str(one["guid"]): one for one in entries if one["guid"] not in accepted and one["event"] in (*EVENTS, *APP_EVENTS)}
    for guid, entry in sorted(missing.items(), key=lambda pair: _time(pair[1])):
        if time.monotonic() > until:
            started = _time(entry)  # the next look goes on here
            break
        payload = github.get(f"{_DELIVERIES}/{{delivery}}", {"delivery": str(entry["id"])}).data["request"]["payload"]
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        taken += take_of_app(str(entry["event"]), guid, payload, body)
    ttl = clock.epoch() + 7 * 86_400
    write(put(AppDeliveries(*AppDeliveries.KEY, looked_at=started, ttl=ttl)))
    return taken


def _time(entry: Mapping[str, Any]) -> str:
    return clock.iso(clock.parse(str(entry["delivered_at"])))
