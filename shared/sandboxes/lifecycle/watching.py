"""The job that watches sandboxes: it finds what no event tells. Nothing depends on it for being right, only for going on.

Who is silent for a minute is looked at; a start or a stop that nobody works on begins again; in an organization that is not active nothing
runs; and the machine of a deleted sandbox is ended. The job reads the index and the connections, and wakes the worker of the queue
`sandbox-messages` for those that need something; what asks a machine is a step of the state machine.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from shared.core import clock, queues
from shared.core.actor import SYSTEM
from shared.people.tenancy.rows import Organization
from shared.sandboxes.lifecycle.living import MISSING
from shared.sandboxes.lifecycle.machine import start_execution
from shared.sandboxes.lifecycle.rows import BEGINNING, LEFT, LIVING, RUNNING, STOPPING, WATCHED, Link, Sandbox
from shared.sandboxes.lifecycle.statuses import SUSPENDED, change_if, set_status
from shared.store import fetch, fetch_indexed, get, get_many, iterate_shards, process_all, process_in_turn

STARTS_WITHIN: Final = 300
"""Seconds after which a start begins again: its pause, its minute to connect, and the retries of its steps take less."""
STOPS_WITHIN: Final = 120
"""Seconds after which a stop begins again."""
_PAGE: Final = 50


def watch_sandboxes(until: float) -> int:
    """Wake the worker for every sandbox that needs something. Return how many there are. Stops at `until` (`time.monotonic`)."""
    parts: tuple[Callable[[float], int], ...] = (_watch, _look_for_left)
    return process_in_turn("the watch of sandboxes", parts, lambda part, end: part(end), until, lambda part: part.__name__)


def look_after(sandbox_id: str) -> None:
    """Do what a sandbox needs; safe to repeat. Two round trips, and what is begun."""
    sandbox = fetch(Sandbox, sandbox_id)
    if sandbox is None:
        return
    if sandbox.deleted_at:
        if sandbox.machine is not None:
            _again(sandbox, "stop")
        return
    link, organization = get_many([(Link, *Link.key(sandbox.id)), (Organization, *Organization.key(str(sandbox.org_id)))])
    active = isinstance(organization, Organization) and organization.status == "active"
    if not active and sandbox.status in LIVING:
        change_if(sandbox, lambda current: set_status(current, STOPPING, SYSTEM, SUSPENDED), LIVING)
    elif step := _step_for(sandbox.status, sandbox.status_since, link):
        _again(sandbox, step)


def look_after_connection(sandbox_id: str, start_number: int, since: int) -> None:
    """Let the state machine look at a running sandbox whose connection was lost at this time (epoch seconds), unless it is back."""
    sandbox = fetch(Sandbox, sandbox_id)
    if sandbox is None or sandbox.deleted_at or sandbox.start_number != start_number or sandbox.status != RUNNING:
        return
    link = get(Link, *Link.key(sandbox_id))
    if link is None or not link.connection or link.start_number != start_number:
        start_execution(sandbox, "look", again=since)


def _watch(until: float) -> int:
    needy = iterate_shards(Sandbox, WATCHED, until, index=3, limit=_PAGE, read=_needy)
    return process_all(WATCHED.name, needy, _wake, lambda sandbox_id: f"{Sandbox.NAME} {sandbox_id}")


def _needy(rows: Sequence[Sandbox]) -> Iterable[str]:
    """Return the ids of the sandboxes of a page that need something. One read: of their connections and organizations."""
    keys: list[Any] = [(Link, *Link.key(row.entity_id)) for row in rows]
    keys += [(Organization, *Organization.key(org_id)) for org_id in sorted({row.f["org"] for row in rows})]
    found = get_many(keys, to_show=True)
    active = {one.id for one in found[len(rows) :] if isinstance(one, Organization) and one.status == "active"}
    return [
        row.entity_id
        for row, link in zip(rows, found, strict=False)
        if _step_for(row.status, row.f["since"], link) or (row.status in LIVING and row.f["org"] not in active)
    ]


def _step_for(status: str, since: str, link: Any) -> str | None:
    """Return the step that a sandbox needs, which has its status since a time (ISO 8601)."""
    age = _age(since)
    if status == RUNNING:
        heard = (link.heartbeat_at or link.connected_at or "") if isinstance(link, Link) else ""
        return "look" if _age(max(since, heard)) >= MISSING else None
    if status in BEGINNING:
        return "start" if age >= STARTS_WITHIN else None
    return "stop" if status == STOPPING and age >= STOPS_WITHIN else None


def _look_for_left(until: float) -> int:
    left = iterate_shards(Sandbox, LEFT, until, index=1, limit=_PAGE, read=_long_left)
    return process_all(LEFT.name, left, _wake, lambda sandbox_id: f"{Sandbox.NAME} {sandbox_id}")


def _long_left(rows: Sequence[Sandbox]) -> Iterable[str]:
    found = fetch_indexed(Sandbox, rows, to_show=True)
    return [one.id for one in found if one.deleted_at and _age(one.deleted_at) >= STOPS_WITHIN]


def _wake(sandbox_id: str) -> int:
    queues.send("sandbox_messages_queue", {"watch": sandbox_id})
    return 1


def _again(sandbox: Sandbox, step: str) -> None:
    """Begin a step again: at most once in two minutes, however often it is asked for."""
    start_execution(sandbox, step, again=clock.epoch() // 120)


def _age(moment: str) -> int:
    return max(0, clock.epoch() - int(clock.parse(moment).timestamp()))
