"""The statuses of a sandbox, and what may follow on each.

create:  provisioning -> running         start:   stopped, error, asleep -> starting -> running
restart: running, error -> restarting -> running      stop: running, asleep, ... -> stopping -> stopped
a crash: running -> restarting; the third in a minute -> error
"""

from collections.abc import Callable
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import CadreError, Conflict, NotFound
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.sandboxes.lifecycle.rows import (
    ASLEEP,
    ERROR,
    PROVISIONING,
    RESTARTING,
    RUNNING,
    STARTING,
    STOPPED,
    Sandbox,
)
from shared.store import fetch, update_with_retry

IDLE: Final = "It was idle"
"""The reason of a stop after which the sandbox is asleep: its next message starts it."""
SUSPENDED: Final = "Its organization is suspended"
BEFORE: Final = {
    "start": (STOPPED, ERROR, ASLEEP),
    "restart": (RUNNING, ERROR),
    "stop": (PROVISIONING, STARTING, RUNNING, RESTARTING, ASLEEP),
}
"""In which status a caller may ask for what."""


class NotReady(Conflict):
    """The status of a sandbox does not allow what was asked for."""

    def __init__(self, sandbox: Sandbox, verb: str, allowed: tuple[str, ...]) -> None:
        reason = f"A sandbox that is {sandbox.status} cannot {verb}; it can when it is {' or '.join(allowed)}"
        super().__init__(Situation.SANDBOX_STATUS, reason, {"status": sandbox.status})


def require_status(sandbox: Sandbox, verb: str) -> None:
    """Raise NotReady unless a caller may ask for `start`, `restart` or `stop` now."""
    if sandbox.status not in BEFORE[verb]:
        raise NotReady(sandbox, verb, BEFORE[verb])


def set_status(sandbox: Sandbox, status: str, actor: Actor, reason: str | None = None, **data: Any) -> None:
    """Change the status of a sandbox that is about to be written, with its event. A new start gets the next number."""
    before, sandbox.status, sandbox.status_since, sandbox.reason = sandbox.status, status, clock.iso(), reason
    if status in (PROVISIONING, STARTING, RESTARTING):
        sandbox.start_number += 1
    if status == RUNNING:
        sandbox.started_at, sandbox.stopped_at = sandbox.status_since, None
    if status in (STOPPED, ASLEEP, ERROR):
        sandbox.stopped_at, sandbox.pending_changes = sandbox.status_since, []
    about = {"name": sandbox.name, "start_number": int(sandbox.start_number), "reason": reason}
    record(sandbox, EventType.SANDBOX_STATUS, actor, changes={"status": [before, status]}, **about, **data)


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
