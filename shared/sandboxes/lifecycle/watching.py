"""The job that watches sandboxes: it finds what no event tells. Nothing depends on it for being right, only for going on.

Who is silent for a minute is looked at; a start or a stop that nobody works on begins again; in an organization that is not active nothing
runs; and the machine of a deleted sandbox is ended. What asks a machine is a step of the state machine: the job itself asks none.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.people.tenancy.rows import Organization
from shared.sandboxes.lifecycle.living import MISSING, silent_for
from shared.sandboxes.lifecycle.machine import start_execution
from shared.sandboxes.lifecycle.rows import BEGINNING, LEFT, LIVING, RUNNING, STOPPING, WATCHED, Link, Sandbox
from shared.sandboxes.lifecycle.statuses import SUSPENDED, change_if, set_status
from shared.store import fetch, fetch_indexed, get, get_many, iterate_shards, process_all, process_in_turn

STARTS_WITHIN: Final = 300
"""Seconds after which a start begins again: its pause, its minute to connect, and the retries of its steps take less."""
STOPS_WITHIN: Final = 120
"""Seconds after which a stop begins again."""
_PAGE: Final = 50


@dataclass(frozen=True)
class Case:
    """A sandbox that the job must do something for: `step` of the state machine; None: stop it."""

    sandbox_id: str
    status: str
    step: str | None


def watch_sandboxes(until: float) -> int:
    """Look after every sandbox that lives, stops or was deleted. Return how many needed it. Stops at `until` (`time.monotonic`)."""
    parts: tuple[Callable[[float], int], ...] = (_watch, _end_left)
    return process_in_turn("the watch of sandboxes", parts, lambda part, end: part(end), until, lambda part: part.__name__)


def look_after_connection(sandbox_id: str, start_number: int, since: int) -> None:
    """Let the state machine look at a running sandbox whose connection was lost at this time (epoch seconds), unless it is back."""
    sandbox = fetch(Sandbox, sandbox_id)
    if sandbox is None or sandbox.deleted_at or sandbox.start_number != start_number or sandbox.status != RUNNING:
        return
    link = get(Link, *Link.key(sandbox_id))
    if link is None or not link.connection or link.start_number != start_number:
        start_execution(sandbox, "look", again=since)


def _watch(until: float) -> int:
    cases = iterate_shards(Sandbox, WATCHED, until, index=3, limit=_PAGE, read=_cases)
    return process_all(WATCHED.name, cases, _look_after, lambda case: f"{Sandbox.NAME} {case.sandbox_id}")


def _cases(rows: Sequence[Sandbox]) -> Iterable[Case]:
    """Return what must be done for the sandboxes of a page of the index. One read: their connections and their organizations."""
    organizations = sorted({row.f["org"] for row in rows})
    keys: list[Any] = [(Link, *Link.key(row.entity_id)) for row in rows]
    keys += [(Organization, *Organization.key(one)) for one in organizations]
    found = get_many(keys, to_show=True)
    active = {one.id for one in found[len(rows) :] if isinstance(one, Organization) and one.status == "active"}
    cases = []
    for row, link in zip(rows, found, strict=False):
        heard = max(row.f["since"], (link.heartbeat_at or link.connected_at or "") if isinstance(link, Link) else "")
        needed, step = _needs(row.status, _age(row.f["since"]), _age(heard), active=row.f["org"] in active)
        if needed:
            cases.append(Case(row.entity_id, row.status, step))
    return cases


def _needs(status: str, age: int, silent: int, *, active: bool) -> tuple[bool, str | None]:
    """Return whether something must be done, and the step that does it."""
    if status in LIVING and not active:
        return True, None
    if status == RUNNING:
        return silent >= MISSING, "look"
    if status in BEGINNING:
        return age >= STARTS_WITHIN, "start"
    return status == STOPPING and age >= STOPS_WITHIN, "stop"


def _look_after(case: Case) -> int:
    sandbox = fetch(Sandbox, case.sandbox_id)
    if sandbox is None or sandbox.deleted_at or sandbox.status != case.status:
        return 0
    if case.step is None:
        return int(change_if(sandbox, lambda current: set_status(current, STOPPING, SYSTEM, SUSPENDED), LIVING) is not None)
    if case.step == "look" and silent_for(sandbox, get(Link, *Link.key(sandbox.id))) < MISSING:
        return 0
    _again(sandbox, case.step)
    return 1


def _end_left(until: float) -> int:
    left = iterate_shards(Sandbox, LEFT, until, index=1, limit=_PAGE, read=lambda rows: fetch_indexed(Sandbox, rows))
    return process_all(LEFT.name, left, _end, lambda sandbox: f"{Sandbox.NAME} {sandbox.id}")


def _end(sandbox: Sandbox) -> int:
    if not sandbox.deleted_at or _age(sandbox.deleted_at) < STOPS_WITHIN:
        return 0
    _again(sandbox, "stop")
    return 1


def _again(sandbox: Sandbox, step: str) -> None:
    """Begin a step again: at most once in two minutes, whoever else calls the job."""
    start_execution(sandbox, step, again=clock.epoch() // 120)


def _age(moment: str) -> int:
    return max(0, clock.epoch() - int(clock.parse(moment).timestamp()))
