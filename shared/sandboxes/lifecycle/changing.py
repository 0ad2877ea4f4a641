"""Start, stop, restart and delete a sandbox: each writes the status with its event, and the state machine does the rest."""

from contextlib import suppress

from shared.core import clock
from shared.core.actor import SYSTEM, Actor, Permission
from shared.core.errors import NotFound
from shared.events import EventType, record
from shared.sandboxes.lifecycle.rows import ASLEEP, RESTARTING, STARTING, STOPPED, STOPPING, Sandbox, SandboxCount, name_guard
from shared.sandboxes.lifecycle.statuses import require_status, set_status
from shared.store import Operation, delete, fetch, get, load, update, update_with_retry, write


def start_sandbox(actor: Actor, sandbox_id: str) -> Sandbox:
    """Start a sandbox that is stopped, asleep or in error. Raises NotFound, Forbidden, NotReady. Two round trips."""

    def change(sandbox: Sandbox) -> None:
        require_status(sandbox, "start")
        sandbox.crashes = []
        set_status(sandbox, STARTING, actor)

    return update_with_retry(lambda: _load(actor, sandbox_id), change)


def restart_sandbox(actor: Actor, sandbox_id: str) -> Sandbox:
    """Restart a sandbox that runs or is in error. Raises NotFound, Forbidden, NotReady. Two round trips."""

    def change(sandbox: Sandbox) -> None:
        require_status(sandbox, "restart")
        sandbox.restart_count += 1
        sandbox.crashes = []
        set_status(sandbox, RESTARTING, actor)

    return update_with_retry(lambda: _load(actor, sandbox_id), change)


def stop_sandbox(actor: Actor, sandbox_id: str) -> Sandbox:
    """Stop a sandbox; of one that is asleep nothing runs, so it is stopped at once. Two round trips.

    Raises NotFound, Forbidden, NotReady.
    """

    def change(sandbox: Sandbox) -> None:
        require_status(sandbox, "stop")
        set_status(sandbox, STOPPED if sandbox.status == ASLEEP else STOPPING, actor)

    return update_with_retry(lambda: _load(actor, sandbox_id), change)


def delete_sandbox(actor: Actor, sandbox_id: str) -> Sandbox:
    """Delete a sandbox: its name and its place are free at once. Two round trips. Raises NotFound and Forbidden."""

    return update_with_retry(lambda: _load(actor, sandbox_id), lambda sandbox: _delete(actor, sandbox))


def close_sandboxes(ws_id: str) -> None:
    """Let nobody make a sandbox in a deleted workspace any more. The sandboxes in index 1 are all there are then."""
    blank = SandboxCount.of(ws_id)
    count = get(SandboxCount, blank.pk, blank.sk)
    if count is None or not count.closed:
        write(update(blank, [SandboxCount.closed.set(True)]))


def remove_sandbox(sandbox_id: str) -> None:
    """Delete a sandbox of a deleted workspace; one that is deleted already stays as it is."""

    def read() -> Sandbox:
        sandbox = fetch(Sandbox, sandbox_id)
        if sandbox is None or sandbox.deleted_at:
            raise NotFound(Sandbox.NAME)
        return sandbox

    with suppress(NotFound):
        update_with_retry(read, lambda sandbox: _delete(SYSTEM, sandbox))


def _delete(actor: Actor, sandbox: Sandbox) -> list[Operation]:
    sandbox.deleted_at = clock.iso()
    about = {"name": sandbox.name, "start_number": int(sandbox.start_number)}
    record(sandbox, EventType.SANDBOX_DELETED, actor, changes={"status": [sandbox.status, "deleted"]}, **about)
    ws_id = str(sandbox.ws_id)
    return [delete(name_guard(ws_id, sandbox.name)), update(SandboxCount.of(ws_id), [SandboxCount.living.add(-1)])]


def _load(actor: Actor, sandbox_id: str) -> Sandbox:
    return load(Sandbox, sandbox_id, actor, Permission.AGENT_RUN)
