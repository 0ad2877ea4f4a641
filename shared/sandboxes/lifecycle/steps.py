"""The steps of a start and of a stop. Each reads the sandbox, does one thing, and says which step is next and after how many seconds.

Every step may be repeated, and what belongs to an earlier start does nothing.
"""

from collections.abc import Callable
from typing import Any, Final

from shared.core.actor import SYSTEM
from shared.core.errors import CadreError, NotFound
from shared.core.settings import settings
from shared.people.access.tokens import issue_for_sandbox
from shared.sandboxes.lifecycle.rows import (
    ASLEEP,
    ERROR,
    PROVISIONING,
    RESTARTING,
    STARTING,
    STOPPED,
    STOPPING,
    Link,
    Sandbox,
)
from shared.sandboxes.lifecycle.statuses import set_status
from shared.sandboxes.machines.port import Start
from shared.sandboxes.machines.registry import machines
from shared.store import delete, fetch, update_with_retry, write

CONNECTS_WITHIN: Final = 60  # seconds from the start of its machine until a sandbox has connected and said that it is ready
_BEGINNING: Final = (PROVISIONING, STARTING, RESTARTING)
_ENDED: Final = {"next": "ended", "seconds": 0}
Next = dict[str, Any]


def run_step(step: str, sandbox_id: str, start_number: int, reason: str | None = None) -> Next:
    """Do a step: `start`, `check`, `stop` or `fail`. Raises MachineUnavailable, after which the step is to be repeated."""
    sandbox = fetch(Sandbox, sandbox_id)
    if sandbox is None or sandbox.start_number != start_number:
        return _ENDED
    return _STEPS[step](sandbox, reason)


def _start(sandbox: Sandbox, _: str | None) -> Next:
    """Start the machine; one of an earlier start is ended first."""
    if sandbox.deleted_at or sandbox.status not in _BEGINNING:
        return _ENDED
    if sandbox.machine and sandbox.machine.get("start_number") != sandbox.start_number:
        machines().stop(sandbox.machine)
    machine = machines().start(_told(sandbox)) | {"start_number": int(sandbox.start_number)}

    def change(current: Sandbox) -> None:
        current.machine = machine

    if change_if(sandbox, change, (*_BEGINNING, "running")) is None:
        machines().stop(machine)  # it was stopped or deleted meanwhile
        return _ENDED
    return {"next": "check", "seconds": CONNECTS_WITHIN}


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


def _check(sandbox: Sandbox, _: str | None) -> Next:
    """End a start that has not become a running sandbox."""
    return _fail(sandbox, f"It did not connect within {CONNECTS_WITHIN} seconds")


def _fail(sandbox: Sandbox, reason: str | None) -> Next:
    if sandbox.deleted_at or sandbox.status not in _BEGINNING:
        return _ENDED
    if sandbox.machine:
        machines().stop(sandbox.machine)
    change_if(sandbox, lambda current: set_status(current, ERROR, SYSTEM, reason or "It could not be started"), _BEGINNING)
    return _ENDED


def _stop(sandbox: Sandbox, _: str | None) -> Next:
    """End the machine of a sandbox that is stopping or deleted, and forget its connection."""
    if sandbox.machine:
        machines().stop(sandbox.machine)
    write(delete(Link.of(sandbox.id)))
    after = ASLEEP if sandbox.reason == IDLE else STOPPED
    change_if(sandbox, lambda current: set_status(current, after, SYSTEM, current.reason), (STOPPING,))
    return _ENDED


IDLE: Final = "It was idle"
"""The reason of a stop after which the sandbox is asleep: its next message starts it."""


def change_if(sandbox: Sandbox, change: Callable[[Sandbox], None], statuses: tuple[str, ...]) -> Sandbox | None:
    """Change the sandbox if it is still of this start, not deleted and in one of these statuses; else return None."""

    def read() -> Sandbox:
        current = fetch(Sandbox, sandbox.id)
        if (
            current is None
            or current.deleted_at
            or current.start_number != sandbox.start_number
            or current.status not in statuses
        ):
            raise NotFound(Sandbox.NAME)
        return current

    try:
        return update_with_retry(read, change)
    except CadreError as error:
        if not isinstance(error, NotFound):
            raise
        return None


_STEPS: Final[dict[str, Callable[[Sandbox, str | None], Next]]] = {"start": _start, "check": _check, "stop": _stop, "fail": _fail}
