"""What a sandbox that was started goes through: it becomes ready, it is lost, it crashes and comes back, it falls asleep and wakes."""

from typing import Final

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.sandboxes.lifecycle.rows import (
    ASLEEP,
    BEGINNING,
    ERROR,
    RESTARTING,
    RUNNING,
    STARTING,
    STOPPING,
    Link,
    Sandbox,
)
from shared.sandboxes.lifecycle.statuses import IDLE, change_if, set_status
from shared.sandboxes.machines.registry import machines
from shared.store import fetch, get

CRASHES, WITHIN = 3, 60
"""So many crashes within so many seconds leave a sandbox in `error`: issue 12's own figures."""
BACK_OFF: Final = (1, 5)
"""Seconds before a sandbox is started again, after its first and its second crash in a minute."""
MISSING: Final = 60
"""Seconds for which a machine may run without a connection before it counts as crashed."""


def become_ready(sandbox_id: str, start_number: int) -> Sandbox | None:
    """Note that a sandbox has connected and is ready: it runs. None if it is of an earlier start, or was stopped meanwhile."""
    sandbox = fetch(Sandbox, sandbox_id)
    if sandbox is None or sandbox.start_number != start_number:
        return None
    return change_if(sandbox, lambda current: set_status(current, RUNNING, SYSTEM), BEGINNING)


def look_after_lost(sandbox_id: str, start_number: int, lost_for: int) -> int | None:
    """Look what became of a running sandbox whose connection was lost so many seconds ago; return after how many seconds to look again.

    One whose machine is gone, or which does not come back within MISSING, has crashed. None: there is nothing to look after.
    """
    sandbox = fetch(Sandbox, sandbox_id)
    if sandbox is None or sandbox.deleted_at or sandbox.start_number != start_number or sandbox.status != RUNNING:
        return None
    link = get(Link, *Link.key(sandbox_id))
    if link is not None and link.connection and link.start_number == start_number and silent_for(sandbox, link) < MISSING:
        return None
    state = machines().look(sandbox.machine or {})
    if state.alive and lost_for < MISSING:
        return 5
    crash(sandbox, state.exit or f"It was not heard for {MISSING} seconds")
    return None


def silent_for(sandbox: Sandbox, link: Link | None) -> int:
    """Return the seconds since a sandbox was heard last: since its last heartbeat, its connection, or else its start."""
    of_this_start = link is not None and link.start_number == sandbox.start_number
    heard = (link.heartbeat_at or link.connected_at) if link is not None and of_this_start else None
    since = max(heard or "", sandbox.started_at or sandbox.status_since)
    return max(0, clock.epoch() - int(clock.parse(since).timestamp()))


def crash(sandbox: Sandbox, how: str) -> None:
    """Restart a sandbox that has crashed, after a pause; the third crash within a minute is an error, with how it ended as reason."""

    def change(current: Sandbox) -> None:
        now = clock.epoch()
        current.crashes = [at for at in current.crashes if now - at < WITHIN] + [now]
        times = len(current.crashes)
        if times >= CRASHES:
            current.machine = None
            set_status(current, ERROR, SYSTEM, f"It crashed {times} times within {WITHIN} seconds. {how}", crashed=True)
            return
        current.restart_count += 1
        set_status(current, RESTARTING, SYSTEM, f"It crashed. {how}", crashed=True, after_seconds=BACK_OFF[times - 1])

    if sandbox.machine:
        machines().stop(sandbox.machine)  # before it is said: whoever is told may start it again
    change_if(sandbox, change, (RUNNING, *BEGINNING))


def fall_asleep(sandbox: Sandbox) -> None:
    """Stop a running sandbox that has been idle for longer than its setting; its next message starts it."""
    change_if(sandbox, lambda current: set_status(current, STOPPING, SYSTEM, IDLE), (RUNNING,))


def wake_up(sandbox: Sandbox) -> None:
    """Start a sandbox that is asleep, because something waits for it."""
    change_if(sandbox, lambda current: set_status(current, STARTING, SYSTEM, "A message waits for it"), (ASLEEP,))
