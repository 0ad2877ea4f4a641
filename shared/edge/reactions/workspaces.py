"""When something last happened in a workspace, and by which member: to the minute."""

from datetime import timedelta
from typing import Any

from shared.core import clock
from shared.core.errors import Raced
from shared.events.change import Change
from shared.people.tenancy.rows import Workspace, WorkspaceMembership
from shared.store import update_now

_EVERY = timedelta(
    seconds=60
)  # a write for each event would make the workspace's row hot, for a number that nobody reads to the second
_KEPT = Raced("The row is newer than the event, or gone")
_touched: dict[str, str] = {}


def react(change: Change) -> None:
    ws_id, actor = change.ws_id, change.event.actor
    if ws_id is None or change.kind == Workspace.KIND:
        return
    _note(Workspace, Workspace.key(ws_id), Workspace.last_activity, change.event.at)
    if actor["kind"] == "user":
        key = WorkspaceMembership.key_in(ws_id, actor["id"])
        _note(WorkspaceMembership, key, WorkspaceMembership.last_active_at, change.event.at)


def _note(model: Any, key: tuple[str, str], attribute: Any, at: str) -> None:
    place, due = " ".join(key), clock.iso(clock.parse(at) - _EVERY)
    if _touched.get(place, "") > due:
        return
    old = attribute.does_not_exist() | (attribute < due)
    try:
        update_now(model(pk=key[0], sk=key[1]), [attribute.set(at)], model.pk.exists() & old, _KEPT)
    except Raced as refused:
        if refused is not _KEPT:
            raise
    if len(_touched) > 10_000:
        _touched.clear()
    _touched[place] = at
