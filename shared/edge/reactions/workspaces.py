"""Keep the time of the last activity in a workspace and a project, and of each member, to the minute."""

import contextlib
from datetime import timedelta
from typing import Any

from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.events.change import Change
from shared.people.tenancy.rows import Workspace, WorkspaceMembership
from shared.store import update_now
from shared.work.projects.rows import ProjectStats

_INTERVAL = timedelta(seconds=60)
"""Time between two writes: one write per event would make these rows hot, for a time that nobody reads to the second."""


class _RowIsNewer(ConditionFailed):
    """The row is newer than the event, or gone."""


_written_at: dict[str, str] = {}


def react(change: Change) -> None:
    ws_id, actor = change.ws_id, change.event.actor
    if ws_id is None or change.kind == Workspace.KIND:
        return
    _write_time(Workspace, Workspace.key(ws_id), Workspace.last_activity, change.event.at)
    if change.proj_id is not None:
        actions = ProjectStats.activity(change.proj_id, change.event.at)
        _write_time(ProjectStats, ProjectStats.key(change.proj_id), ProjectStats.last_activity, change.event.at, actions)
    if actor["kind"] == "user":
        key = WorkspaceMembership.key_in(ws_id, actor["id"])
        _write_time(WorkspaceMembership, key, WorkspaceMembership.last_active_at, change.event.at)


def _write_time(model: Any, key: tuple[str, str], attribute: Any, at: str, actions: list[Any] | None = None) -> None:
    row_key, due = " ".join(key), clock.iso(clock.parse(at) - _INTERVAL)
    if _written_at.get(row_key, "") > due:
        return
    old = attribute.does_not_exist() | (attribute < due)
    with contextlib.suppress(_RowIsNewer):
        update_now(model(pk=key[0], sk=key[1]), actions or [attribute.set(at)], model.pk.exists() & old, _RowIsNewer)
    if len(_written_at) > 10_000:
        _written_at.clear()
    _written_at[row_key] = at
