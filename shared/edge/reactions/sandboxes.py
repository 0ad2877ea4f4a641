"""Begin what a sandbox's new status asks for: a start or a stop of its machine. Tell a running one how its configuration has changed."""

from typing import Final

from shared.events import EventType
from shared.events.change import Change
from shared.sandboxes.lifecycle.machine import start_execution
from shared.sandboxes.lifecycle.rows import Sandbox
from shared.sandboxes.lifecycle.servers import tell_servers, told
from shared.sandboxes.lifecycle.telling import tell

_STEPS: Final = {"provisioning": "start", "starting": "start", "restarting": "start", "stopping": "stop"}


def react(change: Change) -> None:
    if change.event.type is EventType.WORKSPACE_CONFIGURED and "mcp_servers" in change.event.data["changed"]:
        tell_servers(change.id)
    if change.kind != Sandbox.KIND:
        return
    sandbox = change.after(Sandbox)
    if change.event.type is EventType.SANDBOX_DELETED:
        start_execution(sandbox, "stop")
    elif change.event.type in (EventType.SANDBOX_CREATED, EventType.SANDBOX_STATUS) and (step := _STEPS.get(sandbox.status)):
        start_execution(sandbox, step, int(change.event.data.get("after_seconds") or 0))
    elif change.event.type is EventType.SANDBOX_UPDATED and (news := told(sandbox, change.event.data["changed"])):
        # one that is not connected gets its whole configuration when it connects
        tell(sandbox.id, "changed", news, int(sandbox.start_number))
