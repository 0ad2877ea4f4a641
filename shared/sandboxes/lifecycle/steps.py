"""The steps of a start and of a stop. Each reads the sandbox, does one thing, and says which step is next and after how many seconds.

Every step may be repeated, and what belongs to an earlier start does nothing but end its machine.
"""

from collections.abc import Callable
from typing import Any, Final

from shared.core.actor import SYSTEM
from shared.core.settings import settings
from shared.people.access.tokens import issue_for_sandbox
from shared.people.tenancy.rows import Organization
from shared.sandboxes.lifecycle.living import look_after_lost, silent_for
from shared.sandboxes.lifecycle.rows import ASLEEP, BEGINNING, ERROR, RUNNING, STOPPED, STOPPING, WITH_NEXT_START, Link, Sandbox
from shared.sandboxes.lifecycle.statuses import IDLE, SUSPENDED, change_if, set_status
from shared.sandboxes.machines.port import Start
from shared.sandboxes.machines.registry import machines
from shared.store import delete, fetch, get, update_with_retry, write

CONNECTS_WITHIN: Final = 60  # seconds from the start of its machine until a sandbox has connected and said that it is ready
_ENDED: Final = {"next": "ended", "seconds": 0}
Next = dict[str, Any]


def run_step(step: str, sandbox_id: str, start_number: int, reason: str | None = None) -> Next:
    """Do a step: `start`, `check`, `look`, `stop` or `fail`. Raises MachineUnavailable, after which the step is to be repeated."""
    sandbox = fetch(Sandbox, sandbox_id)
    if sandbox is None:
        return _ENDED
    if sandbox.start_number != start_number:
        if step == "start":  # it may have begun, and died before it could say so
            _end_machine(sandbox, start_number)
        return _ENDED
    return _STEPS[step](sandbox, reason)


def _start(sandbox: Sandbox, _: str | None) -> Next:
    """Start the machine; one of an earlier start is ended first."""
    number = int(sandbox.start_number)
    if sandbox.deleted_at or sandbox.status not in (*BEGINNING, RUNNING):
        _end_machine(sandbox, number)
        return _ENDED
    if not _may_run(sandbox):
        change_if(sandbox, lambda current: set_status(current, STOPPING, SYSTEM, SUSPENDED), BEGINNING)
        return _ENDED
    if sandbox.machine and sandbox.machine.get("start_number") != number:
        machines().stop(sandbox.machine)
    machine = machines().start(_told(sandbox)) | {"start_number": number}

    def change(current: Sandbox) -> None:
        current.machine = machine
        # what was changed while the machine was being started waits for the next start
        current.pending_changes = [name for name in WITH_NEXT_START if getattr(current, name) != getattr(sandbox, name)]

    if change_if(sandbox, change, (*BEGINNING, RUNNING)) is None:
        _end_machine(fetch(Sandbox, sandbox.id) or sandbox, number)  # it was stopped or deleted meanwhile
        return _ENDED
    return {"next": "check", "seconds": CONNECTS_WITHIN}


def _may_run(sandbox: Sandbox) -> bool:
    """Tell whether the organization of a sandbox is active."""
    organization = fetch(Organization, str(sandbox.org_id))
    return organization is not None and organization.status == "active"


def _told(sandbox: Sandbox) -> Start:
    number = int(sandbox.start_number)
    return Start(
        sandbox_id=sandbox.id,
        start_number=number,
        token=issue_for_sandbox(sandbox.id, str(sandbox.org_id), number),
        platform_url=settings().base_of("aintandem", "/api/v1"),
        socket_url=f"{settings().socket_base}/aintandem/ws/sandboxes/sb_{sandbox.id}",
        resources=sandbox.resources,
        environment=sandbox.environment_variables,
    )


def _end_machine(sandbox: Sandbox, number: int) -> None:
    """End the machine of a start, whether or not anybody noted that it began."""
    if sandbox.start_number > number and machines().one_place:
        return
    machines().stop(machines().place_of(sandbox.id, number), forget=sandbox.deleted_at is not None)
    noted = sandbox.machine
    if noted and noted.get("start_number", number) < number:
        machines().stop(noted)


def _check(sandbox: Sandbox, _: str | None) -> Next:
    """End a start that has not become a running sandbox."""
    return _fail(sandbox, f"It did not connect within {CONNECTS_WITHIN} seconds")


def _look(sandbox: Sandbox, _: str | None) -> Next:
    """Look what became of a running sandbox whose connection was lost; again in a few seconds as long as it may come back."""
    link = get(Link, *Link.key(sandbox.id))
    seconds = look_after_lost(sandbox.id, int(sandbox.start_number), silent_for(sandbox, link))
    return _ENDED if seconds is None else {"next": "look", "seconds": seconds}


def _fail(sandbox: Sandbox, reason: str | None) -> Next:
    """Leave a start that came to nothing in error; of a stop that came to nothing the job that watches tries again."""
    if sandbox.deleted_at or sandbox.status not in BEGINNING:
        return _ENDED
    _end_machine(sandbox, int(sandbox.start_number))

    def change(current: Sandbox) -> None:
        current.machine = None
        set_status(current, ERROR, SYSTEM, reason or "It could not be started")

    change_if(sandbox, change, BEGINNING)
    return _ENDED


def _stop(sandbox: Sandbox, _: str | None) -> Next:
    """End the machine of a sandbox that is stopping or deleted, and forget its connection."""
    if not sandbox.deleted_at and sandbox.status not in (STOPPING, STOPPED, ASLEEP, ERROR):
        return _ENDED
    _end_machine(sandbox, int(sandbox.start_number))
    write(delete(Link.of(sandbox.id)))
    if sandbox.deleted_at:
        update_with_retry(lambda: fetch(Sandbox, sandbox.id) or sandbox, _forget_machine)
        return _ENDED
    after = ASLEEP if sandbox.reason == IDLE else STOPPED

    def change(current: Sandbox) -> None:
        current.machine = None
        set_status(current, after, SYSTEM, current.reason)

    change_if(sandbox, change, (STOPPING,))
    return _ENDED


def _forget_machine(sandbox: Sandbox) -> None:
    sandbox.machine = None


_STEPS: Final[dict[str, Callable[[Sandbox, str | None], Next]]] = {
    "start": _start,
    "check": _check,
    "look": _look,
    "stop": _stop,
    "fail": _fail,
}
