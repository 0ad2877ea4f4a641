"""How many tasks wait: from the counts of the workspaces' lists of tasks."""

from collections.abc import Callable
from functools import partial

from shared.store import count_entries, read_ahead
from shared.work.tasks.rows import tasks_of


def begin_pending_tasks(ws_id: str, project_id: str | None = None) -> Callable[[], int]:
    """Begin to count the pending tasks of a workspace, or of one project in it; what is returned waits for the number."""

    def waits(label: str) -> bool:
        status, _, project = label.split(" ")
        return status == "pending" and project_id in (None, project)

    return read_ahead(partial(count_entries, tasks_of(ws_id), waits)).result
