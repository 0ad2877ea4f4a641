"""Clear a deleted workspace. Nobody can reach it any more; what still runs is stopped here: open sockets, running agents, builds,
deployments, and what did not fit into the deleting transaction. The rows stay, marked as deleted, until they are purged.

    members    remove the members that the transaction left out; close their sockets
    projects   forbid new runs, cancel active ones, forbid changes of boards, take the traffic back from deployments that go on, cancel
               builds, remove the projects from every list
    sandboxes  forbid new ones and delete those that are there, which ends their machines
    purge      after thirty days: `shared.edge.cascade.purging`

A step handles one row after the other by conditional writes, so finished work is not repeated. It stops when its time is up and
returns where; if the process is killed, at most one row is done again.
"""

import contextlib
import time
from collections.abc import Callable

from shared.channels.sockets.disconnect import disconnect_member
from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.errors import ConditionFailed
from shared.delivery.deployments.undoing import take_back
from shared.delivery.operations.requesting import cancel_builds
from shared.edge.cascade import purging
from shared.edge.cascade.queue import Task
from shared.people.access import records
from shared.people.tenancy.rows import Workspace, WorkspaceMembership
from shared.people.tenancy.seats import vacate
from shared.runs.agent_runs.approvals import stop_run
from shared.runs.agent_runs.rows import ActiveRuns, Run
from shared.sandboxes.lifecycle.changing import close_sandboxes, remove_sandbox
from shared.sandboxes.lifecycle.rows import Sandbox, sandboxes_of
from shared.store import (
    collection,
    fetch,
    fetch_all,
    fetch_indexed,
    get_many,
    query,
    save,
    update,
    update_now,
    update_with_retry,
    write,
)
from shared.work.boards.rows import Counts
from shared.work.projects.rows import Project

_PAGE = 25
_REASON = "The workspace was deleted"


class _DoneBefore(ConditionFailed):
    """This was done before."""


def process(task: Task, until: float) -> Task | None:
    """Work until `until` (`time.monotonic`), at least one page. Return the remaining task, or None when all is done.

    Nothing is done for a workspace that is not deleted or already purged.
    """
    remaining: Task | None = task
    while remaining is not None:
        workspace = fetch(Workspace, task.workspace)
        if workspace is None or not workspace.deleted_at:
            return None
        remaining = _STEPS[remaining.step](workspace, remaining, until)
        if time.monotonic() > until:
            return remaining
    return None


def _members(workspace: Workspace, task: Task, _: float) -> Task:
    page = query(WorkspaceMembership, f"WS#{workspace.id}", prefix="MEM#", limit=_PAGE, start=task.after, consistent=True)
    # members who left before the workspace was deleted need no clearing
    rows = [row for row in page.rows if row.deleted_at in (None, workspace.deleted_at)]
    access = get_many([(records.Access, *records.access_key(row.id)) for row in rows])
    for row, access_record in zip(rows, access, strict=True):
        if isinstance(access_record, records.Access) and workspace.id in dict(access_record.workspaces):
            write(records.revoke_workspace(row.id, workspace.id))
        disconnect_member(row.id, workspace.id)
        vacate(str(workspace.org_id), workspace.id, row.id)
        if row.deleted_at is None:
            row.deleted_at = workspace.deleted_at
            write(save(row))
    return Task(workspace.id, "members", page.next_key) if page.next_key else Task(workspace.id, "projects")


def _projects(workspace: Workspace, task: Task, until: float) -> Task | None:
    page = query(Project, f"WS#{workspace.id}#PROJ", index=1, limit=_PAGE, start=task.after)
    for project in fetch_indexed(Project, page.rows):
        if project.deleted_at is None:
            _close_project(project, str(workspace.deleted_at))
        if time.monotonic() > until:
            return task  # finished projects are no longer in the list
    if page.next_key:
        return Task(workspace.id, "projects", page.next_key)
    cancel_builds(workspace.id, _REASON)  # their boards are closed: no other one begins
    close_sandboxes(workspace.id)
    return Task(workspace.id, "sandboxes")


def _sandboxes(workspace: Workspace, task: Task, until: float) -> Task | None:
    page = query(Sandbox, sandboxes_of(workspace.id), index=1, limit=_PAGE, start=task.after)
    for row in page.rows:
        remove_sandbox(row.entity_id)
        if time.monotonic() > until:
            return task  # deleted ones are no longer in the list
    if page.next_key:
        return Task(workspace.id, "sandboxes", page.next_key)
    _mark_cleared(workspace)
    return None


def _close_project(project: Project, deleted_at: str) -> None:
    """Stop a project: forbid new runs and deployments, cancel the active ones, and mark it as deleted.

    It leaves the list last, so that an interrupted step finds it again. Once new runs are forbidden, the active runs in the row
    are all there are; once the board is closed, so are the deployments in the environments.
    """
    active = ActiveRuns.decode(update_now(ActiveRuns.for_project(project.id), [ActiveRuns.closed.set(True)]))
    write(update(Counts.of(project.board_id), [Counts.closed.set(True)]))
    for run in fetch_all(Run, sorted(active.run_ids or ())):
        stop_run(SYSTEM, run, _REASON)
    for environment in collection(1, f"PROJ#{project.id}#ENV"):
        take_back(environment.id, _REASON)

    def change(row: Project) -> None:
        row.deleted_at = row.deleted_at or deleted_at

    update_with_retry(lambda: fetch(Project, project.id) or project, change)


def _mark_cleared(workspace: Workspace) -> None:
    actions = [Workspace.cleared_at.set(clock.iso()), Workspace.version.add(1)]
    first = Workspace.deleted_at.exists() & Workspace.cleared_at.does_not_exist()
    with contextlib.suppress(_DoneBefore):
        update_now(Workspace(pk=workspace.pk, sk=workspace.sk), actions, first, _DoneBefore)


def _purge(workspace: Workspace, task: Task, until: float) -> Task | None:
    return None if purging.purge(workspace, until) else task


_STEPS: dict[str, Callable[[Workspace, Task, float], Task | None]] = {
    "members": _members,
    "projects": _projects,
    "sandboxes": _sandboxes,
    "purge": _purge,
}
