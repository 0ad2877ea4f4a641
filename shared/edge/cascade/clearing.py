"""A deleted workspace is out of everybody's reach at once. What is cleared here is what goes on by itself: sockets that are open, agents at
work; and what a transaction could not hold. The rows lie where they are, deleted, until they are purged.

    members    nobody belongs to it, whoever was left out by the transaction that deleted it; their sockets close
    projects   no run begins in them; those under way are cancelled; their boards take no change; they leave every list
    purge      after thirty days: `shared.edge.cascade.purging`

A step does one row after the other, each by conditional writes: whatever was done before finds nothing to do. It stops when its time is
up and says where; being killed costs no more than doing a row again.
"""

import time
from collections.abc import Callable

from shared.channels.sockets.disconnect import disconnect_member
from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.errors import Raced
from shared.edge.cascade import purging
from shared.edge.cascade.queue import Task
from shared.people.access import records
from shared.people.tenancy.rows import Workspace, WorkspaceMembership
from shared.runs.agent_runs.approvals import stop_run
from shared.runs.agent_runs.rows import ActiveRuns, Run
from shared.store import fetch, fetch_all, fetch_indexed, get_many, query, save, update, update_now, update_with_retry, write
from shared.work.boards.rows import Counts
from shared.work.projects.rows import Project

_PAGE = 25
_REASON = "The workspace was deleted"
_DONE = Raced("This was done before")


def work(task: Task, until: float) -> Task | None:
    """Do what can be done until `until` (`time.monotonic`), one page at least. What is left: None when the task is through.

    Nothing is done for a workspace that is not deleted, or purged already.
    """
    left: Task | None = task
    while left is not None:
        workspace = fetch(Workspace, task.workspace)
        if workspace is None or not workspace.deleted_at:
            return None
        left = _STEPS[left.step](workspace, left, until)
        if time.monotonic() > until:
            return left
    return None


def _members(workspace: Workspace, task: Task, _: float) -> Task:
    page = query(WorkspaceMembership, f"WS#{workspace.id}", prefix="MEM#", limit=_PAGE, start=task.after, consistent=True)
    # who left before the workspace was deleted has nothing of it any more
    rows = [row for row in page.rows if row.deleted_at in (None, workspace.deleted_at)]
    access = get_many([(records.Access, *records.access_key(row.id)) for row in rows])
    for row, held in zip(rows, access, strict=True):
        if isinstance(held, records.Access) and workspace.id in dict(held.workspaces):
            write(records.revoke_workspace(row.id, workspace.id))
        disconnect_member(row.id, workspace.id)
        if row.deleted_at is None:
            row.deleted_at = workspace.deleted_at
            write(save(row))
    return Task(workspace.id, "members", page.next_key) if page.next_key else Task(workspace.id, "projects")


def _projects(workspace: Workspace, task: Task, until: float) -> Task | None:
    page = query(Project, f"WS#{workspace.id}#PROJ", index=1, limit=_PAGE, start=task.after)
    for project in fetch_indexed(Project, page.rows):
        if project.deleted_at is None:
            _close(project, str(workspace.deleted_at))
        if time.monotonic() > until:
            return task  # those that are through have left the list
    if page.next_key:
        return Task(workspace.id, "projects", page.next_key)
    _say_cleared(workspace)
    return None


def _close(project: Project, deleted_at: str) -> None:
    """It leaves the list last: until then, somebody who takes over begins again. Once its runs are closed none can begin, so the ones
    that the row names then are all there are."""
    underway = ActiveRuns.decode(update_now(ActiveRuns.of(project.id), [ActiveRuns.closed.set(True)]))
    write(update(Counts.of(project.board_id), [Counts.closed.set(True)]))
    for run in fetch_all(Run, sorted(underway.run_ids or ())):
        stop_run(SYSTEM, run, _REASON)

    def change(row: Project) -> None:
        row.deleted_at = row.deleted_at or deleted_at

    update_with_retry(lambda: fetch(Project, project.id) or project, change)


def _say_cleared(workspace: Workspace) -> None:
    actions = [Workspace.cleared_at.set(clock.iso()), Workspace.version.add(1)]
    first = Workspace.deleted_at.exists() & Workspace.cleared_at.does_not_exist()
    try:
        update_now(Workspace(pk=workspace.pk, sk=workspace.sk), actions, first, _DONE)
    except Raced as refused:
        if refused is not _DONE:
            raise


def _purge(workspace: Workspace, task: Task, until: float) -> Task | None:
    return None if purging.purge(workspace, until) else task


_STEPS: dict[str, Callable[[Workspace, Task, float], Task | None]] = {
    "members": _members,
    "projects": _projects,
    "purge": _purge,
}
