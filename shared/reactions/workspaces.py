"""When something last happened in a workspace, to the minute."""

from datetime import timedelta

from shared.core import clock
from shared.core.errors import Conflict
from shared.events.change import Change
from shared.store import update_now
from shared.tenancy.rows import Workspace

_EVERY = timedelta(
    seconds=60
)  # a write for each event would make the workspace's row hot, for a number that nobody reads to the second
_KEPT = Conflict("kept", "The workspace is newer than the event")
_touched: dict[str, str] = {}


def react(change: Change) -> None:
    ws_id, at = change.ws_id, change.event.at
    if ws_id is None or change.kind == Workspace.KIND:
        return
    due = clock.iso(clock.parse(at) - _EVERY)
    if _touched.get(ws_id, "") > due:
        return
    pk, sk = Workspace.key(ws_id)
    old = Workspace.last_activity.does_not_exist() | (Workspace.last_activity < due)
    try:
        update_now(Workspace(pk=pk, sk=sk), [Workspace.last_activity.set(at)], Workspace.pk.exists() & old, _KEPT)
    except Conflict as refused:
        if refused is not _KEPT:
            raise
    if len(_touched) > 10_000:
        _touched.clear()
    _touched[ws_id] = at
